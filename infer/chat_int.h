/* SPDX-License-Identifier: Apache-2.0 */
/* A chat shape with what was found in the template: chat_shape.c finds, chat.c writes. */
#ifndef HFFS_CHAT_INT_H
#define HFFS_CHAT_INT_H

#include <hffs/chat.h>

enum chat_shape { CHAT_CHATML, CHAT_LLAMA2, CHAT_LLAMA3, CHAT_MISTRAL, CHAT_GEMMA, CHAT_ROLES };

enum system_place {
	SYSTEM_TURN,       /* a turn as any other */
	SYSTEM_FIRST_USER, /* before the text of the first user message */
	SYSTEM_LAST_USER,  /* before that of the last */
	SYSTEM_NONE,       /* refused */
};

struct chat {
	enum chat_shape shape;
	const char *name, *end; /* as chat_name(), chat_end() */
	/* Of a turn: head, role, middle, text, tail. Mistral: what is around user and assistant instead. */
	const char *head, *middle, *tail;
	const char *user_open, *user_close, *answer_open, *answer_close;
	const char *assistant; /* what the role is called */
	bool has_bos;        /* once, at the beginning */
	bool ends_by_eos;    /* a turn's tail begins with the tokenizer's end */
	bool trims, trims_answer; /* blanks around a text are gone */
	bool drops_thoughts; /* of earlier answers */
	enum system_place system;
	char *system_default; /* the first turn where the user gives none; NULL: there is none */
	char *system_head;    /* before the text of a system turn, "Today Date: " and the day behind it; NULL: nothing */
	char *day;            /* NULL: today */
	char *generation;     /* what the next answer begins behind */
};

/* Fills in what the normalised source says. -ENOTSUP: it is none of the shapes. */
int chat_shape_find(const char *normal, struct chat *c);

#endif
