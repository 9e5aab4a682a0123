// SPDX-License-Identifier: Apache-2.0
/*
 * The sizes of any model, by the names that configurations of transformers and GGUF files share; and, from the readers of those that are
 * supported, whether this one is. What a reader accepted is taken from it, the rest is no more than what the file says.
 */
#include <hffs/model_shape.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/json.h>

#include "config_int.h"
#include "kernels_int.h"

#define KV_BYTES 2 /* of an element: F16 or BF16 */

static void take_config(const struct model_config *c, struct model_shape *out)
{
	out->fits = true;
	out->encoder = c->encoder;
	(void)snprintf(out->architecture, sizeof(out->architecture), "%s", c->architecture);
	out->layers = c->layers;
	out->kv_width = c->encoder ? 0 : c->kv_heads * c->head_dim;
	out->context = c->context;
	out->window = c->window;
	out->sliding = 0;
	for (uint32_t i = 0; c->window && i < c->layers; i++)
		out->sliding += c->sliding[i];
}

/* r is what the reader of c said: where it refused, the shape is no more than what the file says. */
static int finish(int r, struct model_config *c, struct model_shape *s, struct model_shape *out)
{
	if (r == 0)
		take_config(c, s);
	model_config_done(c);
	if (r == -ENOMEM)
		return r;
	*out = *s;
	return 0;
}

/* Two factors below a sane limit, so that no product overflows; 0 for all else. */
static uint32_t product(uint64_t heads, uint64_t dim)
{
	return heads <= HEADS_MAX && dim <= WIDTH_MAX && heads * dim <= WIDTH_MAX ? (uint32_t)(heads * dim) : 0;
}

/* --- config.json --- */

/* The first of the keys that is a whole number up to max; 0. */
static uint32_t first_u32(const struct json *j, const char *const *keys, uint32_t max)
{
	uint64_t n;

	for (; *keys; keys++)
		if (json_get_u64(j, *keys, &n) == 0 && n <= max)
			return (uint32_t)n;
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* Does it write token after token, so that keys and values are kept? "" is not said. */
static bool keeps_keys(const char *architecture)
{
	static const char *const ends[] = {"ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForVision2Seq", "ForImageTextToText"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(architecture, ends[i]))
			return true;
	return !*architecture;
}

/* Is attention in any layer of a kind whose keys and values are not heads times their width: compressed, or a state of fixed size? */
static bool has_other_attention(const struct json *j)
{
	static const char *const keys[] = {"kv_lora_rank", "full_attention_interval", "linear_num_key_heads", "state_size", "mamba_d_state",
					   "ssm_state_size", "hybrid_override_pattern", "attn_layer_period"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_get(j, keys[i]) && !json_is_null(json_get(j, keys[i])))
			return true;
	return false;
}

/* "layer_types" names the attention of each layer; false: there is one that is neither full nor sliding. */
static bool take_layer_types(const struct json *j, struct model_shape *out)
{
	static const char *const window[] = {"sliding_window", NULL};
	uint32_t sliding = 0;

	for (const struct json *t = json_first(json_get(j, "layer_types")); t; t = json_next(t)) {
		const char *type = json_string(t);
		bool slides = type && !strcmp(type, "sliding_attention");

		if (!type || (!slides && strcmp(type, "full_attention") != 0))
			return false;
		sliding += slides;
	}
	out->window = first_u32(j, window, CONTEXT_MAX);
	out->sliding = out->window && sliding <= out->layers ? sliding : 0;
	return true;
}

static void take_json(const struct json *j, struct model_shape *out)
{
	static const char *const layers[] = {"num_hidden_layers", "n_layer", "num_layers", "n_layers", NULL};
	static const char *const heads[] = {"num_attention_heads", "n_head", "num_heads", "n_heads", NULL};
	static const char *const kv_heads[] = {"num_key_value_heads", "num_kv_heads", NULL};
	static const char *const width[] = {"hidden_size", "n_embd", "d_model", "dim", NULL};
	static const char *const head_dim[] = {"head_dim", "d_kv", NULL};
	static const char *const context[] = {"max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "max_seq_len", NULL};
	const char *class = json_string(json_first(json_get(j, "architectures")));
	const char *name = class ? class : json_get_string(j, "model_type");
	const struct json *inner = json_is_object(json_get(j, "text_config")) ? json_get(j, "text_config") : j;
	uint32_t nr_heads = first_u32(inner, heads, HEADS_MAX), nr_kv = first_u32(inner, kv_heads, HEADS_MAX);
	uint32_t dim = first_u32(inner, head_dim, HEAD_DIM_MAX);

	(void)snprintf(out->architecture, sizeof(out->architecture), "%s", name ? name : "");
	out->layers = first_u32(inner, layers, LAYERS_MAX);
	out->context = first_u32(inner, context, CONTEXT_MAX);
	if (!dim && nr_heads)
		dim = first_u32(inner, width, WIDTH_MAX) / nr_heads;
	if (keeps_keys(class ? class : "") && !has_other_attention(inner) &&
	    take_layer_types(inner, out))
		out->kv_width = product(nr_kv ? nr_kv : nr_heads, dim);
}

int model_shape_json(const char *text, size_t len, struct model_shape *out, struct err *why)
{
	AUTO(json_free) struct json *j = NULL;
	struct model_config c = {0};
	struct model_shape s = {0};
	struct err unread = {0};
	int r = json_parse(text, len, CONFIG_JSON_MAX, &j, &unread);

	if (r == 0 && !json_is_object(j))
		r = err_set(&unread, -EBADMSG, "it is not an object");
	if (r < 0)
		return err_set(why, r == -ENOMEM ? r : -EBADMSG, "config.json: %s", err_text(&unread));
	take_json(j, &s);
	return finish(config_parse_json(text, len, &c, why), &c, &s, out);
}

/* --- GGUF --- */

static const struct format_value *meta_value(const struct tensor_table *t, const char *arch, const char *key)
{
	AUTO_FREE char *full = str_printf("%s.%s", arch, key);

	return full ? tensor_table_value(t, full) : NULL;
}

static bool has_meta(const struct tensor_table *t, const char *arch, const char *key)
{
	return meta_value(t, arch, key) != NULL;
}

static uint64_t meta(const struct tensor_table *t, const char *arch, const char *key)
{
	const struct format_value *v = meta_value(t, arch, key);

	return v && (v->type == FORMAT_UINT || (v->type == FORMAT_INT && v->i >= 0)) ? v->u : 0;
}

static void take_meta(const struct tensor_table *t, const char *arch, struct model_shape *out)
{
	uint64_t heads = meta(t, arch, "attention.head_count"), kv = meta(t, arch, "attention.head_count_kv");
	bool other = meta(t, arch, "attention.kv_lora_rank") || meta(t, arch, "ssm.state_size") ||
		     has_meta(t, arch, "attention.head_count_kv") != (kv > 0); /* a list: one number a layer */
	uint64_t dim = meta(t, arch, "attention.key_length");

	(void)snprintf(out->architecture, sizeof(out->architecture), "%s", arch);
	out->layers = (uint32_t)min_u64(meta(t, arch, "block_count"), LAYERS_MAX);
	out->context = (uint32_t)min_u64(meta(t, arch, "context_length"), CONTEXT_MAX);
	if (!dim && heads)
		dim = meta(t, arch, "embedding_length") / heads;
	out->kv_width = other ? 0 : product(kv ? kv : heads, dim);
}

int model_shape_gguf(const struct tensor_table *t, struct model_shape *out, struct err *why)
{
	const struct format_value *name = tensor_table_value(t, "general.architecture");
	struct model_config c = {0};
	struct model_shape s = {0};

	if (name && name->type == FORMAT_TEXT && name->text)
		take_meta(t, name->text, &s);
	return finish(config_parse_gguf(&t, 1, &c, why), &c, &s, out);
}

/* --- both --- */

bool model_shape_has_type(enum tensor_type type)
{
	return kernels_has_type(type);
}

uint64_t model_shape_kv_bytes(const struct model_shape *s, uint64_t tokens)
{
	uint64_t positions, bytes;

	if (__builtin_mul_overflow(tokens, s->layers - s->sliding, &positions) ||
	    __builtin_add_overflow(positions, min_u64(tokens, s->window) * s->sliding, &positions) ||
	    __builtin_mul_overflow(positions, (uint64_t)s->kv_width * 2 * KV_BYTES, &bytes))
		return UINT64_MAX;
	return bytes;
}
