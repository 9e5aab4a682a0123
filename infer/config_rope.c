// SPDX-License-Identifier: Apache-2.0
/*
 * How a config.json says rope: rope_theta, rope_scaling and partial_rotary_factor (until transformers 4), or all of it in
 * rope_parameters (since 5). Defaults are those of transformers' modeling_rope_utils.py. [transformers 5.12]
 */
#include "config_json_int.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int type_of(const char *name, enum rope_type *type)
{
	static const struct {
		const char *name;
		enum rope_type type;
	} types[] = {{"default", ROPE_DEFAULT}, {"linear", ROPE_LINEAR}, {"dynamic", ROPE_DYNAMIC},
		     {"llama3", ROPE_LLAMA3}, {"yarn", ROPE_YARN}, {"longrope", ROPE_LONGROPE}};

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(name, types[i].name)) {
			*type = types[i].type;
			return 0;
		}
	return -ENOTSUP;
}

/* A list of dims / 2 numbers. */
static float *read_factors(struct reader *r, const char *key, uint32_t dims)
{
	const struct json *list = reader_get(r, key), *item = json_first(list);
	float *out = NULL;
	uint32_t n = 0;

	if (!json_is_array(list) || json_size(list) != dims / 2) {
		reader_fail(r, -EBADMSG, "%s: %s is not a list of %u numbers", r->where, key, dims / 2);
		return NULL;
	}
	out = malloc((dims / 2 + 1) * sizeof(*out));
	if (!out)
		reader_fail(r, -ENOMEM, "out of memory");
	for (; out && item; item = json_next(item)) {
		double value = 0;

		if (json_f64(item, &value) < 0 || !(value > 0) || !(value < 1e6))
			reader_fail(r, -EBADMSG, "%s: %s holds what is no factor", r->where, key);
		out[n++] = (float)value;
	}
	return out;
}

static double yarn_mscale(double scale, double mscale)
{
	return scale <= 1 ? 1 : 0.1 * mscale * log(scale) + 1;
}

static void read_yarn(struct reader *r, struct rope_config *rope)
{
	double mscale = reader_f64(r, "mscale", 0, 0, 1e3), all = reader_f64(r, "mscale_all_dim", 0, 0, 1e3);
	double inferred = yarn_mscale(rope->factor, 1);

	if (mscale > 0 && all > 0)
		inferred = yarn_mscale(rope->factor, mscale) / yarn_mscale(rope->factor, all);
	rope->attention_factor = reader_f64(r, "attention_factor", inferred, 1e-3, 1e3);
	rope->beta_fast = reader_f64(r, "beta_fast", 32, 0, 1e6);
	rope->beta_slow = reader_f64(r, "beta_slow", 1, 0, 1e6);
	rope->beta_fast = rope->beta_fast > 0 ? rope->beta_fast : 32;
	rope->beta_slow = rope->beta_slow > 0 ? rope->beta_slow : 1;
	rope->truncate = reader_bool(r, "truncate", true);
}

static void read_longrope(struct reader *r, struct rope_config *rope)
{
	double inferred = rope->factor <= 1 ? 1 : sqrt(1 + log(rope->factor) / log(rope->original_context));

	if (rope->original_context < 2) {
		reader_fail(r, -EBADMSG, "%s: original_max_position_embeddings is too small for longrope", r->where);
		return;
	}
	rope->attention_factor = reader_f64(r, "attention_factor", inferred, 1e-3, 1e3);
	rope->long_factor = read_factors(r, "long_factor", rope->dims);
	rope->short_factor = read_factors(r, "short_factor", rope->dims);
}

/* What belongs to the type. */
static void read_scaling(struct reader *r, const struct model_config *c, uint32_t original, struct rope_config *rope)
{
	bool scaled = rope->type != ROPE_DEFAULT;

	/* Where the configuration itself says it, that counts. [standardize_rope_params] */
	rope->original_context = reader_u32(r, "original_max_position_embeddings", c->context, 1, CONTEXT_MAX);
	if (original)
		rope->original_context = original;
	if (rope->type == ROPE_DYNAMIC)
		rope->original_context = c->context; /* the other field is not looked at [_compute_dynamic_ntk_parameters] */
	if (scaled) {
		bool inferred = rope->type == ROPE_YARN || rope->type == ROPE_LONGROPE;

		if (!inferred && !reader_get(r, "factor"))
			reader_fail(r, -EBADMSG, "%s has no factor for its rope", r->where);
		rope->factor = reader_f64(r, "factor", (double)c->context / rope->original_context, 1e-3, 1e6);
	}
	if (rope->type == ROPE_LLAMA3) {
		rope->low_freq_factor = reader_f64(r, "low_freq_factor", 0, 1e-6, 1e6);
		rope->high_freq_factor = reader_f64(r, "high_freq_factor", 0, 1e-6, 1e6);
	}
	if (rope->type == ROPE_YARN)
		read_yarn(r, rope);
	if (rope->type == ROPE_LONGROPE)
		read_longrope(r, rope);
}

/* One object of parameters (may be NULL). theta, partial: what is said outside of it. */
static void read_parameters(struct reader *outer, const struct json *j, const struct model_config *c, double theta, double partial,
			    uint32_t original, struct rope_config *rope)
{
	/* What would count is attention_factor. [_compute_yarn_parameters] */
	static const char *const harmless[] = {"attn_factor", "finetuned", NULL};
	struct reader r = {.j = j, .where = "config.json, rope", .err = outer->err, .r = outer->r};
	const char *name = NULL, *old = reader_text(&r, "type");

	name = reader_text(&r, "rope_type");
	name = name ? name : old ? old : "default";
	if (c->arch == ARCH_PHI3 && (!strcmp(name, "su") || !strcmp(name, "yarn")))
		name = "longrope"; /* earlier names of it [Phi3Config] */
	*rope = (struct rope_config){.factor = 1, .attention_factor = 1};
	if (j && !json_is_object(j))
		reader_fail(&r, -EBADMSG, "config.json: the parameters of rope are not an object");
	if (type_of(name, &rope->type) < 0)
		reader_fail(&r, -ENOTSUP, "config.json: the rope type %.60s is not supported", name);
	rope->theta = reader_f64(&r, "rope_theta", theta, 1, 1e15);
	partial = reader_f64(&r, "partial_rotary_factor", partial, 0, 1);
	if (partial != 1 && c->arch != ARCH_PHI3) /* others leave it out of their default rope, and then cannot apply it */
		reader_fail(&r, -ENOTSUP, "config.json: a partial_rotary_factor is not supported for %s", c->architecture);
	rope->dims = (uint32_t)(c->head_dim * partial);
	read_scaling(&r, c, original, rope);
	reader_refuse_rest(&r, harmless);
	outer->r = r.r;
}

static bool by_layer_type(const struct json *j)
{
	return json_get(j, "full_attention") || json_get(j, "sliding_attention");
}

/* Where no layer is full, transformers writes beside the others a default rope without theta, which nobody uses. */
static bool names_layer_type(const struct json *v)
{
	const char *key = json_key(v), *text = json_string(v);

	if (!key)
		return false;
	return json_is_null(v) || !strcmp(key, "full_attention") || !strcmp(key, "sliding_attention") ||
	       (!strcmp(key, "rope_type") && text && !strcmp(text, "default"));
}

/* Gemma 3 has two: full layers are scaled, sliding ones have a theta of their own. */
static void read_gemma3(struct reader *r, struct model_config *c)
{
	const struct json *parameters = reader_get(r, "rope_parameters"), *scaling = reader_get(r, "rope_scaling");
	double full = reader_f64(r, "rope_theta", 1e6, 1, 1e15), local = reader_f64(r, "rope_local_base_freq", 1e4, 1, 1e15);

	for (const struct json *v = json_first(parameters); v; v = json_next(v))
		if (!names_layer_type(v))
			reader_fail(r, -ENOTSUP, "config.json: rope_parameters are not given by type of layer");
	if (parameters && scaling)
		reader_fail(r, -ENOTSUP, "config.json has rope_parameters and rope_scaling");
	read_parameters(r, scaling ? scaling : json_get(parameters, "full_attention"), c, full, 1, 0, &c->rope);
	read_parameters(r, json_get(parameters, "sliding_attention"), c, local, 1, 0, &c->rope_sliding);
	if (c->rope_sliding.type == ROPE_LONGROPE) {
		free(c->rope_sliding.long_factor);
		free(c->rope_sliding.short_factor);
		c->rope_sliding.long_factor = c->rope_sliding.short_factor = NULL;
		reader_fail(r, -ENOTSUP, "config.json: longrope in sliding layers is not supported");
	}
}

void config_json_rope(struct reader *r, struct model_config *c)
{
	const struct json *parameters, *scaling;
	double theta, partial;
	uint32_t original = 0;

	if (c->arch == ARCH_GEMMA3) {
		read_gemma3(r, c);
		return;
	}
	parameters = reader_get(r, "rope_parameters");
	scaling = reader_get(r, "rope_scaling"); /* goes first where both are there */
	theta = reader_f64(r, "rope_theta", 1e4, 1, 1e15);
	partial = reader_f64(r, "partial_rotary_factor", 1, 0, 1);
	if (c->arch == ARCH_PHI3)
		original = reader_u32(r, "original_max_position_embeddings", 4096, 1, CONTEXT_MAX);
	if (by_layer_type(parameters) || by_layer_type(scaling))
		reader_fail(r, -ENOTSUP, "config.json: rope_parameters by type of layer are not supported for %s", c->architecture);
	read_parameters(r, json_size(scaling) ? scaling : parameters, c, theta, partial, original, &c->rope);
	c->rope_sliding = c->rope;
}
