// SPDX-License-Identifier: Apache-2.0
/* The bar goes to stderr, so that stdout stays clean for scripts; so do the lines. */
#include "progress_int.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hffs/clock.h>

#include "cli_int.h"

#define DRAW_MS 200
#define BAR_CELLS 24

void progress_init(struct progress *p, uint64_t total, size_t files, bool quiet)
{
	*p = (struct progress){.quiet = quiet, .terminal = isatty(2) == 1, .total = total, .files = files, .start_ms = clock_mono_ms()};
}

/* Half of what was measured since the last look, half of what was known. */
static void measure(struct progress *p, uint64_t now, uint64_t bytes)
{
	double seconds = (double)(now - p->rate_ms) / 1000;
	double rate;

	if (seconds < 0.5 || bytes < p->rate_bytes)
		return;
	rate = (double)(bytes - p->rate_bytes) / seconds;
	p->rate = p->rate > 0 ? (p->rate + rate) / 2 : rate;
	p->rate_ms = now;
	p->rate_bytes = bytes;
}

static void draw(const struct progress *p, uint64_t bytes)
{
	char bar[BAR_CELLS + 1], done[SAY_BYTES_MAX], total[SAY_BYTES_MAX], rate[SAY_BYTES_MAX], left[SAY_TIME_MAX] = "-";
	size_t cells = p->total ? (size_t)((double)BAR_CELLS * (double)bytes / (double)p->total) : BAR_CELLS;

	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', cells < BAR_CELLS ? cells : BAR_CELLS);
	bar[BAR_CELLS] = '\0';
	if (p->rate >= 1 && p->total >= bytes)
		say_time((uint64_t)((double)(p->total - bytes) / p->rate), left);
	fprintf(stderr, "\r\x1b[K[%s] %s of %s, %zu of %zu files, %s/s, %s left", bar, say_bytes(bytes, done), say_bytes(p->total, total),
		p->files_done, p->files, say_bytes((uint64_t)p->rate, rate), left);
}

void progress_show(struct progress *p, uint64_t bytes)
{
	uint64_t now = clock_mono_ms();

	if (!p->is_started) {
		p->is_started = true;
		p->rate_ms = now;
		p->rate_bytes = p->start_bytes = bytes;
	}
	if (p->quiet || !p->terminal || now - p->shown_ms < DRAW_MS)
		return;
	p->shown_ms = now;
	measure(p, now, bytes);
	draw(p, bytes);
}

void progress_file(struct progress *p, const char *path, uint64_t size)
{
	char bytes[SAY_BYTES_MAX], shown[4096];

	p->files_done++;
	if (p->quiet || p->terminal)
		return;
	err_escape(shown, sizeof(shown), path);
	fprintf(stderr, "%s  %s\n", shown, say_bytes(size, bytes));
}

void progress_end(struct progress *p)
{
	if (!p->quiet && p->terminal)
		fprintf(stderr, "\r\x1b[K");
}
