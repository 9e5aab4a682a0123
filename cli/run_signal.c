// SPDX-License-Identifier: Apache-2.0
/* The one thing that a signal does: a flag that the loops look at. */
#include "run_int.h"

#include <signal.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int nr)
{
	(void)nr;
	interrupted = 1;
}

void catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool is_interrupted(void)
{
	return interrupted;
}
