// SPDX-License-Identifier: Apache-2.0
/* The index against the data files, in steps of one blob. See scrub_int.h. */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/log.h>

void scrub_start(struct cache *c, enum cache_scrub how, bool due)
{
	bool thorough = due || how != SCRUB_IF_DUE;

	c->scrub = (struct scrub){.phase = thorough ? SCRUB_ROWS : SCRUB_FILES, .due = due, .thorough = thorough};
	c->scrub.tally.dry = how == SCRUB_DRY;
	data_remember_seen(c->data);
}

bool scrub_is_settled(const struct scrub *s)
{
	return !s->due || (s->phase == SCRUB_OVER && !s->tally.dry);
}

void scrub_done(struct scrub *s)
{
	free(s->ids);
	*s = (struct scrub){.phase = SCRUB_OVER, .due = s->due, .thorough = s->thorough, .tally = s->tally};
}

/* --- rows against files --- */

static int add_bits(void *ctx, const struct cache_extent *e)
{
	uint64_t *present = ctx;

	present[e->idx] = e->present; /* an extent has as many chunks as a word bits */
	return 0;
}

/* Bytes beyond the rows go back to the disk. */
static int punch_unknown(struct cache *c, const struct index_blob *b)
{
	AUTO_FREE uint64_t *present = calloc((size_t)(chunks_of(b->size) + 63) / 64 + 1, sizeof(*present));
	int r;

	if (!present)
		return -ENOMEM;
	r = index_load_extents(c->index, b, add_bits, present);
	return r < 0 ? r : data_punch_absent(c->data, &b->id, b->size, present, &c->scrub.tally);
}

static int check_rows(struct cache *c, const struct index_blob *b)
{
	AUTO_FD int fd = data_find(c->data, &b->id, b->size, NULL);

	if (fd >= 0 && b->chunks == chunks_of(b->size))
		return 0;
	if (fd >= 0 && data_may_change(c->data, &b->id))
		return punch_unknown(c, b);
	if (fd < 0 && fd != -ENOENT && fd != -EBADMSG)
		return 0; /* it cannot be looked at now: the digests will tell */
	(void)data_drop_claimed(c->data, &b->id, &c->scrub.tally); /* not sound, or fixed and not to be completed: what stays is not used */
	if (b->chunks == 0 || c->scrub.tally.dry)
		return 0;
	return keeper_forget_blob(c, &b->id, b->size, false, NULL);
}

static void step_rows(struct cache *c)
{
	struct index_blob b;
	int r = index_list_blobs(c->index, &c->scrub.after, &b, 1);

	if (r <= 0) {
		(void)keeper_index_failed(c, r); /* without rows to look at this phase is over */
		c->scrub.phase = SCRUB_FILES;
		return;
	}
	if (!data_claim(c->data, &b.id))
		return;
	r = check_rows(c, &b);
	data_release(c->data, &b.id);
	if (r == -ESTALE && !c->scrub.tally.dry)
		r = keeper_forget_blob(c, &b.id, b.size, false, NULL);
	if (r < 0)
		log_debug("a data file was not scrubbed: %s", strerror(-r));
}

/* --- files against rows --- */

static int add_id(void *ctx, const struct blob_id *id)
{
	struct scrub *s = ctx;

	if (s->nr == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct blob_id *ids = realloc(s->ids, cap * sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		s->ids = ids;
		s->cap = cap;
	}
	s->ids[s->nr++] = *id;
	return 0;
}

static bool list_next_folder(struct cache *c)
{
	struct scrub *s = &c->scrub;

	if (s->folder > 255)
		return false;
	s->nr = s->pos = 0;
	(void)data_list(c->data, s->folder++, &s->tally, add_id, s); /* what was not listed stays, and only takes room */
	return true;
}

static void step_file(struct cache *c)
{
	const struct blob_id *id = &c->scrub.ids[c->scrub.pos++];
	struct index_blob b;
	int r;

	if (!data_claim(c->data, id))
		return;
	r = index_find_blob(c->index, id, &b);
	if ((r == -ENOENT || (r == 0 && b.chunks == 0)) && !batch_find(&c->batch, id))
		(void)data_drop_claimed(c->data, id, &c->scrub.tally); /* what stays only takes room */
	data_release(c->data, id);
	(void)keeper_index_failed(c, r); /* told there */
}

bool scrub_step(struct cache *c)
{
	struct scrub *s = &c->scrub;

	if (s->phase == SCRUB_ROWS) {
		step_rows(c);
	} else if (s->phase == SCRUB_FILES) {
		if (s->pos < s->nr) {
			step_file(c);
		} else if (!list_next_folder(c)) {
			data_forget_seen(c->data);
			scrub_done(s);
		}
	}
	return s->phase != SCRUB_OVER;
}
