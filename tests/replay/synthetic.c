// SPDX-License-Identifier: Apache-2.0
/* Readers that were not recorded: made up from what the kernel does with a mapping or a read(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define RA (256 * KIB)

static uint64_t random_next(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void shuffle(size_t *order, size_t nr)
{
	uint64_t x = 7;

	for (size_t i = 0; i < nr; i++)
		order[i] = i;
	for (size_t i = nr; i > 1; i--) {
		size_t k = random_next(&x) % i, t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
}

static void begin(struct workload *w, unsigned threads)
{
	*w = (struct workload){.threads = threads, .depth = 2};
}

/* --- a model --- */

struct tensor {
	const char *name;
	uint64_t rows, columns;
};

static uint64_t add_tensor(struct file *f, const char *name, uint64_t at, uint64_t rows, uint64_t columns)
{
	file_add_part(f, name, at, 2 * rows * columns);
	return at + 2 * rows * columns;
}

/* A Llama of 2 GiB; the file is in the order of the model, layer by layer, as its author's framework had it. */
static struct file *add_llama(struct workload *w)
{
	static const struct tensor layer[] = {
		{"self_attn.q_proj", 2048, 2048}, {"self_attn.k_proj", 512, 2048}, {"self_attn.v_proj", 512, 2048},
		{"self_attn.o_proj", 2048, 2048}, {"mlp.gate_proj", 8192, 2048}, {"mlp.up_proj", 8192, 2048},
		{"mlp.down_proj", 2048, 8192}, {"input_layernorm", 2048, 1}, {"post_attention_layernorm", 2048, 1},
	};
	struct file *f = workload_add_file(w, "model.safetensors", 0);
	uint64_t at = add_tensor(f, "model.embed_tokens.weight", 16248, 49152, 2048);
	char name[128];

	for (unsigned i = 0; i < 16; i++)
		for (size_t k = 0; k < ARRAY_SIZE(layer); k++) {
			(void)snprintf(name, sizeof(name), "model.layers.%u.%s.weight", i, layer[k].name);
			at = add_tensor(f, name, at, layer[k].rows, layer[k].columns);
		}
	at = add_tensor(f, "model.norm.weight", at, 2048, 1);
	f->size = add_tensor(f, "lm_head.bias", at, 2048, 1);
	return f;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct prefetch_part *)a)->name, ((const struct prefetch_part *)b)->name);
}

static struct prefetch_part *in_name_order(const struct file *f)
{
	struct prefetch_part *parts = malloc(f->nr_parts * sizeof(*parts));

	memcpy(parts, f->parts, f->nr_parts * sizeof(*parts));
	qsort(parts, f->nr_parts, sizeof(*parts), by_name);
	return parts;
}

/* The header, as a mapped loader reads it, in the job of the first thread; the others wait for it in truth too. */
static void add_header(struct workload *w, struct kernel *k)
{
	kernel_touch(k, workload_add_job(w), 0, 16248);
}

static void tensors(struct workload *w, unsigned threads, bool header)
{
	struct prefetch_part *parts;
	struct kernel k;

	begin(w, threads);
	parts = in_name_order(add_llama(w));
	kernel_init(&k, w, 0, RA);
	if (header)
		add_header(w, &k);
	for (size_t i = 0; i < w->files[0].nr_parts; i++)
		kernel_touch(&k, workload_add_job(w), parts[i].off, parts[i].len);
	kernel_done(&k);
	free(parts);
}

static void names_1(struct workload *w) { tensors(w, 1, true); }
static void names_8(struct workload *w) { tensors(w, 8, true); }
static void names_32(struct workload *w) { tensors(w, 32, true); }
static void names_1_blind(struct workload *w) { tensors(w, 1, false); }
static void names_8_blind(struct workload *w) { tensors(w, 8, false); }

static void permuted(struct workload *w, unsigned threads)
{
	struct kernel k;
	size_t *order;

	begin(w, threads);
	add_llama(w);
	order = calloc(w->files[0].nr_parts, sizeof(*order));
	shuffle(order, w->files[0].nr_parts);
	kernel_init(&k, w, 0, RA);
	add_header(w, &k);
	for (size_t i = 0; i < w->files[0].nr_parts; i++)
		kernel_touch(&k, workload_add_job(w), w->files[0].parts[order[i]].off, w->files[0].parts[order[i]].len);
	kernel_done(&k);
	free(order);
}

static void permuted_1(struct workload *w) { permuted(w, 1); }
static void permuted_8(struct workload *w) { permuted(w, 8); }

static void reversed(struct workload *w)
{
	struct kernel k;

	begin(w, 1);
	add_llama(w);
	kernel_init(&k, w, 0, RA);
	add_header(w, &k);
	for (size_t i = w->files[0].nr_parts; i-- > 0;)
		kernel_touch(&k, workload_add_job(w), w->files[0].parts[i].off, w->files[0].parts[i].len);
	kernel_done(&k);
}

/* Each tensor copied by n threads, each its part. */
static void parts_of(struct workload *w, unsigned n)
{
	struct kernel k;

	begin(w, n);
	add_llama(w);
	kernel_init(&k, w, 0, RA);
	add_header(w, &k);
	for (size_t i = 0; i < w->files[0].nr_parts; i++)
		for (unsigned part = 0; part < n; part++)
			kernel_touch(&k, workload_add_job(w), w->files[0].parts[i].off + w->files[0].parts[i].len / n * part,
				     w->files[0].parts[i].len / n);
	kernel_done(&k);
}

static void parts_of_8(struct workload *w) { parts_of(w, 8); }
static void parts_of_64(struct workload *w) { parts_of(w, 64); }

/* Rank `rank` of n: rows of most tensors, all pages of those that are cut by columns. */
static void slices(struct workload *w, unsigned rank, unsigned n)
{
	struct prefetch_part *parts;
	struct kernel k;

	begin(w, 1);
	parts = in_name_order(add_llama(w));
	kernel_init(&k, w, 0, RA);
	add_header(w, &k);
	for (size_t i = 0; i < w->files[0].nr_parts; i++) {
		bool whole = strstr(parts[i].name, "o_proj") || strstr(parts[i].name, "down") || strstr(parts[i].name, "norm");
		uint64_t len = whole ? parts[i].len : parts[i].len / n;

		kernel_touch(&k, workload_add_job(w), parts[i].off + (whole ? 0 : len * rank), len);
	}
	kernel_done(&k);
	free(parts);
}

static void slice_1_of_2(struct workload *w) { slices(w, 0, 2); }
static void slice_1_of_8(struct workload *w) { slices(w, 0, 8); }
static void slice_6_of_8(struct workload *w) { slices(w, 5, 8); }

static void header_and_tensor(struct workload *w)
{
	struct kernel k;

	begin(w, 1);
	add_llama(w);
	kernel_init(&k, w, 0, RA);
	add_header(w, &k);
	kernel_touch(&k, workload_add_job(w), w->files[0].parts[50].off, w->files[0].parts[50].len);
	kernel_done(&k);
}

static void header_and_mebibyte(struct workload *w)
{
	struct kernel k;

	begin(w, 1);
	add_llama(w);
	kernel_init(&k, w, 0, RA);
	kernel_read(&k, workload_add_job(w), 0, 16248);
	kernel_read(&k, workload_add_job(w), w->files[0].parts[6].off, MIB);
	kernel_done(&k);
}

/* --- any file --- */

static void in_order(struct workload *w, const char *path, uint64_t size, uint64_t until)
{
	struct kernel k;

	workload_add_file(w, path, size);
	kernel_init(&k, w, (uint16_t)(w->nr_files - 1), RA);
	kernel_read(&k, workload_add_job(w), 0, until);
	kernel_done(&k);
}

static void sequential(struct workload *w)
{
	begin(w, 1);
	in_order(w, "a.bin", 2 * GIB, 2 * GIB);
}

static void stops_early(struct workload *w)
{
	begin(w, 1);
	in_order(w, "a.bin", 10000000000, 100000000);
}

static void sixteen_shards(struct workload *w)
{
	char path[64];

	begin(w, 16);
	for (unsigned i = 1; i <= 16; i++) {
		(void)snprintf(path, sizeof(path), "model-%05u-of-00016.safetensors", i);
		in_order(w, path, 128 * MIB, 128 * MIB);
	}
}

static void shuffled_blocks(struct workload *w)
{
	size_t nr = 2048, *order = calloc(nr, sizeof(*order));
	struct kernel k;

	begin(w, 1);
	workload_add_file(w, "a.bin", nr * MIB);
	shuffle(order, nr);
	kernel_init(&k, w, 0, RA);
	for (size_t i = 0; i < nr; i++)
		kernel_touch(&k, workload_add_job(w), order[i] * MIB, MIB);
	kernel_done(&k);
	free(order);
}

/* `nr` aligned blocks, each once; with `beyond` the kernel reads one window further than anybody asked. */
static void preads_of(struct workload *w, const struct file *f, uint64_t block, size_t nr, bool beyond)
{
	uint64_t blocks = f->size / block;
	size_t *order = calloc(blocks, sizeof(*order));
	struct kernel k;

	shuffle(order, blocks);
	kernel_init(&k, w, 0, RA);
	for (size_t i = 0; i < nr; i++) {
		struct job *j = workload_add_job(w);

		kernel_read(&k, j, order[i] * block, block);
		while (!beyond && j->nr && j->ops[j->nr - 1].ignored)
			j->nr--;
	}
	kernel_done(&k);
	free(order);
}

static void preads(struct workload *w, uint64_t size, uint64_t block, size_t nr, unsigned threads, bool beyond)
{
	begin(w, threads);
	preads_of(w, workload_add_file(w, "a.bin", size), block, nr, beyond);
}

/* The same of a model: its header is known, and says nothing. */
static void preads_model(struct workload *w, unsigned threads)
{
	begin(w, threads);
	preads_of(w, add_llama(w), MIB, 256, false);
}

/* Tensors of about 2 MiB and of half of it, so that a pread() covers some of them. */
static void preads_small(struct workload *w, unsigned threads)
{
	uint64_t at = 16248;
	struct file *f;
	char name[64];

	begin(w, threads);
	f = workload_add_file(w, "model.safetensors", 0);
	for (unsigned i = 0; i < 240; i++)
		for (unsigned k = 0; k < 2; k++) {
			(void)snprintf(name, sizeof(name), "model.layers.%u.%s.weight", i, k ? "up_proj" : "q_proj");
			at = add_tensor(f, name, at, 512, k ? 2051 : 1025);
		}
	f->size = at;
	preads_of(w, f, MIB, 256, false);
}

static void mebibytes_1(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 1, false); }
static void mebibytes_8(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 8, false); }
static void mebibytes_32(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 32, false); }
static void mebibytes_ahead_1(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 1, true); }
static void mebibytes_ahead_8(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 8, true); }
static void mebibytes_ahead_32(struct workload *w) { preads(w, 2 * GIB, MIB, 256, 32, true); }
static void mebibytes_model_1(struct workload *w) { preads_model(w, 1); }
static void mebibytes_model_8(struct workload *w) { preads_model(w, 8); }
static void mebibytes_model_32(struct workload *w) { preads_model(w, 32); }
static void mebibytes_small_1(struct workload *w) { preads_small(w, 1); }
static void mebibytes_small_8(struct workload *w) { preads_small(w, 8); }
static void pages(struct workload *w) { preads(w, 2 * GIB, 4 * KIB, 500, 1, false); }

const struct synthetic synthetics[] = {
	{"sequential", sequential, 1.15, 1.01, 0, 0},
	{"tensors by name, 1 thread", names_1, 1.25, 1.05, 0, 0},
	{"tensors by name, 8 threads", names_8, 1.25, 1.05, 0, 0},
	{"tensors by name, 32 threads", names_32, 1.25, 1.05, 0, 0},
	{"tensors by name, no header, 1", names_1_blind, 1.25, 1.05, 0, 0},
	{"tensors by name, no header, 8", names_8_blind, 1.25, 1.05, 0, 0},
	{"tensors permuted, 1 thread", permuted_1, 1.3, 1.05, 0, 0},
	{"tensors permuted, 8 threads", permuted_8, 1.3, 1.05, 0, 0},
	{"tensors reversed", reversed, 1.25, 1.05, 0, 0},
	{"8 parts of each tensor", parts_of_8, 1.25, 1.05, 0, 0},
	{"64 parts of each tensor", parts_of_64, 1.25, 1.05, 0, 0},
	{"rank 1 of 2", slice_1_of_2, 1.3, 1.25, 0, 0},
	{"rank 1 of 8", slice_1_of_8, 1.5, 1.25, 0, 0},
	{"rank 6 of 8", slice_6_of_8, 1.5, 1.25, 0, 0},
	{"header and a tensor", header_and_tensor, 0, 1, 2 * MIB, 0},
	{"header and 1 MiB of a tensor", header_and_mebibyte, 0, 1, MIB, 0},
	{"stops after 100 MB of 10 GB", stops_early, 1.5, 1, 64 * MIB, 0},
	{"16 shards at once", sixteen_shards, 1.15, 1.01, 0, 0},
	{"shuffled 1 MiB blocks, mapped", shuffled_blocks, 1.3, 1.05, 0, 0},
	{"1 MiB preads, 1 thread", mebibytes_1, 0, 1.05, 0, 25},
	{"1 MiB preads, 8 threads", mebibytes_8, 0, 1.05, 0, 180},
	{"1 MiB preads, 32 threads", mebibytes_32, 0, 1.05, 0, 255},
	{"1 MiB preads and beyond, 1", mebibytes_ahead_1, 0, 1.05, 0, 25},
	{"1 MiB preads and beyond, 8", mebibytes_ahead_8, 0, 1.05, 0, 165},
	{"1 MiB preads and beyond, 32", mebibytes_ahead_32, 0, 1.05, 0, 255},
	{"1 MiB preads of a model, 1", mebibytes_model_1, 0, 1.15, 0, 25},
	{"1 MiB preads of a model, 8", mebibytes_model_8, 0, 1.05, 0, 180},
	{"1 MiB preads of a model, 32", mebibytes_model_32, 0, 1.05, 0, 255},
	{"1 MiB preads of small tensors, 1", mebibytes_small_1, 0, 1.15, 0, 25},
	{"1 MiB preads of small tensors, 8", mebibytes_small_8, 0, 1.15, 0, 165},
	{"500 preads of 4 KiB", pages, 0, 1, 0, 0},
};
const size_t nr_synthetics = ARRAY_SIZE(synthetics);
