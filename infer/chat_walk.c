// SPDX-License-Identifier: Apache-2.0
/*
 * Follows the tags of a template through a made-up conversation. What transformers gives a template is defined: messages, tools and
 * documents (none), add_generation_prompt (true), the tokens that begin and end a text, today's date. Other tokens and functions
 * may be; nothing else is.
 * [transformers utils/chat_template_utils.py, 2026-08]
 */
#include "chat_read_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define STEPS_MAX 20000 /* tags, of all rounds of loops */
#define DEPTH_MAX 64

static int walk_range(struct walk *w, size_t begin, size_t end);

static int give_up(struct walk *w, size_t at)
{
	if (!w->at)
		w->at = &w->source->s[at];
	return -ENOTSUP;
}

/* --- what is put out --- */

static int put(struct walk *w, const struct value *v)
{
	struct value all = {.kind = VALUE_TEXT, .pieces = w->out};

	if (w->thoughts || (v->kind != VALUE_TEXT && v->kind != VALUE_RAISE))
		return -ENOTSUP;
	if (v->kind == VALUE_RAISE)
		return -EINVAL;
	all = value_add(w, &all, v);
	if (all.kind != VALUE_TEXT)
		return -ENOTSUP;
	w->out = all.pieces;
	return 0;
}

static int walk_output(struct walk *w, size_t i)
{
	const struct segment *s = &w->source->s[i];
	struct value v = s->kind == SEGMENT_TEXT ? value_string(w, s->text, (size_t)(s->end - s->text)) : expression_value(w, s->text, s->end);
	int r = put(w, &v);

	return r == -ENOTSUP ? give_up(w, i) : r;
}

/* --- set --- */

static size_t name_len(const char *text, const char *end)
{
	size_t len = 0;

	while (text + len < end && (isalnum((unsigned char)text[len]) || text[len] == '_'))
		len++;
	return len && !isdigit((unsigned char)*text) ? len : 0;
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && isspace((unsigned char)*text))
		text++;
	return text;
}

static char *copy_name(struct walk *w, const char *text, size_t len)
{
	char *name = len ? memory_get(&w->memory, len + 1) : NULL;

	return name ? memcpy(name, text, len) : NULL;
}

static bool is_same_message(const struct piece *a, const struct piece *b)
{
	return a->nr == b->nr && a->role == b->role;
}

/*
 * Inside of a condition that asks for </think>: what is assigned must be the same without one, and so must be the message that the
 * variable was, from its last </think> on. Of anything else it is not known what it is afterwards.
 */
static struct value only_answer(const struct piece *asked, const struct value *old, const struct value *new)
{
	const struct piece *before = old ? value_one_message(old) : NULL, *after = value_one_message(new);

	if (!before || !after || !is_same_message(before, after) || !is_same_message(before, asked))
		return value_unknown();
	return after->how & HOW_ANSWER && before->how == (after->how & ~(unsigned)(HOW_ANSWER | HOW_LINES_THEN)) ? *new : value_unknown();
}

static struct variable *find_here(struct walk *w, const char *name)
{
	for (size_t i = w->nr_variables; i > 0; i--)
		if (!strcmp(w->variables[i - 1].name, name))
			return &w->variables[i - 1];
	return NULL;
}

/* A member of a namespace stays as it is when a round of a loop ends; a variable that a loop sets is gone. */
static int assign(struct walk *w, const char *name, struct value v)
{
	const char *dot = strchr(name, '.');
	const struct value *space = dot ? variable_find(w, name, (size_t)(dot - name)) : NULL;
	struct variable *old = walk_spend(w, w->nr_variables) ? find_here(w, name) : NULL;

	if (v.kind == VALUE_SPACE || v.kind == VALUE_LOOP) /* one under two names; a loop that another may be within */
		v = value_unknown();
	if (w->thoughts)
		v = only_answer(w->thoughts, old ? &old->value : NULL, &v);
	if (!dot)
		return variable_push(w, name, v);
	if (!space || space->kind != VALUE_SPACE || (!old && w->loop_length))
		return -ENOTSUP;
	if (!old)
		return variable_push(w, name, v);
	old->value = v;
	return 0;
}

/* The end of an argument: a comma or bracket outside of strings and brackets. */
static const char *argument_end(const char *text, const char *end)
{
	unsigned open = 0;
	char quote = '\0';

	for (; text < end; text++) {
		if (quote) {
			if (*text == '\\' && text + 1 < end)
				text++;
			else if (*text == quote)
				quote = '\0';
		} else if (*text == '\'' || *text == '"') {
			quote = *text;
		} else if (strchr("([{", *text)) {
			open++;
		} else if (open == 0 && strchr(",)", *text)) {
			return text;
		} else if (strchr(")]}", *text) && open) {
			open--;
		}
	}
	return NULL;
}

/* namespace(a=1, b=''): behind its bracket. */
static int assign_namespace(struct walk *w, const char *name, const char *text, const char *end)
{
	struct value space = {.kind = VALUE_SPACE, .name = name};
	bool again = variable_find(w, name, strlen(name)) != NULL; /* with members that would stay */
	int r = w->thoughts || again || !walk_spend(w, w->nr_variables) ? -ENOTSUP : variable_push(w, name, space);

	text = skip_blanks(text, end);
	while (r == 0 && text < end && *text != ')') {
		size_t len = name_len(text, end);
		const char *from = skip_blanks(text + len, end), *to = argument_end(from, end);
		char *whole = len ? memory_get(&w->memory, strlen(name) + len + 2) : NULL;

		if (!whole || !to || *from != '=')
			return -ENOTSUP;
		memcpy(whole, name, strlen(name));
		whole[strlen(name)] = '.';
		memcpy(whole + strlen(name) + 1, text, len);
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
		r = variable_push(w, whole, expression_value(w, skip_blanks(from + 1, to), to));
		text = skip_blanks(argument_end(from, end), end);
		text = skip_blanks(text + (*text == ','), end);
	}
	return r < 0 ? r : text + 1 == end ? 0 : -ENOTSUP;
}

static int walk_set(struct walk *w, size_t i)
{
	static const char space[] = "namespace(";
	const struct segment *s = &w->source->s[i];
	size_t len = name_len(s->text, s->end);
	const char *text = s->text + len;
	bool is_member = len && text < s->end && *text == '.';
	size_t member = is_member ? name_len(text + 1, s->end) : 0;
	char *name;
	int r;

	if (is_member && !member)
		return give_up(w, i);
	len += is_member ? member + 1 : 0;
	name = copy_name(w, s->text, len);
	text = skip_blanks(s->text + len, s->end);
	if (!name || text == s->end || *text != '=')
		return give_up(w, i);
	text = skip_blanks(text + 1, s->end);
	if ((size_t)(s->end - text) > strlen(space) && !strncmp(text, space, strlen(space)))
		r = assign_namespace(w, name, text + strlen(space), s->end);
	else
		r = assign(w, name, expression_value(w, text, s->end));
	return r == -ENOTSUP ? give_up(w, i) : r;
}

/* --- if --- */

/* A branch that does nothing but refuse: conversations that it would refuse are refused before they get here. */
static bool only_raises(const struct walk *w, size_t branch)
{
	static const char raise[] = "raise_exception(";
	const struct segment *s = &w->source->s[branch + 1];

	return w->source->s[branch].next == branch + 2 && s->kind == SEGMENT_OUTPUT && (size_t)(s->end - s->text) > strlen(raise) &&
	       !strncmp(s->text, raise, strlen(raise));
}

static int walk_thoughts(struct walk *w, size_t branch, const struct piece *asked)
{
	size_t end = w->source->s[branch].next;
	int r;

	if (w->source->s[end].kind != SEGMENT_ENDIF || w->thoughts)
		return give_up(w, branch);
	w->thoughts = asked;
	r = walk_range(w, branch + 1, end);
	w->thoughts = NULL;
	return r;
}

/* Sets *i to the end of the condition. */
static int walk_if(struct walk *w, size_t *i)
{
	size_t branch = *i, end = *i;

	while (w->source->s[end].kind != SEGMENT_ENDIF && walk_spend(w, 1))
		end = w->source->s[end].next;
	*i = end;
	for (; branch != end && walk_spend(w, 1); branch = w->source->s[branch].next) {
		const struct segment *s = &w->source->s[branch];
		struct value v = s->kind == SEGMENT_ELSE ? value_bool(true) : expression_value(w, s->text, s->end);

		switch (value_truth(w, &v)) {
		case TRUTH_YES:
			return walk_range(w, branch + 1, s->next);
		case TRUTH_THOUGHTS:
			return walk_thoughts(w, branch, v.pieces.p);
		case TRUTH_UNKNOWN:
			if (!only_raises(w, branch))
				return give_up(w, branch);
			break;
		case TRUTH_NO:
			break;
		}
	}
	return 0;
}

/* --- for --- */

static int walk_rounds(struct walk *w, const char *name, const struct value *list, size_t begin, size_t end)
{
	long index = w->loop_index, length = w->loop_length, nr = w->messages > list->nr ? w->messages - list->nr : 0;
	size_t variables = w->nr_variables;
	int r = 0;

	for (long k = 0; k < nr && r == 0; k++) {
		struct value one = {.kind = VALUE_MESSAGE, .nr = list->backwards ? w->messages - 1 - k : list->nr + k};

		w->loop_index = k;
		w->loop_length = nr;
		r = variable_push(w, name, one);
		if (r == 0)
			r = variable_push(w, "loop", (struct value){.kind = VALUE_LOOP});
		if (r == 0)
			r = walk_range(w, begin, end);
		w->nr_variables = variables;
	}
	w->loop_index = index;
	w->loop_length = length;
	return r;
}

static int walk_for(struct walk *w, size_t i)
{
	const struct segment *s = &w->source->s[i];
	size_t len = name_len(s->text, s->end);
	char *name = copy_name(w, s->text, len);
	const char *text = skip_blanks(s->text + len, s->end);
	struct value list;

	if (!name || w->thoughts || s->end - text < 4 || strncmp(text, "in", 2) != 0 || !isspace((unsigned char)text[2]))
		return give_up(w, i);
	if (memmem(text, (size_t)(s->end - text), " if ", 4)) /* it would leave some out */
		return give_up(w, i);
	list = expression_value(w, skip_blanks(text + 2, s->end), s->end);
	if (list.kind != VALUE_MESSAGES)
		return give_up(w, i);
	return walk_rounds(w, name, &list, i + 1, s->next);
}

/* --- all of it --- */

/* What calls of it make is not known. */
static int walk_macro(struct walk *w, size_t i)
{
	const struct segment *s = &w->source->s[i];
	char *name = copy_name(w, s->text, name_len(s->text, s->end));

	return name ? variable_push(w, name, value_unknown()) : give_up(w, i);
}

static int walk_range(struct walk *w, size_t begin, size_t end)
{
	int r = 0;

	if (++w->depth > DEPTH_MAX)
		r = give_up(w, begin < w->source->nr ? begin : 0);
	for (size_t i = begin; i < end && r == 0; i++) {
		if (++w->steps > STEPS_MAX || !walk_spend(w, 1))
			return give_up(w, i);
		switch (w->source->s[i].kind) {
		case SEGMENT_TEXT:
		case SEGMENT_OUTPUT:
			r = walk_output(w, i);
			break;
		case SEGMENT_IF:
			r = walk_if(w, &i);
			break;
		case SEGMENT_FOR:
			r = walk_for(w, i);
			i = w->source->s[i].next;
			break;
		case SEGMENT_MACRO:
			r = walk_macro(w, i);
			i = w->source->s[i].next;
			break;
		case SEGMENT_SET:
			r = walk_set(w, i);
			break;
		case SEGMENT_MARK:
			break;
		default:
			r = give_up(w, i);
		}
	}
	w->depth--;
	return r;
}

int walk_template(struct walk *w)
{
	const struct value none = {.kind = VALUE_NONE};
	const struct variable given[] = {
		{"messages", {.kind = VALUE_MESSAGES}},
		{"tools", none},
		{"documents", none},
		{"add_generation_prompt", value_bool(true)},
		{"bos_token", value_text_of(w, (struct piece){.kind = PIECE_BOS})},
		{"eos_token", value_text_of(w, (struct piece){.kind = PIECE_EOS})},
		{"strftime_now", {.kind = VALUE_SPACE, .name = "strftime_now"}},
		{"raise_exception", {.kind = VALUE_SPACE, .name = "raise_exception"}},
		{"namespace", {.kind = VALUE_SPACE, .name = "namespace"}},
		/* What a tokenizer and Jinja may define besides. */
		{"unk_token", value_unknown()}, {"sep_token", value_unknown()}, {"pad_token", value_unknown()}, {"cls_token", value_unknown()},
		{"mask_token", value_unknown()}, {"additional_special_tokens", value_unknown()}, {"range", value_unknown()},
		{"dict", value_unknown()}, {"lipsum", value_unknown()}, {"cycler", value_unknown()}, {"joiner", value_unknown()},
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (variable_push(w, given[i].name, given[i].value) < 0)
			return -ENOMEM;
	r = walk_range(w, 0, w->source->nr);
	return r == 0 && !walk_spend(w, 0) ? give_up(w, 0) : r;
}
