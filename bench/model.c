// SPDX-License-Identifier: Apache-2.0
/*
 * How long a model takes, without the program around it: one line of JSON.
 *
 *   bench-model PATH THREADS TOKENS NEW [KERNELS]
 *
 * "prefill_s": a text of TOKENS tokens; "decode_s": NEW tokens behind it, one by one, each with its logits; "read_s": a loop over all of
 * the mapped file, by as many threads, between the first half of those tokens and the second (0: PATH is a directory).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hffs/auto.h>
#include <hffs/model.h>

#include "../infer/kernels_int.h"
#include "loop.h"

#define PASSES 5       /* of the loop */
#define SETTLE_US 5000 /* until threads sleep */

struct file {
	const void *data; /* NULL: none */
	size_t len;
	struct crew *crew;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct err *err)
{
	(void)fprintf(stderr, "%s\n", err_text(err));
	return 1;
}

static void file_open(struct file *f, const char *path, unsigned threads)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || crew_new(threads, &f->crew) < 0)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	f->len = map == MAP_FAILED ? 0 : (size_t)st.st_size;
	f->data = map == MAP_FAILED ? NULL : map;
}

/* Seconds of a pass; the first is not counted, in which pages are mapped. Threads look for work for a while before they sleep. */
static double file_read_s(const struct file *f)
{
	double begin, seconds;

	if (!f->data)
		return 0;
	usleep(SETTLE_US);
	loop_read(f->crew, f->data, f->len);
	begin = now_s();
	for (unsigned i = 0; i < PASSES; i++)
		loop_read(f->crew, f->data, f->len);
	seconds = (now_s() - begin) / PASSES;
	usleep(SETTLE_US);
	return seconds;
}

static int decode(struct session *s, const uint32_t *ids, size_t n, float *logits, double *seconds, struct err *err)
{
	double begin = now_s();
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = session_eval(s, ids + i, 1, LOGITS_LAST, logits, err);
	*seconds += now_s() - begin;
	return r;
}

static int measure(struct session *s, const struct file *f, const uint32_t *ids, size_t tokens, size_t new_tokens, float *logits,
		   struct err *err)
{
	double begin, prefill_s, decode_s = 0, read_s;
	int r;

	/* Weights come into memory, and workers are awake. */
	r = session_eval(s, ids, 32, LOGITS_LAST, logits, err);
	if (r < 0)
		return r;
	session_truncate(s, 0);
	begin = now_s();
	r = session_eval(s, ids, tokens, LOGITS_LAST, logits, err);
	prefill_s = now_s() - begin;
	if (r >= 0)
		r = decode(s, ids, new_tokens / 2, logits, &decode_s, err);
	read_s = file_read_s(f);
	if (r >= 0)
		r = decode(s, ids + new_tokens / 2, new_tokens - new_tokens / 2, logits, &decode_s, err);
	if (r >= 0)
		printf("{\"prefill_s\": %.6f, \"decode_s\": %.6f, \"read_s\": %.6f}\n", prefill_s, decode_s, read_s);
	return r;
}

int main(int argc, char **argv)
{
	struct model_options o = {0};
	AUTO(model_close) struct model *m = NULL;
	AUTO(session_free) struct session *s = NULL;
	AUTO_FREE uint32_t *ids = NULL;
	AUTO_FREE float *logits = NULL;
	struct file file = {0};
	struct err err = {0};
	size_t tokens, new_tokens;

	if (argc < 5)
		return 2;
	o.threads = (unsigned)strtoul(argv[2], NULL, 10);
	o.kernels = argc > 5 ? argv[5] : NULL;
	tokens = strtoul(argv[3], NULL, 10);
	new_tokens = strtoul(argv[4], NULL, 10);
	if (tokens < 32 || tokens > 1u << 20 || new_tokens > tokens)
		return 2;
	if (model_open(argv[1], &o, &m, &err) < 0 || session_new(m, (uint32_t)(tokens + new_tokens), &s, &err) < 0)
		return fail(&err);
	ids = calloc(tokens, sizeof(*ids));
	logits = calloc(model_info(m)->vocabulary, sizeof(*logits));
	if (!ids || !logits)
		return 1;
	for (size_t i = 0; i < tokens; i++)
		ids[i] = (uint32_t)(3 + i * 7919 % (model_info(m)->vocabulary - 3));
	file_open(&file, argv[1], o.threads ? o.threads : 1); /* until the end of the program */
	return measure(s, &file, ids, tokens, new_tokens, logits, &err) < 0 ? fail(&err) : 0;
}
