// SPDX-License-Identifier: Apache-2.0
/* hffs tensors: what a file of weights holds, by its header; through an index, all files of a model. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>

#include "cli_int.h"
#include "tensor_file_int.h"

#define INDEX_SUFFIX ".index.json"

/* What is printed: the text of a file, or its JSON, grows in out. */
struct work {
	bool json;
	struct buf out;
	struct tensor_sums sums;
	unsigned nr_files;
};

static int help(void)
{
	printf("usage: hffs tensors [--json] FILE\n\n"
	       "Lists the tensors of a safetensors or GGUF file, in a mount or anywhere: name, type, shape, bytes, and where they begin in the\n"
	       "file. Of a model in several files FILE is its index (model.safetensors.index.json). Only headers are read.\n\n"
	       "  --json      one JSON object\n"
	       "  -h, --help  this page\n");
	return EXIT_OK;
}

/* --- one file --- */

static void add_shape(const struct tensor *t, const char *between, struct buf *out)
{
	buf_addc(out, '[');
	for (unsigned i = 0; i < t->n_dims; i++)
		buf_addf(out, "%s%" PRIu64, i ? between : "", t->shape[i]);
	buf_addc(out, ']');
}

static void add_tensor_json(const struct tensor *t, struct buf *out)
{
	buf_adds(out, "{\"name\":");
	buf_add_json(out, t->name);
	buf_addf(out, ",\"dtype\":\"%s\",\"shape\":", tensor_type_info(t->type)->name);
	add_shape(t, ",", out);
	buf_addf(out, ",\"parameters\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"offset\":%" PRIu64 "}", tensor_params(t), t->len, t->off);
}

static const char *format_name(enum format f)
{
	return f == FORMAT_GGUF ? "gguf" : "safetensors";
}

static void add_table_json(struct work *w, const char *name, const struct tensor_table *t, uint64_t size)
{
	buf_adds(&w->out, w->nr_files ? ",{\"file\":" : "{\"file\":");
	buf_add_json(&w->out, name);
	buf_addf(&w->out, ",\"format\":\"%s\",\"size\":%" PRIu64 ",\"header_bytes\":%" PRIu64 ",\"tensors\":[", format_name(t->format), size,
		 t->data_off);
	for (uint32_t i = 0; i < t->nr; i++) {
		if (i)
			buf_addc(&w->out, ',');
		add_tensor_json(&t->tensors[i], &w->out);
	}
	buf_adds(&w->out, "]}");
}

static int longest_name(const struct tensor_table *t)
{
	size_t longest = strlen("tensor");

	for (uint32_t i = 0; i < t->nr; i++)
		if (strlen(t->tensors[i].name) > longest)
			longest = strlen(t->tensors[i].name);
	return longest < 60 ? (int)longest : 60;
}

static void add_table_text(struct work *w, const char *name, const struct tensor_table *t, uint64_t size)
{
	char shown[4096], bytes[SAY_BYTES_MAX];
	int width = longest_name(t);

	err_escape(shown, sizeof(shown), name);
	buf_addf(&w->out, "%s%s: %s, %s, %" PRIu32 " tensors\n", w->nr_files ? "\n" : "", shown, format_name(t->format), say_bytes(size, bytes), t->nr);
	buf_addf(&w->out, "%-*s  %-8s %-20s %14s %14s\n", width, "tensor", "type", "shape", "bytes", "offset");
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct tensor *x = &t->tensors[i];
		AUTO_BUF shape = {0};

		add_shape(x, ", ", &shape);
		err_escape(shown, sizeof(shown), x->name);
		buf_addf(&w->out, "%-*s  %-8s %-20s %14" PRIu64 " %14" PRIu64 "\n", width, shown, tensor_type_info(x->type)->name,
			 shape.data ? shape.data : "", x->len, x->off);
	}
}

static int add_file(struct work *w, const char *path, const char *name, struct err *err)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	uint64_t size;
	int r = tensor_file_load(path, &t, &size, err);

	if (r < 0)
		return r;
	if (w->json)
		add_table_json(w, name, t, size);
	else
		add_table_text(w, name, t, size);
	tensor_sums_add(&w->sums, t);
	w->nr_files++;
	return 0;
}

/* --- an index --- */

static bool is_index(const char *path)
{
	size_t len = strlen(path), n = strlen(INDEX_SUFFIX);

	return len >= n && !strcmp(path + len - n, INDEX_SUFFIX);
}

static int add_shards(struct work *w, const char *path, struct err *err)
{
	AUTO(shard_index_unref) struct shard_index *index = NULL;
	AUTO_BUF text = {0};
	struct err why = {0};
	const char *slash = strrchr(path, '/');
	int r = io_read_file(path, SHARD_INDEX_MAX, &text);

	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	r = shard_index_parse(text.data ? text.data : "", text.len, &index, &why);
	if (r < 0)
		return err_set(err, r, "%s: %s", path, err_text(&why));
	for (uint32_t i = 0; i < index->nr_shards && r == 0; i++) {
		AUTO_FREE char *shard = str_printf("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, index->shards[i]);

		r = shard ? add_file(w, shard, index->shards[i], err) : err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

/* --- all of it --- */

static void add_totals(struct work *w)
{
	char bytes[SAY_BYTES_MAX];
	AUTO_BUF types = {0};

	if (w->json) {
		buf_addf(&w->out, "],\"tensors\":%" PRIu64 ",\"parameters\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"dtypes\":", w->sums.nr, w->sums.params,
			 w->sums.bytes);
		tensor_sums_add_json(&w->sums, &w->out);
		buf_adds(&w->out, "}\n");
		return;
	}
	tensor_sums_say(&w->sums, &types);
	buf_addf(&w->out, "\n%" PRIu64 " tensors, %" PRIu64 " parameters (%s), %s\n", w->sums.nr, w->sums.params, types.data ? types.data : "none",
		 say_bytes(w->sums.bytes, bytes));
}

static int list(const char *path, bool json)
{
	struct work w = {.json = json};
	struct err err = {0};
	int r, code;

	if (json)
		buf_adds(&w.out, "{\"files\":[");
	r = is_index(path) ? add_shards(&w, path, &err) : add_file(&w, path, path, &err);
	add_totals(&w);
	if (r == 0 && w.out.failed)
		r = err_set(&err, -ENOMEM, "out of memory");
	if (r == 0)
		code = fwrite(w.out.data, 1, w.out.len, stdout) == w.out.len && !fflush(stdout) ? EXIT_OK : EXIT_FAILED;
	else
		code = say_failed("tensors", r, &err);
	buf_done(&w.out);
	return code;
}

int cmd_tensors(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		json |= c == 'j';
		if (c == '?')
			return say_usage("tensors", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc - optind != 1)
		return say_usage("tensors", argc > optind ? "one FILE at a time" : "FILE is missing");
	return list(argv[optind], json);
}
