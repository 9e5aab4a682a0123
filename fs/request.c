// SPDX-License-Identifier: Apache-2.0
/*
 * A request of the kernel while it is ours: how it waits (parked.c does the counting, libfuse tells of interrupts), how it fails,
 * and the thread's buffer that its answer is made in. The end of a failed request is logged here, once.
 */
#include "request_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/log.h>

/* --- a reply's buffer --- */

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;

static void make_buffer_key(void)
{
	(void)pthread_key_create(&buffer_key, free); /* fails only when a process has 1024 of them: then buffers leak at exit */
}

char *thread_buffer(void)
{
	char *b;

	pthread_once(&buffer_once, make_buffer_key);
	b = pthread_getspecific(buffer_key);
	if (b)
		return b;
	b = aligned_alloc(DIRECT_ALIGN, READ_MAX);
	if (b && pthread_setspecific(buffer_key, b) != 0) {
		free(b);
		return NULL;
	}
	return b;
}

/* --- errors --- */

/* What is nobody's fault needs no line in the log. */
static bool is_news(int r)
{
	switch (-r) {
	case EIO:
	case EACCES:
	case EBADMSG:
	case ETIMEDOUT:
	case ENOMEM:
	case ESTALE:
		return true;
	default:
		return false;
	}
}

/* Programs take EAGAIN for non-blocking I/O, and a full cache disk is never their problem. */
static int shown_errno(int r)
{
	return r == -EAGAIN || r == -ENOSPC ? EIO : -r;
}

void reply_error(struct ops *o, fuse_req_t req, const char *verb, uint64_t node, int r, const struct err *err)
{
	const char *text = err && err->text[0] ? err->text : strerror(shown_errno(r));

	if (is_news(r)) {
		log_warn("%s: %s", verb, text);
		vfs_note_error(o->vfs, node, text);
	} else if (err && err->text[0]) {
		log_debug("%s: %s", verb, text);
	}
	fuse_reply_err(req, shown_errno(r));
}

/* --- requests that may wait --- */

static struct request *request_of(struct parked *p)
{
	return container_of(p, struct request, parked);
}

static void on_interrupt(fuse_req_t req, void *data)
{
	(void)req;
	parked_interrupt(data);
}

static void request_watch(struct parked *p)
{
	fuse_req_interrupt_func(request_of(p)->req, on_interrupt, p);
}

static void request_unwatch(struct parked *p)
{
	fuse_req_interrupt_func(request_of(p)->req, NULL, NULL);
}

static void request_refuse(struct parked *p, int r)
{
	struct request *q = request_of(p);
	struct err err = {0};

	if (r == -ETIMEDOUT)
		(void)err_set(&err, r, "no answer from the Hub before the deadline");
	reply_error(q->ops, q->req, q->verb, q->node, r, &err);
}

static void request_free(struct parked *p)
{
	struct request *q = request_of(p);

	ops_unref(q->ops);
	free(q);
}

static const struct parked_ops request_parking = {request_watch, request_unwatch, request_refuse, request_free};

static uint64_t deadline(const struct ops *o, bool is_data)
{
	if (o->names_deadline_ms == UINT64_MAX)
		return UINT64_MAX;
	return clock_mono_ms() + (is_data ? DATA_CAP_MS : o->names_deadline_ms);
}

struct request *request_begin(fuse_req_t req, const char *verb, uint64_t node, bool is_data)
{
	struct request *q = malloc(sizeof(*q));
	struct ops *o = fuse_req_userdata(req);

	if (!q) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	q->ops = o;
	q->req = req;
	q->verb = verb;
	q->node = node;
	atomic_fetch_add(&o->refs, 1);
	parked_begin(&o->parked, &q->parked, is_data, deadline(o, is_data));
	return q;
}

void request_error(struct request *q, int r, const struct err *err)
{
	reply_error(q->ops, q->req, q->verb, q->node, r, err);
}

/* --- the context --- */

struct ops *ops_new(uint64_t names_deadline_ms)
{
	struct ops *o = calloc(1, sizeof(*o));
	uint64_t seed[2] = {clock_mono_us(), (uint64_t)clock_wall_s()};

	if (!o)
		return NULL;
	o->names_deadline_ms = names_deadline_ms;
	o->device_fd = -1;
	o->generation = digest_hash64(seed, sizeof(seed), (uint64_t)getpid()) | 1;
	atomic_init(&o->refs, 1);
	parked_list_init(&o->parked, &request_parking);
	return o;
}

void ops_unref(struct ops *o)
{
	if (!o || atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	vfs_free(o->vfs);
	parked_list_done(&o->parked);
	free(o);
}
