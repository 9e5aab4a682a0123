// SPDX-License-Identifier: Apache-2.0
/* One screen of 80 columns: a line a fact, two repositories side by side; then sentences of advice. */
#include "inspect_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"

#define WIDTH 80
#define LABEL 12
#define GAP 2
#define TEXT_MAX 2048
#define WORD "120" /* bytes at most that are shown of what a card calls a word */

static const char *told_words(enum told t)
{
	switch (t) {
	case TOLD_COUNTED: return "counted";
	case TOLD_BY_HUB: return "told by the Hub";
	case TOLD_ESTIMATED: return "estimated";
	case TOLD_NOT: break;
	}
	return "not known";
}

static const char *answer_words(enum answer a)
{
	return a == ANSWER_YES ? "yes" : a == ANSWER_NO ? "no" : "not looked at";
}

static void add_size(struct buf *out, uint64_t bytes)
{
	char text[SAY_BYTES_MAX];

	buf_adds(out, say_bytes(bytes, text));
}

/* "3.4 M", "7.2 G": as people name models. */
static void add_count(struct buf *out, uint64_t n)
{
	static const char *const units[] = {"", " k", " M", " G", " T"};
	double value = (double)n;
	size_t unit = 0;

	for (; value >= 999.95 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1000;
	buf_addf(out, unit ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

/* --- a line each --- */

static void say_repo(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)v;
	buf_addf(out, "%s%s@%s (%.12s)", repo_kind_prefix(l->repo.kind), l->about.repo.name, l->rev, l->about.commit);
}

static void say_kind(const struct look *l, const struct verdict *v, struct buf *out)
{
	static const char *const words[][2] = {
		{"model", "model"}, {"dataset", "dataset"}, {"space", "Space"}, {"adapter", "adapter"},
		{"quantized", "quantised model"}, {"merge", "merged model"}, {"finetune", "fine-tuned model"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i][0], v->type))
			buf_adds(out, words[i][1]);
	if (v->task)
		buf_addf(out, " for %." WORD "s", v->task);
	if (v->library)
		buf_addf(out, l->repo.kind == REPO_SPACE ? ", made with %." WORD "s" : ", library %." WORD "s", v->library);
}

static void say_publisher(const struct look *l, const struct verdict *v, struct buf *out)
{
	const char *slash = strchr(l->about.repo.name, '/');

	(void)v;
	if (slash)
		buf_add(out, l->about.repo.name, (size_t)(slash - l->about.repo.name));
	else
		buf_adds(out, "not named");
}

static void say_terms(const struct look *l, const struct verdict *v, struct buf *out)
{
	buf_addf(out, "%." WORD "s; ", v->license ? v->license : look_is_card_known(l) ? "none stated" : "not known");
	if (l->about.is_gated)
		buf_addf(out, "gated (%s)%s", l->about.said.gated[0] ? l->about.said.gated : "yes", l->is_denied ? ", no access" : "");
	else
		buf_adds(out, l->about.is_private == ANSWER_YES ? "private" : "no gate");
}

static void say_base(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)l;
	for (unsigned i = 0; i < v->nr_bases; i++)
		buf_addf(out, "%s%." WORD "s", i ? ", " : "", v->bases[i]);
}

static void say_change(const struct look *l, const struct verdict *v, struct buf *out)
{
	if (v->nr_bases || strcmp(v->type, "model") != 0)
		buf_adds(out, l->text.change);
}

static void say_card(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)v;
	if (l->is_card_read)
		buf_addf(out, "intended use: %s; limitations: %s%s", l->text.has_use ? "stated" : "missing", l->text.has_limits ? "stated" : "missing",
			 l->front_trouble ? "; front matter broken" : "");
	else if (l->is_listed)
		buf_adds(out, l->has_card ? "could not be read" : l->hides ? "not shown" : "none");
}

static void say_files(const struct look *l, const struct verdict *v, struct buf *out)
{
	struct format_sum formats[FORMATS_MAX];
	unsigned nr = look_formats(l, formats);

	(void)v;
	if (!l->is_listed)
		return;
	buf_addf(out, "%zu, ", l->files.nr);
	add_size(out, l->bytes);
	for (unsigned i = 0; i < nr && i < 5; i++) {
		buf_addf(out, "%s%zu %s ", i ? ", " : ": ", formats[i].nr, formats[i].name);
		add_size(out, formats[i].bytes);
	}
	if (nr > 5)
		buf_adds(out, ", ...");
	if (!l->is_whole)
		buf_adds(out, " (not all are listed)");
}

static void add_types(const struct look *l, struct buf *out)
{
	if (l->types_told == TOLD_BY_HUB) {
		for (const char *at = l->about.said.dtypes; *at;) {
			size_t all = strcspn(at, " ");

			buf_addf(out, "%s%.*s", at == l->about.said.dtypes ? "" : ", ", (int)strcspn(at, ":"), at);
			at += all + strspn(at + all, " ");
		}
		return;
	}
	for (unsigned i = 0, n = 0; i < TENSOR_TYPES; i++)
		if (l->sums.params_of[i])
			buf_addf(out, "%s%s", n++ ? ", " : "", tensor_type_info((enum tensor_type)i)->name);
}

static void say_weights(const struct look *l, const struct verdict *v, struct buf *out)
{
	if (!l->nr_weights)
		return;
	if (l->weights == WEIGHTS_GGUF)
		buf_addf(out, "%s: ", l->head->path);
	if (l->params) {
		add_count(out, l->params);
		buf_addf(out, " parameters (%s), ", told_words(l->params_told));
	}
	if (l->types_told != TOLD_NOT) {
		add_types(l, out);
		buf_adds(out, l->types_told == TOLD_ESTIMATED ? " so far as looked at, " : ", ");
	}
	if (v->quantization[0])
		buf_addf(out, "quantised: %s, ", v->quantization);
	if (l->nr_weights > 1)
		buf_addf(out, "%u files, ", l->nr_weights);
	if (l->tensors_told != TOLD_NOT)
		buf_addf(out, "%" PRIu64 "%s", l->nr_tensors, l->nr_tensors == 1 ? " tensor" : " tensors");
	else
		buf_adds(out, "tensors not counted");
}

static void say_text(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)v;
	if (l->repo.kind != REPO_MODEL || !l->is_listed)
		return;
	if (l->shape.architecture[0])
		buf_addf(out, "%s; ", l->shape.architecture);
	if (l->shape.context)
		buf_addf(out, "context %" PRIu32 "; ", l->shape.context);
	buf_addf(out, "tokenizer: %s; chat template: %s", answer_words(l->tokenizer), answer_words(l->chat_template));
}

static void say_memory(const struct look *l, const struct verdict *v, struct buf *out)
{
	if (!v->memory_bytes)
		return;
	buf_adds(out, "about ");
	add_size(out, v->memory_bytes);
	buf_adds(out, ": weights ");
	add_size(out, l->weight_bytes);
	if (v->kv_bytes) {
		buf_adds(out, ", KV cache ");
		add_size(out, v->kv_bytes);
		buf_addf(out, " (full context, 2 bytes a value)");
	} else if (!l->shape.encoder) {
		buf_adds(out, ", KV cache not known");
	}
	buf_adds(out, ", a tenth of the weights for the rest");
}

static void say_loaders(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)l;
	for (unsigned i = 0; i < v->nr_loaders; i++)
		if (v->loaders[i].fits == ANSWER_YES)
			buf_addf(out, "%s%s", out->len ? ", " : "", v->loaders[i].name);
	for (unsigned i = 0; i < v->nr_loaders; i++)
		if (v->loaders[i].fits != ANSWER_YES)
			buf_addf(out, "%s%s %s (%s)", out->len ? "; " : "", v->loaders[i].fits == ANSWER_NO ? "not" : "perhaps", v->loaders[i].name,
				 v->loaders[i].why);
}

static void say_risks(const struct look *l, const struct verdict *v, struct buf *out)
{
	for (unsigned i = 0; i < v->nr_risks; i++)
		buf_addf(out, "%s%s", i ? ", " : "", v->risks[i].words);
	if (!v->nr_risks)
		buf_adds(out, !l->is_listed ? "not known" : l->is_partly ? "none seen, in what could be read" : "none seen");
}

static void say_cached(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)v;
	if (!l->is_listed)
		return;
	add_size(out, l->bytes_cached);
	buf_adds(out, " of ");
	add_size(out, l->bytes);
	buf_addf(out, " (%u %%)", l->bytes ? (unsigned)((double)l->bytes_cached * 100 / (double)l->bytes) : 100);
}

static void say_took(const struct look *l, const struct verdict *v, struct buf *out)
{
	(void)v;
	buf_addf(out, "%" PRIu64 " %s, ", l->requests, l->requests == 1 ? "request" : "requests");
	add_size(out, l->bytes_fetched);
	buf_addf(out, " of content%s", !strcmp(l->through, "mount") ? ", through a mount" : "");
}

static const struct {
	const char *label;
	void (*say)(const struct look *l, const struct verdict *v, struct buf *out);
} lines[] = {
	{"repository", say_repo}, {"kind", say_kind}, {"publisher", say_publisher}, {"licence", say_terms}, {"base model", say_base},
	{"changed", say_change}, {"card", say_card}, {"files", say_files}, {"weights", say_weights}, {"model", say_text},
	{"memory", say_memory}, {"runs with", say_loaders}, {"risks", say_risks}, {"cached", say_cached}, {"this took", say_took},
};

/* --- wrapping --- */

/* Bytes of the next piece that fits into so many columns; *skip: and blanks behind it. A character of several bytes is one column. */
static size_t piece_len(const char *text, unsigned columns, size_t *skip)
{
	size_t n = 0, blank = 0;

	for (unsigned used = 0; text[n]; used++) {
		if (used == columns) {
			n = text[n] == ' ' || !blank ? n : blank;
			break;
		}
		if (text[n] == ' ')
			blank = n;
		n++;
		while (((unsigned char)text[n] & 0xc0) == 0x80)
			n++;
	}
	*skip = strspn(text + n, " ");
	return n;
}

static unsigned columns_of(const char *text, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

/* One line of the table, as many lines of the screen as it takes. */
static void print_cells(const char *label, char texts[2][TEXT_MAX], unsigned nr)
{
	unsigned width = nr == 1 ? WIDTH - LABEL : (WIDTH - LABEL - GAP) / 2;
	const char *at[2] = {texts[0], nr > 1 ? texts[1] : ""};

	for (bool first = true; first || *at[0] || *at[1]; first = false) {
		printf("%-*s", LABEL, first ? label : "");
		for (unsigned i = 0; i < nr; i++) {
			size_t skip, len = piece_len(at[i], width, &skip);

			printf("%.*s", (int)len, at[i]);
			if (i + 1 < nr && (*at[1]))
				printf("%*s", (int)(width - columns_of(at[i], len) + GAP), "");
			at[i] += len + skip;
		}
		putchar('\n');
	}
}

static void print_line(size_t line, const struct look *const *looks, const struct verdict *const *verdicts, unsigned nr)
{
	char texts[2][TEXT_MAX] = {"", ""};
	bool any = false;

	for (unsigned i = 0; i < nr; i++) {
		AUTO_BUF out = {0};

		lines[line].say(looks[i], verdicts[i], &out);
		err_escape(texts[i], TEXT_MAX, out.data ? out.data : "");
		any |= texts[i][0] != '\0';
		if (nr > 1 && !texts[i][0])
			(void)snprintf(texts[i], TEXT_MAX, "-");
	}
	if (any)
		print_cells(lines[line].label, texts, nr);
}

/* --- advice --- */

static void print_sentence(const char *who, const char *sentence)
{
	AUTO_FREE char *all = str_printf("%s%s%s", who, *who ? ": " : "", sentence);
	char shown[TEXT_MAX];
	const char *at = shown;

	err_escape(shown, sizeof(shown), all ? all : sentence);
	while (*at) {
		size_t skip, len = piece_len(at, WIDTH, &skip);

		printf("%.*s\n", (int)len, at);
		at += len + skip;
	}
}

static void print_unread(const char *who, const struct look *l)
{
	AUTO_FREE char *copy = l->unread.data ? strdup(l->unread.data) : NULL;
	char *rest = copy, *line;

	while (rest && (line = strsep(&rest, "\n")))
		if (*line) {
			AUTO_FREE char *sentence = str_printf("Not seen: %s.", line);

			print_sentence(who, sentence ? sentence : line);
		}
}

static void print_advice(const char *who, const struct look *l, const struct verdict *v)
{
	for (unsigned i = 0; i < v->nr_risks; i++)
		print_sentence(who, v->risks[i].text);
	if (!strcmp(v->type, "adapter") && v->nr_bases)
		print_sentence(who, "An adapter is of use with its base model only: look at that, too.");
	if (l->is_denied)
		return; /* one reason for all that was not seen */
	print_unread(who, l);
}

void look_print(const struct look *const *looks, const struct verdict *const *verdicts, unsigned nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		print_line(i, looks, verdicts, nr);
	putchar('\n');
	for (unsigned i = 0; i < nr; i++)
		print_advice(nr > 1 ? looks[i]->about.repo.name : "", looks[i], verdicts[i]);
}
