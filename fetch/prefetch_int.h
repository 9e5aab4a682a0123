/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What readers of a blob will read next: a pure state machine. Reads and the time go in, wants come out; there is no clock, no
 * lock, no I/O in it. A want is advice: whoever fetches passes over what is there already or on its way.
 *
 * A struct prefetch is one blob. Blobs that are shards of one model, and blobs whose parts (tensors) are known, belong to a
 * family. Calls for members of one family must not overlap: the caller has a lock for each family, or one for all.
 */
#ifndef HFFS_FETCH_PREFETCH_INT_H
#define HFFS_FETCH_PREFETCH_INT_H

#include <stdbool.h>

#include <hffs/auto.h>

#define PREFETCH_HEADS 40     /* places of a blob that are followed: 32 readers, and places they have just left */
#define PREFETCH_RUNS 16      /* runs of reads that ended and are remembered */
#define PREFETCH_WANTS_MAX 64 /* that one call needs at most */
#define PREFETCH_SWEEP_MS 500 /* a sweep ends when its reader was silent for so long */
#define PREFETCH_IDLE_MS 2000 /* what is wanted for a place that was silent for so long is given up, unless it was begun */

/* How sure it is, and so when to fetch it. In each class the nearest want comes first; readers who wait come before all. */
enum prefetch_class {
	PREFETCH_STREAM,      /* somebody reads towards it: at once */
	PREFETCH_PROBE,       /* first pages of tensors about to be touched: small, at once, before streams */
	PREFETCH_SWEEP,       /* all of the file is being read in no order: whatever the link has left beside readers and streams */
};

struct prefetch;
struct prefetch_family;

struct prefetch_want {
	struct prefetch *of; /* the blob: the one that was read, or another of its family */
	uint64_t off, len;   /* bytes inside the blob, in no particular alignment */
	uint64_t ahead;      /* bytes between reader and want, in the order in which they will be read */
	enum prefetch_class class;
};

struct prefetch_read {
	uint64_t off, len; /* as the kernel asked; may reach beyond the end */
	uint64_t now_ms;   /* any clock that does not run backwards */
	bool hit;          /* all of it is there already */
	bool direct;       /* O_DIRECT: what the program itself asked for, not the kernel's readahead for it */
};

struct prefetch_limits {
	/*
	 * Bytes that may be ahead of all readers of this family together: about twice what the link carries while a range is on
	 * its way, divided by the families that are read. 0: nothing may be asked for now.
	 */
	uint64_t ahead;
};

#define PREFETCH_NO_PART UINT32_MAX

/* One place that is read on from, whoever reads. Offsets in bytes. */
struct prefetch_head {
	uint64_t start;  /* of its first read */
	uint64_t pos;    /* behind the last byte read */
	uint64_t read;   /* bytes read here so far */
	uint64_t ahead;  /* behind the last byte asked for in advance */
	uint64_t bound;  /* it is believed to end there; UINT64_MAX: not known, or it went on beyond */
	uint64_t used;   /* tick of its last read, 0: free */
	uint64_t used_ms;
	uint32_t middle; /* page in the middle of its first read if that was a fault, else 0 */
	uint32_t part;   /* of the family, that it reads; PREFETCH_NO_PART */
	uint32_t run;    /* its place among the runs that ended, counted from 1; 0: it has not ended yet */
	uint32_t hits;
	uint32_t last;   /* bytes of the request that went furthest */
	uint32_t part_hits; /* reads of that part */
	bool is_tail;    /* that one may be readahead that nobody takes */
	bool jumped;     /* its last read left something out */
	bool waits;      /* its last read was not answered at once */
	bool ended;      /* others went on meanwhile and it did not */
	bool eager;      /* what lies before its bound will be read: no need to begin with small windows */
	bool exact;      /* its bound is where the program stops; what is asked for from there on is readahead */
};

struct prefetch_run {
	uint32_t len_kib;
	uint32_t start_kib;
	uint32_t tail_kib; /* of its last request, if that may have been readahead that nobody took */
	uint32_t middle; /* page in the middle of its first read: the one that faulted, if it was a fault */
};

/* {.size = n} is the start. */
struct prefetch {
	uint64_t size;
	struct prefetch_family *family; /* NULL: no shard, and no parts known */
	struct prefetch *sibling;       /* the next member of the family */
	uint32_t ordinal;               /* of the shard */
	uint32_t part, nr_parts;        /* the first of its parts in the family */
	uint64_t body;                  /* where its parts begin; 0: not known */
	uint64_t header;                /* its header goes to there, at least or most likely; 0: not known */
	uint64_t tick;                  /* of its last read: reads of the family so far, or its own if it has none; 0: none */
	uint64_t gap;                   /* usual distance of two reads of one head, in 1/16 tick */
	uint64_t wait_ms;               /* longest time of late from a read that had to wait to the next one of its head */
	uint64_t read_ms;               /* time of the last read */
	uint32_t nr_runs;               /* that ended */
	bool sweeping;                  /* all of it is being read in no order */
	bool tail_first;                /* its first read was at its end: the directory there says what will be read */
	bool bulk;                      /* the last stream went on for long: the next one probably will, too */
	bool sweep_asked, header_asked;
	struct prefetch_run runs[PREFETCH_RUNS];
	struct prefetch_head heads[PREFETCH_HEADS];
};

/* A reader asked for this. Gives the number of wants, at most max; caller's memory. max >= PREFETCH_WANTS_MAX loses nothing. */
unsigned prefetch_note(struct prefetch *p, const struct prefetch_read *r, const struct prefetch_limits *limits,
		       struct prefetch_want *wants, unsigned max);

/*
 * The header of p goes to `end` at least, or most likely: what was read of it says so. Who reads it will read that, and little behind it.
 * 0: nothing is known of a header.
 */
void prefetch_expect(struct prefetch *p, uint64_t end);

/*
 * Is this request, not noted yet, only the kernel's readahead over the end of what its program reads, to judge by the runs before it?
 * Then nobody waits for it, most likely.
 */
bool prefetch_is_overrun(const struct prefetch *p, uint64_t off, uint64_t len);

/*
 * Is a want that was not begun still worth it? If not, it is forgotten and will be asked for anew when a reader comes near it:
 * the caller must then drop it.
 */
bool prefetch_keeps(struct prefetch *p, uint64_t off, uint64_t len, enum prefetch_class class, uint64_t now_ms);

/* --- families --- */

/* A part of a file that is read on its own: a tensor. */
struct prefetch_part {
	const char *name;
	uint64_t off, len; /* bytes of the file */
};

/* Caller frees when no blob is a member any more. NULL when out of memory. */
struct prefetch_family *prefetch_family_new(void);
void prefetch_family_free(struct prefetch_family *f); /* NULL is fine */
/* Makes p a member, for as long as the blob is in memory; ordinal orders the members. */
void prefetch_join(struct prefetch *p, struct prefetch_family *f, uint32_t ordinal);
void prefetch_leave(struct prefetch *p); /* without a family it is fine */
bool prefetch_family_is_empty(const struct prefetch_family *f);
/*
 * The parts of p, which is a member: copied. They must lie inside the blob; those that do not are left out, and a second table
 * for one blob is passed over. 0 or -ENOMEM.
 */
int prefetch_set_parts(struct prefetch *p, const struct prefetch_part *parts, size_t nr);
/*
 * "dir/model-00002-of-00004.safetensors" is shard 2 of the key "dir/model-of-00004.safetensors". False for other names and for
 * keys that do not fit into max bytes.
 */
bool prefetch_shard_name(const char *path, char *key, size_t max, uint32_t *ordinal);

#endif
