// SPDX-License-Identifier: Apache-2.0
/*
 * Does loading this content run code? Its beginning tells; of a ZIP file also its directory, at its end; and what may be a pickle without a head
 * is followed from opcode to opcode. What cannot be looked at as a whole - a directory larger than a read, or malformed, a pickle that goes on
 * and on - is taken for what it could be.
 */
#include "fetch_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/format.h>

#define WALK_LOOKS 16 /* reads of PICKLE_LOOK_BYTES */

struct judging {
	struct blob *blob; /* a reference */
	struct pickle_walk walk;
	unsigned looks;  /* of the walk */
	bool is_a_format; /* that is no pickle: so one that cannot be followed is none */
	judge_done *done;
	void *ctx;
	uint64_t off; /* of what is being read */
	size_t len;
	void (*look)(struct judging *j, const uint8_t *bytes);
};

static void finish(struct judging *j, int r, bool runs_code, const struct err *err)
{
	j->done(j->ctx, r, runs_code, err);
	blob_put(j->blob);
	free(j);
}

static void came(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct judging *j = ctx;
	AUTO_FREE uint8_t *bytes = NULL;

	if (r < 0) {
		finish(j, r, false, err);
		return;
	}
	bytes = malloc(j->len);
	r = bytes ? span_read(span, bytes) : -ENOMEM;
	if (r < 0)
		finish(j, r, false, NULL);
	else
		j->look(j, bytes);
}

static void look_at(struct judging *j, uint64_t off, size_t len, void (*look)(struct judging *j, const uint8_t *bytes))
{
	j->off = off;
	j->len = len;
	j->look = look;
	blob_read(j->blob, off, len, came, j);
}

static void look_at_tail(struct judging *j, const uint8_t *bytes)
{
	AUTO(zip_directory_free) struct zip_directory *z = NULL;
	uint64_t size = j->blob->size, from = 0;
	int r = zip_directory_parse(bytes, j->len, size, READ_MAX, &z, &from, NULL);

	if (r == 0)
		finish(j, 0, pickle_in_zip(z), NULL);
	else if (r == -EAGAIN && from < j->off && size - from <= READ_MAX)
		look_at(j, from, (size_t)(size - from), look_at_tail);
	else if (r == -ENOMEM)
		finish(j, r, false, NULL);
	else
		finish(j, 0, true, NULL);
}

static void look_at_opcodes(struct judging *j, const uint8_t *bytes)
{
	uint64_t size = j->blob->size;
	enum pickle_step step = pickle_walk(&j->walk, bytes, j->len, size);

	if (step == PICKLE_MORE && ++j->looks < WALK_LOOKS)
		look_at(j, j->walk.off, (size_t)min_u64(size - j->walk.off, PICKLE_LOOK_BYTES), look_at_opcodes);
	else
		finish(j, 0, step == PICKLE_RUNS || (step != PICKLE_HARMLESS && !j->is_a_format), NULL);
}

static void look_at_head(struct judging *j, const uint8_t *bytes)
{
	enum pickle_look look = pickle_look(bytes, j->len);
	size_t tail = (size_t)min_u64(j->blob->size, ZIP_TAIL_BYTES);

	j->is_a_format = format_sniff(bytes, j->len) != FORMAT_NONE;
	if (look == PICKLE_IF_IN_ZIP)
		look_at(j, j->blob->size - tail, tail, look_at_tail);
	else if (look == PICKLE_YES)
		finish(j, 0, true, NULL);
	else
		look_at_opcodes(j, bytes);
}

void blob_judge(struct blob *b, judge_done *done, void *ctx)
{
	struct judging *j = calloc(1, sizeof(*j));

	if (!j) {
		done(ctx, -ENOMEM, false, NULL);
		return;
	}
	j->blob = blob_ref(b);
	j->done = done;
	j->ctx = ctx;
	look_at(j, 0, (size_t)min_u64(b->size, PICKLE_LOOK_BYTES), look_at_head);
}

bool judge_name(const char *path)
{
	return pickle_is_name(path);
}
