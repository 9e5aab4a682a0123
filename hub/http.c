// SPDX-License-Identifier: Apache-2.0
/*
 * The one libcurl multi handle and the net thread; besides http_request.c no other file knows libcurl.
 *
 * A request is owned by the net thread from http_start() on: other threads only put its task into the inbox, with a flag that
 * says why. It is in one of these states, known to the net thread only:
 *   NEW      in the inbox            DELAYED  waits for not_before          RUNNING  libcurl has it
 * After done() its task is taken out of the inbox and it is freed, so a wish that races with the end is lost, not run.
 * libcurl's own redirects, cookies, netrc and retries stay off: what a hop may carry is decided above.
 */
#include "http_request_int.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hffs/clock.h>
#include <hffs/digest.h>

#define HANDLES_KEPT 64
#define SLEEP_MOST_MS 60000
#define TASKS_A_ROUND 1024
#define CLOSING_POLL_MS 10
#define ROUND_BULK (512u << 10) /* bytes */
#define ROUND_PAUSE_US 1000

struct http {
	pthread_t thread;
	bool started, stopped; /* by the thread that opens and closes */
	struct inbox inbox;
	CURLM *multi;
	struct http_common common;
	_Atomic bool closing;

	uint64_t (*paused_until)(void *ctx, const char *url); /* set when opened; may be NULL */
	void *paused_ctx;

	pthread_mutex_t lock;
	struct http_stats stats;
	void (*tick)(void *arg);
	void *tick_arg;
	unsigned tick_ms;

	/* the net thread's own */
	struct hosts hosts;
	struct http_request *requests;
	CURL *idle[HANDLES_KEPT];
	unsigned nr_idle;
	uint64_t due_ms;  /* no delay or deadline ends before */
	uint64_t tick_at; /* clock_mono_ms() of the next tick */
	uint64_t took;    /* bytes of bodies in this round */
};

/* --- a request on the net thread --- */

static void request_end(struct http_request *rq, int r, const struct err *err);

static void request_launch(struct http_request *rq)
{
	struct http *h = rq->h;
	struct err err = {0};
	uint64_t now;

	rq->easy = h->nr_idle ? h->idle[--h->nr_idle] : curl_easy_init();
	now = clock_mono_ms();
	if (rq->easy)
		request_setup(rq, &h->common, host_address(hosts_find(&h->hosts, rq->url, now), now));
	if (!rq->easy || curl_multi_add_handle(h->multi, rq->easy) != CURLM_OK) {
		request_end(rq, err_set(&err, -ENOMEM, "out of memory for a request"), &err);
		return;
	}
	rq->state = RQ_RUNNING;
	rq->began_ms = now;
	LOCK_SCOPE(&h->lock);
	h->stats.requests++;
	h->stats.running++;
}

static void leave_curl(struct http_request *rq)
{
	struct http *h = rq->h;
	long connects = 0;

	(void)curl_easy_getinfo(rq->easy, CURLINFO_NUM_CONNECTS, &connects); /* a statistic */
	if (rq->state == RQ_RUNNING)
		curl_multi_remove_handle(h->multi, rq->easy);
	curl_easy_reset(rq->easy);
	if (h->nr_idle < HANDLES_KEPT)
		h->idle[h->nr_idle++] = rq->easy;
	else
		curl_easy_cleanup(rq->easy);
	rq->easy = NULL;
	LOCK_SCOPE(&h->lock);
	h->stats.connections += connects > 0 ? (uint64_t)connects : 0;
	h->stats.running -= rq->state == RQ_RUNNING;
}

static void tell_host(struct http_request *rq, struct host *host, enum host_news news, const struct err *err, uint64_t now)
{
	struct host_event e = {
		.news = news,
		.url = rq->url,
		.began = rq->began_ms,
		.err = err,
		.address = rq->is_proxied ? "" : rq->ip,
	};

	(void)digest_random(&e.random, sizeof(e.random)); /* without it many may come back together */
	host_note(host, &e, now);
}

void request_answered(struct http_request *rq)
{
	uint64_t now = clock_mono_ms();

	if (rq->status < 500 && rq->status != 408)
		tell_host(rq, hosts_find(&rq->h->hosts, rq->url, now), HOST_ANSWERED, NULL, now);
}

/* Tells its host how it went, before it is taken from libcurl. Gives how long others wait then. */
static uint64_t note_host(struct http_request *rq, int r, const struct err *err)
{
	uint64_t now = clock_mono_ms();
	struct host *host = hosts_find(&rq->h->hosts, rq->url, now);
	struct err status = {0};

	if (host && r == 0)
		err_set(&status, -ETIMEDOUT, "%s: the server failed (HTTP %d)", host->name, rq->status);
	if (rq->began_ms)
		tell_host(rq, host, request_news(rq, r), r < 0 ? err : &status, now);
	return host_wait_ms(host, rq->url, now);
}

/* The only place where a request ends. Not inside a callback of libcurl. */
static void request_end(struct http_request *rq, int r, const struct err *err)
{
	struct http *h = rq->h;
	uint64_t host_wait_ms = note_host(rq, r, err);
	struct http_answer a;

	if (rq->easy)
		leave_curl(rq);
	if (rq->next)
		rq->next->prev = rq->prev;
	if (rq->prev)
		rq->prev->next = rq->next;
	else if (h->requests == rq)
		h->requests = rq->next;
	a = request_answer(rq);
	a.host_wait_ms = host_wait_ms;
	rq->ask.done(rq->ask.ctx, r, &a, err);
	http_unpost(h, &rq->task);
	request_free(rq);
}

static void request_complete(struct http_request *rq, CURLcode code)
{
	struct err err = {0};
	int r = request_verdict(rq, code, &err);

	request_end(rq, r, &err);
}

/* --- the net thread --- */

static void note_due(struct http *h, const struct http_request *rq, bool is_waiting)
{
	if (is_waiting)
		h->due_ms = min_u64(h->due_ms, rq->ask.not_before_ms);
	if (rq->ask.deadline_ms)
		h->due_ms = min_u64(h->due_ms, rq->ask.deadline_ms);
}

/* Nobody waits behind a host that fails who does not want to. */
static void request_turn_away(struct http_request *rq)
{
	const struct host *host = hosts_find(&rq->h->hosts, rq->url, clock_mono_ms());
	struct err err = {0};

	request_end(rq, err_set(&err, -EBUSY, "%s", host ? host->err.text : ""), &err);
}

/* Not to be sent yet: by its own wish, or because its host is paused by now. */
static bool must_wait(struct http_request *rq, uint64_t now)
{
	const struct http *h = rq->h;
	uint64_t end;

	if (rq->ask.not_before_ms > now)
		return true;
	end = h->paused_until ? h->paused_until(h->paused_ctx, rq->url) : 0;
	if (end <= now)
		return false;
	if (rq->ask.deadline_ms)
		rq->ask.deadline_ms += end - now;
	rq->ask.not_before_ms = end;
	return true;
}

/* Nothing else is in its way any more. */
static void request_take_turn(struct http_request *rq)
{
	uint64_t now = clock_mono_ms(), turn = host_turn(hosts_find(&rq->h->hosts, rq->url, now), rq->url, now);

	if (turn == 0) {
		request_launch(rq);
	} else if (!rq->ask.is_patient) {
		request_turn_away(rq);
	} else {
		rq->ask.not_before_ms = turn;
		note_due(rq->h, rq, true);
	}
}

static void request_begin(struct http_request *rq)
{
	struct http *h = rq->h;
	bool is_waiting = must_wait(rq, clock_mono_ms());

	rq->next = h->requests;
	if (rq->next)
		rq->next->prev = rq;
	h->requests = rq;
	rq->state = RQ_DELAYED;
	note_due(h, rq, is_waiting);
	if (!is_waiting)
		request_take_turn(rq);
}

static void request_resume(struct http_request *rq)
{
	CURLcode code = curl_easy_pause(rq->easy, CURLPAUSE_CONT); /* may offer bytes before it returns */

	if (code != CURLE_OK)
		request_complete(rq, code);
}

static void request_attend(struct http_task *t)
{
	struct http_request *rq = container_of(t, struct http_request, task);
	unsigned wishes = atomic_exchange(&rq->wishes, 0);
	struct err err = {0};

	if ((wishes & WISH_CANCEL) || atomic_load(&rq->h->closing))
		request_end(rq, err_set(&err, -ECANCELED, "cancelled"), &err);
	else if (rq->state == RQ_NEW)
		request_begin(rq);
	else if ((wishes & WISH_RESUME) && rq->state == RQ_RUNNING)
		request_resume(rq);
}

/* Starts what has waited long enough and ends what has waited too long. */
static void serve_due(struct http *h, uint64_t now)
{
	struct http_request *next;

	h->due_ms = UINT64_MAX;
	for (struct http_request *rq = h->requests; rq; rq = next) {
		struct err err = {0};
		bool is_waiting;

		next = rq->next;
		if (rq->ask.deadline_ms && rq->ask.deadline_ms <= now) {
			request_end(rq, request_too_late(rq, hosts_find(&h->hosts, rq->url, now), &err), &err);
			continue;
		}
		is_waiting = rq->state == RQ_DELAYED && must_wait(rq, now);
		note_due(h, rq, is_waiting);
		if (rq->state == RQ_DELAYED && !is_waiting)
			request_take_turn(rq);
	}
}

static void cancel_all(struct http *h)
{
	struct err err = {0};

	err_set(&err, -ECANCELED, "shutting down");
	while (h->requests)
		request_end(h->requests, -ECANCELED, &err);
}

/* Runs the tick where it is due; milliseconds until the next one. */
static uint64_t serve_tick(struct http *h, uint64_t now)
{
	void (*fn)(void *);
	void *arg;
	unsigned period;

	pthread_mutex_lock(&h->lock);
	fn = h->tick;
	arg = h->tick_arg;
	period = h->tick_ms;
	pthread_mutex_unlock(&h->lock);
	if (!fn)
		return SLEEP_MOST_MS;
	if (now >= h->tick_at) {
		h->tick_at = now + period;
		fn(arg);
	}
	return h->tick_at - now;
}

static void serve_messages(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_request *rq = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &rq);
		request_complete(rq, m->data.result);
	}
}

/* Runs tasks; false if there are more than one round should take. */
static bool serve_inbox(struct http *h)
{
	struct http_task *t;

	for (unsigned i = 0; i < TASKS_A_ROUND; i++) {
		t = inbox_take(&h->inbox);
		if (!t)
			return true;
		t->fn(t);
	}
	return false;
}

void request_took(struct http_request *rq, size_t bytes)
{
	rq->h->took += bytes;
}

/*
 * Where bytes come by half a gigabyte a second and more, so that who sends, reads and stores them has to share the processors, each
 * connection is let bring more before it is looked at again: on two processors that took a sixth off the daemon's processor time, and a
 * tenth off the time of a file. A wish of another thread waits no longer than that.
 */
static void let_gather(const struct http *h)
{
	if (h->took >= ROUND_BULK)
		usleep(ROUND_PAUSE_US);
}

static void *net_thread(void *arg)
{
	struct http *h = arg;

	for (;;) {
		bool is_idle = serve_inbox(h);
		uint64_t now, sleep_ms;
		int running;

		if (atomic_load(&h->closing)) {
			cancel_all(h);
			if (inbox_close_empty(&h->inbox))
				return NULL;
			curl_multi_poll(h->multi, NULL, 0, CLOSING_POLL_MS, NULL);
			continue;
		}
		now = clock_mono_ms();
		if (now >= h->due_ms)
			serve_due(h, now);
		sleep_ms = serve_tick(h, now);
		h->took = 0;
		curl_multi_perform(h->multi, &running);
		serve_messages(h);
		if (!is_idle || h->due_ms <= now)
			sleep_ms = 0;
		else
			sleep_ms = min_u64(sleep_ms, h->due_ms - now);
		if (sleep_ms)
			let_gather(h);
		curl_multi_poll(h->multi, NULL, 0, (int)min_u64(sleep_ms, SLEEP_MOST_MS), NULL);
	}
}

/* --- for other threads --- */

int http_post(struct http *h, struct http_task *t)
{
	bool first;
	int r = inbox_post(&h->inbox, t, &first);

	if (first)
		curl_multi_wakeup(h->multi);
	return r;
}

void http_unpost(struct http *h, struct http_task *t)
{
	inbox_unpost(&h->inbox, t);
}

void http_hold(struct http *h)
{
	inbox_hold(&h->inbox);
}

void http_release(struct http *h)
{
	inbox_release(&h->inbox);
}

int http_start(struct http *h, const struct http_ask *ask, struct http_request **out)
{
	struct http_request *rq;
	int r;

	if (atomic_load(&h->closing))
		return -ECANCELED;
	r = request_new(ask, &rq);
	if (r < 0)
		return r;
	rq->h = h;
	rq->task.fn = request_attend;
	if (out)
		*out = rq; /* before it can end */
	r = http_post(h, &rq->task);
	if (r < 0)
		request_free(rq);
	return r;
}

static void request_wish(struct http *h, struct http_request *rq, enum rq_wish wish)
{
	atomic_fetch_or(&rq->wishes, (unsigned)wish);
	(void)http_post(h, &rq->task); /* once the thread has ended there is no request left */
}

void http_resume(struct http *h, struct http_request *rq)
{
	request_wish(h, rq, WISH_RESUME);
}

void http_cancel(struct http *h, struct http_request *rq)
{
	request_wish(h, rq, WISH_CANCEL);
}

void http_set_tick(struct http *h, unsigned period_ms, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&h->lock);
	h->tick = fn;
	h->tick_arg = arg;
	h->tick_ms = period_ms ? period_ms : 1;
	pthread_mutex_unlock(&h->lock);
	curl_multi_wakeup(h->multi);
}

void http_stats(struct http *h, struct http_stats *out)
{
	LOCK_SCOPE(&h->lock);
	*out = h->stats;
}

/* --- opening and closing --- */

static void http_free(struct http *h)
{
	while (h->nr_idle)
		curl_easy_cleanup(h->idle[--h->nr_idle]);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	if (h->common.share)
		curl_share_cleanup(h->common.share);
	inbox_done(&h->inbox);
	pthread_mutex_destroy(&h->lock);
	free(h->common.user_agent);
	free(h->common.ca);
	free(h);
}
AUTO_DEFINE(struct http *, http_free)

static void init_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT); /* handles cannot be made where this failed: seen there */
}

static int init_multi(struct http *h, unsigned connections_max)
{
	h->multi = curl_multi_init();
	h->common.share = curl_share_init();
	if (!h->multi || !h->common.share)
		return -ENOMEM;
	/* Used by the net thread alone, so it needs no locks: TLS sessions outlive the handle that made them. */
	curl_share_setopt(h->common.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 2L * connections_max);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections_max);
	return 0;
}

static int init_certificates(struct http_common *common, const char *path, struct err *err)
{
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		return err_set(err, -errno, "cannot read the certificates to trust, %s: %s", path, strerror(errno));
	common->ca_is_dir = S_ISDIR(st.st_mode);
	common->ca = strdup(path);
	return common->ca ? 0 : err_set(err, -ENOMEM, "out of memory for the network");
}

int http_open(const struct http_config *config, struct http **out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	AUTO(http_free) struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	pthread_once(&once, init_curl);
	inbox_init(&h->inbox);
	pthread_mutex_init(&h->lock, NULL);
	h->due_ms = UINT64_MAX;
	h->paused_until = config->paused_until;
	h->paused_ctx = config->paused_ctx;
	h->common.user_agent = strdup(config->user_agent ? config->user_agent : "hffs/" HFFS_VERSION);
	if (!h->common.user_agent || init_multi(h, config->connections_max ? config->connections_max : 64) < 0)
		return err_set(err, -ENOMEM, "out of memory for the network");
	r = init_certificates(&h->common, config->ca_file, err);
	if (r < 0)
		return r;
	r = thread_start(&h->thread, "hffs-net", net_thread, h);
	if (r < 0)
		return err_set(err, r, "cannot start the network thread");
	h->started = true;
	*out = TAKE(h);
	return 0;
}

void http_stop(struct http *h)
{
	if (!h->started || h->stopped)
		return;
	atomic_store(&h->closing, true);
	curl_multi_wakeup(h->multi);
	pthread_join(h->thread, NULL);
	h->stopped = true;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	http_stop(h);
	http_free(h);
}
