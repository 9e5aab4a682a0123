/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a template is read. It is never given a text of a conversation: chat_walk.c follows it through made-up conversations whose texts
 * are place holders, and notes what it puts between them. A condition that depends on a text, an expression that is not in
 * chat_ops.c, a tag that is not in chat_walk.c end the reading. There are no calls, no members of anything but messages and
 * namespaces, and a limit to the steps.
 */
#ifndef HFFS_CHAT_READ_INT_H
#define HFFS_CHAT_READ_INT_H

#include "chat_int.h"

/* --- chat_source.c: the source as tags and texts --- */

enum segment_kind {
	SEGMENT_TEXT, SEGMENT_OUTPUT,
	SEGMENT_IF, SEGMENT_ELIF, SEGMENT_ELSE, SEGMENT_ENDIF, SEGMENT_FOR, SEGMENT_ENDFOR, SEGMENT_MACRO, SEGMENT_ENDMACRO,
	SEGMENT_SET, SEGMENT_MARK, /* {% generation %} and its end: nothing */
	SEGMENT_OTHER,
};

struct segment {
	enum segment_kind kind;
	const char *text, *end; /* of a tag what is behind its word; blanks around it are gone */
	size_t next;            /* if, elif, else: the next branch, or the end; for, macro: the end */
};

struct segments {
	struct segment *s;
	size_t nr;
};

/*
 * Blanks around tags count as transformers' trim_blocks and lstrip_blocks have it; comments are gone. The segments point into the
 * source. -EBADMSG: a tag or a string has no end, or the tags do not fit.
 */
int segments_read(const char *source, struct segments *out, struct err *err);

/* --- chat_value.c: what a variable may be --- */

enum value_kind {
	VALUE_UNKNOWN, /* it is not known what; may be assigned, but not used */
	VALUE_EITHER,  /* one of two; nr: whether it is true is known */
	VALUE_UNDEFINED, VALUE_NONE, VALUE_BOOL, VALUE_NUMBER,
	VALUE_TEXT,     /* pieces, put out one after the other */
	VALUE_SPLIT,    /* a message, split at </think> */
	VALUE_WORDS,    /* a list of strings, which are the pieces */
	VALUE_MESSAGES, /* a list: from message nr on, or back from it */
	VALUE_MESSAGE, VALUE_LOOP, VALUE_SPACE,
	VALUE_RAISE,    /* the template refuses */
	VALUE_THOUGHTS, /* a condition: is there a </think> in the message that is the piece? */
};

struct value {
	enum value_kind kind;
	long nr; /* bool, number, message */
	bool backwards;
	const char *name; /* of a namespace */
	struct pieces pieces;
};

struct variable {
	const char *name; /* "x"; "ns.x" */
	struct value value;
};

/* One walk through a made-up conversation. */
struct walk {
	const struct segments *source;
	struct memory *memory;
	bool has_system;
	long messages; /* the system message counted */
	struct variable *variables;
	size_t nr_variables, cap_variables;
	long loop_index, loop_length; /* of the innermost loop */
	struct pieces out;
	size_t cap_out;
	unsigned steps, depth;
	size_t work; /* bytes and variables that were looked at */
	const struct piece *thoughts; /* inside of a condition that asks for </think> in this message; else NULL */
	struct chat_form *form; /* its needs_ are set here */
	const struct segment *at; /* what could not be read */
};

/* Memory that goes all at once. */
struct memory;
void *memory_get(struct memory **m, size_t len); /* NULL: there is no more, or too much was asked for */
void memory_free(struct memory *m);

/* The role of message i. */
enum chat_role walk_role(const struct walk *w, long i);

struct value value_unknown(void);
struct value value_bool(bool b);
struct value value_number(long n);
struct value value_string(struct walk *w, const char *text, size_t len);
struct value value_text_of(struct walk *w, struct piece p);
/* Two texts, or sums of numbers. */
struct value value_add(struct walk *w, const struct value *a, const struct value *b);
/* The one string that it is; NULL: it is none, or has other pieces. */
const char *value_plain(const struct value *v);
/* The one message that a text is; NULL. */
struct piece *value_one_message(const struct value *v);
bool pieces_equal(const struct pieces *a, const struct pieces *b);
/* Blanks at the ends of a text. */
struct value value_strip(struct walk *w, const struct value *v, bool left, bool right);

/* Counts n bytes, or other things, that are looked at. false: it is too much for one walk, which ends. */
bool walk_spend(struct walk *w, size_t n);

const struct value *variable_find(const struct walk *w, const char *name, size_t len);
/* What an expression has of it: VALUE_UNDEFINED if there is none. */
struct value variable_value(struct walk *w, const char *name, size_t len);
/* -ENOMEM */
int variable_push(struct walk *w, const char *name, struct value v);

/* --- chat_expr.c --- */

/* The value of [text, end), which is one whole expression. VALUE_UNKNOWN for what is none that is known. */
struct value expression_value(struct walk *w, const char *text, const char *end);

/* --- chat_ops.c: what is done with values; may note in the walk's form what a text must not be --- */

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN, TRUTH_THOUGHTS };
enum truth value_truth(struct walk *w, const struct value *v);
struct value value_not(struct walk *w, const struct value *v);
struct value value_and(struct walk *w, const struct value *a, const struct value *b);
struct value value_or(struct walk *w, const struct value *a, const struct value *b);
/* a == b; not: a != b */
struct value value_equal(struct walk *w, const struct value *a, const struct value *b, bool not);
struct value value_in(struct walk *w, const struct value *what, const struct value *where);
/* v is NAME */
struct value value_is(const struct value *v, const char *name);
/* v.name */
struct value value_member(struct walk *w, const struct value *v, const char *name);
/* v[i], from the end if i < 0 */
struct value value_element(struct walk *w, const struct value *v, long i);
/* v.name(argument), or v|name(argument); argument: NULL if there is none. */
struct value value_apply(struct walk *w, const struct value *v, const char *name, const struct value *argument);
/* strftime_now(format) */
struct value value_day(struct walk *w, const struct value *format);

/* --- chat_walk.c --- */

/* What the template puts out is in w->out. -ENOTSUP: it cannot be followed, w->at; -EINVAL: it refuses; -ENOMEM. */
int walk_template(struct walk *w);

#endif
