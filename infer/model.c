// SPDX-License-Identifier: Apache-2.0
/* Opens a model: configuration, files, weights; and what embeds texts. */
#include "model_int.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/clock.h>
#include <hffs/io.h>

#include "cores_int.h"

#define THREADS_MAX 256u

/* --- reading --- */

/* A small file of the folder. -ENOENT is no error of the caller's: *text stays empty. */
static int read_text(const char *folder, const char *name, bool required, struct buf *text, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/%s", folder, name);
	int r;

	if (!path)
		return -ENOMEM;
	r = io_read_file(path, CONFIG_JSON_MAX, text);
	if (r == -ENOENT && !required)
		return 0;
	if (r == 0 && !text->data)
		buf_adds(text, "");
	return r < 0 ? err_set(err, r, "cannot read %s: %s", path, strerror(-r)) : text->failed ? -ENOMEM : 0;
}

static int read_pooling(const char *folder, struct model_config *c, struct err *err)
{
	AUTO_BUF modules = {0}, pooling = {0}, sentence = {0};
	AUTO_FREE char *name = NULL;
	char where[64];
	bool pools = false;
	int r = read_text(folder, "modules.json", false, &modules, err);

	if (r < 0 || !modules.data)
		return r; /* the mean, as sentence-transformers does it for a plain model */
	r = config_parse_modules(modules.data, modules.len, &pools, where, c, err);
	if (r < 0)
		return r;
	name = str_printf("%s/config.json", where);
	if (!name)
		return -ENOMEM;
	r = read_text(folder, name, true, &pooling, err);
	if (r == 0)
		r = config_parse_pooling(pooling.data, pooling.len, c, err);
	if (r == 0)
		r = read_text(folder, "sentence_bert_config.json", false, &sentence, err);
	return r < 0 || !sentence.data ? r : config_parse_sentence(sentence.data, sentence.len, c, err);
}

static int open_folder(struct model *m, const char *path, struct err *err)
{
	AUTO_BUF config = {0}, generation = {0};
	int r = read_text(path, "config.json", true, &config, err);

	if (r == 0)
		r = config_parse_json(config.data, config.len, &m->config, err);
	if (r == 0)
		r = read_text(path, "generation_config.json", false, &generation, err);
	if (r == 0 && generation.data)
		r = config_parse_generation(generation.data, generation.len, &m->config, err);
	if (r == 0 && m->config.encoder)
		r = read_pooling(path, &m->config, err);
	return r < 0 ? r : files_open_folder(path, &m->files, err);
}

static int open_gguf(struct model *m, const char *path, struct err *err)
{
	AUTO_FREE const struct tensor_table **parts = NULL;
	int r = files_open_gguf(path, &m->files, err);

	if (r < 0)
		return r;
	parts = calloc(m->files.nr, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->files.nr; i++)
		parts[i] = m->files.files[i].table;
	return config_parse_gguf(parts, m->files.nr, &m->config, err);
}

static int open_files(struct model *m, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? open_folder(m, path, err) : open_gguf(m, path, err);
}

/* --- making --- */

static void describe(struct model *m, double ms)
{
	const struct model_config *c = &m->config;

	m->info = (struct model_info){
		.architecture = c->architecture, .kernels = kernels_name(m->kernels), .threads = crew_threads(m->crew), .layers = c->layers,
		.width = c->width, .heads = c->heads, .kv_heads = c->kv_heads, .vocabulary = c->vocabulary, .context = c->context,
		.parameters = m->weights.parameters, .weight_bytes = m->weights.bytes, .embeds = c->encoder, .bos = c->bos,
		.nr_eos = c->nr_eos, .embed_max = c->embed_max, .bind_ms = ms,
	};
	memcpy(m->info.eos, c->eos, sizeof(m->info.eos));
}

static int open_workers(struct model *m, struct err *err)
{
	unsigned threads = m->options.threads ? m->options.threads : cores_usable();
	int r = kernels_choose(m->options.kernels, &m->kernels, err);

	if (r < 0)
		return r;
	r = crew_new(threads < THREADS_MAX ? threads : THREADS_MAX, &m->crew);
	return r < 0 ? err_set(err, r, "cannot start %u threads: %s", threads, strerror(-r)) : 0;
}

int model_open(const char *path, const struct model_options *o, struct model **out, struct err *err)
{
	AUTO(model_close) struct model *m = calloc(1, sizeof(*m));
	uint64_t began = clock_mono_us();
	int r;

	if (!m)
		return -ENOMEM;
	if (o)
		m->options = *o;
	r = open_workers(m, err);
	if (r == 0)
		r = open_files(m, path, err);
	if (r == 0)
		r = weights_bind(&m->files, &m->config, m->options.progress, m->options.ctx, &m->weights, err);
	if (r == 0 && m->config.encoder)
		r = work_new(m, m->config.context, &m->work);
	if (r < 0)
		return r == -ENOMEM ? err_set(err, r, "out of memory while opening %s", path) : r;
	files_forget_tables(&m->files);
	describe(m, (double)(clock_mono_us() - began) / 1000);
	*out = TAKE(m);
	return 0;
}

void model_prefetch(struct model *m)
{
	stream_start(m->weights.stream);
}

void model_close(struct model *m)
{
	if (!m)
		return;
	work_free(m->work);
	weights_done(&m->weights);
	files_close(&m->files);
	crew_free(m->crew);
	model_config_done(&m->config);
	free(m);
}

const struct model_info *model_info(const struct model *m)
{
	return &m->info;
}

/* --- embedding --- */

static void pool_tokens(const struct model_config *c, const float *x, size_t n, float *out)
{
	size_t counted = c->pooling == POOLING_CLS ? 1 : n;
	double length = 0;

	for (uint32_t i = 0; i < c->width; i++) {
		double sum = 0;

		for (size_t t = 0; t < counted; t++)
			sum += (double)x[t * c->width + i];
		out[i] = (float)(sum / (double)counted);
		length += (double)out[i] * (double)out[i];
	}
	length = fmax(sqrt(length), 1e-12); /* as torch's normalize() */
	for (uint32_t i = 0; c->normalise && i < c->width; i++)
		out[i] = (float)((double)out[i] / length);
}

int model_embed(struct model *m, const uint32_t *ids, size_t n, float *out, struct err *err)
{
	const struct model_config *c = &m->config;
	int r;

	if (!c->encoder)
		return err_set(err, -ENOTSUP, "%s does not make embeddings of texts", c->architecture);
	if (!n)
		return err_set(err, -EINVAL, "a text without tokens has no embedding");
	if (n > c->context)
		return err_set(err, -EOVERFLOW, "the text has %zu tokens; the model has %u positions", n, c->context);
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= c->vocabulary)
			return err_set(err, -EINVAL, "%u is not a token of this model, which has %u", ids[i], c->vocabulary);
	r = forward_encode(m, m->work, ids, (uint32_t)n, err);
	if (r == 0)
		pool_tokens(c, m->work->x, n, out);
	return r;
}
