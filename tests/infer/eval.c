// SPDX-License-Identifier: Apache-2.0
/*
 * A model from the command line, without tokenizer and sampling: what the scripts beside it compare with goldens.
 *   model-eval MODEL [--threads N] [--kernels NAME] [--kv f16|f32] [--context N] COMMAND...
 * Commands are carried out in order, on one session:
 *   ids A,B,...    appends them        logits FILE  appends the ids given before, all logits as raw floats to FILE
 *   greedy N       goes on so many tokens and prints them       truncate N     forgets from position N on
 *   embed A,B,...  prints the embedding                         info           prints what is known of the model, and its memory
 *   eval           appends the ids given before, without logits  stop         stops by SIGSTOP: the script changes something
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/model.h>

struct state {
	struct model *m;
	struct session *s;
	struct model_options options;
	uint32_t context;
	uint32_t *ids;
	size_t nr;
	float *last; /* logits of the last token */
};

static int fail(const struct err *err, int r)
{
	fprintf(stderr, "model-eval: %s\n", err->text[0] ? err->text : strerror(-r));
	return 1;
}

static int parse_ids(struct state *st, const char *text)
{
	st->nr = 0;
	for (const char *p = text; *p;) {
		char *end;
		uint32_t *grown = reallocarray(st->ids, st->nr + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		st->ids = grown;
		st->ids[st->nr++] = (uint32_t)strtoul(p, &end, 10);
		if (end == p)
			return -EINVAL;
		p = *end == ',' ? end + 1 : end;
	}
	return 0;
}

static int ensure_session(struct state *st, struct err *err)
{
	int r = st->s ? 0 : session_new(st->m, st->context, &st->s, err);

	if (r == 0 && !st->last)
		st->last = calloc(model_info(st->m)->vocabulary, sizeof(*st->last));
	return r;
}

static int do_logits(struct state *st, const char *path, struct err *err)
{
	size_t floats = st->nr * model_info(st->m)->vocabulary;
	AUTO_FREE float *all = calloc(floats ? floats : 1, sizeof(*all));
	int r = session_eval(st->s, st->ids, st->nr, LOGITS_ALL, all, err);
	FILE *f;

	if (r < 0)
		return r;
	f = fopen(path, "wb");
	if (!f)
		return -errno;
	if (fwrite(all, sizeof(*all), floats, f) != floats)
		r = -EIO;
	return fclose(f) < 0 ? -EIO : r;
}

static int do_greedy(struct state *st, unsigned n, struct err *err)
{
	int r = session_eval(st->s, st->ids, st->nr, LOGITS_LAST, st->last, err);

	for (; r == 0 && n; n--) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < model_info(st->m)->vocabulary; i++)
			if (st->last[i] > st->last[best])
				best = i;
		printf("%u%s", best, n > 1 ? "," : "\n");
		if (n > 1)
			r = session_eval(st->s, &best, 1, LOGITS_LAST, st->last, err);
	}
	return r;
}

static int do_embed(struct state *st, struct err *err)
{
	uint32_t width = model_info(st->m)->width;
	AUTO_FREE float *out = calloc(width, sizeof(*out));
	int r = model_embed(st->m, st->ids, st->nr, out, err);

	for (uint32_t i = 0; r == 0 && i < width; i++)
		printf("%.8g%s", (double)out[i], i + 1 < width ? "," : "\n");
	return r;
}

static void do_info(const struct state *st)
{
	const struct model_info *i = model_info(st->m);
	AUTO_BUF status = {0};
	const char *at;
	unsigned long anon = 0;

	(void)io_read_file("/proc/self/status", 65536, &status); /* then 0 is printed */
	at = status.data ? strstr(status.data, "RssAnon:") : NULL;
	if (at)
		anon = strtoul(at + strlen("RssAnon:"), NULL, 10);
	printf("{\"architecture\": \"%s\", \"kernels\": \"%s\", \"threads\": %u, \"layers\": %u, \"width\": %u, \"vocabulary\": %u, "
	       "\"context\": %u, \"parameters\": %llu, \"weight_bytes\": %llu, \"embeds\": %s, \"embed_max\": %u, \"bos\": %lld, \"nr_eos\": %u, "
	       "\"eos\": %u, \"bind_ms\": %.2f, \"anon_kb\": %lu}\n",
	       i->architecture, i->kernels, i->threads, i->layers, i->width, i->vocabulary, i->context, (unsigned long long)i->parameters,
	       (unsigned long long)i->weight_bytes, i->embeds ? "true" : "false", i->embed_max,
	       i->bos == UINT32_MAX ? -1LL : (long long)i->bos, i->nr_eos, i->nr_eos ? i->eos[0] : 0, i->bind_ms, anon);
}

static int command(struct state *st, const char *name, const char *value, struct err *err)
{
	int r = 0;

	if (!strcmp(name, "ids"))
		return parse_ids(st, value);
	if (!strcmp(name, "embed")) {
		r = parse_ids(st, value);
		return r < 0 ? r : do_embed(st, err);
	}
	r = ensure_session(st, err);
	if (r < 0)
		return r;
	if (!strcmp(name, "logits"))
		return do_logits(st, value, err);
	if (!strcmp(name, "greedy"))
		return do_greedy(st, (unsigned)strtoul(value, NULL, 10), err);
	if (!strcmp(name, "truncate")) {
		session_truncate(st->s, (uint32_t)strtoul(value, NULL, 10));
		return 0;
	}
	return err_set(err, -EINVAL, "unknown command %s", name);
}

static int option(struct state *st, const char *name, const char *value)
{
	if (!strcmp(name, "--threads"))
		st->options.threads = (unsigned)strtoul(value, NULL, 10);
	else if (!strcmp(name, "--kernels"))
		st->options.kernels = value;
	else if (!strcmp(name, "--kv"))
		st->options.kv = !strcmp(value, "f32") ? KV_F32 : KV_F16;
	else if (!strcmp(name, "--context"))
		st->context = (uint32_t)strtoul(value, NULL, 10);
	else
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct state st = {0};
	struct err err = {0};
	int i = 2, r = argc < 2 ? -EINVAL : 0;

	for (; r == 0 && i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2)
		r = option(&st, argv[i], argv[i + 1]);
	if (r == 0)
		r = model_open(argv[1], &st.options, &st.m, &err);
	while (r == 0 && i < argc) {
		if (!strcmp(argv[i], "info")) {
			do_info(&st);
			i++;
		} else if (!strcmp(argv[i], "stop")) {
			r = raise(SIGSTOP) ? -EIO : 0;
			i++;
		} else if (!strcmp(argv[i], "eval")) {
			r = ensure_session(&st, &err);
			r = r < 0 ? r : session_eval(st.s, st.ids, st.nr, LOGITS_NONE, NULL, &err);
			i++;
		} else if (i + 1 < argc) {
			r = command(&st, argv[i], argv[i + 1], &err);
			i += 2;
		} else {
			r = err_set(&err, -EINVAL, "%s needs a value", argv[i]);
		}
	}
	session_free(st.s);
	model_close(st.m);
	free(st.ids);
	free(st.last);
	return r < 0 ? fail(&err, r) : 0;
}
