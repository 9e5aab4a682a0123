// SPDX-License-Identifier: Apache-2.0
/*
 * The loop around session_eval(), as an iterator: who generates decides between two steps whether to go on, and several may take
 * turns. The last token of the prompt is evaluated alone or with the end of the prompt, and its logits choose the first token; a
 * token that was chosen is evaluated by the step that chooses the next.
 */
#include <hffs/generate.h>

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>

#define PROMPT_STEP 256 /* tokens of a prompt evaluated at once: how long others wait, and an interrupt */

struct generation {
	struct session *session;
	const struct model_info *info;
	struct token_list *past;
	struct generation_options options;
	struct token_list pending; /* to be evaluated: of the prompt, or the token chosen last */
	size_t next;               /* of pending */
	struct sampler *sampler;
	struct token_stream *stream; /* NULL: there is no text */
	struct stop_filter stops;
	uint32_t stop_ids[STOPS_MAX]; /* of stop strings that are special tokens: the text does not show these */
	size_t nr_stop_ids;
	float *logits;
	enum generation_end end;
	struct generated last;
	struct generation_stats stats;
};

/* --- beginning --- */

static size_t common_prefix(const struct token_list *past, const uint32_t *prompt, size_t nr)
{
	size_t n = 0;

	while (n < nr && n < past->nr && past->ids[n] == prompt[n])
		n++;
	return n;
}

static int check_prompt(const struct generation *g, const uint32_t *prompt, size_t nr, struct err *err)
{
	uint32_t room = session_context(g->session);

	if (nr == 0)
		return err_set(err, -EINVAL, "the prompt has no tokens");
	if (nr >= room)
		return err_set(err, -EOVERFLOW, "the prompt has %zu tokens, and the context has room for %u, the answer included%s", nr, room,
			       room < g->info->context ? "; --context makes it larger" : "");
	for (size_t i = 0; i < nr; i++)
		if (prompt[i] >= g->info->vocabulary)
			return err_set(err, -EINVAL, "the prompt has the token id %u, and the model's vocabulary ends at %u", prompt[i],
				       g->info->vocabulary - 1);
	return 0;
}

/* Of what the session holds the common beginning stays, but never the last token: its logits are wanted. */
static int take_prompt(struct generation *g, const uint32_t *prompt, size_t nr)
{
	size_t kept = common_prefix(g->past, prompt, nr);

	if (kept == nr)
		kept--;
	session_truncate(g->session, (uint32_t)kept);
	g->past->nr = kept;
	g->stats.prompt_tokens = nr;
	g->stats.reused_tokens = kept;
	for (size_t i = 0; i < nr; i++)
		sampler_note(g->sampler, prompt[i]);
	for (size_t i = kept; i < nr; i++)
		if (token_list_add(&g->pending, prompt[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int allocate(struct generation *g, const struct tokenizer *tokenizer)
{
	unsigned inside = g->options.continues ? DETOKENIZE_INSIDE : 0;
	int r = sampler_new(&g->options.sample, g->info->vocabulary, &g->sampler);

	if (r < 0)
		return r;
	g->logits = malloc((size_t)g->info->vocabulary * sizeof(*g->logits));
	if (!g->logits)
		return -ENOMEM;
	return tokenizer ? token_stream_new(tokenizer, DETOKENIZE_SKIP_SPECIAL | DETOKENIZE_SKIP_UNKNOWN | inside, &g->stream) : 0;
}

static void find_stop_ids(struct generation *g, const struct tokenizer *tokenizer)
{
	for (size_t i = 0; tokenizer && i < g->options.nr_stops && g->nr_stop_ids < STOPS_MAX; i++) {
		uint32_t id = tokenizer_find(tokenizer, g->options.stops[i]);

		if (id != TOKEN_NONE && tokenizer_is_special(tokenizer, id))
			g->stop_ids[g->nr_stop_ids++] = id;
	}
}

int generation_new(struct session *session, const struct model_info *info, const struct tokenizer *tokenizer, struct token_list *past,
		   const uint32_t *prompt, size_t nr, const struct generation_options *o, struct generation **out, struct err *err)
{
	AUTO(generation_free) struct generation *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return err_set(err, -ENOMEM, "out of memory");
	g->session = session;
	g->info = info;
	g->past = past;
	g->options = *o;
	g->stops = (struct stop_filter){.stops = o->stops, .nr = o->nr_stops};
	find_stop_ids(g, tokenizer);
	r = check_prompt(g, prompt, nr, err);
	if (r < 0)
		return r;
	r = allocate(g, tokenizer);
	if (r == 0)
		r = take_prompt(g, prompt, nr);
	if (r < 0)
		return err_set(err, r, "out of memory");
	*out = TAKE(g);
	return 0;
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	token_list_done(&g->pending);
	sampler_free(g->sampler);
	token_stream_free(g->stream);
	stop_filter_done(&g->stops);
	free(g->logits);
	free(g);
}

/* --- steps --- */

/* Evaluates up to PROMPT_STEP pending tokens; 1 when their logits are the ones to choose from. */
static int evaluate(struct generation *g, struct err *err)
{
	size_t left = g->pending.nr - g->next, n = left < PROMPT_STEP ? left : PROMPT_STEP;
	bool is_last = n == left;
	const uint32_t *ids = g->pending.ids + g->next;
	int r = session_eval(g->session, ids, n, is_last ? LOGITS_LAST : LOGITS_NONE, is_last ? g->logits : NULL, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (token_list_add(g->past, ids[i]) < 0) {
			/* past must not lag behind the session. */
			session_truncate(g->session, (uint32_t)g->past->nr);
			return err_set(err, -ENOMEM, "out of memory");
		}
	g->next += n;
	return is_last;
}

static bool is_among(const uint32_t *ids, size_t nr, uint32_t id)
{
	for (size_t i = 0; i < nr; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void note_logprobs(struct generation *g)
{
	uint32_t n = g->info->vocabulary;
	unsigned top = g->options.top_logprobs < TOP_LOGPROBS_MAX ? g->options.top_logprobs : TOP_LOGPROBS_MAX;

	if (!g->options.with_logprobs)
		return;
	g->last.logprob = sample_logprob(g->logits, n, g->last.id);
	sample_top(g->logits, n, g->last.top, top < n ? top : n);
}

/* The text is at its end: what the stream and the filter still hold is part of it. */
static int finish(struct generation *g, enum generation_end end, struct buf *text, struct err *err)
{
	AUTO_BUF rest = {0};
	int r = g->stream ? token_stream_end(g->stream, &rest, err) : 0;

	if (r < 0)
		return r;
	g->end = end;
	if (stop_filter_add(&g->stops, rest.data, rest.len, text))
		g->end = GENERATION_STOP;
	stop_filter_end(&g->stops, text);
	return rest.failed || text->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int add_text(struct generation *g, struct buf *text, struct err *err)
{
	AUTO_BUF piece = {0};
	int r = g->stream ? token_stream_add(g->stream, g->last.id, &piece, err) : 0;

	if (r < 0)
		return r;
	if (stop_filter_add(&g->stops, piece.data, piece.len, text))
		g->end = GENERATION_STOP;
	return piece.failed || text->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

/* A token was chosen: into the text, and ready to be evaluated. */
static int take_token(struct generation *g, struct buf *text, struct err *err)
{
	int r;

	sampler_note(g->sampler, g->last.id);
	note_logprobs(g);
	g->stats.tokens++;
	g->pending.nr = g->next = 0;
	r = token_list_add(&g->pending, g->last.id);
	if (r < 0)
		return err_set(err, r, "out of memory");
	r = is_among(g->stop_ids, g->nr_stop_ids, g->last.id) ? finish(g, GENERATION_STOP, text, err) : add_text(g, text, err);
	if (r == 0 && g->end == GENERATION_GOES_ON && g->options.tokens_max && g->stats.tokens >= g->options.tokens_max)
		r = finish(g, GENERATION_LENGTH, text, err);
	else if (r == 0 && g->end == GENERATION_GOES_ON && session_pos(g->session) >= session_context(g->session))
		r = finish(g, GENERATION_CONTEXT, text, err);
	return r < 0 ? r : 1;
}

static int step(struct generation *g, struct buf *text, struct err *err)
{
	int r = evaluate(g, err);

	if (r <= 0)
		return r;
	if (sampler_choose(g->sampler, g->logits, &g->last.id) < 0)
		return err_set(err, -EDOM, "the model computed no number where logits should be: its weights are damaged, or not for this shape");
	if (is_among(g->options.eos, g->options.nr_eos, g->last.id))
		return finish(g, GENERATION_EOS, text, err);
	return take_token(g, text, err);
}

int generation_step(struct generation *g, struct buf *text, struct err *err)
{
	uint64_t start = clock_mono_us();
	double *ms = g->stats.tokens ? &g->stats.decode_ms : &g->stats.prompt_ms;
	int r;

	if (g->end != GENERATION_GOES_ON)
		return 0;
	r = step(g, text, err);
	*ms += (double)(clock_mono_us() - start) / 1000;
	return r;
}

enum generation_end generation_end(const struct generation *g)
{
	return g->end;
}

const struct generated *generation_last(const struct generation *g)
{
	return &g->last;
}

void generation_stats(const struct generation *g, struct generation_stats *out)
{
	*out = g->stats;
}
