/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings mapped weights in before they are used. Weights are in groups, which stand in the order of the computation: a layer each,
 * what comes before and behind them. A group is ABSENT or PRESENT; once it is present asking costs one load.
 *
 * One helper thread goes ahead of the computation, group by group, at most STREAM_AHEAD bytes before the group that was asked for
 * last; so it never reads a whole large model into the page cache while the first layers are waiting for the processor. It rests
 * where it fails, until somebody asks again.
 */
#ifndef HFFS_STREAM_INT_H
#define HFFS_STREAM_INT_H

#include "files_int.h"

#define STREAM_AHEAD (1ull << 30)  /* bytes */
#define STREAM_PIECE (4ull << 20)  /* bytes brought in by one call */
#define STREAM_WINDOW (64ull << 20) /* bytes that the kernel is told of beforehand */

struct stream;
typedef void stream_progress(void *ctx, uint64_t here, uint64_t all);

/* Borrows files. Groups are added before the first stream_need(). */
int stream_new(const struct model_files *files, uint32_t groups, stream_progress *progress, void *ctx, struct stream **out);
void stream_free(struct stream *s); /* NULL is fine */
/* Bytes [off, off + len) of a file belong to this group. 0 or -ENOMEM. */
int stream_add(struct stream *s, uint32_t group, uint32_t file, uint64_t off, uint64_t len);
/* Sorts and joins what was added. */
void stream_ready(struct stream *s);
uint64_t stream_bytes(const struct stream *s); /* of all groups */

/* Waits until the group is here, calling progress() now and then. The error names file and reason. One thread at a time. */
int stream_need(struct stream *s, uint32_t group, struct err *err);
bool stream_has(const struct stream *s, uint32_t group);
/* The computation is about to begin: the helper may go ahead from the first group. Costs nothing when all is here. */
void stream_start(struct stream *s);

/*
 * Rows of a table of which few are used (embeddings): they are brought in on this thread, together. `known` has a bit a row, set
 * for those that were brought in before. off: of row 0 in the file.
 */
struct stream_rows {
	uint32_t file, rows;
	uint64_t off, row_bytes;
	uint8_t *known;
};
int stream_need_rows(struct stream *s, struct stream_rows *t, const uint32_t *ids, size_t n, struct err *err);

#endif
