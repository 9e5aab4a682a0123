/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the prefetcher share; nobody else includes it. */
#ifndef HFFS_FETCH_PREFETCH_STATE_INT_H
#define HFFS_FETCH_PREFETCH_STATE_INT_H

#include <hffs/map.h>

#include "prefetch_int.h"

#define PREFETCH_SURE (8u << 20) /* read on from one place: it goes on for long, but not always to the end of the part or file */

#define NONE PREFETCH_NO_PART
#define PAGE 4096u
#define CHUNK (256u << 10)
/*
 * A tensor of at most this is read by one or two requests, and readahead that runs over a tensor's end covers it by accident: it
 * tells nothing of the order.
 */
#define SMALL_PART (512u << 10)

_Static_assert(sizeof(struct prefetch) <= 4096, "one for each open blob");

/* --- what is asked for --- */

struct wish {
	const struct prefetch_limits *limits;
	uint64_t now_ms;
	struct prefetch_want *wants;
	unsigned nr, max;
};
/* Adds a want, cut at the blob's end; one that continues the last one makes it longer. False if there is no room. */
bool wish_add(struct wish *w, struct prefetch *p, uint64_t off, uint64_t end, uint64_t ahead, enum prefetch_class class);

/* --- prefetch_head.c --- */

/* The head that this read continues, or one begun anew (hits == 1). */
struct prefetch_head *head_note(struct prefetch *p, const struct prefetch_read *r);
bool head_is_alive(const struct prefetch_head *h, uint64_t now_ms);
/* Is it read on from: has it a window? */
bool head_is_stream(const struct prefetch_head *h);
/* Asks for what lies ahead of it, which is one of so many streams. */
void head_wish(struct prefetch *p, struct prefetch_head *h, unsigned streams, struct wish *w);

/* --- prefetch_run.c --- */

void run_end(struct prefetch *p, struct prefetch_head *h);
/* How long a run that begins now will be, in bytes; 0: the last ones do not agree. */
uint64_t run_expected(const struct prefetch *p);
/*
 * The last runs were blocks of this length, at multiples of it, most of them with a request of readahead behind that nobody took;
 * 0: they were not.
 */
uint64_t run_block(const struct prefetch *p);
/* Were the last runs faults at the beginnings of equal blocks, jumping about? */
bool run_is_shuffled(const struct prefetch *p);

/* --- prefetch_family.c --- */

enum order { /* of parts; forwards before backwards: on a tie the file's own order is taken */
	ORDER_FILE,
	ORDER_NATURAL, /* numbers in names count as numbers */
	ORDER_NAME,
	ORDERS_SORTED,
	ORDER_BACK = ORDERS_SORTED, /* the same three backwards */
	ORDER_LAYER = 2 * ORDERS_SORTED, /* as in the layer before */
	ORDERS,
};

/* A tensor as it is called in every layer. */
struct kind {
	uint64_t hash;     /* of the name without the layer's number */
	struct kind *next; /* the kind that was read after it, in the layer before; NULL: not known */
	bool wraps;        /* that one was in the next layer */
	uint32_t last;     /* the part of this kind that was read last, NONE */
};

struct part {
	struct prefetch *of;
	char *name;
	struct kind *kind;
	uint64_t off, len;
	uint64_t from, to; /* where it was read; to 0: nowhere */
	uint64_t read;     /* bytes */
	uint64_t asked_from, asked; /* what was asked for before any head came; asked 0: nothing */
	uint32_t rank[ORDERS_SORTED];
	uint32_t layer;    /* rank in the natural order of the first part with the same layer number */
	uint32_t like;     /* the one of its kind that was read before it, NONE */
	bool touched;      /* its first page */
	bool probed;       /* its first pages were asked for in advance */
	bool body;         /* more than its first pages is read */
	bool foreseen;     /* that it would be */
};

/*
 * Parts in the order in which they are touched. Several threads may each go their own way through one order, so a step is one
 * that follows any of the last touches.
 */
#define RECENT 8
struct train {
	uint32_t recent[RECENT]; /* parts; the last one is steps - 1 */
	unsigned steps;
	uint8_t hits[ORDERS]; /* of the last eight steps, whether that order foresaw them; bit 0 the last */
	bool sure;            /* that it goes in this order: */
	enum order order;
};

struct prefetch_family {
	struct prefetch *members;
	uint64_t tick;     /* reads of all members so far */
	struct part *parts; /* those of one member together, by place; members in the order in which their parts came */
	uint32_t nr;
	uint32_t *sorted[ORDERS_SORTED]; /* parts by rank */
	struct map kinds;
	struct train touches, bodies;
	uint64_t read_ms;
	uint32_t tail;     /* the part of which the last read may have touched the end, NONE */
	uint32_t due;      /* the part that will be read next, because its end was touched; NONE */
	unsigned tails;    /* parts that were read from their beginning after their end was touched */
	uint32_t open[PREFETCH_HEADS]; /* parts that are being read */
	unsigned nr_open;
	uint64_t around;   /* bytes before a part's start that its first request brings: faults read around themselves */
	unsigned singles;  /* first touches in a row whose predecessor was left at its first page */
	unsigned whole;    /* parts in a row that were read to their end, or to where such parts are left */
	unsigned unforeseen; /* parts in a row that were read whole and that no order foresaw */
	unsigned starts, nr_starts; /* of the last eight heads begun: was it at the start of a part? bit 0 the last */
	unsigned fraction, nr_fraction; /* 1/256 of a part that streams read; of so many */
	unsigned cut, nr_cut;           /* 1/256 of a part at which they begin, if not at its start; of so many in a row */
};

struct part *part_at(const struct prefetch *p, uint64_t off); /* NULL: off is in no part */
static inline uint32_t part_idx(const struct prefetch_family *f, const struct part *t)
{
	return (uint32_t)(t - f->parts);
}
/* The part that follows in this order, NONE at its end. */
uint32_t order_next(const struct prefetch_family *f, enum order o, uint32_t part);

/* --- prefetch_train.c --- */

/* A read of this head, in a member whose parts are known: which part is it, and what does that tell? */
bool part_is_whole(const struct part *t); /* was it read to its end? */
/* Which bytes of it will be read, to judge by its like or by the last parts. */
void part_predict(const struct prefetch_family *f, const struct part *t, uint64_t *from, uint64_t *end);
void train_note(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r);
/* Are parts read whole, one after the other, in no order? */
bool train_is_shuffled(const struct prefetch_family *f);
/* The order in which a train goes; ORDERS: none is sure. */
enum order train_order(const struct train *t);
/* The last touches that none of the others follows in this order. Gives their number. */
unsigned train_fronts(const struct prefetch_family *f, const struct train *t, enum order o, uint32_t fronts[RECENT]);

/* --- prefetch_plan.c --- */

/* Asks for parts that follow, at most `budget` bytes of bodies. */
void plan_bodies(struct prefetch_family *f, uint64_t budget, struct wish *w);
void plan_probes(struct prefetch_family *f, struct wish *w);
/* Is this part among those that come next? */
bool plan_has(const struct prefetch_family *f, uint32_t part);

#endif
