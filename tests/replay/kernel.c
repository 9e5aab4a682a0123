// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "kernel.h"

#define PAGE 4096ull
#define THINK_US 80 /* to copy or add up 256 KiB */

/* One window of readahead, in pages. */
struct window {
	uint64_t start, size;
	uint64_t marker; /* touching it starts the next one; UINT64_MAX: it was there before */
};

void kernel_init(struct kernel *k, const struct workload *w, uint16_t file, uint64_t ra_bytes)
{
	*k = (struct kernel){w, file, ra_bytes / PAGE, calloc(w->files[file].size / PAGE + 2, 1)};
}

void kernel_done(struct kernel *k)
{
	free(k->cached);
}

static uint64_t nr_pages(const struct kernel *k)
{
	return (k->w->files[k->file].size + PAGE - 1) / PAGE;
}

/* A READ for each run of pages of the window that are not there; `end`: pages from it on are waited for by nobody. */
static void read_window(struct kernel *k, struct job *j, struct window *win, uint64_t end, bool alone)
{
	uint64_t last = min_u64(win->start + win->size, nr_pages(k));
	bool marked = false;

	for (uint64_t i = win->start; i < last;) {
		uint64_t from = i;

		while (i < last && !k->cached[i])
			k->cached[i++] = 1;
		if (i == from) {
			i++;
			continue;
		}
		marked |= win->marker >= from && win->marker < i;
		job_add(j, (struct op){.off = from * PAGE, .len = (uint32_t)((i - from) * PAGE), .think_us = THINK_US,
				       .file = k->file, .alone = alone, .ignored = from >= end});
		alone = false;
	}
	if (!marked)
		win->marker = UINT64_MAX;
}

/* The marker in the middle of a window is only touched when the window has come; that at its beginning, before. */
static void next_window(struct kernel *k, struct job *j, struct window *win, uint64_t end)
{
	bool alone = win->marker != win->start;

	win->start += win->size;
	win->size = k->ra;
	win->marker = win->start;
	read_window(k, j, win, end, alone);
}

void kernel_touch(struct kernel *k, struct job *j, uint64_t off, uint64_t len)
{
	uint64_t end = (off + len + PAGE - 1) / PAGE;
	struct window win = {.marker = UINT64_MAX};

	for (uint64_t page = off / PAGE; page < end; page++) {
		if (!k->cached[page]) {
			win.start = page > k->ra / 2 ? page - k->ra / 2 : 0;
			win.size = k->ra;
			win.marker = win.start + win.size - k->ra / 4;
			read_window(k, j, &win, end, page == off / PAGE);
		} else if (page == win.marker) {
			next_window(k, j, &win, end);
		}
	}
}

void kernel_read(struct kernel *k, struct job *j, uint64_t off, uint64_t len)
{
	uint64_t first = off / PAGE, end = (off + len + PAGE - 1) / PAGE;
	struct window win = {.marker = UINT64_MAX};

	for (uint64_t page = first; page < end; page++) {
		if (!k->cached[page]) {
			win.start = page;
			win.size = end - page < k->ra ? end - page : k->ra;
			win.marker = win.size == k->ra ? page + k->ra / 2 : UINT64_MAX; /* a short one is taken for random */
			read_window(k, j, &win, end, page == first);
		} else if (page == win.marker) {
			next_window(k, j, &win, end);
		}
	}
}
