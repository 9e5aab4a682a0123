// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a mount. The thread that calls mount_run() is its clock: it expires what waits too long and notices the end. The
 * FUSE threads take requests. The notify thread alone tells the kernel that something is out of date, because the kernel may
 * make it wait for a lookup that is parked; so it holds no lock then, and nothing waits for it but the end.
 *
 * The end: refuse what waits and what comes, let the notify thread finish while requests are still answered, stop the FUSE
 * threads, wait for answers under way, unmount, give the blobs back.
 */
#include <hffs/mount.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#include "mountpoint_int.h"
#include "session_int.h"

/* Requests are parked, never threads: a few keep two directions of memory copies busy. */
#define THREADS_MIN 4
#define THREADS_MAX 8
#define TICK_MS 250         /* how late a deadline may be noticed */
#define IDLE_TICK_MS 1000   /* with nobody waiting */
#define GROWN_MS 1000       /* attributes of a file go out of date at most so often */
#define GROWN_MAX 64        /* files told of at a time */
#define END_MS 4000         /* the last answers get so long */
/* 256 KiB requests: nearly as fast as larger ones, and what lazy loaders fetch in vain stays small. [docs/DESIGN.md, measured] */
#define READ_AHEAD_KB "256"

struct stale_name {
	struct stale_name *next;
	uint64_t dir;
	char name[]; /* with its NUL */
};

struct mount {
	struct mount_config config; /* the strings below are ours */
	char *dir, *source, *one_rev, *fuse_options;
	struct repo_id one_repo;

	struct ops *ops; /* a reference */
	struct fuse_session *session;
	struct mount_line where; /* major 0, minor 0 if it was not found */
	int stop_fd, halt_fd;    /* eventfds: the mount shall end; the FUSE threads shall */
	atomic_bool is_ready, is_tuned;
	atomic_int failed; /* what a FUSE thread ended with */
	pthread_t threads[THREADS_MAX], notifier;
	unsigned nr_threads;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	bool is_running; /* ops->vfs is there */
	bool is_ending;
	struct stale_name *stale;
};

/* --- opening --- */

static int copy_config(struct mount *m, const struct mount_config *config)
{
	m->config = *config;
	m->source = strdup(config->source ? config->source : "hub");
	m->one_rev = strdup(config->one_rev ? config->one_rev : "main");
	m->fuse_options = strdup(config->fuse_options ? config->fuse_options : "");
	if (config->one_repo) {
		m->one_repo = *config->one_repo;
		m->config.one_repo = &m->one_repo;
	}
	m->config.source = m->source;
	m->config.one_rev = m->one_rev;
	m->config.fuse_options = m->fuse_options;
	return m->source && m->one_rev && m->fuse_options ? 0 : -ENOMEM;
}

/* Takes one word out of "a,b=c". libfuse 3 knows no nonempty: it mounts over files anyway. */
static bool take_word(char *options, const char *word)
{
	size_t len = strlen(word);

	for (char *p = options; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (strncmp(p, word, len) != 0 || (p[len] && p[len] != ','))
			continue;
		memmove(p, p + len + (p[len] == ','), strlen(p + len + (p[len] == ',')) + 1);
		len = strlen(options);
		if (len && options[len - 1] == ',')
			options[len - 1] = '\0';
		return true;
	}
	return false;
}

static struct mount *mount_new(void)
{
	struct mount *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	cond_init(&m->wake);
	m->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return m;
}

static int open_session(struct mount *m, struct err *err)
{
	const struct session_options options = {
		.dir = m->dir,
		.source = m->source,
		.allow_other = m->config.allow_other,
		.more = m->fuse_options,
	};

	m->ops = ops_new(m->config.names_deadline_ms);
	if (!m->ops || m->stop_fd < 0 || m->halt_fd < 0)
		return err_set(err, -ENOMEM, "no memory or descriptors for a mount");
	return session_open(&options, m->ops, &m->session, err);
}

static void free_mount_auto(struct mount **m)
{
	mount_free(*m);
}

int mount_open(const struct mount_config *config, struct mount **out, struct err *err)
{
	__attribute__((cleanup(free_mount_auto))) struct mount *m = mount_new();
	int r;

	if (!m || copy_config(m, config) < 0)
		return err_set(err, -ENOMEM, "no memory for a mount");
	r = mountpoint_check_fuse(err);
	if (r == 0)
		r = mountpoint_prepare(config->dir, take_word(m->fuse_options, "nonempty"), &m->dir, err);
	if (r == 0)
		r = open_session(m, err);
	if (r < 0)
		return r;
	if (!mountpoint_find(m->dir, &m->where))
		m->where = (struct mount_line){0};
	*out = TAKE(m);
	return 0;
}

/* --- the FUSE threads --- */

static void signal_fd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* full: it is readable already */
}

/* As root: the kernel's own readahead of this mount. The answer to INIT resets it, so not before something else was asked. */
static void tune_readahead(struct mount *m)
{
	char path[96];
	AUTO_FD int fd = -1;

	if (geteuid() != 0 || (!m->where.major && !m->where.minor))
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", m->where.major, m->where.minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, READ_AHEAD_KB, strlen(READ_AHEAD_KB)) < 0)
		log_debug("%s: %s: reads stay at the kernel's default size", path, strerror(errno));
}

static void after_request(struct mount *m)
{
	if (!atomic_load_explicit(&m->is_ready, memory_order_relaxed)) {
		if (atomic_load(&m->ops->is_up) && !atomic_exchange(&m->is_ready, true) && m->config.ready)
			m->config.ready(m->config.ready_ctx);
	} else if (!atomic_load_explicit(&m->is_tuned, memory_order_relaxed)) {
		if (!atomic_exchange(&m->is_tuned, true))
			tune_readahead(m);
	}
}

/* EPOLLEXCLUSIVE: one request wakes one thread. */
static int make_epoll(struct mount *m)
{
	struct epoll_event device = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fuse_session_fd(m->session)};
	struct epoll_event halt = {.events = EPOLLIN, .data.fd = m->halt_fd};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, device.data.fd, &device) < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, halt.data.fd, &halt) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Waits for a request; false when the threads shall stop. */
static bool wait_request(struct mount *m, int epoll_fd)
{
	struct epoll_event event[2];
	int n = epoll_wait(epoll_fd, event, 2, -1);

	for (int i = 0; i < n; i++)
		if (event[i].data.fd == m->halt_fd)
			return false;
	return n >= 0 || errno == EINTR;
}

/* One request, or none; -errno when the connection is broken, -ENODEV when it is over. */
static int serve_one(struct mount *m, struct fuse_buf *buf)
{
	int n = fuse_session_receive_buf(m->session, buf);

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n ? n : -ENODEV;
	fuse_session_process_buf(m->session, buf);
	after_request(m);
	return fuse_session_exited(m->session) ? -ENODEV : 1;
}

static void *serve(void *arg)
{
	struct mount *m = arg;
	struct fuse_buf buf = {0};
	int epoll_fd = make_epoll(m), r = epoll_fd < 0 ? epoll_fd : 0;

	while (r >= 0) {
		r = serve_one(m, &buf);
		if (r == 0 && !wait_request(m, epoll_fd))
			break;
	}
	if (r < 0) {
		atomic_store(&m->failed, r);
		signal_fd(m->stop_fd);
	}
	if (epoll_fd >= 0)
		close(epoll_fd);
	free(buf.mem);
	return NULL;
}

static unsigned threads_wanted(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < THREADS_MIN ? THREADS_MIN : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Fewer than wanted will do. */
static int start_threads(struct mount *m)
{
	unsigned nr = threads_wanted();

	while (m->nr_threads < nr) {
		int r = thread_start(&m->threads[m->nr_threads], "fuse", serve, m);

		if (r < 0 && m->nr_threads == 0)
			return r;
		if (r < 0)
			break;
		m->nr_threads++;
	}
	return 0;
}

static void stop_threads(struct mount *m)
{
	signal_fd(m->halt_fd);
	while (m->nr_threads)
		pthread_join(m->threads[--m->nr_threads], NULL);
}

/* --- the notify thread --- */

/* Sizes on disk that have grown. off -1: attributes only, so no page is touched and no reader is waited for. */
static void tell_grown(struct mount *m)
{
	uint64_t nodes[GROWN_MAX];
	size_t nr = vfs_take_grown(m->ops->vfs, nodes, GROWN_MAX);

	for (size_t i = 0; i < nr; i++)
		(void)fuse_lowlevel_notify_inval_inode(m->session, nodes[i], -1, 0); /* forgotten meanwhile: as well */
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

static void *notify(void *arg)
{
	struct mount *m = arg;

	for (;;) {
		struct stale_name *stale;
		bool is_ending;

		pthread_mutex_lock(&m->lock);
		if (!m->stale && !m->is_ending)
			(void)cond_wait_ms(&m->wake, &m->lock, GROWN_MS);
		stale = TAKE(m->stale);
		is_ending = m->is_ending;
		pthread_mutex_unlock(&m->lock);
		tell_stale(m, stale);
		if (is_ending)
			return NULL;
		if (atomic_load(&m->is_ready))
			tell_grown(m);
	}
}

static void stop_notify(struct mount *m)
{
	pthread_mutex_lock(&m->lock);
	m->is_ending = true;
	m->is_running = false;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->notifier, NULL);
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

/* --- running --- */

static int make_vfs(struct mount *m, struct fetch *fetch)
{
	const struct vfs_config config = {
		.fetch = fetch,
		.catalog = fetch_catalog(fetch),
		.endpoint = hub_endpoint(fetch_hub(fetch)),
		.one_repo = m->config.one_repo,
		.one_rev = m->config.one_rev,
		.uid = m->config.uid < 0 ? getuid() : (uid_t)m->config.uid,
		.gid = m->config.gid < 0 ? getgid() : (gid_t)m->config.gid,
		.umask = m->config.umask,
		.status = m->config.status,
		.status_ctx = m->config.status_ctx,
	};
	struct vfs *v;
	int r = vfs_new(&config, &v);

	if (r < 0)
		return r;
	LOCK_SCOPE(&m->lock);
	m->ops->vfs = v;
	m->is_running = true;
	return 0;
}

static void wait_for_end(struct mount *m)
{
	struct pollfd stop = {.fd = m->stop_fd, .events = POLLIN};

	while (poll(&stop, 1, parked_nr(&m->ops->parked) ? TICK_MS : IDLE_TICK_MS) <= 0)
		parked_expire(&m->ops->parked, clock_mono_ms());
}

static void end(struct mount *m, struct fetch *fetch)
{
	fetch_cancel(fetch);
	parked_close(&m->ops->parked);
	stop_notify(m);
	stop_threads(m);
	if (!parked_drain(&m->ops->parked, END_MS))
		log_warn("%s: some answers did not come in time for the end of the mount", m->dir);
}

/* A connection that was cut (fusectl's abort) leaves its mount behind; libfuse would, too. */
static bool take_away_rest(struct mount *m)
{
	struct mount_line now;

	if (!mountpoint_find(m->dir, &now) || now.major != m->where.major || now.minor != m->where.minor)
		return false;
	(void)mountpoint_detach(m->dir); /* what stays is found dead and detached by the next mount */
	return true;
}

static void unmount(struct mount *m)
{
	if (m->session)
		fuse_session_unmount(m->session);
}

int mount_run(struct mount *m, struct fetch *fetch, struct err *err)
{
	int r = make_vfs(m, fetch);

	if (r < 0)
		return err_set(err, r, "no memory for a mount");
	r = thread_start(&m->notifier, "notify", notify, m);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	r = start_threads(m);
	if (r == 0)
		wait_for_end(m);
	end(m, fetch);
	unmount(m);
	vfs_drop_files(m->ops->vfs);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	if (atomic_load(&m->failed) && take_away_rest(m))
		return err_set(err, -ECONNABORTED, "the kernel cut the connection of the mount at %s", m->dir);
	return 0;
}

void mount_stop(struct mount *m)
{
	signal_fd(m->stop_fd);
}

void mount_free(struct mount *m)
{
	if (!m)
		return;
	unmount(m);
	if (m->session)
		fuse_session_destroy(m->session);
	ops_unref(m->ops);
	while (m->stale) {
		struct stale_name *next = m->stale->next;

		free(m->stale);
		m->stale = next;
	}
	if (m->stop_fd >= 0)
		close(m->stop_fd);
	if (m->halt_fd >= 0)
		close(m->halt_fd);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wake);
	free(m->dir);
	free(m->source);
	free(m->one_rev);
	free(m->fuse_options);
	free(m);
}

void mount_stats(struct mount *m, struct mount_stats *out)
{
	struct vfs_stats st = {0};
	struct vfs *v;

	*out = (struct mount_stats){0};
	pthread_mutex_lock(&m->lock);
	v = m->is_running ? m->ops->vfs : NULL;
	pthread_mutex_unlock(&m->lock);
	if (!v)
		return;
	vfs_stats(v, &st);
	out->lookups = st.lookups;
	out->reads = st.reads;
	out->bytes_read = st.bytes_read;
	out->open_files = st.open_files;
	out->nodes = st.nodes;
	out->parked = parked_nr(&m->ops->parked);
	out->last_error_s = st.last_error_s;
	memcpy(out->last_error, st.last_error, sizeof(out->last_error));
}
