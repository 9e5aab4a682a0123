/* SPDX-License-Identifier: Apache-2.0 */
/* A plain folder as a repository of one branch. */
#ifndef HFFS_SERVE_FOLDER_INT_H
#define HFFS_SERVE_FOLDER_INT_H

#include <hffs/err.h>

#include "listing_int.h"

/*
 * Lists what is in dir (absolute, no symbolic links in it) now, and hashes what neither prev (may be NULL) nor the state in
 * state_dir (may be NULL) knows: as long as that takes, or until *stop: then -ECANCELED. Hidden: names that are not UTF-8, links that leave the folder, what is
 * neither file nor directory, .git, .cache/huggingface (the official client's own notes). Caller unrefs *out.
 */
int folder_scan(const char *dir, const char *state_dir, const atomic_bool *stop, const struct listing *prev, struct listing **out,
		struct err *err);
/* Opens the file of an entry if it is still the one that was hashed: a descriptor, -ESTALE if it is not, or -errno. */
int folder_open(const char *dir, const struct entry *e);

#endif
