// SPDX-License-Identifier: Apache-2.0
/* Values that a chat template computes with while it is read, and its variables. */
#include "chat_read_int.h"

#include <errno.h>
#include <string.h>

/* --- memory --- */

#define MEMORY_MAX (16u << 20) /* strings of a template can be added to each other without end */

struct memory {
	struct memory *next;
	size_t total; /* of this and all behind it */
	char bytes[];
};

void *memory_get(struct memory **m, size_t len)
{
	size_t total = *m ? (*m)->total : 0;
	struct memory *one = len <= MEMORY_MAX - total ? malloc(sizeof(*one) + len) : NULL;

	if (!one)
		return NULL;
	one->next = *m;
	one->total = total + len;
	*m = one;
	return memset(one->bytes, 0, len);
}

void memory_free(struct memory *m)
{
	while (m) {
		struct memory *next = m->next;

		free(m);
		m = next;
	}
}

/* --- making --- */

enum chat_role walk_role(const struct walk *w, long i)
{
	return w->has_system && i == 0 ? CHAT_SYSTEM : (i - w->has_system) % 2 ? CHAT_ASSISTANT : CHAT_USER;
}

struct value value_unknown(void)
{
	return (struct value){.kind = VALUE_UNKNOWN};
}

struct value value_bool(bool b)
{
	return (struct value){.kind = VALUE_BOOL, .nr = b};
}

struct value value_number(long n)
{
	return (struct value){.kind = VALUE_NUMBER, .nr = n};
}

struct value value_text_of(struct walk *w, struct piece p)
{
	struct piece *one = memory_get(&w->memory, sizeof(*one));

	if (!one)
		return value_unknown();
	*one = p;
	return (struct value){.kind = VALUE_TEXT, .pieces = {one, 1}};
}

struct value value_string(struct walk *w, const char *text, size_t len)
{
	char *copy = len ? memory_get(&w->memory, len + 1) : NULL;

	if (!len)
		return (struct value){.kind = VALUE_TEXT};
	if (!copy)
		return value_unknown();
	memcpy(copy, text, len);
	return value_text_of(w, (struct piece){.kind = PIECE_TEXT, .text = copy});
}

/* Strings that follow each other become one, so that equal texts have equal pieces. */
static struct value join(struct walk *w, const struct pieces *a, const struct pieces *b)
{
	struct piece *all = memory_get(&w->memory, (a->nr + b->nr) * sizeof(*all));
	bool meet = a->nr && b->nr && a->p[a->nr - 1].kind == PIECE_TEXT && b->p[0].kind == PIECE_TEXT;

	if (!all)
		return value_unknown();
	memcpy(all, a->p, a->nr * sizeof(*all));
	memcpy(all + a->nr - meet, b->p, b->nr * sizeof(*all));
	if (meet) {
		size_t len = strlen(a->p[a->nr - 1].text), more = strlen(b->p[0].text);
		char *text = memory_get(&w->memory, len + more + 1);

		if (!text)
			return value_unknown();
		memcpy(text, a->p[a->nr - 1].text, len);
		memcpy(text + len, b->p[0].text, more);
		all[a->nr - 1].text = text;
	}
	return (struct value){.kind = VALUE_TEXT, .pieces = {all, a->nr + b->nr - meet}};
}

struct value value_add(struct walk *w, const struct value *a, const struct value *b)
{
	long sum;

	if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER && !__builtin_add_overflow(a->nr, b->nr, &sum))
		return value_number(sum);
	if (a->kind != VALUE_TEXT || b->kind != VALUE_TEXT)
		return value_unknown();
	if (!a->pieces.nr || !b->pieces.nr)
		return a->pieces.nr ? *a : *b;
	return join(w, &a->pieces, &b->pieces);
}

/* --- asking --- */

const char *value_plain(const struct value *v)
{
	if (v->kind != VALUE_TEXT || v->pieces.nr > 1)
		return NULL;
	return v->pieces.nr == 0 ? "" : v->pieces.p->kind == PIECE_TEXT ? v->pieces.p->text : NULL;
}

struct piece *value_one_message(const struct value *v)
{
	return v->kind == VALUE_TEXT && v->pieces.nr == 1 && v->pieces.p->kind == PIECE_MESSAGE ? v->pieces.p : NULL;
}

bool pieces_equal(const struct pieces *a, const struct pieces *b)
{
	for (size_t i = 0; a->nr == b->nr && i < a->nr; i++) {
		const struct piece *p = &a->p[i], *q = &b->p[i];

		if (p->kind != q->kind || p->how != q->how || p->role != q->role || p->nr != q->nr || !p->text != !q->text ||
		    (p->text && strcmp(p->text, q->text) != 0))
			return false;
	}
	return a->nr == b->nr;
}

/* --- blanks --- */

/* One end of a text. Of one that is more than a message, blanks would go on behind a message of nothing else. */
static bool strip_end(struct walk *w, struct piece *p, bool left, bool alone)
{
	const char *text = p->text;
	size_t len;
	char *copy;

	if (p->kind == PIECE_MESSAGE) {
		p->how |= (left ? HOW_LEFT : HOW_RIGHT) | (alone ? 0 : HOW_INK);
		w->form->needs_ink[CHAT_SYSTEM] |= p->role == CHAT_SYSTEM && !alone;
		return true;
	}
	if (p->kind != PIECE_TEXT)
		return p->kind == PIECE_DAY; /* which has none; of others it is not known */
	len = strlen(text);
	if (left)
		text = blanks_skip(text, len);
	len = left ? strlen(text) : blanks_cut(text, len);
	copy = len ? memory_get(&w->memory, len + 1) : NULL;
	if (copy)
		memcpy(copy, text, len);
	p->text = copy;
	return copy;
}

struct value value_strip(struct walk *w, const struct value *v, bool left, bool right)
{
	struct value out = *v;
	size_t nr = v->pieces.nr;
	const char *plain = value_plain(v);

	if (v->kind != VALUE_TEXT)
		return value_unknown();
	if (plain) {
		if (left)
			plain = blanks_skip(plain, strlen(plain));
		return value_string(w, plain, right ? blanks_cut(plain, strlen(plain)) : strlen(plain));
	}
	out.pieces.p = memory_get(&w->memory, nr * sizeof(struct piece));
	if (!out.pieces.p)
		return value_unknown();
	memcpy(out.pieces.p, v->pieces.p, nr * sizeof(struct piece));
	if ((left && !strip_end(w, &out.pieces.p[0], true, nr == 1)) || (right && !strip_end(w, &out.pieces.p[nr - 1], false, nr == 1)))
		return value_unknown();
	return out;
}

/* --- variables --- */

#define WORK_MAX (16u << 20) /* templates have a few kilobytes; long strings can be compared as often as short ones */

bool walk_spend(struct walk *w, size_t n)
{
	w->work = n < WORK_MAX && w->work < WORK_MAX ? w->work + n : WORK_MAX;
	return w->work < WORK_MAX;
}

const struct value *variable_find(const struct walk *w, const char *name, size_t len)
{
	for (size_t i = w->nr_variables; i > 0; i--)
		if (!strncmp(w->variables[i - 1].name, name, len) && !w->variables[i - 1].name[len])
			return &w->variables[i - 1].value;
	return NULL;
}

struct value variable_value(struct walk *w, const char *name, size_t len)
{
	const struct value *found = variable_find(w, name, len);
	bool can = walk_spend(w, w->nr_variables);

	for (size_t i = 0; found && i < found->pieces.nr && can; i++)
		can = walk_spend(w, 1 + (found->pieces.p[i].text ? strlen(found->pieces.p[i].text) : 0));
	if (!can)
		return value_unknown();
	return found ? *found : (struct value){.kind = VALUE_UNDEFINED};
}

int variable_push(struct walk *w, const char *name, struct value v)
{
	if (w->nr_variables == w->cap_variables) {
		size_t cap = w->cap_variables ? 2 * w->cap_variables : 32;
		struct variable *more = memory_get(&w->memory, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (w->nr_variables)
			memcpy(more, w->variables, w->nr_variables * sizeof(*more));
		w->variables = more;
		w->cap_variables = cap;
	}
	w->variables[w->nr_variables++] = (struct variable){name, v};
	return 0;
}
