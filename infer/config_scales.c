// SPDX-License-Identifier: Apache-2.0
/*
 * quantization_config of repositories whose matrices are F8_E4M3 with scales beside them: what lies where, and whatever is not that is
 * refused by name. Which matrices are of that type the files say. How activations would be quantised is not looked at: they are not.
 * [transformers utils/quantization_config.py, FineGrainedFP8Config, FbgemmFp8Config; compressed-tensors quant_args.py, 2026-08]
 */
#include "config_json_int.h"

#include <errno.h>
#include <string.h>

static const char where[] = "config.json, quantization_config";

/* Refuses the field unless it is missing or one of the words, of which NULL is the last. */
static void must_be_word(struct reader *r, const char *key, const char *const *words)
{
	const char *text = reader_text(r, key);

	if (!text)
		return;
	for (; *words; words++)
		if (!strcmp(text, *words))
			return;
	reader_fail(r, -ENOTSUP, "%s: %s is %.60s, which is not supported", r->where, key, text);
}

/* [rows, columns] of a block; every group must say the same. */
static void take_block(struct reader *r, const char *key, struct model_config *c)
{
	const struct json *value = reader_get(r, key), *rows = json_first(value), *cols = rows ? json_next(rows) : NULL;
	uint64_t nr_rows = 0, nr_cols = 0;

	if (!value)
		return;
	if (json_u64(rows, &nr_rows) < 0 || json_u64(cols, &nr_cols) < 0 || json_next(cols) || !nr_rows || !nr_cols || nr_rows > WIDTH_MAX ||
	    nr_cols > WIDTH_MAX)
		reader_fail(r, -EBADMSG, "%s: %s is not two sizes", r->where, key);
	else if (c->scale_rows && (c->scale_rows != nr_rows || c->scale_cols != nr_cols))
		reader_fail(r, -ENOTSUP, "%s: blocks of several sizes are not supported", r->where);
	if (r->r < 0)
		return;
	c->scale_rows = (uint32_t)nr_rows;
	c->scale_cols = (uint32_t)nr_cols;
}

static void read_fp8(struct reader *r, struct model_config *c)
{
	static const char *const formats[] = {"e4m3", NULL}, *const schemes[] = {"dynamic", "static", NULL};
	static const char *const harmless[] = {"modules_to_not_convert", "ignored_layers", "scale_fmt", NULL};

	must_be_word(r, "fmt", formats);
	must_be_word(r, "activation_scheme", schemes);
	take_block(r, "weight_block_size", c);
	reader_refuse_rest(r, harmless);
}

static void read_fbgemm(struct reader *r, struct model_config *c)
{
	static const char *const harmless[] = {"modules_to_not_convert", "activation_scale_ub", NULL};

	(void)c;
	reader_refuse_rest(r, harmless);
}

static void read_group_weights(struct reader *r, struct model_config *c)
{
	static const char *const types[] = {"float", NULL}, *const strategies[] = {"tensor", "channel", "block", NULL};
	static const char *const harmless[] = {"observer", "observer_kwargs", "scale_dtype", "zp_dtype", NULL};
	const char *strategy = reader_text(r, "strategy");

	if (r->r == 0 && !reader_text(r, "type"))
		reader_fail(r, -ENOTSUP, "%s has weights of int, which are not supported", r->where);
	must_be_word(r, "type", types);
	must_be_word(r, "strategy", strategies);
	if (reader_u32(r, "num_bits", 8, 1, 64) != 8)
		reader_fail(r, -ENOTSUP, "%s: weights of other than 8 bits are not supported", r->where);
	reader_must_be(r, "symmetric", true);
	if (strategy && !strcmp(strategy, "block"))
		take_block(r, "block_structure", c);
	if (strategy && !strcmp(strategy, "block") && !c->scale_rows)
		reader_fail(r, -EBADMSG, "%s: block_structure is missing", r->where);
	reader_refuse_rest(r, harmless);
}

static const char *const formats[] = {"float-quantized", "naive-quantized", NULL};

static void read_group(struct reader *outer, const struct json *group, struct model_config *c)
{
	static const char *const harmless[] = {"input_activations", "targets", NULL};
	struct reader r = {.j = group, .where = where, .err = outer->err}, weights = {.where = where, .err = outer->err};

	weights.j = reader_get(&r, "weights");
	if (!weights.j)
		reader_fail(&weights, -EBADMSG, "%s has a group without weights", where);
	must_be_word(&r, "format", formats);
	if (weights.r == 0)
		read_group_weights(&weights, c);
	reader_refuse_rest(&r, harmless);
	outer->r = weights.r < 0 ? weights.r : r.r;
}

static bool is_empty(const struct json *j)
{
	return !j || json_is_null(j) || (json_is_object(j) && !json_first(j));
}

static void read_compressed(struct reader *r, struct model_config *c)
{
	static const char *const harmless[] = {"ignore", "version", "global_compression_ratio", NULL};
	static const char *const statuses[] = {"compressed", "frozen", NULL};
	const struct json *groups = reader_get(r, "config_groups"), *sparse = reader_get(r, "sparsity_config");
	const char *sparse_format = json_get_string(sparse, "format");

	must_be_word(r, "format", formats);
	must_be_word(r, "quantization_status", statuses);
	if (!is_empty(sparse) && !(sparse_format && !strcmp(sparse_format, "dense")))
		reader_fail(r, -ENOTSUP, "%s: sparse weights are not supported", r->where);
	if (!is_empty(reader_get(r, "transform_config")))
		reader_fail(r, -ENOTSUP, "%s: weights that were transformed are not supported", r->where);
	if (!json_first(groups))
		reader_fail(r, -EBADMSG, "%s has no config_groups", r->where);
	for (const struct json *g = json_first(groups); g && r->r == 0; g = json_next(g))
		read_group(r, g, c);
	reader_refuse_rest(r, harmless);
}

void config_json_scales(struct reader *outer, struct model_config *c)
{
	static const struct {
		const char *method;
		void (*read)(struct reader *r, struct model_config *c);
	} methods[] = {{"fp8", read_fp8}, {"fbgemm_fp8", read_fbgemm}, {"compressed-tensors", read_compressed}};
	struct reader r = {.j = reader_get(outer, "quantization_config"), .where = where, .err = outer->err, .r = outer->r};
	const char *method = r.j ? reader_text(&r, "quant_method") : NULL;

	if (!r.j)
		return;
	for (size_t i = 0; method && i < ARRAY_SIZE(methods); i++) {
		if (strcmp(method, methods[i].method) != 0)
			continue;
		methods[i].read(&r, c);
		c->scaled = true;
		outer->r = r.r;
		return;
	}
	reader_fail(&r, -ENOTSUP, "config.json: weights quantised by %.60s are not supported (F8_E4M3 with scales is, and GGUF files are)",
		    method ? method : "quantization_config");
	outer->r = r.r;
}
