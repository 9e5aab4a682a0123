/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are safe: as a directory entry, as a path inside a repository, as a repository id. Pure. */
#ifndef HFFS_NAME_H
#define HFFS_NAME_H

#include <stdbool.h>

#include <hffs/auto.h>

#define NAME_LEN_MAX 255   /* bytes: NAME_MAX of Linux */
#define NAME_DEPTH_MAX 512 /* levels of a path */

/* One component: 1 to 255 bytes, no '/', no NUL, not "." or "..". Any other byte is allowed. */
bool name_is_safe(const char *name, size_t len);
/* A relative path of safe components, at most NAME_DEPTH_MAX of them. */
bool name_is_safe_path(const char *path, size_t len);
/* One part of a repository id: letters, digits, '-', '_', '.'; first and last a letter, digit or '_'; no "--" or "..";
 * 1 to 96 bytes; does not end in ".git" */
bool name_is_repo_part(const char *name, size_t len);
/* Exactly 40 lowercase hex digits. */
bool name_is_commit(const char *name, size_t len);

#endif
