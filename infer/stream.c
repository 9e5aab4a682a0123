// SPDX-License-Identifier: Apache-2.0
/*
 * MADV_POPULATE_READ maps pages and, unlike touching them, answers an error where one cannot be read; the reason is then asked of
 * pread(), which has an errno. Kernels before 5.14 lack it; there every piece is read by pread() into a small buffer, which brings
 * its pages into the page cache. MADV_WILLNEED ahead of it lets a file system have many requests on their way.
 */
#include "stream_int.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <hffs/io.h>
#include <hffs/thread.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* linux/mman.h since 5.14 */
#endif

#define BUFFER (256u << 10)  /* of pread(), and of the search for a reason */
#define TRIES 3              /* a page may be dropped again before we look */
#define TICK_MS 100          /* between two calls of progress() */

struct span {
	uint32_t file;
	uint64_t off, len;
};

struct group {
	struct span *spans;
	uint32_t nr;
	uint64_t bytes;
	_Atomic(bool) present;
};

/* A place in the order of the computation. */
struct cursor {
	uint32_t group, span;
	uint64_t off; /* in the span */
};

struct stream {
	const struct model_files *files;
	stream_progress *progress;
	void *ctx;
	uint32_t nr;
	uint64_t all, page; /* page: bytes of the kernel's */
	struct group *groups;
	_Atomic(uint64_t) here;    /* bytes that were looked at */
	_Atomic(bool) quit;
	_Atomic(bool) by_pread;    /* the kernel has no MADV_POPULATE_READ */
	struct cursor told;        /* of the helper: the kernel knows of what is before it */
	uint64_t ahead;            /* bytes that it knows of and that were not brought in yet */
	bool failed_before;        /* of the helper: the last group could not be had, and is asked for from its beginning */

	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t helper;
	bool running, resting; /* resting: nothing to do, or failed, until it is asked */
	uint32_t wanted;             /* the computation is here; nr: it has not begun */
	uint32_t failed;             /* the group that could not be brought in; nr: none */
	struct err why;              /* of it */
};

/* --- one piece --- */

static int reason(const struct model_file *f, uint64_t off, int code, struct err *err)
{
	if (code == -ENODATA)
		return err_set(err, -EIO, "%s ends before byte %llu, where a weight should be", f->path, (unsigned long long)off);
	return err_set(err, code, "cannot read %s at byte %llu: %s", f->path, (unsigned long long)off, strerror(-code));
}

/* Through the page cache; also finds out why a page cannot be had. */
static int read_piece(const struct model_file *f, uint64_t off, uint64_t len, struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(BUFFER);

	if (!buffer)
		return -ENOMEM;
	while (len) {
		size_t n = (size_t)min_u64(len, BUFFER);
		int r = io_pread(f->fd, buffer, n, off);

		if (r < 0)
			return reason(f, off, r, err);
		off += n;
		len -= n;
	}
	return 0;
}

static int populate(struct stream *s, const struct model_file *f, uint64_t off, uint64_t len, struct err *err)
{
	uint64_t begin = off / s->page * s->page, end = off + len;

	for (unsigned i = 0; !atomic_load(&s->by_pread) && i < TRIES; i++) {
		int r;

		do
			r = madvise((void *)(uintptr_t)(f->map + begin), end - begin, MADV_POPULATE_READ) < 0 ? -errno : 0;
		while (r == -EINTR || r == -EAGAIN);
		if (r == 0)
			return 0;
		if (r == -EINVAL) {
			atomic_store(&s->by_pread, true);
			break;
		}
		r = read_piece(f, off, len, err);
		if (r < 0)
			return r;
	}
	return atomic_load(&s->by_pread) ? read_piece(f, off, len, err) : reason(f, off, -EIO, err);
}

/* A wish: errors show when the bytes are needed. Of one call the kernel takes no more than it reads ahead of a file at most. */
static void announce(const struct stream *s, const struct model_file *f, uint64_t off, uint64_t len)
{
	uint64_t at = off / s->page * s->page, n;

	for (; at < off + len; at += n) {
		n = min_u64(f->readahead ? f->readahead : len, off + len - at);
		(void)madvise((void *)(uintptr_t)(f->map + at), n, MADV_WILLNEED);
	}
}

/* --- groups --- */

/* The next span that is to be announced; NULL: there is none. */
static const struct span *next_told(struct stream *s)
{
	struct cursor *c = &s->told;

	while (c->group < s->nr && (c->span == s->groups[c->group].nr || atomic_load(&s->groups[c->group].present)))
		*c = (struct cursor){.group = c->group + 1};
	return c->group < s->nr ? &s->groups[c->group].spans[c->span] : NULL;
}

/* Both ends are in the page cache: then all of it is, or has been asked for; if not it comes when it is needed. */
static bool is_cached(const struct stream *s, const struct model_file *f, uint64_t off, uint64_t len)
{
	const uint64_t ends[] = {off, off + len - 1};
	unsigned char here = f->owned;

	for (size_t i = 0; i < ARRAY_SIZE(ends) && here & 1; i++)
		if (mincore((void *)(uintptr_t)(f->map + ends[i] / s->page * s->page), 1, &here) < 0)
			return false;
	return here & 1;
}

/* What comes behind the end of a span or a group is on its way, too, when that has come. */
static void announce_ahead(struct stream *s)
{
	const struct span *p;

	while (s->ahead < STREAM_WINDOW && (p = next_told(s))) {
		const struct model_file *f = &s->files->files[p->file];
		uint64_t n = min_u64(STREAM_PIECE, p->len - s->told.off);

		if (f->readahead && !is_cached(s, f, p->off + s->told.off, n))
			announce(s, f, p->off + s->told.off, n);
		s->ahead += n;
		s->told.off += n;
		if (s->told.off == p->len)
			s->told = (struct cursor){.group = s->told.group, .span = s->told.span + 1};
	}
}

static int bring_span(struct stream *s, const struct span *p, struct err *err)
{
	const struct model_file *f = &s->files->files[p->file];
	uint64_t n;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < p->len; at += STREAM_PIECE) {
		if (atomic_load(&s->quit))
			return -ECANCELED;
		n = min_u64(STREAM_PIECE, p->len - at);
		announce_ahead(s);
		r = populate(s, f, p->off + at, n, err);
		s->ahead -= min_u64(s->ahead, n);
		if (r == 0)
			atomic_fetch_add(&s->here, n);
	}
	return r;
}

static int bring_group(struct stream *s, uint32_t i, struct err *err)
{
	struct group *g = &s->groups[i];
	uint64_t before = atomic_load(&s->here);
	int r = 0;

	if (s->told.group < i || s->failed_before) {
		s->told = (struct cursor){.group = i};
		s->ahead = 0;
	}
	for (uint32_t n = 0; r == 0 && n < g->nr; n++)
		r = bring_span(s, &g->spans[n], err);
	s->failed_before = r < 0;
	if (r < 0)
		atomic_store(&s->here, before); /* its bytes are counted when it is whole */
	return r;
}

/* The next group that is missing, near enough to where the computation is; nr if there is none. */
static uint32_t next_locked(const struct stream *s)
{
	uint64_t ahead = 0;

	for (uint32_t i = s->wanted; i < s->nr; i++) {
		if (i > s->wanted) {
			ahead += s->groups[i].bytes;
			if (ahead > STREAM_AHEAD && i > s->wanted + 1)
				return s->nr;
		}
		if (!atomic_load(&s->groups[i].present))
			return i;
	}
	return s->nr;
}

static void *help(void *arg)
{
	struct stream *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!atomic_load(&s->quit)) {
		uint32_t i = s->resting ? s->nr : next_locked(s);
		struct err why = {0};
		int r;

		if (i == s->nr) {
			s->resting = true;
			pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		r = bring_group(s, i, &why);
		pthread_mutex_lock(&s->lock);
		if (r == 0) {
			atomic_store(&s->groups[i].present, true);
		} else {
			s->failed = i;
			s->resting = true;
			s->why = why;
			s->why.code = r;
		}
		pthread_cond_broadcast(&s->done);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

bool stream_has(const struct stream *s, uint32_t group)
{
	return atomic_load_explicit(&s->groups[group].present, memory_order_acquire);
}

/* The computation is at this group now: the helper may go on. */
static void ask_locked(struct stream *s, uint32_t group)
{
	s->wanted = group;
	s->failed = s->nr;
	if (s->resting) {
		s->resting = false;
		pthread_cond_signal(&s->work);
	}
}

void stream_start(struct stream *s)
{
	if (stream_has(s, 0) && stream_has(s, s->nr - 1))
		return;
	LOCK_SCOPE(&s->lock);
	ask_locked(s, 0);
}

static void tell(struct stream *s)
{
	if (s->progress)
		s->progress(s->ctx, min_u64(atomic_load(&s->here), s->all), s->all);
}

int stream_need(struct stream *s, uint32_t group, struct err *err)
{
	if (stream_has(s, group) && stream_has(s, s->nr - 1)) /* it goes in order: behind the last there is nothing to ask for */
		return 0;
	pthread_mutex_lock(&s->lock);
	ask_locked(s, group);
	while (!atomic_load(&s->groups[group].present) && s->failed != group) {
		(void)cond_wait_ms(&s->done, &s->lock, TICK_MS);
		pthread_mutex_unlock(&s->lock);
		tell(s);
		pthread_mutex_lock(&s->lock);
		/* What failed behind this group does not matter yet. */
		if (s->resting && s->failed != group && !atomic_load(&s->groups[group].present))
			ask_locked(s, group);
	}
	if (atomic_load(&s->groups[group].present)) {
		pthread_mutex_unlock(&s->lock);
		return 0;
	}
	if (err)
		*err = s->why;
	pthread_mutex_unlock(&s->lock);
	return s->why.code;
}

/* --- rows --- */

int stream_need_rows(struct stream *s, struct stream_rows *t, const uint32_t *ids, size_t n, struct err *err)
{
	const struct model_file *f = &s->files->files[t->file];
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (!(t->known[ids[i] / 8] >> ids[i] % 8 & 1))
			announce(s, f, t->off + ids[i] * t->row_bytes, t->row_bytes);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (t->known[ids[i] / 8] >> ids[i] % 8 & 1)
			continue;
		r = populate(s, f, t->off + ids[i] * t->row_bytes, t->row_bytes, err);
		if (r == 0)
			t->known[ids[i] / 8] |= (uint8_t)(1u << ids[i] % 8);
	}
	return r;
}

/* --- making --- */

int stream_new(const struct model_files *files, uint32_t groups, stream_progress *progress, void *ctx, struct stream **out)
{
	struct stream *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct stream){.files = files, .nr = groups, .progress = progress, .ctx = ctx, .resting = true, .failed = groups,
			     .page = (uint64_t)sysconf(_SC_PAGESIZE),
			     .groups = calloc(groups, sizeof(*s->groups))};
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
	r = cond_init(&s->work);
	if (r == 0)
		r = cond_init(&s->done);
	if (r == 0)
		r = s->groups ? 0 : -ENOMEM;
	if (r == 0)
		r = thread_start(&s->helper, "hffs-weights", help, s);
	s->running = r == 0;
	if (r < 0) {
		stream_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		atomic_store(&s->quit, true);
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->helper, NULL); /* a thread of ours */
	}
	for (uint32_t i = 0; s->groups && i < s->nr; i++)
		free(s->groups[i].spans);
	free(s->groups);
	free(s);
}

int stream_add(struct stream *s, uint32_t group, uint32_t file, uint64_t off, uint64_t len)
{
	struct group *g = &s->groups[group];
	struct span *grown;

	if (!len)
		return 0;
	grown = reallocarray(g->spans, g->nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	g->spans = grown;
	g->spans[g->nr++] = (struct span){file, off, len};
	return 0;
}

static int by_place(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

/* Spans that touch, overlap or share a page become one. */
static void join(struct group *g, uint64_t page)
{
	uint32_t kept = 0;

	if (g->nr)
		qsort(g->spans, g->nr, sizeof(*g->spans), by_place);
	for (uint32_t i = 0; i < g->nr; i++) {
		struct span *last = kept ? &g->spans[kept - 1] : NULL, *p = &g->spans[i];

		if (last && last->file == p->file && p->off <= last->off + last->len + page)
			last->len = max_u64(last->off + last->len, p->off + p->len) - last->off;
		else
			g->spans[kept++] = *p;
	}
	g->nr = kept;
	g->bytes = 0;
	for (uint32_t i = 0; i < g->nr; i++)
		g->bytes += g->spans[i].len;
}

/* A disk is then read into pages of 2 MiB, also where its readahead is shorter, as it mostly is: 128 KiB. Rows of a
 * table are left out: each would bring in as much. [mm/filemap.c, do_sync_mmap_readahead()] */
static void want_large_pages(const struct stream *s, const struct group *g)
{
	for (uint32_t i = 0; i < g->nr; i++) {
		const struct model_file *f = &s->files->files[g->spans[i].file];
		uint64_t begin = g->spans[i].off / s->page * s->page;

		if (!f->readahead)
			(void)madvise((void *)(uintptr_t)(f->map + begin), g->spans[i].off + g->spans[i].len - begin, MADV_HUGEPAGE); /* a wish */
	}
}

void stream_ready(struct stream *s)
{
	s->all = 0;
	for (uint32_t i = 0; i < s->nr; i++) {
		join(&s->groups[i], s->page);
		want_large_pages(s, &s->groups[i]);
		s->all += s->groups[i].bytes;
	}
}

uint64_t stream_bytes(const struct stream *s)
{
	return s->all;
}
