// SPDX-License-Identifier: Apache-2.0
/* The order is one word; its answer says that the cache will be free soon. */
#include "handover_int.h"

#include <errno.h>
#include <stdatomic.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#include "control_int.h"

#define SOCKET "handover"
#define ASK_MS 5000   /* the verb answers before it ends its fetch */
#define TAKE_MS 30000 /* what is on its way to its disk is written, and its index committed */

struct handover {
	struct fetch *fetch;
	struct control *control;
	atomic_bool is_wanted;
};

static int give(void *ctx, const struct json *request, struct buf *answer, struct err *err)
{
	struct handover *h = ctx;

	(void)request, (void)answer, (void)err; /* there is nothing to tell */
	atomic_store(&h->is_wanted, true);
	fetch_cancel(h->fetch);
	return 0;
}

struct handover *handover_open(const char *cache, struct fetch *f)
{
	static const struct control_verb table[] = {{"give", give}};
	struct handover *h = calloc(1, sizeof(*h));
	struct err err = {0};

	if (!h)
		return NULL;
	h->fetch = f;
	if (control_open(cache, SOCKET, table, ARRAY_SIZE(table), h, &h->control, &err) == 0)
		return h;
	log_debug("%s; a mount that starts now will find the cache taken", err_text(&err));
	free(h);
	return NULL;
}

bool handover_is_wanted(const struct handover *h)
{
	return h && atomic_load(&h->is_wanted);
}

void handover_close(struct handover *h)
{
	if (!h)
		return;
	control_close(h->control);
	free(h);
}

int handover_take(const struct fetch_config *config, struct fetch **out, struct err *err)
{
	AUTO(json_free) struct json *answer = NULL;
	struct err unused = {0};
	int r = fetch_open(config, out, err);

	if (r != -EBUSY || control_ask(config->cache.dir, SOCKET, "{\"do\":\"give\"}", ASK_MS, &answer, &unused) < 0)
		return r;
	for (uint64_t end = clock_mono_ms() + TAKE_MS; r == -EBUSY && clock_mono_ms() < end;)
		r = fetch_open(config, out, err);
	return r;
}
