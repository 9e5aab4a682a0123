// SPDX-License-Identifier: Apache-2.0
/* The order is one word; its answer says that the cache will be free soon. */
#include "handover_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#include "control_int.h"

#define SOCKET "handover"
#define ASK_MS 5000   /* the verb answers before it ends its fetch */
#define TAKE_MS 30000 /* what is on its way to its disk is written, and its index committed */

struct handover {
	const char *endpoint;
	struct fetch *fetch;
	struct control *control;
	atomic_bool is_wanted;
};

static int give(void *ctx, const struct json *request, struct buf *answer, struct err *err)
{
	struct handover *h = ctx;
	const char *endpoint = json_get_string(request, "endpoint");

	(void)answer; /* there is nothing to tell */
	if (!endpoint || strcmp(endpoint, h->endpoint))
		return err_set(err, -EBUSY, "a mount of another Hub is of no use here");
	atomic_store(&h->is_wanted, true);
	fetch_cancel(h->fetch);
	return 0;
}

struct handover *handover_open(const struct config *c, struct fetch *f)
{
	static const struct control_verb table[] = {{"give", give}};
	struct handover *h = config_has_rules(c) ? NULL : calloc(1, sizeof(*h));
	struct err err = {0};

	if (!h)
		return NULL;
	h->endpoint = c->endpoint;
	h->fetch = f;
	if (control_open(c->cache, SOCKET, table, ARRAY_SIZE(table), h, &h->control, &err) == 0)
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

static int ask(const struct config *c)
{
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	struct err unused = {0};

	buf_adds(&request, "{\"do\":\"give\",\"endpoint\":");
	buf_add_json(&request, c->endpoint);
	buf_addc(&request, '}');
	return request.failed ? -ENOMEM : control_ask(c->cache, SOCKET, request.data, ASK_MS, &answer, &unused);
}

int handover_take(const struct config *c, bool is_whole, const atomic_bool *stop, struct fetch **out, struct err *err)
{
	struct fetch_config config;
	int r;

	config_fetch(c, &config);
	r = fetch_open(&config, out, err);
	if (r != -EBUSY || !is_whole || c->offline || config_has_rules(c) || ask(c) < 0)
		return r;
	for (uint64_t end = clock_mono_ms() + TAKE_MS; r == -EBUSY && clock_mono_ms() < end && !atomic_load(stop);)
		r = fetch_open(&config, out, err);
	return r;
}
