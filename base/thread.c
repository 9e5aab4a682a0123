// SPDX-License-Identifier: Apache-2.0
/* Named threads, scoped locks, a queue. */
#include <hffs/thread.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define IOPRIO_WHO_PROCESS_ 1
#define IOPRIO_CLASS_IDLE_ 3 /* include/uapi/linux/ioprio.h, Linux 5.10 */

int thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg)
{
	char shown[16] = {0};
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(out, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	strncpy(shown, name, sizeof(shown) - 1);
	(void)pthread_setname_np(*out, shown); /* only for people who look */
	return 0;
}

void thread_make_idle(void)
{
	struct sched_param none = {0};

	(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS_, 0, IOPRIO_CLASS_IDLE_ << 13);
}

int cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int r;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
	return -r;
}

bool cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *m, uint64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return pthread_cond_timedwait(c, m, &ts) != ETIMEDOUT;
}

void queue_init(struct queue *q)
{
	*q = (struct queue){0};
	pthread_mutex_init(&q->lock, NULL);
	cond_init(&q->wake);
	q->tail = &q->head;
}

bool queue_push(struct queue *q, struct queue_item *item)
{
	LOCK_SCOPE(&q->lock);
	if (q->closed)
		return false;
	item->next = NULL;
	*q->tail = item;
	q->tail = &item->next;
	q->nr++;
	pthread_cond_signal(&q->wake);
	return true;
}

bool queue_push_front(struct queue *q, struct queue_item *item)
{
	LOCK_SCOPE(&q->lock);
	if (q->closed)
		return false;
	item->next = q->head;
	if (!q->head)
		q->tail = &item->next;
	q->head = item;
	q->nr++;
	pthread_cond_signal(&q->wake);
	return true;
}

struct queue_item *queue_pop(struct queue *q)
{
	struct queue_item *item;
	LOCK_SCOPE(&q->lock);

	while (!q->head && !q->closed)
		pthread_cond_wait(&q->wake, &q->lock);
	item = q->head;
	if (!item)
		return NULL;
	q->head = item->next;
	if (!q->head)
		q->tail = &q->head;
	q->nr--;
	return item;
}

void queue_close(struct queue *q)
{
	LOCK_SCOPE(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->wake);
}

void queue_done(struct queue *q)
{
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->wake);
}
