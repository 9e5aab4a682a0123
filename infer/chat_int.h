/* SPDX-License-Identifier: Apache-2.0 */
/* What a chat template puts around the texts of a conversation: chat_shape.c finds it, chat.c writes it. */
#ifndef HFFS_CHAT_INT_H
#define HFFS_CHAT_INT_H

#include <hffs/chat.h>

enum piece_kind { PIECE_TEXT, PIECE_BOS, PIECE_EOS, PIECE_DAY, PIECE_MESSAGE };

/* What becomes of a message's text, in this order. */
enum piece_how {
	HOW_ANSWER = 1,     /* only what is behind the last </think>; the whole where there is none */
	HOW_LINES_THEN = 2, /* line ends at its beginning are gone, where there was one */
	HOW_LINES = 4,      /* they are gone in any case */
	HOW_LEFT = 8,       /* blanks at its beginning are gone */
	HOW_RIGHT = 16,     /* at its end */
	HOW_INK = 32,       /* one of blanks alone is refused: what is beside it would lose its own */
};

struct piece {
	enum piece_kind kind;
	const char *text; /* PIECE_TEXT; the format of PIECE_DAY */
	enum chat_role role; /* PIECE_MESSAGE */
	uint32_t nr;         /* PIECE_MESSAGE: which one, the system message not counted */
	unsigned how;
};

struct pieces {
	struct piece *p;
	size_t nr;
};

/* What a text must not have in it, or begin with. */
#define ABSENT_MAX 8
struct absent {
	enum chat_role role;
	const char *text;
	bool begins;
};

/* What is put out, with a system message or without. */
struct chat_form {
	bool works;
	struct pieces head, head_only;   /* before the first text; where it is the only one */
	struct pieces to_answer;         /* between a user's text and the answer */
	struct pieces to_user, to_last;  /* between an answer and the user's next text; before the last */
	struct pieces tail;              /* behind the last, where the next answer begins */
	unsigned how[3];                 /* of the first text, of an answer, of another text of the user's: enum piece_how */
	bool needs_text[3], needs_ink[3]; /* of a role: an empty text, or one of blanks, would change what is put around it */
	struct absent absent[ABSENT_MAX]; /* so would these in a text */
	size_t nr_absent;
};

struct chat {
	struct chat_form forms[2]; /* [1]: with a system message */
	char *end;                 /* as chat_end() */
	void *memory;              /* of the pieces */
	char why[160];             /* what keeps the other form from working */
};

/* Behind the blanks that text of this length begins with: what Python's strip() and Jinja's tags take away. */
const char *blanks_skip(const char *text, size_t len);
/* The length of text without those at its end. */
size_t blanks_cut(const char *text, size_t len);

/* Reads the template. -ENOTSUP: it does something that this has no form for; -EBADMSG: it is none. */
int chat_shape_find(const char *source, struct chat *c, struct err *err);

#endif
