// SPDX-License-Identifier: Apache-2.0
/*
 * Builds fetch and mount, and takes them down in the reverse order. Detached, the parent waits on a pipe for one report of the
 * child: success when the kernel has answered, or the errno and the sentence. Threads start in the child only.
 *
 * A mount ends by umount, or by SIGTERM, SIGINT, SIGHUP, which a thread of its own waits for. A private mount also ends with the
 * process that started it: the kernel then sends SIGTERM. Others may have found it and use it; it stays until they are done.
 */
#include "daemon_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/mount.h>
#include <hffs/thread.h>

#include "handover_int.h"
#include "keep_int.h"
#include "lock_int.h"
#include "model_dir_int.h"
#include "mounts_int.h"
#include "orders_int.h"
#include "status_int.h"
#include "wait_int.h"

#define PRIVATE_WAIT_US 200000 /* how soon a private mount that is in use looks again */

struct daemon {
	const struct daemon_plan *plan;
	struct status_source status;
	struct fetch *fetch;
	struct mount *mount;
	struct revision one;    /* what the one repository's revision stands for */
	bool knows_one;
	struct orders_ctx orders;
	struct control *control; /* NULL: nobody can tell it anything */
	pthread_t signals;
	_Atomic bool ending;
	atomic_bool is_stopped; /* a signal came */
	pthread_mutex_t lock;   /* of the next, and of fetch until it is there */
	bool is_serving;        /* mount_run() is what a signal ends */
	int report_fd; /* to the parent; -1 in front, and once the report is given */
	int null_fd;
	pid_t parent;  /* who started us */
};

/* --- the report --- */

static void report(struct daemon *d, const struct err *err)
{
	if (d->report_fd < 0)
		return;
	/* A parent that is gone has nobody to tell; the mount itself is what was asked for. */
	(void)io_write(d->report_fd, err, sizeof(*err));
	(void)close(d->report_fd);
	d->report_fd = -1;
}

static int report_read(int fd, pid_t child, struct err *err)
{
	struct err told = {0};
	size_t got = 0;
	ssize_t n = 1;
	int status = 0;

	while (got < sizeof(told) && n) {
		n = read(fd, (char *)&told + got, sizeof(told) - got);
		if (n < 0 && errno != EINTR)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	if (got == sizeof(told) && told.code == 0)
		return 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof(told))
		return err_set(err, told.code, "%s", err_text(&told));
	if (WIFSIGNALED(status))
		return err_set(err, -EIO, "the daemon was ended by signal %d before the mount answered", WTERMSIG(status));
	return err_set(err, -EIO, "the daemon ended before the mount answered");
}

/* --- the process --- */

/* The stream of the journal: a few header lines, then one message a line. [systemd, sd-journal/journal-send.c, sd_journal_stream_fd()] */
static int open_journal(void)
{
	static const char header[] = "hffs\n\n6\n0\n0\n0\n0\n"; /* identifier, unit, priority info, no prefixes, no forwarding */
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/stdout"};
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)) < 0)
		return -errno;
	(void)shutdown(fd, SHUT_RD); /* nothing comes back */
	r = io_write(fd, header, sizeof(header) - 1);
	return r < 0 ? r : take_fd(&fd);
}

/* Where lines of the log go: the file or journal that was chosen; else stderr in front, else the journal if there is one. */
static int open_log(const struct daemon_plan *plan, struct err *err)
{
	const char *log = plan->config->log;
	int fd;

	if (!log && plan->foreground)
		return 0;
	if (log && strcmp(log, "journal")) {
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_set(err, -errno, "cannot write the log %s: %s", log, strerror(errno));
	} else {
		fd = open_journal();
		if (fd < 0 && log)
			return err_set(err, fd, "there is no journal to log to: %s", strerror(-fd));
		if (fd < 0)
			fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	log_to(fd);
	return 0;
}

static bool has_token(const struct config *c)
{
	return c->token || (c->token_file && access(c->token_file, R_OK) == 0);
}

/* A dump of the memory would hold the token; setuid programs are needed only by fusermount3, which root does not use. */
static void harden(const struct config *c)
{
	static const struct rlimit none = {0, 0};

	if (c->token || c->token_file)
		(void)setrlimit(RLIMIT_CORE, &none); /* lowering cannot fail */
	if (has_token(c))
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (geteuid() == 0)
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* fails for bad numbers only */
}

/* What is in use is not taken away from who uses it. A mount that is gone ends mount_run() by itself. */
static void end_unused(struct daemon *d)
{
	struct err err = {0};
	int r;

	while ((r = mount_dir_unmount(d->plan->dir, false, &err)) == -EBUSY && !atomic_load(&d->ending))
		usleep(PRIVATE_WAIT_US);
	if (r < 0)
		mount_stop(d->mount);
}

/* Before the mount serves, what is waited for is the Hub. Returns whether it serves. */
static bool stop(struct daemon *d)
{
	LOCK_SCOPE(&d->lock);
	atomic_store(&d->is_stopped, true);
	if (!d->is_serving && d->fetch)
		fetch_cancel(d->fetch);
	return d->is_serving;
}

/* The next step of starting: 0, or a signal came meanwhile. */
static int go_on(struct daemon *d, struct err *err)
{
	return atomic_load(&d->is_stopped) ? err_set(err, -ECANCELED, "ended by a signal before it was mounted") : 0;
}

static void *watch_signals(void *arg)
{
	struct daemon *d = arg;
	sigset_t set;
	int nr = 0;

	block_signals(&set);
	while (sigwait(&set, &nr) == 0 && !atomic_load(&d->ending)) {
		log_info("signal %d: unmounting %s", nr, d->plan->dir);
		if (!stop(d))
			continue;
		if (d->plan->private_dir)
			end_unused(d);
		else
			mount_stop(d->mount);
	}
	return NULL;
}

static void stop_watching(struct daemon *d)
{
	atomic_store(&d->ending, true);
	pthread_kill(d->signals, SIGTERM);
	pthread_join(d->signals, NULL);
}

/* --- assembly --- */

static void on_ready(void *ctx)
{
	struct daemon *d = ctx;

	log_info("%s is mounted on %s, pid %ld", d->plan->source, d->plan->dir, (long)getpid());
	if (d->plan->foreground)
		return;
	report(d, &(struct err){0});
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(d->null_fd, fd); /* both are open */
}

static void on_status(void *ctx, struct buf *out)
{
	struct daemon *d = ctx;

	status_format(&d->status, out);
}

static void on_listing(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	(void)ctx, (void)is_whole, (void)err; /* who opens the directory hears it */
	if (r == 0)
		tree_unref(tree);
}

/* What a private mount is for is its first repository: the listing of that is on its way while the kernel mounts. */
static int ask_for_first(struct catalog *c, const struct daemon_plan *plan, struct err *err)
{
	struct revision rev;
	int r = wait_revision(c, plan->first, plan->first_rev, &rev, err);

	if (r == 0)
		catalog_want_listing(c, &rev.repo, rev.commit, "", on_listing, NULL);
	return r;
}

/*
 * A mount of one repository asks for it first: a wrong name is said now, not by every later access. Without an answer the mount
 * is made all the same; the network may come.
 */
static int check_repo(struct daemon *d, struct err *err)
{
	const struct daemon_plan *plan = d->plan;
	int r;

	if (plan->private_dir)
		return ask_for_first(fetch_catalog(d->fetch), plan, err);
	if (!plan->repo)
		return 0;
	r = wait_revision(fetch_catalog(d->fetch), plan->repo, plan->rev, &d->one, err);
	d->knows_one = r == 0 && (d->one.ttl_ms || plan->config->offline); /* what is out of date is asked for once more when it is used */
	if (r == -ENOENT || r == -EACCES || r == 0)
		return r;
	log_warn("%s is mounted although the Hub does not answer: %s", plan->source, err_text(err));
	return 0;
}

static int check_lock(struct daemon *d, struct err *err)
{
	return lock_check(d->plan->config, d->fetch, err);
}

static int open_mount(struct daemon *d, struct err *err)
{
	static const char *const more[2][2] = {{NULL, "nonempty"}, {"noexec", "noexec,nonempty"}};
	const struct daemon_plan *plan = d->plan;
	const struct config *c = plan->config;
	struct mount_config config = {
		.dir = plan->dir,
		.source = plan->source,
		.one_repo = plan->repo,
		.one_rev = plan->rev,
		.one = d->knows_one ? &d->one : NULL,
		.allow_other = c->allow_other,
		.stable = c->stable,
		.safe = c->safe,
		.uid = c->uid,
		.gid = c->gid,
		.umask = c->umask,
		.names_deadline_ms = config_names_deadline_ms(c),
		.fuse_options = more[c->noexec][c->nonempty],
		.ready = on_ready,
		.ready_ctx = d,
		.status = on_status,
		.status_ctx = d,
	};
	int r;

	r = mount_open(&config, &d->mount, err);
	return r < 0 && plan->private_dir ? -ENODEV : r;
}

/* Without it the mount is as good as ever; only verbs that steer it have nobody to talk to. */
static void open_control(struct daemon *d)
{
	struct err err = {0};
	const struct control_verb *table;
	size_t nr;

	d->orders = (struct orders_ctx){.fetch = d->fetch, .mount = d->mount};
	table = orders_table(&nr);
	if (control_open(d->plan->config->cache, CONTROL_SOCKET, table, nr, &d->orders, &d->control, &err) < 0)
		log_warn("%s; 'hffs refresh' will not reach this mount", err_text(&err));
}

/* More is pinned than fits: what is not pinned will never stay, and that is a surprise worth a line. */
static void warn_of_pins(struct fetch *f)
{
	struct cache_stats st;

	cache_stats(fetch_cache(f), &st);
	if (st.bytes_pinned > st.size_max)
		log_warn("%llu bytes are pinned, but the cache may hold %llu: see cache_size, and 'hffs pin' for what is pinned",
			 (unsigned long long)st.bytes_pinned, (unsigned long long)st.size_max);
}

/* Everything between two log lines: mounted, and unmounted. */
static int serve(struct daemon *d, struct err *err)
{
	int r;

	d->status.fetch = d->fetch;
	d->status.mount = d->mount;
	warn_of_pins(d->fetch);
	pthread_mutex_lock(&d->lock);
	d->is_serving = !atomic_load(&d->is_stopped);
	pthread_mutex_unlock(&d->lock);
	r = go_on(d, err);
	if (r < 0)
		return r;
	open_control(d);
	r = mount_run(d->mount, d->fetch, err);
	keep_stopped = 1; /* who reads through the cache for a verb ends, too */
	fetch_cancel(d->fetch); /* nobody waits any more */
	control_close(d->control);
	log_info("%s is unmounted", d->plan->dir);
	return r;
}

static int open_fetch(struct daemon *d, struct err *err)
{
	struct fetch *f;
	int r = handover_take(d->plan->config, !d->plan->repo, &d->is_stopped, &f, err);

	if (r < 0)
		return r;
	LOCK_SCOPE(&d->lock);
	d->fetch = f;
	return 0;
}

/* Everything that a signal may end. */
static int work(struct daemon *d, struct err *err)
{
	static int (*const steps[])(struct daemon *d, struct err *err) = {open_fetch, go_on, check_lock, check_repo, go_on, open_mount, serve};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](d, err);
	return r;
}

static int assemble(struct daemon *d, struct err *err)
{
	int r;

	pthread_mutex_init(&d->lock, NULL);
	r = thread_start(&d->signals, "signals", watch_signals, d);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	r = work(d, err);
	stop_watching(d);
	if (d->fetch)
		fetch_cancel(d->fetch);
	mount_free(d->mount);
	fetch_close(d->fetch);
	pthread_mutex_destroy(&d->lock);
	return r;
}

/* A parent that ended before it could be named would never be missed. */
static int end_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ECANCELED;
}

static int run(struct daemon *d, struct err *err)
{
	sigset_t set;
	int r;

	block_signals(&set);
	if (d->plan->private_dir && (r = end_with_parent(d->parent)) < 0)
		return err_set(err, r, "nobody waits for the mount any more");
	harden(d->plan->config);
	r = open_log(d->plan, err);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return err_set(err, -errno, "cannot enter /: %s", strerror(errno));
	d->status = (struct status_source){
		.config = d->plan->config, .dir = d->plan->dir, .source = d->plan->source, .started_ms = clock_mono_ms()};
	return assemble(d, err);
}

/* What the caller had open is no business of a daemon: a lock or a pipe of a script would stay as long as the mount. */
static void close_inherited(const struct daemon *d)
{
	int low = d->null_fd < d->report_fd ? d->null_fd : d->report_fd, high = d->null_fd + d->report_fd - low;

	(void)syscall(SYS_close_range, 3u, (unsigned)low - 1, 0u); /* before Linux 5.9 they stay */
	if (high > low + 1)
		(void)syscall(SYS_close_range, (unsigned)low + 1, (unsigned)high - 1, 0u);
	(void)syscall(SYS_close_range, (unsigned)high + 1, ~0u, 0u);
}

/* --- the parent --- */

static volatile sig_atomic_t waited_for; /* the process that is to report */
static volatile sig_atomic_t passed_on;  /* the last signal */

static void pass_on(int nr)
{
	passed_on = nr;
	(void)kill((pid_t)waited_for, nr); /* gone: then its report has ended */
}

/* Whoever ends the command while it waits means the mount first. */
static int wait_for_report(int fd, pid_t child, struct err *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction before[ARRAY_SIZE(signals)], action = {.sa_handler = pass_on};
	int r;

	waited_for = child;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], &action, &before[i]);
		if (before[i].sa_handler == SIG_IGN)
			(void)signal(signals[i], SIG_IGN); /* as under nohup; fails for bad numbers only */
	}
	r = report_read(fd, child, err);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	if (passed_on)
		(void)raise(passed_on);
	return r;
}

static int detach(struct daemon *d, struct err *err)
{
	int ends[2], r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	child = fork();
	if (child < 0) {
		r = -errno;
		(void)close(ends[0]);
		(void)close(ends[1]);
		return err_set(err, r, "cannot start a process: %s", strerror(-r));
	}
	if (child > 0) {
		(void)close(ends[1]);
		r = wait_for_report(ends[0], child, err);
		(void)close(ends[0]);
		if (r == 0 && d->plan->child)
			*d->plan->child = child;
		return r;
	}
	(void)close(ends[0]);
	d->report_fd = ends[1];
	close_inherited(d);
	(void)setsid(); /* the child of a fork never leads a group */
	r = run(d, err);
	if (d->plan->private_dir)
		model_view_remove(d->plan->private_dir); /* whoever started us may be gone */
	if (r < 0) {
		err->code = r;
		report(d, err);
		log_error("%s: %s", d->plan->dir, err_text(err));
	}
	exit(r < 0);
}

int daemon_start(const struct daemon_plan *plan, struct err *err)
{
	struct daemon d = {.plan = plan, .report_fd = -1, .null_fd = -1, .parent = getpid()};
	int r;

	d.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (d.null_fd < 0)
		return err_set(err, -errno, "cannot open /dev/null: %s", strerror(errno));
	r = plan->foreground ? run(&d, err) : detach(&d, err);
	(void)close(d.null_fd);
	return r;
}
