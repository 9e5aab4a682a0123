// SPDX-License-Identifier: Apache-2.0
/*
 * A pickle without a head: of protocol 0 or 1, or one that just has none. Its bytes are a program for a stack machine; this follows the program
 * without running it, and counts objects and marks in the place of the stack. Where the true machine would stop with an error - an opcode
 * that is none, an argument that is none, too few objects - a text or another format shows, mostly at its first bytes. What counts is whether
 * it gets to a call (or to its end) after it got hold of something to call by its name; without a name there is nothing that could run.
 *
 * It errs on one side only: types of objects are not looked at, a memo gives whatever is asked of it, and what follows a FRAME cannot be told:
 * CPython drops the rest of one in the middle of an argument. PERSID is an error, as it is for
 * who has no persistent_load() for texts. [CPython Modules/_pickle.c, Lib/pickle.py, Lib/pickletools.py, 2026-08]
 */
#include <hffs/format.h>

#include <string.h>

#include "bytes_int.h"

#define PROTOCOL_MAX 5

enum arg {
	ARG_UNKNOWN, /* the opcode is none */
	ARG_NONE,
	ARG_1, ARG_2, ARG_4, ARG_8, /* so many bytes */
	ARG_PROTOCOL,
	ARG_COUNTED_1, ARG_COUNTED_4, ARG_COUNTED_4_SIGNED, ARG_COUNTED_8, /* a length, and so many bytes */
	ARG_INT, ARG_FLOAT, ARG_QUOTED, ARG_TEXT, ARG_NAMES,               /* lines */
};
enum { PUTS_MARK = 1, TAKES_MARK = 2, NAMES = 4, CALLS = 8, POPS = 16, STOPS = 32, FRAMES = 64 };

/* need: so many objects above the mark, which go; push: so many come. TAKES_MARK: all above the mark and the mark go first. */
static const struct opcode {
	uint8_t arg, need, push, does;
} opcodes[256] = {
	['('] = {ARG_NONE, 0, 0, PUTS_MARK},
	['.'] = {ARG_NONE, 1, 0, STOPS},
	['0'] = {ARG_NONE, 0, 0, POPS},
	['1'] = {ARG_NONE, 0, 0, TAKES_MARK},
	['2'] = {ARG_NONE, 1, 2, 0},
	['F'] = {ARG_FLOAT, 0, 1, 0},
	['I'] = {ARG_INT, 0, 1, 0},
	['J'] = {ARG_4, 0, 1, 0},
	['K'] = {ARG_1, 0, 1, 0},
	['L'] = {ARG_INT, 0, 1, 0},
	['M'] = {ARG_2, 0, 1, 0},
	['N'] = {ARG_NONE, 0, 1, 0},
	['Q'] = {ARG_NONE, 1, 1, 0},
	['R'] = {ARG_NONE, 2, 1, CALLS},
	['S'] = {ARG_QUOTED, 0, 1, 0},
	['T'] = {ARG_COUNTED_4_SIGNED, 0, 1, 0},
	['U'] = {ARG_COUNTED_1, 0, 1, 0},
	['V'] = {ARG_TEXT, 0, 1, 0},
	['X'] = {ARG_COUNTED_4, 0, 1, 0},
	['a'] = {ARG_NONE, 2, 1, 0},
	['b'] = {ARG_NONE, 2, 1, CALLS},
	['c'] = {ARG_NAMES, 0, 1, NAMES},
	['d'] = {ARG_NONE, 0, 1, TAKES_MARK},
	['}'] = {ARG_NONE, 0, 1, 0},
	['e'] = {ARG_NONE, 1, 1, TAKES_MARK},
	['g'] = {ARG_INT, 0, 1, 0},
	['h'] = {ARG_1, 0, 1, 0},
	['i'] = {ARG_NAMES, 0, 1, TAKES_MARK | NAMES | CALLS},
	['j'] = {ARG_4, 0, 1, 0},
	['l'] = {ARG_NONE, 0, 1, TAKES_MARK},
	[']'] = {ARG_NONE, 0, 1, 0},
	['o'] = {ARG_NONE, 0, 1, TAKES_MARK | CALLS},
	['p'] = {ARG_INT, 1, 1, 0},
	['q'] = {ARG_1, 1, 1, 0},
	['r'] = {ARG_4, 1, 1, 0},
	['s'] = {ARG_NONE, 3, 1, 0},
	['t'] = {ARG_NONE, 0, 1, TAKES_MARK},
	[')'] = {ARG_NONE, 0, 1, 0},
	['u'] = {ARG_NONE, 1, 1, TAKES_MARK},
	['G'] = {ARG_8, 0, 1, 0},
	/* Of later protocols, which need no head either. */
	['B'] = {ARG_COUNTED_4, 0, 1, 0},
	['C'] = {ARG_COUNTED_1, 0, 1, 0},
	[0x80] = {ARG_PROTOCOL, 0, 0, 0},
	[0x81] = {ARG_NONE, 2, 1, CALLS},
	[0x82] = {ARG_1, 0, 1, NAMES},
	[0x83] = {ARG_2, 0, 1, NAMES},
	[0x84] = {ARG_4, 0, 1, NAMES},
	[0x85] = {ARG_NONE, 1, 1, 0},
	[0x86] = {ARG_NONE, 2, 1, 0},
	[0x87] = {ARG_NONE, 3, 1, 0},
	[0x88] = {ARG_NONE, 0, 1, 0},
	[0x89] = {ARG_NONE, 0, 1, 0},
	[0x8a] = {ARG_COUNTED_1, 0, 1, 0},
	[0x8b] = {ARG_COUNTED_4_SIGNED, 0, 1, 0},
	[0x8c] = {ARG_COUNTED_1, 0, 1, 0},
	[0x8d] = {ARG_COUNTED_8, 0, 1, 0},
	[0x8e] = {ARG_COUNTED_8, 0, 1, 0},
	[0x8f] = {ARG_NONE, 0, 1, 0},
	[0x90] = {ARG_NONE, 1, 1, TAKES_MARK},
	[0x91] = {ARG_NONE, 0, 1, TAKES_MARK},
	[0x92] = {ARG_NONE, 3, 1, CALLS},
	[0x93] = {ARG_NONE, 2, 1, NAMES},
	[0x94] = {ARG_NONE, 1, 1, 0},
	[0x95] = {ARG_COUNTED_8, 0, 0, FRAMES},
	[0x96] = {ARG_COUNTED_8, 0, 1, 0},
	[0x97] = {ARG_NONE, 0, 1, 0},
	[0x98] = {ARG_NONE, 1, 1, 0},
};

/* --- arguments --- */

/* What is behind an opcode: len bytes in memory, of `left` to the file's end. */
struct rest {
	const uint8_t *p;
	size_t len;
	uint64_t left;
};
enum { LENGTH_BAD = -1, LENGTH_MORE = -2 }; /* an error of the true machine; more bytes are needed to tell */

/* They are not in memory, and the file may have them. */
static int64_t lacking(const struct rest *r)
{
	return r->len < r->left ? LENGTH_MORE : LENGTH_BAD;
}

static int64_t fixed_length(const struct rest *r, unsigned n)
{
	return r->len < n ? lacking(r) : n;
}

/* Of a length in n bytes and what it counts. */
static int64_t counted_length(const struct rest *r, unsigned n, bool is_signed)
{
	uint64_t count;

	if (r->len < n)
		return lacking(r);
	count = n == 1 ? r->p[0] : n == 4 ? get_le32(r->p) : get_le64(r->p);
	if ((is_signed && count > INT32_MAX) || count > r->left - n || count > (uint64_t)INT64_MAX - n)
		return LENGTH_BAD;
	return (int64_t)(n + count);
}

/* A line of these characters, of which one at least is of the second set; with its newline. */
static int64_t line_length(const struct rest *r, const char *allowed, const char *needed)
{
	bool is_there = false;
	size_t i = 0;

	while (i < r->len && r->p[i] != '\n') {
		if (!r->p[i] || !strchr(allowed, r->p[i]))
			return LENGTH_BAD;
		is_there |= strchr(needed, r->p[i]) != NULL;
		i++;
	}
	if (i == r->len)
		return lacking(r);
	return is_there ? (int64_t)i + 1 : LENGTH_BAD;
}

static int64_t quoted_length(const struct rest *r)
{
	const uint8_t *end;

	if (r->len == 0)
		return lacking(r);
	if (r->p[0] != '\'' && r->p[0] != '"')
		return LENGTH_BAD;
	end = memchr(r->p, '\n', r->len);
	if (!end)
		return lacking(r);
	return end - r->p >= 2 && end[-1] == r->p[0] ? end - r->p + 1 : LENGTH_BAD;
}

/* A name that Python could have: letters, digits, '_', anything beyond ASCII, dots between. */
static int64_t name_length(const struct rest *r)
{
	size_t i = 0;

	while (i < r->len && r->p[i] != '\n') {
		uint8_t c = r->p[i];

		if (!(c >= 0x80 || c == '_' || c == '.' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
			return LENGTH_BAD;
		i++;
	}
	if (i == r->len)
		return lacking(r);
	return i ? (int64_t)i + 1 : LENGTH_BAD;
}

static int64_t names_length(const struct rest *r)
{
	int64_t first = name_length(r), second;
	struct rest behind;

	if (first < 0)
		return first;
	behind = (struct rest){r->p + first, r->len - (size_t)first, r->left - (uint64_t)first};
	second = name_length(&behind);
	return second < 0 ? second : first + second;
}

static int64_t argument_length(enum arg arg, const struct rest *r)
{
	switch (arg) {
	case ARG_UNKNOWN:
		return LENGTH_BAD;
	case ARG_NONE:
	case ARG_TEXT: /* goes on to the end of its line */
		return 0;
	case ARG_1:
		return fixed_length(r, 1);
	case ARG_2:
		return fixed_length(r, 2);
	case ARG_4:
		return fixed_length(r, 4);
	case ARG_8:
		return fixed_length(r, 8);
	case ARG_PROTOCOL:
		return r->len && r->p[0] > PROTOCOL_MAX ? LENGTH_BAD : fixed_length(r, 1);
	case ARG_COUNTED_1:
		return counted_length(r, 1, false);
	case ARG_COUNTED_4:
		return counted_length(r, 4, false);
	case ARG_COUNTED_4_SIGNED:
		return counted_length(r, 4, true);
	case ARG_COUNTED_8:
		return counted_length(r, 8, false);
	case ARG_INT: /* as int(text, 0) takes it */
		return line_length(r, "0123456789abcdefABCDEFxXoOL_+- \t\r\f\v", "0123456789");
	case ARG_FLOAT: /* infinity and nan are floats, too */
		return line_length(r, "0123456789.eE_+-infatyINFATY \t\r\f\v", "0123456789nN");
	case ARG_QUOTED:
		return quoted_length(r);
	case ARG_NAMES:
		return names_length(r);
	}
	return LENGTH_BAD;
}

/* --- the machine --- */

static bool take_mark(struct pickle_walk *w)
{
	if (w->nr_marks == 0)
		return false;
	w->nr = w->below[--w->nr_marks];
	return true;
}

/* What a loader that reads one pickle after the other does, as for the first formats of torch.save(). */
static enum pickle_step stop(struct pickle_walk *w)
{
	if (w->has_name)
		return PICKLE_RUNS;
	w->nr = 0;
	w->nr_marks = 0;
	return PICKLE_MORE;
}

/* PICKLE_MORE: go on. */
static enum pickle_step apply(struct pickle_walk *w, const struct opcode *op)
{
	if (op->does & FRAMES)
		return PICKLE_UNDECIDED;
	if (op->does & PUTS_MARK) {
		if (w->nr_marks == PICKLE_MARKS_MAX)
			return PICKLE_UNDECIDED;
		w->below[w->nr_marks++] = w->nr;
		w->nr = 0;
	}
	if ((op->does & TAKES_MARK) && !take_mark(w))
		return PICKLE_HARMLESS;
	if (op->does & POPS) {
		if (w->nr)
			w->nr--;
		else if (!take_mark(w))
			return PICKLE_HARMLESS;
	}
	if (w->nr < op->need)
		return PICKLE_HARMLESS;
	if (op->does & STOPS)
		return stop(w);
	w->nr += (uint64_t)op->push - op->need;
	w->has_name |= (op->does & NAMES) != 0;
	return (op->does & CALLS) && w->has_name ? PICKLE_RUNS : PICKLE_MORE;
}

/* A text argument: to the end of its line. */
static size_t skip_text(struct pickle_walk *w, const uint8_t *p, size_t at, size_t len)
{
	const uint8_t *end = memchr(p + at, '\n', len - at);

	w->is_in_text = !end;
	return end ? (size_t)(end - p) + 1 : len;
}

/* The next opcode is at `at`, which may be beyond what is in memory. */
static enum pickle_step go_on_at(struct pickle_walk *w, uint64_t at, uint64_t size)
{
	w->off += at;
	return w->off < size ? PICKLE_MORE : PICKLE_HARMLESS; /* without a STOP it is cut short */
}

enum pickle_step pickle_walk(struct pickle_walk *w, const void *bytes, size_t len, uint64_t size)
{
	const uint8_t *p = bytes;
	uint64_t at = 0;

	while (at < len) {
		const struct opcode *op = &opcodes[p[at]];
		struct rest rest = {p + at + 1, len - (size_t)at - 1, size - w->off - at - 1};
		enum pickle_step step;
		int64_t length;

		if (w->is_in_text) {
			at = skip_text(w, p, (size_t)at, len);
			continue;
		}
		length = argument_length((enum arg)op->arg, &rest);
		if (length == LENGTH_MORE)
			return at ? go_on_at(w, at, size) : PICKLE_UNDECIDED;
		step = length == LENGTH_BAD ? PICKLE_HARMLESS : apply(w, op);
		if (step != PICKLE_MORE)
			return step;
		w->is_in_text = op->arg == ARG_TEXT;
		at += 1 + (uint64_t)length;
	}
	return go_on_at(w, at, size);
}
