// SPDX-License-Identifier: Apache-2.0
/*
 * The libfuse session: mount options, what INIT asks for, and two hooks on the device.
 *
 * libfuse up to 3.16 forgets to tell the kernel that lookups in one directory may run in parallel; a lookup that waits for the
 * Hub would hold up all others of its directory. From 3.14 on our own read and writev note the INIT request and set the bit in its
 * answer. The same way INIT agrees on passthrough, of which libfuse knows from 3.17 on.
 * [libfuse 3.14.0 do_init(); include/uapi/linux/fuse.h]
 */
#include "session_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <hffs/log.h>

#include "passthrough_int.h"

/* More than a stalled blob can fill: background requests are readahead of the whole mount. */
#define MAX_BACKGROUND 1024

/* --- INIT --- */

static void want(struct fuse_conn_info *conn, unsigned caps)
{
	conn->want |= conn->capable & caps;
}

#ifdef FUSE_CAP_PASSTHROUGH
#define LIBRARY_PASSES 1
static void want_passthrough(struct fuse_conn_info *conn)
{
	want(conn, FUSE_CAP_PASSTHROUGH);
	conn->max_backing_stack_depth = PASSTHROUGH_DEPTH - 1; /* libfuse adds our own */
}
#else
#define LIBRARY_PASSES 0
static void want_passthrough(struct fuse_conn_info *conn)
{
	(void)conn; /* patch_init() does it */
}
#endif

/*
 * Content is named by its digest, so pages stay (no AUTO_INVAL). A symlink that moves is another node, so targets stay, too. splice is slower than one
 * pread into a buffer that is reused. [measured, docs/DESIGN.md]
 */
void session_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops *o = userdata;

	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA |
				  FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_HANDLE_KILLPRIV |
				  FUSE_CAP_IOCTL_DIR);
	want(conn, FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
			   FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_EXPORT_SUPPORT);
	if (!o->is_stable)
		want(conn, FUSE_CAP_CACHE_SYMLINKS);
	want_passthrough(conn);
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND / 4 * 3;
	conn->max_write = READ_MAX; /* the pages of one request, of reads too */
	conn->max_read = READ_MAX;
	atomic_store(&o->is_up, true);
}

/* --- the hooks --- */

/* INIT as it is asked and answered, up to what we look at. */
struct init_request {
	struct fuse_in_header head;
	uint32_t major, minor, max_readahead, flags, flags2;
};
struct init_answer {
	uint32_t major, minor, max_readahead, flags;
	uint32_t background, max_write, time_gran, pages;
	uint32_t flags2, max_stack_depth;
};
_Static_assert(offsetof(struct init_answer, flags) == offsetof(struct fuse_init_out, flags) &&
		       offsetof(struct init_answer, flags2) == 32 && offsetof(struct init_request, flags2) == 56,
	       "the kernel's layout");

static void note_init(struct ops *o, const char *bytes, size_t len)
{
	struct init_request init = {0};

	memcpy(&init, bytes, min_u64(len, sizeof(init)));
	if (len < offsetof(struct init_request, flags2) || init.head.opcode != FUSE_INIT)
		return;
	o->init_unique = init.head.unique;
	o->init_flags = init.flags;
	if (init.flags & INIT_EXT)
		o->init_flags |= (uint64_t)init.flags2 << 32;
}

static void patch_init(const struct ops *o, const struct iovec *iov, int nr)
{
	struct fuse_out_header head;
	struct init_answer *out;

	if (nr < 2 || iov[0].iov_len != sizeof(head) || iov[1].iov_len < offsetof(struct init_answer, background))
		return;
	memcpy(&head, iov[0].iov_base, sizeof(head));
	if (head.unique != o->init_unique || head.error)
		return;
	out = iov[1].iov_base;
	out->flags |= (uint32_t)o->init_flags & FUSE_PARALLEL_DIROPS;
	if (LIBRARY_PASSES || iov[1].iov_len < sizeof(*out) || !(o->init_flags & INIT_PASSTHROUGH))
		return;
	out->flags |= INIT_EXT;
	out->flags2 |= INIT_PASSTHROUGH >> 32;
	out->max_stack_depth = PASSTHROUGH_DEPTH;
}

static ssize_t __attribute__((unused)) hooked_read(int fd, void *buf, size_t len, void *userdata)
{
	struct ops *o = userdata;
	ssize_t n = read(fd, buf, len);

	if (n > 0 && !atomic_load_explicit(&o->is_up, memory_order_relaxed))
		note_init(o, buf, (size_t)n);
	return n;
}

/* INIT is answered before anything else is asked, so the first answer with its number is it. */
static ssize_t __attribute__((unused)) hooked_writev(int fd, struct iovec *iov, int nr, void *userdata)
{
	struct ops *o = userdata;

	if (!atomic_load_explicit(&o->is_announced, memory_order_relaxed) && atomic_load(&o->is_up)) {
		patch_init(o, iov, nr);
		atomic_store(&o->is_announced, true);
	}
	return writev(fd, iov, nr);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 14)
static int install_hooks(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {.read = hooked_read, .writev = hooked_writev};

	return fuse_session_custom_io(se, &io, fuse_session_fd(se));
}
#else
static int install_hooks(struct fuse_session *se)
{
	(void)se; /* the version has no way in: lookups of one directory wait for each other */
	return 0;
}
#endif

/* --- what libfuse says --- */

struct capture {
	int saved, memory;
};

/* stderr into memory; without memory nothing happens. No other thread runs yet. */
static void capture_begin(struct capture *c)
{
	c->memory = memfd_create("hffs stderr", MFD_CLOEXEC);
	c->saved = c->memory < 0 ? -1 : fcntl(2, F_DUPFD_CLOEXEC, 3);
	if (c->saved >= 0)
		(void)dup2(c->memory, 2); /* without it the words go where they always went */
}

/* The first line that was written, without its program name; "" if there was none. */
static void capture_end(struct capture *c, char *text, size_t size)
{
	ssize_t n = 0;
	char *line;

	fflush(stderr);
	if (c->saved >= 0) {
		(void)dup2(c->saved, 2);
		close(c->saved);
	}
	if (c->memory >= 0) {
		n = pread(c->memory, text, size - 1, 0);
		close(c->memory);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	line = strstr(text, ": ");
	if (line && (!strncmp(text, "fuse", 4)))
		memmove(text, line + 2, strlen(line + 2) + 1);
}

static void PRINTF_LIKE(2, 0) to_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[ERR_TEXT_MAX];
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	if (n > 0 && n < (int)sizeof(line) && line[n - 1] == '\n')
		line[n - 1] = '\0';
	log_line(level <= FUSE_LOG_WARNING ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "libfuse: %s", line);
}

/* --- opening --- */

static int add_option(struct fuse_args *args, const char *name, const char *value)
{
	AUTO_FREE char *opt = str_printf("%s%s", name, value);
	char *escaped = NULL;
	int r = -1;

	if (opt && fuse_opt_add_opt_escaped(&escaped, opt) == 0)
		r = fuse_opt_add_arg(args, "-o") == 0 && fuse_opt_add_arg(args, escaped) == 0 ? 0 : -1;
	free(escaped);
	return r < 0 ? -ENOMEM : 0;
}

/* A source of "hf-mount" would make transformers read every file whole into memory. [transformers 5, safetensors on FUSE] */
static const char *safe_source(const char *source)
{
	return !source || !*source || !strcmp(source, "hf-mount") ? "hffs" : source;
}

static int make_args(const struct session_options *o, struct fuse_args *args)
{
	AUTO_FREE char *max_read = str_printf("max_read=%u", READ_MAX);
	int r = !max_read || fuse_opt_add_arg(args, "hffs") != 0 ? -ENOMEM : 0;

	r = r ? r : add_option(args, "fsname=", safe_source(o->source));
	r = r ? r : add_option(args, "subtype=hffs", "");
	if (r == 0 && (fuse_opt_add_arg(args, "-oro,nosuid,nodev") != 0 || fuse_opt_add_arg(args, "-o") != 0 ||
		       fuse_opt_add_arg(args, max_read) != 0))
		r = -ENOMEM;
	if (r == 0 && o->allow_other && fuse_opt_add_arg(args, "-oallow_other,default_permissions") != 0)
		r = -ENOMEM;
	if (r == 0 && o->more && *o->more && (fuse_opt_add_arg(args, "-o") != 0 || fuse_opt_add_arg(args, o->more) != 0))
		r = -ENOMEM;
	return r;
}

static int mount_session(const struct session_options *o, struct ops *ops, struct fuse_args *args, struct fuse_session **out)
{
	struct fuse_session *se = fuse_session_new(args, &ops_table, sizeof(ops_table), ops);

	if (!se)
		return -EINVAL;
	if (fuse_session_mount(se, o->dir) != 0) {
		fuse_session_destroy(se);
		return -EIO;
	}
	*out = se;
	return 0;
}

static int finish_session(struct fuse_session *se)
{
	int fd = fuse_session_fd(se), flags = fcntl(fd, F_GETFL);

	/* The threads ask first and wait in epoll, where they can be told to stop. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	fuse_set_log_func(to_log);
	return install_hooks(se);
}

int session_open(const struct session_options *options, struct ops *ops, struct fuse_session **out, struct err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se = NULL;
	struct capture said;
	char text[ERR_TEXT_MAX];
	int r = make_args(options, &args);

	if (r == 0) {
		capture_begin(&said);
		r = mount_session(options, ops, &args, &se);
		capture_end(&said, text, sizeof(text));
		if (r < 0)
			(void)err_set(err, r, "cannot mount at %s: %s", options->dir, *text ? text : strerror(-r));
	}
	fuse_opt_free_args(&args);
	if (r < 0)
		return r;
	r = finish_session(se);
	if (r < 0) {
		fuse_session_unmount(se);
		fuse_session_destroy(se);
		return err_set(err, r, "cannot mount at %s: %s", options->dir, strerror(-r));
	}
	*out = se;
	return 0;
}
