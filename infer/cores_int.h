/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_CORES_INT_H
#define HFFS_CORES_INT_H

unsigned cores_usable(void); /* at least 1 */

#endif
