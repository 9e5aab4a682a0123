// SPDX-License-Identifier: Apache-2.0
/*
 * A name that can no longer be looked up. This program's own getaddrinfo() stands before the C library's, and its clocks are ahead
 * of them, because libcurl believes a name for a minute.
 */
#include "hub_wire.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <hffs/http.h>

static atomic_bool is_name_gone;
static atomic_uint lookups;
static _Atomic time_t ahead_s;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!real || !name || strcmp(name, "hub.test") != 0)
		return real ? real(name, service, hints, out) : EAI_SYSTEM;
	atomic_fetch_add(&lookups, 1);
	return atomic_load(&is_name_gone) ? EAI_AGAIN : real("127.0.0.1", service, hints, out);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, clock, out);

	if (r == 0)
		out->tv_sec += atomic_load(&ahead_s);
	return r;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned done;
	int r, status;
	struct err err;
};

static void on_end(void *ctx, int r, const struct http_answer *a, const struct err *err)
{
	struct seen *s = ctx;
	LOCK_SCOPE(&s->lock);

	s->done++;
	s->r = r;
	s->status = a->status;
	s->err = *err;
	pthread_cond_broadcast(&s->wake);
}

static int ask(struct http *h, unsigned port, struct err *err)
{
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
	struct http_ask ask = {.done = on_end, .ctx = &s};
	char url[64];

	snprintf(url, sizeof(url), "http://hub.test:%u/x", port);
	ask.url = url;
	assert_int_equal(http_start(h, &ask, NULL), 0);
	LOCK_SCOPE(&s.lock);
	while (!s.done)
		pthread_cond_wait(&s.wake, &s.lock);
	*err = s.err;
	return s.r < 0 ? s.r : s.status;
}

static bool says_hello_and_ends(struct wire_rq *rq)
{
	wire_text(rq, "200 OK\r\nConnection: close", "hello");
	return false;
}

static void last_good_address_is_used(void **state)
{
	struct wire *w = wire_open(says_hello_and_ends);
	struct http *h = NULL;
	char host[64], wanted[64];
	struct err err;

	(void)state;
	assert_int_equal(http_open(&(struct http_config){.user_agent = "hffs/test"}, &h, NULL), 0);
	assert_int_equal(ask(h, w->port, &err), 200);
	assert_int_equal(atomic_load(&lookups), 1);

	atomic_store(&is_name_gone, true);
	atomic_store(&ahead_s, 100); /* libcurl has forgotten the name */
	assert_int_equal(ask(h, w->port, &err), -EHOSTUNREACH);
	assert_non_null(strstr(err.text, "hub.test"));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ask(h, w->port, &err), 200); /* whoever tries again gets through */
	assert_int_equal(atomic_load(&lookups), 2);
	snprintf(wanted, sizeof(wanted), "hub.test:%u", w->port);
	assert_string_equal(wire_header(&w->seen[3], "Host", host, sizeof(host)), wanted);

	atomic_store(&is_name_gone, false);
	atomic_store(&ahead_s, 200); /* and it is looked up again after a minute */
	assert_int_equal(ask(h, w->port, &err), 200);
	assert_int_equal(atomic_load(&lookups), 3);
	http_close(h);
	wire_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(last_good_address_is_used)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
