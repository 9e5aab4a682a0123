// SPDX-License-Identifier: Apache-2.0
/* Headers of tensor files by plain reads, growing as the parser asks for more; and sums by type. */
#include "tensor_file_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/io.h>

#define HEADER_FIRST (64u << 10) /* bytes of the first read */

static int read_header(int fd, uint64_t size, struct tensor_table **out, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	uint64_t have = 0, need = min_u64(HEADER_FIRST, size);
	int r;

	do {
		uint8_t *more = realloc(bytes, need + 1);

		if (!more)
			return err_set(err, -ENOMEM, "out of memory");
		bytes = more;
		r = io_pread(fd, bytes + have, need - have, have);
		if (r < 0)
			return err_set(err, r, "it cannot be read: %s", r == -ENODATA ? "it became shorter meanwhile" : strerror(-r));
		have = need;
		r = tensor_table_parse(bytes, have, size, FORMAT_HEADER_MAX, out, &need, err);
	} while (r == -EAGAIN);
	return r;
}

int tensor_file_load(const char *path, struct tensor_table **out, uint64_t *size, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct err why = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EISDIR, "%s is not a file", path);
	r = read_header(fd, (uint64_t)st.st_size, out, &why);
	if (r < 0)
		return err_set(err, r, "%s: %s", path, err_text(&why));
	*size = (uint64_t)st.st_size;
	return 0;
}

uint64_t tensor_params(const struct tensor *t)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < t->n_dims; i++)
		n *= t->shape[i];
	return n;
}

void tensor_sums_add(struct tensor_sums *s, const struct tensor_table *t)
{
	for (uint32_t i = 0; i < t->nr; i++) {
		uint64_t n = tensor_params(&t->tensors[i]);

		s->nr++;
		s->bytes += t->tensors[i].len;
		s->params += n;
		s->params_of[t->tensors[i].type] += n;
	}
}

/* Of the types not yet said, the one with the most parameters; TENSOR_TYPES: that was all. */
static unsigned next_type(const struct tensor_sums *s, const bool *said)
{
	unsigned best = TENSOR_TYPES;

	for (unsigned i = 0; i < TENSOR_TYPES; i++)
		if (s->params_of[i] && !said[i] && (best == TENSOR_TYPES || s->params_of[i] > s->params_of[best]))
			best = i;
	return best;
}

static void add_types(const struct tensor_sums *s, bool as_json, struct buf *out)
{
	bool said[TENSOR_TYPES] = {0};
	const char *between = "";

	for (unsigned i; (i = next_type(s, said)) < TENSOR_TYPES; between = as_json ? "," : ", ") {
		said[i] = true;
		buf_adds(out, between);
		buf_addf(out, as_json ? "\"%s\":%" PRIu64 : "%s %" PRIu64, tensor_type_info((enum tensor_type)i)->name, s->params_of[i]);
	}
}

void tensor_sums_say(const struct tensor_sums *s, struct buf *out)
{
	add_types(s, false, out);
}

void tensor_sums_add_json(const struct tensor_sums *s, struct buf *out)
{
	buf_addc(out, '{');
	add_types(s, true, out);
	buf_addc(out, '}');
}
