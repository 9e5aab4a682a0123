// SPDX-License-Identifier: Apache-2.0
/*
 * Wants by urgency, limits, what to ask the Hub for next. No thread of its own: it runs on whoever brings a want or ends a
 * transfer, and on the net thread's tick for what only time brings (retries, deadlines, resumed transfers).
 *
 * A want is a range of chunks of one blob, in the list of its class (enum want_class), the nearest to its reader first, or in the
 * list of failed ranges until its retry is due. The chunk's state in the blob is the truth: what is no longer WANTED when its turn
 * comes is passed over, so wants may overlap. A sweep marks nothing: it takes what is ABSENT when its turn comes, and others may
 * want the same for a better reason. What only the prefetcher wants is asked about again when its turn comes. A transfer is one
 * ranged GET; chunks leave it for the workers one by one.
 */
#include "ahead_int.h"
#include "disk_int.h"
#include "hot_int.h"
#include "sched_int.h"

#include <errno.h>

#include <hffs/clock.h>
#include <hffs/http.h>

#include "plan_int.h"

#define RESERVED 4    /* connections that only urgent wants may use; of few, half */
#define JUDGE_MS 1000 /* time over which arriving bytes are a rate: slow links bring a packet now and then */
#define TRICKLE_BPS 1024 /* below it a waiting reader's deadline goes on */
#define SILENT_MS 2000   /* below it for so long, a transfer leaves connections to other contents */
#define REST_MS 10000 /* without a byte for so long, memory is given back */
#define AHEAD_MIN (32u << 20)
#define GROWN ((2u << 20) / CHUNK_SIZE) /* queued, and worth a request */
#define AHEAD_QUEUED_MAX ((192u << 20) / CHUNK_SIZE)
#define DROP_MS 20
#define OVERRUN_MS 1000 /* nobody knows whether a program waits for it */

static void list_init(struct want_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_push(struct want_list *l, struct want *w)
{
	w->next = NULL;
	*l->tail = w;
	l->tail = &w->next;
}

static void list_insert(struct want_list *l, struct want *w, struct want **at)
{
	w->next = *at;
	if (!*at)
		l->tail = &w->next;
	*at = w;
}

/* Behind all that are as near. */
static void list_add(struct want_list *l, struct want *w)
{
	struct want **at = &l->head;

	while (*at && (*at)->near <= w->near)
		at = &(*at)->next;
	list_insert(l, w, at);
}

/* What is left of one that was taken: before all that are as near. */
static void list_put_back(struct want_list *l, struct want *w)
{
	struct want **at = &l->head;

	while (*at && (*at)->near < w->near)
		at = &(*at)->next;
	list_insert(l, w, at);
}

static struct want *list_take(struct want_list *l, struct want **at)
{
	struct want *w = *at;

	if (!w)
		return NULL;
	*at = w->next;
	if (!*at)
		l->tail = at;
	return w;
}

static struct want *list_pop(struct want_list *l)
{
	return list_take(l, &l->head);
}

/* Where the first one is whose content comes; NULL there: none is. */
static struct want **find_lively(struct want_list *l)
{
	struct want **at = &l->head;

	while (*at && atomic_load(&(*at)->blob->is_silent))
		at = &(*at)->next;
	return at;
}

static void want_free(struct want *w)
{
	blob_put(w->blob);
	free(w);
}

void sched_drop_range(struct blob *b, uint64_t first, uint64_t last, int r, const char *why)
{
	struct aftermath a = {0};
	struct err err = {0};

	err_set(&err, r, "%s", why);
	pthread_mutex_lock(&b->lock);
	for (uint64_t i = first; i <= last; i++)
		if (b->state[i] == CHUNK_WANTED || b->state[i] == CHUNK_FETCHING)
			blob_set_state_locked(b, i, CHUNK_ABSENT);
	blob_fail_locked(b, first, last, r, &err, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
}

/* Chunks that this want has queued for the prefetcher. A sweep is all of a file, and takes what is left. */
static uint64_t ahead_of(const struct want *w)
{
	return w->is_ahead && w->class != WANT_SWEEP ? w->last - w->first + 1 : 0;
}

/* Nobody reads towards it. */
static bool is_ordered(const struct want *w)
{
	return w->class == WANT_STREAM && !w->is_ahead;
}

/* Queues a copy of what, with a reference of its own. False: nobody will fetch these chunks, and their readers know. */
static bool enqueue(struct sched *s, struct want_list *list, const struct want *what)
{
	struct want *w = malloc(sizeof(*w));
	bool closed;

	if (!w) {
		if (what->class != WANT_SWEEP)
			sched_drop_range(what->blob, what->first, what->last, -ENOMEM, "out of memory");
		return false;
	}
	*w = *what;
	blob_ref(w->blob);
	pthread_mutex_lock(&s->lock);
	closed = s->closed;
	if (!closed) {
		w->near += s->bytes_read;
		list_add(list, w);
		s->ahead_chunks += ahead_of(w);
	}
	pthread_mutex_unlock(&s->lock);
	if (!closed)
		return true;
	sched_drop_range(w->blob, w->first, w->last, -ECANCELED, "the mount is shutting down");
	want_free(w);
	return false;
}

void sched_want(struct sched *s, struct blob *b, uint64_t first, uint64_t last, enum want_class class)
{
	struct want w = {.blob = b, .first = first, .last = last, .class = class};

	if (class == WANT_OVERRUN)
		w.retry_at_ms = clock_mono_ms() + OVERRUN_MS;
	if (enqueue(s, &s->wants[class], &w) && !atomic_load(&s->holds))
		sched_run(s);
}

void sched_want_ahead(struct sched *s, struct blob *b, uint64_t first, uint64_t last, enum want_class class, uint64_t ahead)
{
	struct want w = {.blob = b, .first = first, .last = last, .class = class, .is_ahead = true, .near = ahead};

	if (enqueue(s, &s->wants[class], &w) && !atomic_load(&s->holds))
		sched_run(s);
}

void sched_hold(struct sched *s)
{
	atomic_fetch_add(&s->holds, 1);
}

void sched_release(struct sched *s)
{
	atomic_fetch_sub(&s->holds, 1);
	sched_run(s);
}

void sched_delay(struct sched *s, const struct transfer *t, uint64_t retry_at_ms)
{
	struct want w = {.blob = t->blob, .first = t->idx, .last = t->last, .class = WANT_URGENT};

	w.tries = t->tries;
	w.wrong = t->wrong;
	w.retry_at_ms = retry_at_ms;

	(void)enqueue(s, &s->delayed, &w); /* else its readers know already */
}

/* --- choosing --- */

void sched_count_locked(struct sched *s, enum want_class class, int change)
{
	s->running += (unsigned)change;
	s->running_of[class] += (unsigned)change;
}

static unsigned running_background_locked(const struct sched *s)
{
	return s->running - s->running_of[WANT_URGENT];
}

/* Of so many connections, those that are kept for others. */
static unsigned reserve(unsigned connections)
{
	return (unsigned)min_u64(RESERVED, connections / 2);
}

/* Transfers of contents that do not come. */
static unsigned running_silent_locked(const struct sched *s)
{
	unsigned n = 0;

	for (const struct transfer *t = s->transfers; t; t = t->next)
		n += atomic_load(&t->blob->is_silent);
	return n;
}

/* Transfers above which only urgent ones begin, some of them silent. */
static unsigned background_limit(const struct sched *s, unsigned silent)
{
	return s->limit - reserve(s->limit - (unsigned)min_u64(silent, s->limit));
}

/* The next want of a class. Contents that do not come have some connections less. */
static struct want *pop_class_locked(struct sched *s, enum want_class class, unsigned silent)
{
	struct want_list *l = &s->wants[class];

	return silent < s->limit - reserve(s->limit) ? list_pop(l) : list_take(l, find_lively(l));
}

/* What nobody reads towards leaves some connections to streams that may come. */
static unsigned share_of(enum want_class class, unsigned parallel)
{
	return class == WANT_OVERRUN ? (parallel + 3) / 4 : class == WANT_SWEEP ? parallel * 3 / 4 : parallel;
}

/* What a stream asks for next is little as yet, nobody waits, and there will be more before the link has nothing to do. */
static bool may_grow_locked(const struct sched *s, unsigned parallel)
{
	const struct want *next = s->wants[WANT_STREAM].head;

	if (!next || is_ordered(next)) /* an order does not grow */
		return false;
	return s->ahead_chunks < GROWN && !s->running_of[WANT_URGENT] && s->running_of[WANT_STREAM] >= parallel / 2;
}

/* The next want behind the urgent ones, if connections may be used for it. */
static struct want *pop_background_locked(struct sched *s, unsigned silent)
{
	unsigned parallel = pace_parallel(&s->pace);
	struct want *w = NULL;

	if (s->running >= background_limit(s, silent) || running_background_locked(s) >= parallel)
		return NULL;
	for (enum want_class c = WANT_PROBE; !w && c < WANT_CLASSES; c++)
		if (s->running_of[c] < share_of(c, parallel) && !(c == WANT_STREAM && may_grow_locked(s, parallel)))
			w = pop_class_locked(s, c, silent);
	return w;
}

struct slots {
	unsigned free;              /* further requests that may start with this one */
	uint64_t range_min, range_max; /* chunks of one */
};

/* The next want that limits allow, its connection counted; NULL: none. */
static struct want *take_want(struct sched *s, struct slots *slots)
{
	struct want *w;
	unsigned parallel, background, silent, most;
	LOCK_SCOPE(&s->lock);

	if (s->closed || s->running >= s->limit)
		return NULL;
	silent = running_silent_locked(s);
	w = pop_class_locked(s, WANT_URGENT, silent);
	w = w ? w : pop_background_locked(s, silent);
	if (!w)
		return NULL;
	most = background_limit(s, silent);
	s->ahead_chunks -= ahead_of(w);
	sched_count_locked(s, w->class, 1);
	parallel = pace_parallel(&s->pace);
	background = running_background_locked(s);
	slots->free = background < parallel ? parallel - background + (w->class != WANT_URGENT) : 1;
	slots->free = (unsigned)min_u64(slots->free, s->running < most ? most - s->running + 1 : 1);
	slots->range_max = is_ordered(w) ? pace_ordered(&s->pace) : pace_range(&s->pace);
	slots->range_min = w->class == WANT_URGENT ? pace_urgent(&s->pace) : max_u64(slots->range_max / 2, PACE_RANGE_MIN);
	return w;
}

/* Gives back the connection counted by take_want(), and the want to its list unless it is used up. */
static void put_want(struct sched *s, struct want *w, bool started, bool delayed)
{
	bool again = w->first <= w->last;

	pthread_mutex_lock(&s->lock);
	if (!started)
		sched_count_locked(s, w->class, -1);
	if (again && delayed)
		list_push(&s->delayed, w);
	else if (again)
		list_put_back(&s->wants[w->class], w);
	if (again)
		s->ahead_chunks += ahead_of(w);
	pthread_mutex_unlock(&s->lock);
	if (!again)
		want_free(w);
}

/* The prefetcher has changed its mind: what nobody waits for is absent again. */
static void forget_want(struct blob *b, struct want *w)
{
	LOCK_SCOPE(&b->lock);
	for (; w->first <= w->last; w->first++)
		if (w->class != WANT_SWEEP && b->state[w->first] == CHUNK_WANTED && !blob_is_awaited_locked(b, w->first))
			blob_set_state_locked(b, w->first, CHUNK_ABSENT);
}

/* Does this want ask for this chunk still? */
static bool is_for_locked(const struct blob *b, const struct want *w, uint64_t idx)
{
	if (w->class == WANT_SWEEP && b->state[idx] == CHUNK_ABSENT)
		return !blob_is_evicting_locked(b, idx);
	return b->state[idx] == CHUNK_WANTED;
}

/* w loses what came otherwise at its beginning. False: nothing is left of it. */
static bool skip_used_locked(const struct blob *b, struct want *w)
{
	while (w->first <= w->last && !is_for_locked(b, w, w->first))
		w->first++;
	return w->first <= w->last;
}

static bool is_used(struct want *w)
{
	LOCK_SCOPE(&w->blob->lock);
	return !skip_used_locked(w->blob, w);
}

/*
 * Wants of the prefetcher whose chunks came otherwise. Their turn to be passed over may not come for long: while as many readers wait
 * as there are connections, they bring everything themselves.
 */
static void drop_used(struct sched *s, enum want_class class)
{
	struct want_list all;
	struct want *w;

	pthread_mutex_lock(&s->lock);
	all = s->wants[class]; /* only to be popped */
	list_init(&s->wants[class]);
	for (w = all.head; w; w = w->next)
		s->ahead_chunks -= ahead_of(w);
	pthread_mutex_unlock(&s->lock);
	while ((w = list_pop(&all))) {
		if (is_used(w)) {
			want_free(w);
			continue;
		}
		pthread_mutex_lock(&s->lock);
		list_add(&s->wants[class], w);
		s->ahead_chunks += ahead_of(w);
		pthread_mutex_unlock(&s->lock);
	}
}

static bool is_overfull(struct sched *s)
{
	uint64_t now = clock_mono_ms();
	LOCK_SCOPE(&s->lock);

	if (s->ahead_chunks <= AHEAD_QUEUED_MAX || now - s->dropped_ms < DROP_MS)
		return false;
	s->dropped_ms = now;
	return true;
}

struct prefetch_limits sched_note_read(struct sched *s, uint64_t len)
{
	uint64_t refused_ahead = hot_refused_ahead(s->fetch->hot);
	struct prefetch_limits limits = {0};

	if (is_overfull(s)) {
		drop_used(s, WANT_PROBE);
		drop_used(s, WANT_STREAM);
	}
	LOCK_SCOPE(&s->lock);

	s->bytes_read += len;
	if (s->ahead_chunks <= AHEAD_QUEUED_MAX)
		limits.ahead = min_u64(max_u64(2 * pace_parallel(&s->pace) * pace_range(&s->pace) * CHUNK_SIZE, AHEAD_MIN), PACE_AHEAD_MAX);
	if (refused_ahead)
		limits.ahead = min_u64(limits.ahead, refused_ahead);
	return limits;
}

/* The first run of chunks that w is for becomes FETCHING. Gives its length, 0 if none is left; w loses what was passed. */
static uint64_t choose_range_locked(struct blob *b, struct want *w, const struct slots *slots)
{
	uint64_t n = 0;

	if (!skip_used_locked(b, w))
		return 0;
	while (n < slots->range_max * slots->free && w->first + n < b->nr && is_for_locked(b, w, w->first + n))
		n++;
	n = plan_range(n, slots->free, slots->range_min, slots->range_max);
	for (uint64_t i = 0; i < n; i++)
		blob_set_state_locked(b, w->first + i, CHUNK_FETCHING);
	b->running++;
	return n;
}

/* Other ranges of the blob may arrive well while this one fails. */
static bool is_too_early_locked(const struct blob *b, const struct want *w)
{
	uint64_t now = clock_mono_ms();

	return (w->tries && now < w->retry_at_ms) || (b->tries && now < b->retry_at_ms);
}

void sched_run(struct sched *s)
{
	struct slots slots;
	struct want *w;

	while ((w = take_want(s, &slots))) {
		struct blob *b = blob_ref(w->blob);
		struct transfer_plan plan = {.class = w->class, .is_ordered = is_ordered(w)};
		uint64_t n = 0;
		bool later;

		if (w->is_ahead && !ahead_keeps(b, w->first, w->last, w->class))
			forget_want(b, w);
		pthread_mutex_lock(&b->lock);
		later = is_too_early_locked(b, w);
		if (!later)
			n = choose_range_locked(b, w, &slots);
		plan.first = w->first;
		plan.last = w->first + n - 1;
		plan.tries = w->tries > b->tries ? w->tries : b->tries;
		plan.wrong = w->wrong > b->wrong ? w->wrong : b->wrong;
		plan.source = b->source;
		plan.from = b->sources[b->source].ref;
		w->first += n;
		pthread_mutex_unlock(&b->lock);
		put_want(s, w, n > 0, later);
		if (n)
			transfer_start(s, b, &plan);
		blob_put(b);
	}
}

/* --- time --- */

static void requeue_delayed(struct sched *s)
{
	struct want *w, *all;

	pthread_mutex_lock(&s->lock);
	all = s->delayed.head;
	list_init(&s->delayed);
	while ((w = all)) {
		all = w->next;
		list_add(&s->wants[w->class], w);
	}
	pthread_mutex_unlock(&s->lock);
	sched_run(s); /* those that are not due are delayed again */
}

/* Moves what is due. */
static void urge_overruns(struct sched *s, uint64_t now)
{
	struct want_list *overruns = &s->wants[WANT_OVERRUN];
	struct want *w;

	pthread_mutex_lock(&s->lock);
	while (overruns->head && overruns->head->retry_at_ms <= now) {
		w = list_pop(overruns);
		w->class = WANT_URGENT;
		list_add(&s->wants[WANT_URGENT], w);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Notes since when it brings next to nothing, through no doing of ours. */
static void judge_locked(struct transfer *t, uint64_t passed, bool is_paused)
{
	uint64_t got = t->bytes - t->bytes_judged;

	if (is_paused || t->was_paused || (got && got * 1000 >= TRICKLE_BPS * passed))
		t->slow_ms = 0;
	else
		t->slow_ms += min_u64(passed, (clock_mono_us() - t->began_us) / 1000);
	t->bytes_judged = t->bytes;
	t->was_paused = t->paused;
}

/*
 * Contents of which nothing comes may hold every connection for as long as a transfer is given before it is dead: some are cut as soon
 * as others wait for one. While a host has asked for a pause, silence says nothing.
 */
static void judge_transfers(struct sched *s, uint64_t passed)
{
	bool is_paused = hub_is_paused(s->fetch->hub);
	unsigned silent;
	LOCK_SCOPE(&s->lock);

	for (struct transfer *t = s->transfers; t; t = t->next) {
		judge_locked(t, passed, is_paused);
		if (t->slow_ms >= SILENT_MS)
			atomic_store(&t->blob->is_silent, true);
	}
	for (struct transfer *t = s->transfers; t; t = t->next)
		if (!t->slow_ms)
			atomic_store(&t->blob->is_silent, false);
	if (is_paused || s->running < s->limit || !*find_lively(&s->wants[WANT_URGENT]))
		return;
	silent = running_silent_locked(s);
	for (struct transfer *t = s->transfers; t && silent > s->limit - reserve(s->limit); t = t->next)
		if (t->slow_ms >= SILENT_MS && !t->is_cut && atomic_load(&t->blob->is_silent)) {
			t->is_cut = true;
			object_cancel(t->get);
			silent--;
		}
}

/* Adds the time that passed to readers that got nothing, and ends those that waited too long. */
static void tick_blob(struct sched *s, struct blob *b, uint64_t now, uint64_t passed, bool others_progress, bool announced)
{
	struct aftermath a = {0};
	bool progress;

	pthread_mutex_lock(&b->lock);
	progress = (b->bytes_arrived - b->bytes_ticked) * 1000 >= TRICKLE_BPS * passed && b->bytes_arrived != b->bytes_ticked;
	progress = progress || announced || (b->running == 0 && b->tries == 0 && others_progress);
	b->bytes_ticked = b->bytes_arrived;
	blob_tick_locked(b, now, progress ? 0 : passed, s->fetch->config.data_deadline_ms, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
}

static void tick_readers(struct sched *s, uint64_t now, uint64_t passed)
{
	struct blob **all;
	bool progress, announced = hub_is_paused(s->fetch->hub);
	size_t nr;

	pthread_mutex_lock(&s->lock);
	progress = (s->bytes - s->bytes_ticked) * 1000 >= TRICKLE_BPS * passed && s->bytes != s->bytes_ticked;
	s->bytes_ticked = s->bytes;
	pthread_mutex_unlock(&s->lock);
	if (atomic_load(&s->fetch->readers_parked) == 0)
		return;
	all = blob_all(s->fetch, &nr);
	for (size_t i = 0; i < nr; i++) {
		tick_blob(s, all[i], now, passed, progress, announced);
		blob_put(all[i]);
	}
	free(all);
}

/* Nothing has arrived for a while: chunks in memory are on disk, or nearly so. */
static void rest(struct sched *s, uint64_t now)
{
	uint64_t bytes;

	pthread_mutex_lock(&s->lock);
	bytes = s->bytes;
	pthread_mutex_unlock(&s->lock);
	if (bytes != s->bytes_rested)
		s->arrived_ms = now;
	s->bytes_rested = bytes;
	if (now - s->arrived_ms < REST_MS)
		return;
	while (hot_reclaim(s->fetch->hot))
		;
	pool_trim(s->fetch->pool);
}

static void tick(void *arg)
{
	struct sched *s = arg;
	uint64_t now = clock_mono_ms(), passed = now - s->ticked_ms;

	s->ticked_ms = now;
	transfer_resume_all(s, passed);
	urge_overruns(s, now);
	requeue_delayed(s);
	passed = now - s->judged_ms;
	if (passed < JUDGE_MS)
		return;
	s->judged_ms = now;
	rest(s, now);
	judge_transfers(s, passed);
	disk_look(s->fetch->disk);
	store_refused(s->fetch);
	tick_readers(s, now, min_u64(passed, 2 * JUDGE_MS)); /* a suspended machine is not a slow Hub */
}

/* --- begin and end --- */

int sched_open(struct fetch *f, unsigned connections_max, struct sched **out)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	cond_init(&s->ended);
	for (unsigned i = 0; i < WANT_CLASSES; i++)
		list_init(&s->wants[i]);
	list_init(&s->delayed);
	s->fetch = f;
	s->limit = connections_max ? connections_max : 32;
	s->ticked_ms = s->judged_ms = clock_mono_ms();
	http_set_tick(hub_http(f->hub), TICK_MS, tick, s);
	*out = s;
	return 0;
}

static void drop_list(struct want_list *l)
{
	struct want *w;

	while ((w = list_pop(l))) {
		sched_drop_range(w->blob, w->first, w->last, -ECANCELED, "the mount is shutting down");
		want_free(w);
	}
}

/* Called again when workers have stopped: a want may have been on its way back to its list. */
void sched_cancel(struct sched *s)
{
	struct want_list lists[WANT_CLASSES + 1];

	pthread_mutex_lock(&s->lock);
	s->closed = true;
	for (unsigned i = 0; i < WANT_CLASSES; i++) {
		lists[i] = s->wants[i];
		list_init(&s->wants[i]);
	}
	lists[WANT_CLASSES] = s->delayed;
	list_init(&s->delayed);
	for (struct transfer *t = s->transfers; t; t = t->next)
		object_cancel(t->get);
	pthread_mutex_unlock(&s->lock);
	/* An empty list's tail points into the struct it was copied from: popping only follows heads. */
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		drop_list(&lists[i]);
	pthread_mutex_lock(&s->lock);
	while (s->transfers)
		(void)cond_wait_ms(&s->ended, &s->lock, 1000); /* each ends by its cancel; the net thread is running */
	pthread_mutex_unlock(&s->lock);
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
