/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon does for verbs: the words of its control socket. A new one is a row in orders.c. */
#ifndef HFFS_ORDERS_INT_H
#define HFFS_ORDERS_INT_H

#include <hffs/fetch.h>
#include <hffs/mount.h>

#include "control_int.h"

/* ctx of every order; borrowed. */
struct orders_ctx {
	struct fetch *fetch;
	struct mount *mount;
};

/* The table, for control_open(). */
const struct control_verb *orders_table(size_t *nr);

#endif
