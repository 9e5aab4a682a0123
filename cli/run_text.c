// SPDX-License-Identifier: Apache-2.0
/* hffs run: a text behind a prompt, a conversation, and the logits behind a prompt. */
#include "run_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hffs/clock.h>
#include <hffs/io.h>

#include "cli_int.h"
#include "model_dir_int.h"

#define PROMPT_MAX (256u << 20)
#define MESSAGES_MAX 2048

/* A session, and what came of the last text in it. */
struct talk {
	struct runner *r;
	struct session *session;
	struct token_list past;
	struct token_list tokens; /* of the answer, with the one that ended it */
	struct buf text;
	enum generation_end end;
	bool interrupted;
	struct generation_stats stats;
	double first_token_ms;    /* since the command began; 0: there was none */
	uint64_t bytes;           /* that had come by then */
	bool knows_bytes;
};

static void talk_done(struct talk *t)
{
	token_list_done(&t->past);
	token_list_done(&t->tokens);
	buf_done(&t->text);
	session_free(t->session);
}

static int talk_open(struct talk *t, struct runner *r, struct err *err)
{
	*t = (struct talk){.r = r};
	if (r->info->embeds)
		return err_set(err, -ENOTSUP, "%s makes embeddings and no text: see 'hffs embed'", r->args->what);
	return session_new(r->model, r->args->context, &t->session, err);
}

/* --- one text --- */

static void note_first_token(struct talk *t)
{
	runner_end_progress(t->r);
	if (t->first_token_ms > 0)
		return;
	t->first_token_ms = (double)(clock_mono_us() - t->r->start_us) / 1000;
	t->knows_bytes = model_dir_bytes(t->r->dir, &t->bytes) == 0;
}

/* What is new in the text goes out at once. */
static int show(struct talk *t, size_t from, struct err *err)
{
	size_t len = t->text.len - from;

	if (t->r->args->json || len == 0)
		return 0;
	if (fwrite(t->text.data + from, 1, len, stdout) != len || fflush(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	return 0;
}

static int generate(struct talk *t, struct generation *g, struct err *err)
{
	int r = 0;

	while (r >= 0 && generation_end(g) == GENERATION_GOES_ON && !is_interrupted()) {
		size_t from = t->text.len;

		r = generation_step(g, &t->text, err);
		if (r == 1) {
			note_first_token(t);
			if (token_list_add(&t->tokens, generation_last(g)->id) < 0)
				r = err_set(err, -ENOMEM, "out of memory");
		}
		if (r >= 0)
			r = show(t, from, err);
	}
	t->interrupted = is_interrupted();
	t->end = generation_end(g);
	if (r >= 0 && t->end == GENERATION_EOS && token_list_add(&t->tokens, generation_last(g)->id) < 0)
		r = err_set(err, -ENOMEM, "out of memory");
	generation_stats(g, &t->stats);
	runner_end_progress(t->r);
	return r < 0 ? r : 0;
}

static int answer(struct talk *t, const struct token_list *prompt, bool chat, struct err *err)
{
	AUTO(generation_free) struct generation *g = NULL;
	struct generation_options o;
	uint32_t eos[RUN_EOS_MAX];
	int r;

	t->tokens.nr = 0;
	buf_clear(&t->text);
	runner_generation(t->r, chat, eos, &o);
	r = generation_new(t->session, t->r->info, t->r->tokenizer, &t->past, prompt->ids, prompt->nr, &o, &g, err);
	return r < 0 ? r : generate(t, g, err);
}

/* --- what is said of it --- */

static double per_second(double nr, double ms)
{
	return ms > 0 ? nr * 1000 / ms : 0;
}

static void add_timings(struct buf *out, const struct talk *t)
{
	const struct generation_stats *s = &t->stats;

	buf_adds(out, "\"timings\":{\"bind_ms\":");
	json_add_number(out, t->r->info->bind_ms);
	buf_adds(out, ",\"first_token_ms\":");
	json_add_number(out, t->first_token_ms);
	buf_adds(out, ",\"prompt_ms\":");
	json_add_number(out, s->prompt_ms);
	buf_adds(out, ",\"decode_ms\":");
	json_add_number(out, s->decode_ms);
	buf_adds(out, ",\"prompt_tokens_per_s\":");
	json_add_number(out, per_second((double)(s->prompt_tokens - s->reused_tokens), s->prompt_ms));
	buf_adds(out, ",\"decode_tokens_per_s\":");
	json_add_number(out, per_second(s->tokens > 1 ? (double)(s->tokens - 1) : 0, s->decode_ms));
	if (t->knows_bytes)
		buf_addf(out, ",\"bytes_at_first_token\":%llu", (unsigned long long)t->bytes);
	buf_addf(out, ",\"weight_bytes\":%llu}", (unsigned long long)t->r->info->weight_bytes);
}

static const char *end_word(const struct talk *t)
{
	if (t->interrupted)
		return "interrupted";
	switch (t->end) {
	case GENERATION_EOS:
		return "eos";
	case GENERATION_STOP:
		return "stop";
	case GENERATION_CONTEXT:
		return "context";
	case GENERATION_LENGTH:
	case GENERATION_GOES_ON:
		break;
	}
	return "length";
}

static int print_answer(struct talk *t)
{
	AUTO_BUF out = {0};

	if (!t->r->args->json) {
		(void)putchar('\n'); /* main looks whether all was written */
		return EXIT_OK;
	}
	buf_adds(&out, "{\"tokens\":");
	json_add_ids(&out, t->tokens.ids, t->tokens.nr);
	buf_adds(&out, ",\"text\":");
	buf_add_json_n(&out, t->text.data ? t->text.data : "", t->text.len);
	buf_addf(&out, ",\"prompt_tokens\":%llu,\"end\":\"%s\",\"seed\":%llu,", (unsigned long long)t->stats.prompt_tokens, end_word(t),
		 (unsigned long long)t->r->sample.seed);
	add_timings(&out, t);
	buf_addf(&out, ",\"threads\":%u,\"kernels\":\"%s\"}", t->r->info->threads, t->r->info->kernels);
	return print_json(t->r->args->verb, &out);
}

/* A text that ends early tells why, on the other stream. */
static void tell_end(const struct talk *t)
{
	if (t->end == GENERATION_CONTEXT && !t->r->args->json)
		fprintf(stderr, "hffs run: the text ends here because the context of %u tokens is full; --context makes it larger\n",
			session_context(t->session));
}

static int finish(struct talk *t, int r, struct err *err)
{
	int code;

	if (r < 0) {
		talk_done(t);
		return say_failed(t->r->args->verb, r, err);
	}
	code = print_answer(t);
	tell_end(t);
	if (t->interrupted && code == EXIT_OK)
		code = EXIT_INTERRUPTED;
	talk_done(t);
	return code;
}

/* --- prompts --- */

static int read_stdin(struct buf *out, struct err *err)
{
	char bytes[65536];
	ssize_t n;

	if (isatty(0) == 1)
		return err_set(err, -EINVAL, "there is no prompt: give it with -p, or on standard input");
	while ((n = read(0, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "cannot read the prompt: %s", strerror(errno));
		buf_add(out, bytes, (size_t)n);
		if (out->len > PROMPT_MAX)
			return err_set(err, -EFBIG, "the prompt has more than %u MiB", PROMPT_MAX >> 20);
	}
	if (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0'; /* that of the last line */
	return out->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int load_prompt(const struct runner *r, struct token_list *out, struct err *err)
{
	AUTO_BUF text = {0};
	int ret;

	if (r->args->has_ids) {
		for (size_t i = 0; i < r->args->ids.nr; i++)
			if (token_list_add(out, r->args->ids.ids[i]) < 0)
				return err_set(err, -ENOMEM, "out of memory");
		return 0;
	}
	if (r->args->prompt)
		return runner_encode(r, r->args->prompt, strlen(r->args->prompt), out, err);
	ret = read_stdin(&text, err);
	return ret < 0 ? ret : runner_encode(r, text.data ? text.data : "", text.len, out, err);
}

int run_text(struct runner *r)
{
	struct token_list prompt = {0};
	struct err err = {0};
	struct talk t;
	int ret = talk_open(&t, r, &err);

	if (ret == 0)
		ret = load_prompt(r, &prompt, &err);
	catch_interrupts();
	if (ret == 0)
		ret = answer(&t, &prompt, false, &err);
	token_list_done(&prompt);
	return finish(&t, ret, &err);
}

int run_logits(struct runner *r)
{
	AUTO_FREE float *logits = calloc(r->info->vocabulary, sizeof(*logits));
	AUTO_BUF out = {0};
	struct token_list prompt = {0};
	struct err err = {0};
	struct talk t;
	int ret = talk_open(&t, r, &err);

	if (ret == 0 && !logits)
		ret = err_set(&err, -ENOMEM, "out of memory");
	if (ret == 0)
		ret = load_prompt(r, &prompt, &err);
	if (ret == 0 && prompt.nr == 0)
		ret = err_set(&err, -EINVAL, "the prompt has no tokens");
	if (ret == 0)
		ret = session_eval(t.session, prompt.ids, prompt.nr, LOGITS_LAST, logits, &err);
	token_list_done(&prompt);
	talk_done(&t);
	runner_end_progress(r);
	if (ret < 0)
		return say_failed(r->args->verb, ret, &err);
	buf_adds(&out, "{\"logits\":");
	json_add_floats(&out, logits, r->info->vocabulary);
	buf_addc(&out, '}');
	return print_json(r->args->verb, &out);
}

/* --- conversations --- */

struct conversation {
	struct chat_message messages[MESSAGES_MAX];
	size_t nr;
};

static int conversation_add(struct conversation *c, enum chat_role role, const char *text, struct err *err)
{
	char *copy = strdup(text);

	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	if (c->nr == MESSAGES_MAX) {
		free(copy);
		return err_set(err, -EOVERFLOW, "a conversation has at most %d messages", MESSAGES_MAX);
	}
	c->messages[c->nr++] = (struct chat_message){role, copy};
	return 0;
}

static void conversation_free(struct conversation *c)
{
	for (size_t i = 0; i < c->nr; i++)
		free((char *)(uintptr_t)c->messages[i].text); /* ours */
	free(c);
}

/* One turn: the user's text, and what the model answers, which becomes part of the conversation. */
static int take_turn(struct talk *t, struct conversation *c, const char *text, struct err *err)
{
	struct token_list prompt = {0};
	int r = conversation_add(c, CHAT_USER, text, err);

	if (r == 0)
		r = runner_encode_chat(t->r, c->messages, c->nr, &prompt, err);
	if (r == 0)
		r = answer(t, &prompt, true, err);
	token_list_done(&prompt);
	if (r == -EOVERFLOW)
		return err_set(err, r, "the conversation no longer fits the context of %u tokens; --context makes it larger",
			       session_context(t->session));
	return r < 0 ? r : conversation_add(c, CHAT_ASSISTANT, t->text.data ? t->text.data : "", err);
}

/* Lines of the terminal, or of a file, are the user's turns; its end, or an interrupt, ends the conversation. */
static int converse(struct talk *t, struct conversation *c, struct err *err)
{
	bool shows = isatty(0) == 1;
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int r = 0;

	while (r == 0 && !is_interrupted()) {
		if (shows)
			fprintf(stderr, "> ");
		len = getline(&line, &room, stdin);
		if (len < 0)
			break;
		if (len > 0 && line[len - 1] == '\n')
			line[--len] = '\0';
		if (len == 0)
			continue;
		r = memchr(line, 0, (size_t)len) ? err_set(err, -EILSEQ, "a line has a zero byte, which is not supported") : take_turn(t, c, line, err);
		if (r == 0 && print_answer(t) != EXIT_OK)
			r = err_set(err, -EIO, "cannot write to standard output");
		if (r == 0)
			tell_end(t);
	}
	return r;
}

int run_chat(struct runner *r)
{
	struct conversation *c = calloc(1, sizeof(*c));
	struct err err = {0};
	struct talk t;
	int ret = talk_open(&t, r, &err);

	if (ret == 0 && !c)
		ret = err_set(&err, -ENOMEM, "out of memory");
	if (ret == 0)
		ret = runner_open_chat(r, &err);
	if (ret == 0 && r->args->system)
		ret = conversation_add(c, CHAT_SYSTEM, r->args->system, &err);
	catch_interrupts();
	if (ret == 0 && r->args->prompt) {
		ret = take_turn(&t, c, r->args->prompt, &err);
		conversation_free(c);
		return finish(&t, ret, &err);
	}
	if (ret == 0)
		ret = converse(&t, c, &err);
	if (c)
		conversation_free(c);
	talk_done(&t);
	if (ret < 0)
		return say_failed(r->args->verb, ret, &err);
	return is_interrupted() ? EXIT_INTERRUPTED : EXIT_OK;
}
