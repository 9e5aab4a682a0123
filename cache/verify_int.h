/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prover: one thread at idle priority that reads data files in order and compares the whole with the name of the blob.
 *
 * A proof follows the contiguous front of a blob whose chunks are arriving (PROOF_FOLLOW), or reads a complete blob from its
 * start (PROOF_WHOLE). Following that ends in a mismatch proves nothing: a chunk may have been replaced behind the front. So it
 * is done again as a whole, and only a whole that nobody disturbed may condemn a blob. What is to blame, disk or Hub, the
 * chunks' own digests tell (PROOF_CHECK).
 *
 * Dropping or evicting a chunk cancels the blob's proof: its generation is gone, and a result that names it is not current.
 */
#ifndef HFFS_CACHE_VERIFY_INT_H
#define HFFS_CACHE_VERIFY_INT_H

#include <stdbool.h>
#include <sys/stat.h>

#include <hffs/cache.h>

struct data;
struct prover;

enum proof_outcome {
	PROOF_GOOD,     /* the blob is what its name says, and synced; st: the file then */
	PROOF_WRONG,    /* it is not, twice read: prover_check() tells why */
	PROOF_CHECKED,  /* rows: present are those chunks that are not what was stored */
	PROOF_UNSYNCED, /* it is, but the disk did not take it: never to be synced again */
};
struct proof_result {
	struct blob_id id;
	uint64_t size, gen;
	enum proof_outcome outcome;
	struct stat st;
	struct cache_rows *rows; /* the receiver frees */
};
/* On the prover's thread, which holds no lock. The proof stays, done, until prover_cancel(). */
typedef void prover_done(void *ctx, const struct proof_result *res);

/* Borrows data and events; done(ctx). */
int prover_new(struct data *data, const struct cache_events *events, prover_done *done, void *ctx, struct prover **out);
int prover_start(struct prover *p);
void prover_stop(struct prover *p); /* joins the thread: within a tenth of a second, or the disk's last answer */
void prover_free(struct prover *p);

/* A chunk is in its data file. Any thread; never blocks. */
void prover_note(struct prover *p, const struct blob_id *id, uint64_t size, uint64_t idx);
/* Does a proof of this blob not know yet what was there before? Then gen is set, and the rows are to be given. Once true only. */
bool prover_wants_rows(struct prover *p, const struct blob_id *id, uint64_t *gen);
void prover_note_extent(struct prover *p, const struct blob_id *id, uint64_t gen, const struct cache_extent *e);
/* Every chunk is there: prove it. */
void prover_complete(struct prover *p, const struct blob_id *id, uint64_t size);
/* Takes rows: compares each present chunk with its digest. */
void prover_check(struct prover *p, const struct blob_id *id, uint64_t gen, struct cache_rows *rows);
void prover_cancel(struct prover *p, const struct blob_id *id);
bool prover_is_current(struct prover *p, const struct blob_id *id, uint64_t gen);

#endif
