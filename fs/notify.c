// SPDX-License-Identifier: Apache-2.0
/*
 * The notify thread: it alone tells the kernel that something is out of date, because the kernel may make it wait for a lookup that
 * is parked. It holds no lock then, and nothing waits for it but the end of the mount.
 */
#include "mount_int.h"
#include "request_int.h"

#include <string.h>

#define GROWN_MS 1000 /* attributes of a file go out of date at most so often */
#define GROWN_MAX 64  /* files told of at a time */
#define SPOILED_MAX 1024 /* names of one wrong content */

/* Sizes on disk that have grown. off -1: attributes only, so no page is touched and no reader is waited for. */
static void tell_grown(struct mount *m)
{
	uint64_t nodes[GROWN_MAX];
	size_t nr = vfs_take_grown(m->ops->vfs, nodes, GROWN_MAX);

	for (size_t i = 0; i < nr; i++)
		(void)fuse_lowlevel_notify_inval_inode(m->session, nodes[i], -1, 0); /* forgotten meanwhile: as well */
}

/*
 * Pages of contents that turned out to be wrong: whoever reads or maps them next gets what is fetched again, or an error. This
 * may wait for a read that is parked, but no read waits for this thread.
 */
static void tell_spoiled(struct mount *m)
{
	uint64_t nodes[SPOILED_MAX];
	size_t nr;

	while ((nr = vfs_take_spoiled(m->ops->vfs, nodes, SPOILED_MAX)))
		while (nr--)
			(void)fuse_lowlevel_notify_inval_inode(m->session, nodes[nr], 0, 0); /* forgotten meanwhile: as well */
}

struct stale_list {
	struct stale_name *first;
};

static void note_stale(void *ctx, uint64_t dir, const char *name)
{
	struct stale_list *l = ctx;
	size_t len = strlen(name) + 1;
	struct stale_name *s = malloc(sizeof(*s) + len);

	if (!s)
		return; /* then its time runs out by itself */
	s->dir = dir;
	memcpy(s->name, name, len);
	s->next = l->first;
	l->first = s;
}

static void tell_stale(struct mount *m, struct stale_name *s)
{
	while (s) {
		struct stale_name *next = s->next;

		(void)fuse_lowlevel_notify_inval_entry(m->session, s->dir, s->name, strlen(s->name)); /* unknown to it: as well */
		free(s);
		s = next;
	}
}

/* Files that are complete now have other nodes for who opens them next. */
static void tell_sealed(struct mount *m)
{
	struct stale_list l = {0};

	vfs_take_sealed(m->ops->vfs, note_stale, &l);
	tell_stale(m, l.first);
}

/*
 * Chunks that somebody reads by the page. The kernel takes each page's lock for it, which a request for that page holds until its
 * answer: hence this thread, whom no answer waits for. [kernel fs/fuse/dev.c fuse_notify_store(); measured: 2 to 8 times the pages]
 */
static void push_pages(struct mount *m)
{
	struct fuse_bufvec pages = FUSE_BUFVEC_INIT(0);
	uint64_t node, off;

	pages.buf[0].mem = thread_buffer();
	if (!pages.buf[0].mem)
		return;
	while (vfs_take_push(m->ops->vfs, pages.buf[0].mem, &node, &off, &pages.buf[0].size)) {
		pages.idx = 0;
		pages.off = 0;
		(void)fuse_lowlevel_notify_store(m->session, node, (off_t)off, &pages, FUSE_BUF_NO_SPLICE); /* forgotten: as well */
	}
}

void notify_push(void *mount)
{
	struct mount *m = mount;
	LOCK_SCOPE(&m->lock);

	m->has_push = true;
	pthread_cond_signal(&m->wake);
}

static void *notify(void *arg)
{
	struct mount *m = arg;

	for (;;) {
		struct stale_name *stale;
		bool is_ending, has_push;

		pthread_mutex_lock(&m->lock);
		if (!m->stale && !m->is_ending && !m->has_push)
			(void)cond_wait_ms(&m->wake, &m->lock, GROWN_MS);
		stale = TAKE(m->stale);
		is_ending = m->is_ending;
		has_push = m->has_push;
		m->has_push = false;
		pthread_mutex_unlock(&m->lock);
		tell_stale(m, stale);
		if (is_ending)
			return NULL;
		if (!atomic_load(&m->is_ready))
			continue;
		if (has_push)
			push_pages(m);
		tell_spoiled(m);
		tell_sealed(m);
		tell_grown(m);
	}
}

void notify_stop(struct mount *m)
{
	pthread_mutex_lock(&m->lock);
	m->is_ending = true;
	m->is_running = false;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->notifier, NULL);
}

int notify_start(struct mount *m)
{
	return thread_start(&m->notifier, "notify", notify, m);
}

void mount_refresh(struct mount *m, const struct repo_id *repo)
{
	struct stale_list l = {0};
	struct vfs *v = NULL;

	pthread_mutex_lock(&m->lock);
	if (m->is_running)
		v = m->ops->vfs;
	pthread_mutex_unlock(&m->lock);
	if (!v)
		return;
	vfs_refresh(v, repo, note_stale, &l);
	pthread_mutex_lock(&m->lock);
	while (l.first) {
		struct stale_name *s = l.first;

		l.first = s->next;
		s->next = m->stale;
		m->stale = s;
	}
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}
