/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of files of a plain folder, several files at once. */
#ifndef HFFS_SERVE_HASH_INT_H
#define HFFS_SERVE_HASH_INT_H

#include "listing_int.h"

struct stamp hash_stamp(const struct stat *st);
/* Opens a regular file below the directory root without following any link: a descriptor or -errno. */
int hash_open_below(int root, const char *path);
/*
 * Hashes the files of pending[0..nr) below root, as many at once as there are processors: sha256 of LFS files, oid of others.
 * Those that could be read and did not change meanwhile are is_hashed afterwards. Gives up soon after *stop.
 */
void hash_entries(int root, struct entry **pending, size_t nr, const atomic_bool *stop);

#endif
