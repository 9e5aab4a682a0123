// SPDX-License-Identifier: Apache-2.0
/*
 * The last resort. A page of a map that cannot be read is no error of a call but a signal: a file that was cut short behind our
 * back, a page that was dropped and could not be fetched again. The handler looks up whose map it was, writes a sentence and ends
 * the program; for any other address it steps aside, and the signal comes again with its default action.
 *
 * A signal handler has no argument of ours, so this table is one of the few things that are global. Slots are written under a lock
 * and read without: a slot counts while `len` is not 0, which is stored last and cleared first.
 */
#include "files_int.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/thread.h>

#define WATCHED_MAX 2048u

static struct watched {
	_Atomic(uint64_t) len;
	const uint8_t *map;
	char *sentence;
} watched[WATCHED_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed; /* guarded by lock */

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;

	(void)context;
	for (unsigned i = 0; i < WATCHED_MAX; i++) {
		uint64_t len = atomic_load(&watched[i].len);

		if (len && at >= watched[i].map && at < watched[i].map + len) {
			(void)!write(STDERR_FILENO, watched[i].sentence, strlen(watched[i].sentence)); /* nobody is left to tell */
			_exit(1);
		}
	}
	(void)signal(signal_number, SIG_DFL);
}

static int install_locked(void)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	if (installed)
		return 0;
	(void)sigemptyset(&act.sa_mask);
	if (sigaction(SIGBUS, &act, NULL) < 0)
		return -errno;
	installed = true;
	return 0;
}

int fault_watch(const void *map, uint64_t len, const char *path)
{
	LOCK_SCOPE(&lock);
	char shown[ERR_TEXT_MAX];
	int r = install_locked();

	err_escape(shown, sizeof(shown), path);
	for (unsigned i = 0; r == 0 && i < WATCHED_MAX; i++) {
		if (watched[i].sentence)
			continue;
		watched[i].sentence = str_printf("hffs: %s: bytes of it could not be read while the model ran; the file was cut short, "
						 "or what serves it failed\n", shown);
		if (!watched[i].sentence)
			return -ENOMEM;
		watched[i].map = map;
		atomic_store(&watched[i].len, len);
		return 0;
	}
	return r < 0 ? r : -ENOSPC;
}

void fault_forget(const void *map)
{
	LOCK_SCOPE(&lock);

	for (unsigned i = 0; i < WATCHED_MAX; i++)
		if (watched[i].sentence && watched[i].map == map) {
			atomic_store(&watched[i].len, 0);
			free(watched[i].sentence);
			watched[i].sentence = NULL;
			return;
		}
}
