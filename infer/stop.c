// SPDX-License-Identifier: Apache-2.0
/* Stop strings in a text that arrives in pieces: what may be the beginning of one waits until that is decided. */
#include <hffs/generate.h>

#include <string.h>

/* Where the first complete stop string begins; SIZE_MAX if there is none. */
static size_t find_stop(const struct stop_filter *f)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < f->nr; i++) {
		const char *at = memmem(f->held.data, f->held.len, f->stops[i], strlen(f->stops[i]));

		if (at && (size_t)(at - f->held.data) < first)
			first = (size_t)(at - f->held.data);
	}
	return first;
}

/* How many bytes at the end of what is held are the beginning of a stop string. */
static size_t open_bytes(const struct stop_filter *f)
{
	size_t most = 0;

	for (size_t i = 0; i < f->nr; i++) {
		size_t len = strlen(f->stops[i]) - 1;

		if (len > f->held.len)
			len = f->held.len;
		while (len > most && memcmp(f->held.data + f->held.len - len, f->stops[i], len) != 0)
			len--;
		if (len > most)
			most = len;
	}
	return most;
}

static void let_go(struct stop_filter *f, size_t len, struct buf *out)
{
	if (len == 0)
		return;
	buf_add(out, f->held.data, len);
	memmove(f->held.data, f->held.data + len, f->held.len - len);
	f->held.len -= len;
}

bool stop_filter_add(struct stop_filter *f, const char *text, size_t len, struct buf *out)
{
	size_t at;

	if (f->hit || len == 0)
		return f->hit;
	if (f->nr == 0) {
		buf_add(out, text, len);
		return false;
	}
	buf_add(&f->held, text, len);
	if (f->held.failed) {
		out->failed = 1;
		return false;
	}
	at = find_stop(f);
	f->hit = at != SIZE_MAX;
	let_go(f, f->hit ? at : f->held.len - open_bytes(f), out);
	return f->hit;
}

void stop_filter_end(struct stop_filter *f, struct buf *out)
{
	if (!f->hit)
		let_go(f, f->held.len, out);
}

void stop_filter_done(struct stop_filter *f)
{
	buf_done(&f->held);
}
