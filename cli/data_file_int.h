/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_DATA_FILE_INT_H
#define HFFS_DATA_FILE_INT_H

#include <hffs/digest.h>

/* A descriptor of the content, whatever becomes of the file; -ENODATA: it is not complete and proven in that cache; -errno. */
int data_file_open_proven(const char *cache, const struct blob_id *id, uint64_t size);

#endif
