/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of hub/ needs of the net thread beyond <hffs/http.h>. */
#ifndef HFFS_HUB_HTTP_INT_H
#define HFFS_HUB_HTTP_INT_H

#include <hffs/http.h>

#include "inbox_int.h"

/* Any thread: t->fn(t) runs on the net thread soon. -ECANCELED: the thread has ended and it will not. */
int http_post(struct http *h, struct http_task *t);
/* Net thread: t will not run unless posted again. */
void http_unpost(struct http *h, struct http_task *t);
/* Net thread: it does not end before http_release(), by any thread, so that a http_post() before that cannot fail. */
void http_hold(struct http *h);
void http_release(struct http *h);
/*
 * The first half of http_close(): ends all requests, runs the tasks that are left, joins the thread. Afterwards http_start()
 * and http_post() fail with -ECANCELED, until http_close() frees.
 */
void http_stop(struct http *h);

#endif
