// SPDX-License-Identifier: Apache-2.0
/*
 * The control socket. Its owner is checked twice: by its mode (0600), and by whom the kernel says is at the other end. A
 * connection has a thread of its own, so that a request that waits for network holds up no other.
 */
#include "control_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/thread.h>

#define REQUEST_MAX (64u << 10)
#define ANSWER_MAX (16u << 20)
#define CALLS_MAX 16  /* connections at once; one more is closed */
#define PEER_MS 5000  /* how long a peer may take to send its request, or to take the answer */

enum call_state { CALL_FREE, CALL_RUNNING, CALL_OVER /* its thread ends, and is to be joined */ };

/* One connection, and its thread. */
struct call {
	struct control *control;
	enum call_state state; /* under the lock, as fd */
	int fd;
	pthread_t thread;
};

struct control {
	const char *name; /* of the socket */
	const struct control_verb *verbs;
	size_t nr;
	void *ctx;
	int dir_fd, listen_fd, stop_fd; /* -1: none */
	pthread_t acceptor;
	bool has_acceptor;

	pthread_mutex_t lock; /* of the states */
	struct call calls[CALLS_MAX]; /* made by the acceptor, and by control_close() after it */
};

/* The socket's address by way of the open directory: sun_path is too short for paths in general. */
static void address_of(int dir_fd, const char *name, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
}

/* Reads up to a newline, which becomes the NUL. timeout_ms: for all of it. */
static int read_line(int fd, size_t max, uint64_t timeout_ms, struct buf *out)
{
	uint64_t until = clock_mono_ms() + timeout_ms;
	char *end = NULL;

	while (!end) {
		uint64_t now = clock_mono_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char piece[4096];
		ssize_t n;
		int r = now < until ? poll(&p, 1, (int)min_u64(until - now, 1u << 30)) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		n = read(fd, piece, sizeof(piece));
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		buf_add(out, piece, (size_t)n);
		if (out->failed)
			return -ENOMEM;
		if (out->len > max)
			return -EMSGSIZE;
		end = memchr(out->data, '\n', out->len);
	}
	*end = '\0';
	out->len = (size_t)(end - out->data);
	return 0;
}

/* A peer that goes away must not end this process. */
static int send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* --- the daemon's side --- */

static bool is_owner(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static int run_request(const struct control *c, const char *text, size_t len, struct buf *answer, struct err *err)
{
	AUTO(json_free) struct json *request = NULL;
	const char *word;
	int r = json_parse(text, len, REQUEST_MAX, &request, err);

	if (r < 0)
		return r;
	word = json_get_string(request, "do");
	for (size_t i = 0; word && i < c->nr; i++)
		if (!strcmp(word, c->verbs[i].name))
			return c->verbs[i].run(c->ctx, request, answer, err);
	return err_set(err, -EINVAL, "this daemon does not know how to do '%s': perhaps it is of an older version", word ? word : "");
}

static void format_answer(int r, const struct err *err, const struct buf *members, struct buf *out)
{
	if (r < 0) {
		buf_addf(out, "{\"ok\":false,\"errno\":%d,\"error\":", -r);
		buf_add_json(out, err->text[0] ? err->text : strerror(-r));
	} else {
		buf_adds(out, "{\"ok\":true");
		buf_add(out, members->data, members->len);
	}
	buf_adds(out, "}\n");
}

static void answer_call(const struct control *c, int fd)
{
	AUTO_BUF text = {0}, members = {0}, out = {0};
	struct err err = {0};
	int r = read_line(fd, REQUEST_MAX, PEER_MS, &text);

	if (r < 0)
		return; /* nobody asked for anything */
	r = run_request(c, text.data, text.len, &members, &err);
	if (r == 0 && members.failed)
		r = -ENOMEM;
	format_answer(r, &err, &members, &out);
	if (!out.failed)
		(void)send_all(fd, out.data, out.len); /* a peer that is gone has nobody to tell */
}

static void *serve_call(void *arg)
{
	struct call *call = arg;

	answer_call(call->control, call->fd);
	LOCK_SCOPE(&call->control->lock);
	(void)close(call->fd); /* under the lock: control_close() must not shut down another's */
	call->state = CALL_OVER;
	return NULL;
}

static enum call_state state_of(struct call *call)
{
	LOCK_SCOPE(&call->control->lock);
	return call->state;
}

/* A place for a connection; NULL: all are taken. */
static struct call *find_call(struct control *c)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct call *call = &c->calls[i];

		if (state_of(call) == CALL_RUNNING)
			continue;
		if (call->state == CALL_OVER)
			pthread_join(call->thread, NULL);
		call->state = CALL_FREE;
		return call;
	}
	return NULL;
}

/* Takes fd. */
static void start_call(struct control *c, int fd)
{
	static const struct timeval patience = {.tv_sec = PEER_MS / 1000};
	struct call *call = is_owner(fd) ? find_call(c) : NULL;

	if (!call) {
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* it is a socket: cannot fail */
	LOCK_SCOPE(&c->lock);
	call->fd = fd;
	call->state = CALL_RUNNING;
	if (thread_start(&call->thread, "control", serve_call, call) == 0)
		return;
	call->state = CALL_FREE;
	(void)close(fd);
}

static void *accept_calls(void *arg)
{
	struct control *c = arg;
	struct pollfd p[] = {{.fd = c->stop_fd, .events = POLLIN}, {.fd = c->listen_fd, .events = POLLIN}};

	for (;;) {
		int fd;

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return NULL;
		if (p[0].revents)
			return NULL;
		fd = p[1].revents ? accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			start_call(c, fd);
	}
}

static int listen_in(struct control *c, const char *cache)
{
	struct sockaddr_un to;

	c->dir_fd = open(cache, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return -errno;
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0)
		return -errno;
	/* The mode before the name: bind() makes the file with it. [Linux net/unix/af_unix.c unix_bind_bsd()] */
	if (fchmod(c->listen_fd, 0600) < 0)
		return -errno;
	address_of(c->dir_fd, c->name, &to);
	if (unlinkat(c->dir_fd, c->name, 0) < 0 && errno != ENOENT) /* of a daemon that is no more: we hold the lock */
		return -errno;
	if (bind(c->listen_fd, (struct sockaddr *)(void *)&to, sizeof(to)) < 0 || listen(c->listen_fd, CALLS_MAX) < 0)
		return -errno;
	c->stop_fd = eventfd(0, EFD_CLOEXEC);
	return c->stop_fd < 0 ? -errno : 0;
}

int control_open(const char *cache, const char *name, const struct control_verb *verbs, size_t nr, void *ctx, struct control **out,
		 struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	*c = (struct control){.name = name, .verbs = verbs, .nr = nr, .ctx = ctx, .dir_fd = -1, .listen_fd = -1, .stop_fd = -1};
	pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < CALLS_MAX; i++)
		c->calls[i].control = c;
	r = listen_in(c, cache);
	if (r == 0)
		r = thread_start(&c->acceptor, "control", accept_calls, c);
	c->has_acceptor = r == 0;
	if (r < 0) {
		control_close(c);
		return err_set(err, r, "cannot listen in %s: %s", cache, strerror(-r));
	}
	*out = c;
	return 0;
}

/* Peers that have not sent their request are cut off; requests under way are finished. */
static void end_calls(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (c->calls[i].state == CALL_RUNNING)
			(void)shutdown(c->calls[i].fd, SHUT_RD); /* a peer that is gone is as well */
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (state_of(&c->calls[i]) != CALL_FREE)
			pthread_join(c->calls[i].thread, NULL);
}

void control_close(struct control *c)
{
	static const uint64_t one = 1;

	if (!c)
		return;
	if (c->has_acceptor) {
		(void)io_write(c->stop_fd, &one, sizeof(one)); /* an eventfd that was not written cannot be full */
		pthread_join(c->acceptor, NULL);
		(void)unlinkat(c->dir_fd, c->name, 0); /* what stays refuses connections */
	}
	end_calls(c);
	for (size_t i = 0; i < 3; i++) {
		int fd = (const int[]){c->dir_fd, c->listen_fd, c->stop_fd}[i];

		if (fd >= 0)
			(void)close(fd);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- the verb's side --- */

static int connect_to(const char *cache, const char *name, struct err *err)
{
	AUTO_FD int dir = open(cache, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;
	int r = fd < 0 ? -errno : 0;

	if (r < 0)
		return err_set(err, r, "cannot make a socket: %s", strerror(-r));
	if (dir >= 0)
		address_of(dir, name, &to);
	if (dir >= 0 && connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)) == 0)
		return take_fd(&fd);
	r = -errno;
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(err, -ENOTCONN, "no daemon has the cache %s", cache);
	if (r == -EACCES || r == -EPERM)
		return err_set(err, -EACCES, "the cache %s belongs to another user, and only its owner may ask this of its daemon", cache);
	return err_set(err, r, "cannot reach the daemon of %s: %s", cache, strerror(-r));
}

static int judge_answer(const struct json *answer, struct err *err)
{
	const char *text = json_get_string(answer, "error");
	uint64_t code = 0;

	if (json_get_bool(answer, "ok", false))
		return 0;
	if (json_get_u64(answer, "errno", &code) < 0 || code == 0 || code > 4095)
		code = EIO;
	return err_set(err, -(int)code, "%s", text ? text : strerror((int)code));
}

int control_ask(const char *cache, const char *name, const char *request, uint64_t timeout_ms, struct json **answer, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_BUF text = {0};
	AUTO_FD int fd = connect_to(cache, name, err);
	int r;

	if (fd < 0)
		return fd;
	r = send_all(fd, request, strlen(request));
	if (r == 0)
		r = send_all(fd, "\n", 1);
	if (r == 0)
		r = read_line(fd, ANSWER_MAX, timeout_ms, &text);
	if (r == -ECONNRESET || r == -EPIPE)
		return err_set(err, -ENOTCONN, "the daemon of %s ended before it answered, or does not take orders from this user", cache);
	if (r < 0)
		return err_set(err, r, "the daemon of %s does not answer: %s", cache, strerror(-r));
	r = json_parse(text.data, text.len, ANSWER_MAX, &j, err);
	if (r == 0)
		r = judge_answer(j, err);
	if (r == 0)
		*answer = TAKE(j);
	return r;
}
