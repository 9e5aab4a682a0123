/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog and tests know of trees beyond the public header. */
#ifndef HFFS_FETCH_TREE_INT_H
#define HFFS_FETCH_TREE_INT_H

#include <hffs/tree.h>

#define TREE_ENTRIES_MAX 4000000 /* with directories and the root */

#endif
