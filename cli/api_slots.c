// SPDX-License-Identifier: Apache-2.0
/*
 * Two queues, both in order of arrival: for a session, and for the model. A ticket is a number; who holds the lowest that was not
 * served is next.
 */
#include "api_int.h"

#include <errno.h>

#include <hffs/thread.h>

#define SLOTS 4 /* sessions at most: each has a cache of keys and values of its own */

struct line {
	uint64_t next, served; /* tickets given; those whose turn is over */
};

struct api_slots {
	struct model *model;
	uint32_t context;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	bool is_stopped;
	struct line for_slot, for_turn;
	struct api_slot slots[SLOTS];
	size_t most; /* that there was memory for */
};

int api_slots_new(struct model *m, uint32_t context, struct api_slots **out, struct err *err)
{
	struct api_slots *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->model = m;
	s->context = context;
	s->most = SLOTS;
	pthread_mutex_init(&s->lock, NULL);
	cond_init(&s->wake);
	*out = s;
	return 0;
}

void api_slots_free(struct api_slots *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		session_free(s->slots[i].session);
		token_list_done(&s->slots[i].past);
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void api_slots_stop(struct api_slots *s)
{
	LOCK_SCOPE(&s->lock);
	s->is_stopped = true;
	pthread_cond_broadcast(&s->wake);
}

/* --- turns --- */

int api_turn_begin(struct api_slots *s)
{
	LOCK_SCOPE(&s->lock);
	uint64_t ticket = s->for_turn.next++;

	while (ticket != s->for_turn.served)
		pthread_cond_wait(&s->wake, &s->lock);
	if (!s->is_stopped)
		return 0;
	s->for_turn.served++;
	pthread_cond_broadcast(&s->wake);
	return -ECANCELED;
}

void api_turn_end(struct api_slots *s)
{
	LOCK_SCOPE(&s->lock);
	s->for_turn.served++;
	pthread_cond_broadcast(&s->wake);
}

/* --- slots --- */

static size_t shared(const struct api_slot *slot, const struct token_list *prompt)
{
	size_t n = 0;

	while (n < prompt->nr && n < slot->past.nr && slot->past.ids[n] == prompt->ids[n])
		n++;
	return n;
}

/* Of those that are free: the one that knows most of the prompt, unless that is nothing and a new one can be made. */
static struct api_slot *choose_locked(struct api_slots *s, const struct token_list *prompt)
{
	struct api_slot *best = NULL, *fresh = NULL;
	size_t most = 0;

	for (size_t i = 0; i < s->most; i++) {
		struct api_slot *slot = &s->slots[i];
		size_t n;

		if (slot->is_taken)
			continue; /* what it holds changes */
		n = shared(slot, prompt);
		if (!slot->session)
			fresh = fresh ? fresh : slot;
		else if (!best || n > most)
			best = slot;
		most = best == slot ? n : most;
	}
	return best && (most > 0 || !fresh) ? best : fresh;
}

static struct api_slot *wait_for_slot(struct api_slots *s, const struct token_list *prompt)
{
	struct api_slot *slot = NULL;
	LOCK_SCOPE(&s->lock);
	uint64_t ticket = s->for_slot.next++;

	while (!s->is_stopped && (ticket != s->for_slot.served || !(slot = choose_locked(s, prompt))))
		pthread_cond_wait(&s->wake, &s->lock);
	if (!slot || s->is_stopped)
		return NULL; /* nobody is served any more */
	slot->is_taken = true;
	s->for_slot.served++;
	pthread_cond_broadcast(&s->wake);
	return slot;
}

/* Makes the session of a new slot. Without memory for it there are only as many as there are. */
static int fill_slot(struct api_slots *s, struct api_slot *slot, struct err *err)
{
	int r = slot->session ? 0 : session_new(s->model, s->context, &slot->session, err);

	if (r == 0)
		return 0;
	slot->session = NULL;
	api_slot_give(s, slot);
	if (r == -ENOMEM && slot > s->slots) {
		LOCK_SCOPE(&s->lock);
		s->most = min_u64(s->most, (uint64_t)(slot - s->slots));
		return -EAGAIN;
	}
	return r;
}

int api_slot_take(struct api_slots *s, const struct token_list *prompt, struct api_slot **out, struct err *err)
{
	int r;

	do {
		struct api_slot *slot = wait_for_slot(s, prompt);

		if (!slot)
			return err_set(err, -ECANCELED, "the server is ending");
		r = fill_slot(s, slot, err);
		*out = slot;
	} while (r == -EAGAIN);
	return r;
}

void api_slot_give(struct api_slots *s, struct api_slot *slot)
{
	LOCK_SCOPE(&s->lock);
	slot->is_taken = false;
	pthread_cond_broadcast(&s->wake);
}
