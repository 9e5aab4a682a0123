// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a mount. The thread that calls mount_run() is its clock: it expires what waits too long and notices the end. The
 * FUSE threads take requests (threads.c); the notify thread tells the kernel what is out of date (notify.c).
 *
 * The end: refuse what waits and what comes, let the notify thread finish while requests are still answered, stop the FUSE
 * threads, wait for answers under way, unmount, give the blobs back.
 */
#include "mount_int.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#include "passthrough_int.h"

#define TICK_MS 250         /* how late a deadline may be noticed */
#define IDLE_TICK_MS 1000   /* with nobody waiting */
#define END_MS 4000         /* the last answers get so long */

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
	if (config->one) {
		m->one = *config->one;
		m->config.one = &m->one;
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
	m->ops->is_stable = m->config.stable;
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

/* --- running --- */

static int make_vfs(struct mount *m, struct fetch *fetch)
{
	const struct vfs_config config = {
		.fetch = fetch,
		.catalog = fetch_catalog(fetch),
		.endpoint = hub_endpoint(fetch_hub(fetch)),
		.one_repo = m->config.one_repo,
		.one_rev = m->config.one_rev,
		.one = m->config.one,
		.uid = m->config.uid < 0 ? getuid() : (uid_t)m->config.uid,
		.gid = m->config.gid < 0 ? getgid() : (gid_t)m->config.gid,
		.umask = m->config.umask,
		.is_stable = m->config.stable,
		.is_safe = m->config.safe,
		.pass = passthrough_open,
		.unpass = passthrough_close,
		.pass_ctx = m->ops,
		.push = notify_push,
		.push_ctx = m,
		.status = m->config.status,
		.status_ctx = m->config.status_ctx,
	};
	struct vfs *v;
	int r = vfs_new(&config, &v);

	if (r < 0)
		return r;
	LOCK_SCOPE(&m->lock);
	m->ops->vfs = v;
	m->ops->device_fd = fuse_session_fd(m->session);
	m->fetch = fetch;
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
	notify_stop(m);
	threads_stop(m);
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
	if (m->ops)
		m->ops->device_fd = -1; /* nobody asks it for anything after this */
	if (m->session)
		fuse_session_unmount(m->session);
}

int mount_run(struct mount *m, struct fetch *fetch, struct err *err)
{
	int r = make_vfs(m, fetch);

	if (r < 0)
		return err_set(err, r, "no memory for a mount");
	r = notify_start(m);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	r = threads_start(m);
	if (r == 0)
		wait_for_end(m);
	end(m, fetch);
	vfs_let_pass(m->ops->vfs, false);
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

const char *mount_fuse_version(void)
{
	return fuse_pkgversion();
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
	out->passthrough = vfs_may_pass(v);
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
