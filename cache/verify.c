// SPDX-License-Identifier: Apache-2.0
/*
 * Chunk digests and the prover. A proof is always in one state, guarded by prover->lock:
 *   IDLE     waits for chunks           QUEUED   has something to read
 *   RUNNING  the thread reads for it    DONE     its result is on its way to the keeper
 * digest, off and ino belong to the thread while it is RUNNING. A cancelled proof is out of the map at once; one that is QUEUED
 * or RUNNING is freed by the thread.
 */
#include "verify_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/map.h>
#include <hffs/thread.h>

#include "data_int.h"

#define PIECE CHUNK_SIZE             /* bytes of one read: stays in the second-level cache for the digest */
#define SLICE ((uint64_t)64 << 20)   /* bytes read for one proof before the next one has its turn */
#define SYNC_PIECE ((uint64_t)16 << 20)
#define FOLLOW_MAX 64                /* proofs that follow a front; others are read when complete */
#define FOLLOW_STEP (4 * (uint64_t)CHUNK_SIZE)
#define FOLLOW_LAG_MAX ((uint64_t)64 << 20) /* bytes; farther behind it waits until all is here: the disk has enough to do */
#define FOLLOW_SIZE_MAX ((uint64_t)16 << 40) /* bytes of a blob that is followed: its bitmap is 8 MiB */
#define FOLLOW_REST_MS 60000         /* without news for so long a follower makes room for another */

enum proof_state { PROOF_IDLE, PROOF_QUEUED, PROOF_RUNNING, PROOF_DONE };
enum proof_mode { PROOF_FOLLOW, PROOF_WHOLE, PROOF_CHECK };

struct proof {
	struct blob_id id;
	uint64_t size, gen;
	enum proof_state state;
	enum proof_mode mode;
	bool cancelled, knows_rows;
	bool behind; /* it follows no more, and goes on when the blob is complete */
	uint64_t nr_chunks, front; /* chunks [0, front) are there */
	uint64_t *present;         /* nr_chunks bits while it follows, else NULL */
	uint64_t noted_ms;
	struct proof *next; /* in the queue */

	struct digest *digest;
	uint64_t off; /* bytes digested, or checked */
	ino_t ino;    /* of the file they were read from */
	struct cache_rows *rows; /* of a check */
};

struct prover {
	struct data *data;
	const struct cache_events *events;
	prover_done *done;
	void *ctx;
	uint8_t *piece; /* the thread's, aligned for O_DIRECT */
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t wake;
	struct map proofs; /* by id */
	struct proof *head, **tail;
	uint64_t gen;
	unsigned following;
	bool stop;
};

/* --- chunk digests --- */

uint64_t cache_chunk_seed(const struct blob_id *id, uint64_t idx)
{
	return digest_hash64(id, sizeof(*id), idx);
}

struct chunk_digest cache_chunk_digest(const struct blob_id *id, uint64_t idx, const void *bytes, size_t len)
{
	return digest_chunk(bytes, len, cache_chunk_seed(id, idx));
}

/* --- the set of proofs --- */

static void free_proof(struct proof *q)
{
	digest_free(q->digest);
	free(q->present);
	free(q->rows);
	free(q);
}

static struct proof *find_locked(struct prover *p, const struct blob_id *id)
{
	return map_find(&p->proofs, id, sizeof(*id));
}

static void stop_following_locked(struct prover *p, struct proof *q)
{
	if (!q->present)
		return;
	free(q->present);
	q->present = NULL;
	p->following--;
}

static void cancel_locked(struct prover *p, struct proof *q)
{
	map_del(&p->proofs, &q->id, sizeof(q->id));
	stop_following_locked(p, q);
	q->cancelled = true;
	if (q->state == PROOF_IDLE || q->state == PROOF_DONE)
		free_proof(q);
}

static void queue_locked(struct prover *p, struct proof *q)
{
	q->state = PROOF_QUEUED;
	q->next = NULL;
	*p->tail = q;
	p->tail = &q->next;
	pthread_cond_signal(&p->wake);
}

static struct proof *add_locked(struct prover *p, const struct blob_id *id, uint64_t size, enum proof_mode mode)
{
	struct proof *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->id = *id;
	q->size = size;
	q->mode = mode;
	q->gen = ++p->gen;
	q->nr_chunks = size / CHUNK_SIZE + (size % CHUNK_SIZE != 0);
	if (map_put(&p->proofs, &q->id, sizeof(q->id), q) < 0) {
		free(q);
		return NULL;
	}
	return q;
}

/* Room for one more follower, perhaps the place of one without news. */
static bool can_follow_locked(struct prover *p)
{
	uint64_t now = clock_mono_ms();
	struct proof *q;
	size_t i = 0;

	if (p->following < FOLLOW_MAX)
		return true;
	while ((q = map_next(&p->proofs, &i)))
		if (q->present && q->state == PROOF_IDLE && now - q->noted_ms > FOLLOW_REST_MS) {
			cancel_locked(p, q);
			return true;
		}
	return false;
}

/* The proof of this content; one of another size is of something else and ends. */
static struct proof *find_sized_locked(struct prover *p, const struct blob_id *id, uint64_t size)
{
	struct proof *q = find_locked(p, id);

	if (!q || q->size == size)
		return q;
	cancel_locked(p, q);
	return NULL;
}

static struct proof *follow_locked(struct prover *p, const struct blob_id *id, uint64_t size)
{
	struct proof *q;

	if (size > FOLLOW_SIZE_MAX || !can_follow_locked(p))
		return NULL;
	q = add_locked(p, id, size, PROOF_FOLLOW);
	if (!q)
		return NULL;
	q->present = calloc((size_t)(q->nr_chunks + 63) / 64, sizeof(*q->present));
	if (!q->present) {
		cancel_locked(p, q);
		return NULL;
	}
	p->following++;
	return q;
}

static void advance_locked(struct prover *p, struct proof *q)
{
	uint64_t end;

	while (q->front < q->nr_chunks && q->present[q->front / 64] >> (q->front % 64) & 1)
		q->front++;
	end = min_u64(q->front * CHUNK_SIZE, q->size);
	if (q->state == PROOF_IDLE && (end == q->size || (!q->behind && end >= q->off + FOLLOW_STEP)))
		queue_locked(p, q);
}

void prover_note(struct prover *p, const struct blob_id *id, uint64_t size, uint64_t idx)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_sized_locked(p, id, size);
	if (!q)
		q = follow_locked(p, id, size);
	if (!q || !q->present || idx >= q->nr_chunks)
		return;
	q->present[idx / 64] |= 1ull << (idx % 64);
	q->noted_ms = clock_mono_ms();
	advance_locked(p, q);
}

bool prover_wants_rows(struct prover *p, const struct blob_id *id, uint64_t *gen)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_locked(p, id);
	if (!q || !q->present || q->knows_rows)
		return false;
	q->knows_rows = true;
	*gen = q->gen;
	return true;
}

void prover_note_extent(struct prover *p, const struct blob_id *id, uint64_t gen, const struct cache_extent *e)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_locked(p, id);
	if (!q || q->gen != gen || !q->present || e->idx >= (q->nr_chunks + 63) / 64)
		return;
	q->present[e->idx] |= e->present; /* an extent has as many chunks as a word bits */
	advance_locked(p, q);
}

void prover_complete(struct prover *p, const struct blob_id *id, uint64_t size)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_sized_locked(p, id, size);
	if (!q)
		q = add_locked(p, id, size, PROOF_WHOLE);
	if (!q)
		return;
	stop_following_locked(p, q);
	q->front = q->nr_chunks;
	if (q->state == PROOF_IDLE)
		queue_locked(p, q);
}

void prover_check(struct prover *p, const struct blob_id *id, uint64_t gen, struct cache_rows *rows)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_locked(p, id);
	if (!q || q->gen != gen || q->state != PROOF_DONE) {
		free(rows);
		return;
	}
	q->mode = PROOF_CHECK;
	q->rows = rows;
	q->off = 0;
	queue_locked(p, q);
}

void prover_cancel(struct prover *p, const struct blob_id *id)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_locked(p, id);
	if (q)
		cancel_locked(p, q);
}

bool prover_is_current(struct prover *p, const struct blob_id *id, uint64_t gen)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	q = find_locked(p, id);
	return q && q->gen == gen && q->state == PROOF_DONE;
}

/* --- the thread --- */

/* May the thread go on with q? limit: bytes that are there. */
static bool may_go_on(struct prover *p, struct proof *q, uint64_t *limit)
{
	LOCK_SCOPE(&p->lock);
	*limit = min_u64(q->front * CHUNK_SIZE, q->size);
	return !p->stop && !q->cancelled;
}

static int start_digest(struct proof *q)
{
	if (q->digest)
		return 0;
	q->off = 0;
	q->digest = digest_new(q->id.algo, q->size);
	return q->digest ? 0 : -ENOMEM;
}

/* Leaves nothing in the page cache, which belongs to readers. */
static int read_piece(struct prover *p, const struct proof *q, int fd, size_t len, uint64_t off)
{
	int r = data_read_past(fd, p->piece, len, off);

	if (q->mode != PROOF_WHOLE)
		(void)posix_fadvise(fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED); /* advice */
	return r;
}

/*
 * The next piece of the proof: from memory, if it has just come and nothing is condemned by it; else from disk. limit: bytes that
 * are there. 1: not now.
 */
static int digest_piece(struct prover *p, struct proof *q, int fd, size_t len, uint64_t limit)
{
	const struct cache_events *ev = p->events;
	const void *bytes = NULL;
	void *loan = NULL;
	size_t have = 0;
	int r;

	if (q->mode == PROOF_FOLLOW && ev->borrow)
		bytes = ev->borrow(ev->ctx, &q->id, q->off / CHUNK_SIZE, &have, &loan);
	if (bytes && have == len) {
		r = digest_update(q->digest, bytes, len);
	} else if (q->mode == PROOF_FOLLOW && limit < q->size && limit - q->off > FOLLOW_LAG_MAX) {
		q->behind = true;
		r = 1;
	} else {
		r = read_piece(p, q, fd, len, q->off);
		r = r < 0 ? r : digest_update(q->digest, p->piece, len);
	}
	if (bytes)
		ev->give_back(loan);
	return r;
}

/* Reads and digests as far as the front reaches, or a slice of it. 0, or why the proof cannot go on. */
static int digest_slice(struct prover *p, struct proof *q, int fd)
{
	uint64_t end = q->off + SLICE, limit;
	int r = start_digest(q);

	while (r == 0 && may_go_on(p, q, &limit) && q->off < min_u64(limit, end)) {
		size_t len = (size_t)min_u64(PIECE, limit - q->off);

		r = digest_piece(p, q, fd, len, limit);
		q->off += r == 0 ? len : 0;
	}
	return r > 0 ? 0 : r;
}

/* Brings the file to disk piece by piece, so that a stop never waits for all of it. */
static int sync_file(struct prover *p, struct proof *q, int fd)
{
	uint64_t limit;

	for (uint64_t off = 0; off < q->size; off += SYNC_PIECE) {
		if (!may_go_on(p, q, &limit))
			return -ECANCELED;
		if (sync_file_range(fd, (off_t)off, (off_t)min_u64(SYNC_PIECE, q->size - off),
				    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0 &&
		    errno != ENOSYS && errno != ESPIPE && errno != EINVAL)
			return -errno;
	}
	return fdatasync(fd) < 0 ? -errno : 0;
}

/* The whole was read. 0 with a result, -EAGAIN: to be read again as a whole, or why the proof cannot go on. */
static int conclude(struct prover *p, struct proof *q, int fd, struct proof_result *res)
{
	struct blob_id got;
	int r = digest_final(q->digest, &got);

	digest_free(q->digest);
	q->digest = NULL;
	if (r < 0)
		return r;
	if (!blob_id_equal(&got, &q->id)) {
		if (q->mode == PROOF_FOLLOW)
			return -EAGAIN;
		res->outcome = PROOF_WRONG;
		return 0;
	}
	r = sync_file(p, q, fd);
	if (r == -ECANCELED)
		return r;
	res->outcome = r < 0 ? PROOF_UNSYNCED : PROOF_GOOD;
	return fstat(fd, &res->st) < 0 ? -errno : 0;
}

/* Clears the bits of those chunks that are as stored; one that cannot be read is not. */
static void check_extent(struct prover *p, struct proof *q, int fd, struct cache_extent *e)
{
	for (uint64_t bits = e->present; bits; bits &= bits - 1) {
		unsigned n = (unsigned)__builtin_ctzll(bits);
		uint64_t idx = e->idx * EXTENT_CHUNKS + n, off = idx * CHUNK_SIZE;
		size_t len = (size_t)min_u64(CHUNK_SIZE, q->size - off);
		struct chunk_digest got;

		if (read_piece(p, q, fd, len, off) < 0)
			continue;
		got = cache_chunk_digest(&q->id, idx, p->piece, len);
		if (!memcmp(&got, &e->digests[n], sizeof(got)))
			e->present &= ~(1ull << n);
	}
}

static int check_slice(struct prover *p, struct proof *q, int fd, struct proof_result *res)
{
	uint64_t limit;

	for (size_t i = 0; i < q->rows->nr; i++) {
		if (!may_go_on(p, q, &limit))
			return -ECANCELED;
		check_extent(p, q, fd, &q->rows->extents[i]);
	}
	res->outcome = PROOF_CHECKED;
	res->rows = TAKE(q->rows);
	return 0;
}

/*
 * Past the page cache, if the file is complete. A file that is still written to is locked by such a read, and the system lets this
 * thread wait for all others: then so would they for it.
 */
static void choose_way(struct prover *p, struct proof *q, int fd)
{
	uint64_t limit;

	(void)may_go_on(p, q, &limit);
	if (q->mode == PROOF_WHOLE || limit == q->size)
		data_set_direct(fd, true);
	else
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* advice: no readahead over holes */
}

/* One turn. 1: res is to be told; 0: more another time; -EAGAIN: from the start, as a whole; else the proof is given up. */
static int take_turn(struct prover *p, struct proof *q, struct proof_result *res)
{
	struct stat st;
	AUTO_FD int fd = data_find(p->data, &q->id, q->size, &st);
	int r;

	if (fd < 0)
		return fd;
	if (q->off && st.st_ino != q->ino)
		return -ESTALE;
	q->ino = st.st_ino;
	choose_way(p, q, fd);
	if (q->mode == PROOF_CHECK) {
		r = check_slice(p, q, fd, res);
		return r < 0 ? r : 1;
	}
	r = digest_slice(p, q, fd);
	if (r < 0 || q->off < q->size)
		return r;
	r = conclude(p, q, fd, res);
	return r < 0 ? r : 1;
}

/* Puts q where it belongs after its turn; true: res is to be told. */
static bool end_turn(struct prover *p, struct proof *q, int r)
{
	LOCK_SCOPE(&p->lock);
	if (q->cancelled) {
		free_proof(q);
		return false;
	}
	if (r < 0 && r != -EAGAIN) {
		q->state = PROOF_IDLE;
		cancel_locked(p, q);
		return false;
	}
	if (r == 1) {
		stop_following_locked(p, q);
		q->state = PROOF_DONE;
		return true;
	}
	if (r == -EAGAIN) {
		q->mode = PROOF_WHOLE;
		q->off = 0;
		stop_following_locked(p, q);
		queue_locked(p, q);
		return false;
	}
	q->state = PROOF_IDLE;
	if (q->present)
		advance_locked(p, q);
	else
		queue_locked(p, q);
	return false;
}

static void run_turn(struct prover *p, struct proof *q)
{
	struct proof_result res = {.id = q->id, .size = q->size, .gen = q->gen};
	int r = take_turn(p, q, &res);

	if (r < 0 && r != -EAGAIN && r != -ECANCELED)
		log_debug("a proof was given up: %s", strerror(-r));
	if (end_turn(p, q, r))
		p->done(p->ctx, &res);
	else
		free(res.rows);
}

static struct proof *next_proof(struct prover *p)
{
	struct proof *q;
	LOCK_SCOPE(&p->lock);

	for (;;) {
		while (!p->head && !p->stop)
			pthread_cond_wait(&p->wake, &p->lock);
		if (p->stop)
			return NULL;
		q = p->head;
		p->head = q->next;
		if (!p->head)
			p->tail = &p->head;
		if (!q->cancelled)
			break;
		free_proof(q);
	}
	q->state = PROOF_RUNNING;
	return q;
}

static void *prover_main(void *arg)
{
	struct prover *p = arg;
	struct proof *q;

	thread_make_idle();
	while ((q = next_proof(p)))
		run_turn(p, q);
	return NULL;
}

int prover_new(struct data *data, const struct cache_events *events, prover_done *done, void *ctx, struct prover **out)
{
	struct prover *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->piece = aligned_alloc(DIRECT_ALIGN, PIECE);
	if (!p->piece) {
		free(p);
		return -ENOMEM;
	}
	p->data = data;
	p->events = events;
	p->done = done;
	p->ctx = ctx;
	p->tail = &p->head;
	pthread_mutex_init(&p->lock, NULL);
	cond_init(&p->wake);
	*out = p;
	return 0;
}

int prover_start(struct prover *p)
{
	int r = thread_start(&p->thread, "hffs-prover", prover_main, p);

	p->started = r == 0;
	return r;
}

static void say_stop(struct prover *p)
{
	LOCK_SCOPE(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
}

void prover_stop(struct prover *p)
{
	if (!p || !p->started)
		return;
	say_stop(p);
	pthread_join(p->thread, NULL);
	p->started = false;
}

/* No thread runs any more; what is cancelled is only in the queue, the rest in the map. */
void prover_free(struct prover *p)
{
	struct proof *q;
	size_t i = 0;

	if (!p)
		return;
	while ((q = p->head)) {
		p->head = q->next;
		if (q->cancelled)
			free_proof(q);
	}
	while ((q = map_next(&p->proofs, &i)))
		free_proof(q);
	map_done(&p->proofs);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->piece);
	free(p);
}
