// SPDX-License-Identifier: Apache-2.0
/*
 * The orders, word by word:
 *     pin, unpin, pins, blobs, audit, import, gc   keep_int.h
 *     refresh   repo (optional: all)   revisions are asked for again when next used, and move even under a reader;
 *                                     of a name that is not known here the Hub is asked where it lives
 */
#include "orders_int.h"

#include <errno.h>

#include <hffs/catalog.h>

#include "keep_int.h"
#include "wait_int.h"

/* The repository that a request names; *repo NULL: none. */
static int take_repo(const struct json *request, struct repo_id *space, const struct repo_id **repo, struct err *err)
{
	const char *name = json_get_string(request, "repo");
	char rev[REPO_REV_MAX];
	int r;

	if (!name) {
		*repo = NULL;
		return 0;
	}
	r = repo_parse(name, space, rev, err);
	if (r == 0)
		*repo = space;
	return r;
}

static void forget(const struct orders_ctx *o, const struct repo_id *repo)
{
	catalog_forget(fetch_catalog(o->fetch), repo);
	mount_refresh(o->mount, repo);
}

static int refresh(void *ctx, const struct json *request, struct buf *answer, struct err *err)
{
	const struct orders_ctx *o = ctx;
	const struct repo_id *repo;
	struct repo_id space, moved;
	int r = take_repo(request, &space, &repo, err);

	(void)answer; /* there is nothing to tell */
	if (r < 0)
		return r;
	forget(o, repo);
	if (repo && wait_moved(fetch_catalog(o->fetch), repo, &moved))
		forget(o, &moved);
	return 0;
}

static int keep(void *ctx, const struct json *request, struct buf *answer, struct err *err)
{
	return keep_do(((const struct orders_ctx *)ctx)->fetch, request, answer, err);
}

static const struct control_verb table[] = {
	{"audit", keep}, {"blobs", keep}, {"gc", keep}, {"import", keep}, {"pin", keep}, {"pins", keep}, {"refresh", refresh}, {"unpin", keep},
};

const struct control_verb *orders_table(size_t *nr)
{
	*nr = ARRAY_SIZE(table);
	return table;
}
