// SPDX-License-Identifier: Apache-2.0
/* config.json: what is understood, and what is refused by name. Numbers against goldens are in tests/infer/. */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/model_shape.h>

#include "../../infer/config_int.h"
#include "../../infer/rope_int.h"

#define LLAMA "\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,\"num_attention_heads\":4," \
	      "\"vocab_size\":100,\"max_position_embeddings\":128"
#define GEMMA3 "\"model_type\":\"gemma3_text\",\"hidden_size\":64,\"num_hidden_layers\":7,\"num_attention_heads\":4,\"vocab_size\":100"

/* In memory that ends where the text does. */
static int parse(const char *text, struct model_config *c, struct err *err)
{
	size_t len = strlen(text);
	AUTO_FREE char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	return config_parse_json(copy, len, c, err);
}

static void reads_llama(void **state)
{
	struct model_config c = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(parse("{" LLAMA ",\"num_key_value_heads\":2,\"rms_norm_eps\":1e-5,\"eos_token_id\":[7,8],\"bos_token_id\":3,"
			       "\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
			       "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":64},\"_name_or_path\":\"x\"}", &c, &err), 0);
	assert_int_equal(c.kv_heads, 2);
	assert_int_equal(c.head_dim, 16);
	assert_int_equal(c.bos, 3);
	assert_int_equal(c.nr_eos, 2);
	assert_int_equal(c.eos[1], 8);
	assert_int_equal(c.rope.type, ROPE_LLAMA3);
	assert_int_equal(c.rope.original_context, 64);
	assert_int_equal(c.rope.dims, 16);
	assert_false(c.tied);
	assert_int_equal(config_parse_generation("{\"eos_token_id\":9,\"temperature\":0.6}", strlen("{\"eos_token_id\":9,\"temperature\":0.6}"), &c,
						 &err), 0);
	assert_int_equal(c.nr_eos, 1);
	assert_int_equal(c.eos[0], 9);
	model_config_done(&c);
}

static void knows_defaults_of_classes(void **state)
{
	struct model_config c = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(parse("{" GEMMA3 "}", &c, &err), 0);
	assert_int_equal(c.head_dim, 256);
	assert_int_equal(c.kv_heads, 4);
	assert_true(c.tied && c.norm_plus_one && c.norm_after);
	assert_int_equal(c.window, 4096);
	for (uint32_t i = 0; i < c.layers; i++)
		assert_int_equal(c.sliding[i], i != 5);
	assert_true(c.rope.theta == 1e6 && c.rope_sliding.theta == 1e4);
	assert_true(fabsf(c.embed_scale - 8) < 1e-6f && fabsf(c.attention_scale - 0.0625f) < 1e-9f);
	model_config_done(&c);
}

static void windows(void **state)
{
	static const struct {
		const char *more;
		uint32_t window;
		bool first, second;
	} rows[] = {
		{"\"model_type\":\"mistral\"", 4096, true, true},
		{"\"model_type\":\"mistral\",\"sliding_window\":null", 0, false, false},
		{"\"model_type\":\"mistral\",\"sliding_window\":5", 5, true, true},
		{"\"model_type\":\"qwen2\",\"sliding_window\":5", 0, false, false},
		{"\"model_type\":\"qwen2\",\"sliding_window\":5,\"use_sliding_window\":true,\"max_window_layers\":1", 5, false, true},
		{"\"model_type\":\"qwen2\",\"sliding_window\":5,\"use_sliding_window\":true,"
		 "\"layer_types\":[\"sliding_attention\",\"full_attention\"]", 5, true, false},
		{"\"model_type\":\"phi3\"", 0, false, false},
		{"\"model_type\":\"phi3\",\"sliding_window\":5", 5, true, true},
		{"\"model_type\":\"gemma2\",\"sliding_window\":5", 5, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *text = str_printf("{%s,\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":8,"
						  "\"num_key_value_heads\":8}", rows[i].more);
		struct model_config c = {0};
		struct err err = {0};

		if (parse(text, &c, &err) < 0)
			fail_msg("%s: %s", rows[i].more, err.text);
		assert_int_equal(c.window, rows[i].window);
		assert_int_equal(c.sliding[0], rows[i].first);
		assert_int_equal(c.sliding[1], rows[i].second);
		model_config_done(&c);
	}
}

/* Fields of well known repositories that their classes do not look at. */
static void passes_over(void **state)
{
#define GPT2 "\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"]"
#define BERT "\"model_type\":\"bert\",\"architectures\":[\"BertModel\"]"
#define YARN "\"rope_type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":32"
	static const char *const rows[] = {
		"{\"model_type\":\"gemma2\",\"sliding_window\":4096,\"sliding_window_size\":4096}",
		"{" GPT2 ",\"n_special\":0,\"predict_special_tokens\":true,\"num_labels\":1,\"is_decoder\":true,\"type_vocab_size\":2}",
		"{" GPT2 ",\"author\":\"x\",\"created_date\":\"x\",\"license\":\"x\",\"is_causal\":true}",
		"{" BERT ",\"emb_size\":312,\"language\":\"english\",\"name\":\"Bert\",\"eos_token_ids\":0,\"xla_device\":true}",
		"{" BERT ",\"sbert_ce_default_activation_function\":\"x\",\"sentence_transformers\":{\"version\":\"4.0\"}}",
		"{" LLAMA ",\"is_decoder\":true,\"type_vocab_size\":2}",
		"{" LLAMA ",\"rope_scaling\":{" YARN ",\"attn_factor\":0.8782488562869419}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model_config c = {0};
		struct err err = {0};

		if (parse(rows[i], &c, &err) < 0)
			fail_msg("%s: %s", rows[i], err.text);
		assert_true(c.rope.type != ROPE_YARN || fabs(c.rope.attention_factor - (1 + 0.1 * log(4))) < 1e-12);
		assert_true(c.arch != ARCH_BERT || c.token_types == 2);
		model_config_done(&c);
	}
}

#define QUANT(text) "{" LLAMA ",\"quantization_config\":" text "}"
#define COMPRESSED(group, more) QUANT("{\"quant_method\":\"compressed-tensors\",\"config_groups\":{\"group_0\":" group "}" more "}")
#define FLOAT_GROUP "{\"weights\":{\"num_bits\":8,\"type\":\"float\",\"strategy\":\"channel\",\"dynamic\":false},\"targets\":[\"Linear\"]}"

static void scales_are_said(void **state)
{
	static const struct {
		const char *text;
		bool scaled;
		uint32_t rows, cols;
	} rows[] = {
		{"{" LLAMA "}", false, 0, 0},
		{"{" LLAMA ",\"quantization_config\":null}", false, 0, 0},
		{QUANT("{\"quant_method\":\"fbgemm_fp8\",\"activation_scale_ub\":1200.0,\"modules_to_not_convert\":[\"lm_head\"]}"), true, 0, 0},
		{QUANT("{\"quant_method\":\"fp8\",\"activation_scheme\":\"static\",\"weight_block_size\":null}"), true, 0, 0},
		{QUANT("{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\",\"activation_scheme\":\"dynamic\",\"weight_block_size\":[128,64]}"), true, 128, 64},
		{COMPRESSED(FLOAT_GROUP, ",\"format\":\"float-quantized\",\"sparsity_config\":{},\"kv_cache_scheme\":null,\"ignore\":[]"), true, 0, 0},
		{COMPRESSED("{\"weights\":{\"type\":\"float\",\"strategy\":\"block\",\"block_structure\":[32,16]}}", ""), true, 32, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model_config c = {0};
		struct err err = {0};

		if (config_parse_json(rows[i].text, strlen(rows[i].text), &c, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(c.scaled, rows[i].scaled);
		assert_int_equal(c.scale_rows, rows[i].rows);
		assert_int_equal(c.scale_cols, rows[i].cols);
		model_config_done(&c);
	}
}

static void refuses(void **state)
{
	static const struct {
		int code;
		const char *text, *why;
	} rows[] = {
		{-EBADMSG, "", "not JSON"},
		{-EBADMSG, "[]", "not an object"},
		{-ENOTSUP, "{}", "no model_type"},
		{-ENOTSUP, "{\"model_type\":\"mixtral\"}", "mixtral is not supported"},
		{-ENOTSUP, "{" LLAMA ",\"architectures\":[\"LlamaForSequenceClassification\"]}", "LlamaForSequenceClassification"},
		{-ENOTSUP, "{" LLAMA ",\"new_attention\":true}", "new_attention"},
		{-ENOTSUP, "{" LLAMA ",\"residual_multiplier\":0.22}", "residual_multiplier"},
		{-ENOTSUP, "{" LLAMA ",\"hidden_act\":\"xielu\"}", "xielu"},
		{-ENOTSUP, "{" LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}}", "gptq"},
		{-ENOTSUP, QUANT("{}"), "quantization_config"},
		{-ENOTSUP, QUANT("{\"quant_method\":\"mxfp4\"}"), "mxfp4"},
		{-ENOTSUP, QUANT("{\"quant_method\":\"bitsandbytes\",\"load_in_4bit\":true}"), "bitsandbytes"},
		{-ENOTSUP, QUANT("{\"quant_method\":\"fp8\",\"fmt\":\"e5m2\"}"), "e5m2"},
		{-ENOTSUP, QUANT("{\"quant_method\":\"fp8\",\"rotation\":true}"), "rotation"},
		{-EBADMSG, QUANT("{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}"), "weight_block_size is not two sizes"},
		{-EBADMSG, QUANT("{\"quant_method\":\"fp8\",\"weight_block_size\":[0,128]}"), "weight_block_size is not two sizes"},
		{-EBADMSG, QUANT("{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128,1]}"), "weight_block_size is not two sizes"},
		{-EBADMSG, QUANT("{\"quant_method\":\"compressed-tensors\"}"), "no config_groups"},
		{-EBADMSG, COMPRESSED("{}", ""), "a group without weights"},
		{-ENOTSUP, COMPRESSED("{\"weights\":{\"num_bits\":8}}", ""), "weights of int"},
		{-ENOTSUP, COMPRESSED("{\"weights\":{\"num_bits\":8,\"type\":\"int\"}}", ""), "type is int"},
		{-ENOTSUP, COMPRESSED("{\"weights\":{\"num_bits\":4,\"type\":\"float\"}}", ""), "other than 8 bits"},
		{-ENOTSUP, COMPRESSED("{\"weights\":{\"num_bits\":8,\"type\":\"float\",\"strategy\":\"group\"}}", ""), "strategy is group"},
		{-ENOTSUP, COMPRESSED("{\"weights\":{\"type\":\"float\",\"symmetric\":false}}", ""), "symmetric is false"},
		{-EBADMSG, COMPRESSED("{\"weights\":{\"type\":\"float\",\"strategy\":\"block\"}}", ""), "block_structure is missing"},
		{-ENOTSUP, COMPRESSED(FLOAT_GROUP, ",\"format\":\"nvfp4-pack-quantized\""), "nvfp4-pack-quantized"},
		{-ENOTSUP, COMPRESSED(FLOAT_GROUP, ",\"kv_cache_scheme\":{\"num_bits\":8}"), "kv_cache_scheme"},
		{-ENOTSUP, COMPRESSED(FLOAT_GROUP, ",\"sparsity_config\":{\"format\":\"sparse-24-bitmask\"}"), "sparse"},
		{-ENOTSUP, COMPRESSED(FLOAT_GROUP, ",\"transform_config\":{\"a\":1}"), "transformed"},
		{-ENOTSUP, "{" LLAMA ",\"rope_scaling\":{\"type\":\"mrope\",\"mrope_section\":[1]}}", "mrope"},
		{-ENOTSUP, "{" LLAMA ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.0,\"more\":1}}", "more"},
		{-ENOTSUP, "{" LLAMA ",\"partial_rotary_factor\":0.5}", "partial_rotary_factor"},
		{-ENOTSUP, "{" LLAMA ",\"layer_types\":[\"full_attention\",\"linear_attention\"]}", "linear_attention"},
		{-ENOTSUP, "{" GEMMA3 ",\"use_bidirectional_attention\":true}", "use_bidirectional_attention"},
		{-ENOTSUP, "{\"model_type\":\"gpt2\",\"scale_attn_by_inverse_layer_idx\":true}", "scale_attn_by_inverse_layer_idx"},
		{-ENOTSUP, "{" GPT2 ",\"is_causal\":false}", "is_causal"},
		{-ENOTSUP, "{\"model_type\":\"gpt2\",\"scale_attn_weights\":false}", "scale_attn_weights"},
		{-ENOTSUP, "{" BERT ",\"is_decoder\":true}", "is_decoder"},
		{-ENOTSUP, "{" LLAMA ",\"emb_size\":4}", "emb_size"},
		{-ENOTSUP, "{" LLAMA ",\"sliding_window_size\":4}", "sliding_window_size"},
		{-ENOTSUP, "{\"model_type\":\"bert\",\"position_embedding_type\":\"relative_key\"}", "relative_key"},
		{-EBADMSG, "{" LLAMA ",\"rope_scaling\":{\"type\":\"linear\"}}", "factor"},
		{-EBADMSG, "{" LLAMA ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}}", "factor"},
		{-EBADMSG, "{" LLAMA ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}}", "rope factors"},
		{-EBADMSG, "{" LLAMA ",\"rope_scaling\":[1]}", "not an object"},
		{-EBADMSG, "{" LLAMA ",\"rope_theta\":0}", "rope_theta"},
		{-EBADMSG, "{" LLAMA ",\"rope_theta\":1e400}", "rope_theta"},
		{-EBADMSG, "{" LLAMA ",\"rms_norm_eps\":-1}", "rms_norm_eps"},
		{-EBADMSG, "{" LLAMA ",\"num_key_value_heads\":3}", "multiple"},
		{-EBADMSG, "{" LLAMA ",\"num_key_value_heads\":8}", "key heads"},
		{-EBADMSG, "{" LLAMA ",\"head_dim\":0}", "head_dim"},
		{-EBADMSG, "{" LLAMA ",\"head_dim\":15}", "15"},
		{-EBADMSG, "{\"model_type\":\"llama\",\"num_hidden_layers\":100000}", "num_hidden_layers"},
		{-EBADMSG, "{\"model_type\":\"llama\",\"hidden_size\":-5}", "hidden_size"},
		{-EBADMSG, "{\"model_type\":\"llama\",\"hidden_size\":2.5}", "hidden_size"},
		{-EBADMSG, "{\"model_type\":\"llama\",\"hidden_size\":100}", "32 heads"},
		{-EBADMSG, "{" LLAMA ",\"eos_token_id\":[1,2,3,4,5,6,7,8,9]}", "eos_token_id"},
		{-EBADMSG, "{" GEMMA3 ",\"layer_types\":[\"full_attention\"]}", "layer_types"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model_config c = {0};
		struct err err = {0};
		int r = parse(rows[i].text, &c, &err);

		if (r != rows[i].code || !strstr(err.text, rows[i].why))
			fail_msg("%s: %d, %s", rows[i].text, r, err.text);
		model_config_done(&c);
	}
}

static void pooling(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: it is fine */
		enum pooling pooling;
	} rows[] = {
		{"{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}", NULL, POOLING_CLS},
		{"{\"word_embedding_dimension\":8,\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false}", NULL, POOLING_MEAN},
		{"{\"embedding_dimension\":8,\"pooling_mode\":\"cls\",\"include_prompt\":true}", NULL, POOLING_CLS},
		{"{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true}", "only pooling", POOLING_MEAN},
		{"{\"pooling_mode\":\"lasttoken\"}", "only pooling", POOLING_MEAN},
		{"{\"pooling_mode_max_tokens\":true}", "pooling_mode_max_tokens", POOLING_MEAN},
		{"{\"word_embedding_dimension\":9}", "word_embedding_dimension", POOLING_MEAN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model_config c = {.width = 8};
		struct err err = {0};
		int r = config_parse_pooling(rows[i].text, strlen(rows[i].text), &c, &err);

		if ((r == 0) != !rows[i].why || (rows[i].why && !strstr(err.text, rows[i].why)))
			fail_msg("%s: %d, %s", rows[i].text, r, err.text);
		if (r == 0)
			assert_int_equal(c.pooling, rows[i].pooling);
	}
}

static void modules(void **state)
{
	static const char good[] = "[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
				   "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},{\"type\":\"x.Normalize\"}]";
	static const char dense[] = "[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"p\",\"type\":\"a.Pooling\"},{\"type\":\"a.Dense\"}]";
	static const char escape[] = "[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"../p\",\"type\":\"a.Pooling\"}]";
	struct model_config c = {0};
	struct err err = {0};
	char folder[64] = "";
	bool pools = false;

	(void)state;
	assert_int_equal(config_parse_modules(good, strlen(good), &pools, folder, &c, &err), 0);
	assert_true(pools && c.normalise);
	assert_string_equal(folder, "1_Pooling");
	assert_int_equal(config_parse_modules(dense, strlen(dense), &pools, folder, &c, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "Dense"));
	assert_int_equal(config_parse_modules(escape, strlen(escape), &pools, folder, &c, &err), -EBADMSG);
	assert_int_equal(config_parse_modules("[]", 2, &pools, folder, &c, &err), -EBADMSG);
}

/* Of the text as it is now, not of the blocks that it is computed in. */
static struct model_shape shape_of(const char *text, struct err *why)
{
	struct model_shape s = {0};

	assert_int_equal(model_shape_json(text, strlen(text), &s, why), 0);
	return s;
}

/* What any configuration says of its sizes, whether it can be run or not. */
static void shapes(void **state)
{
	struct model_shape s;
	struct err why = {0};

	(void)state;
	s = shape_of("{" LLAMA ",\"num_key_value_heads\":2}", &why);
	assert_true(s.fits && !s.encoder && s.layers == 2 && s.kv_width == 32 && s.context == 128);
	assert_string_equal(s.architecture, "LlamaForCausalLM");
	assert_int_equal(model_shape_kv_bytes(&s, 10), 10 * 2 * 32 * 2 * 2);
	s = shape_of("{" GEMMA3 ",\"sliding_window\":8}", &why);
	assert_true(s.fits && s.window == 8 && s.sliding == 6 && s.layers == 7);
	assert_int_equal(model_shape_kv_bytes(&s, 100), (6 * 8 + 100) * (uint64_t)s.kv_width * 4);
	s = shape_of("{\"model_type\":\"mamba9\",\"architectures\":[\"Mamba9Model\"],\"n_layer\":3,\"n_head\":4,\"n_embd\":64,\"n_positions\":77}", &why);
	assert_true(!s.fits && s.layers == 3 && s.kv_width == 0 && s.context == 77); /* nothing says that it keeps keys and values */
	assert_string_equal(s.architecture, "Mamba9Model");
	assert_non_null(strstr(why.text, "mamba9"));
	s = shape_of("{\"text_config\":{\"num_hidden_layers\":5,\"head_dim\":8,\"num_attention_heads\":2}}", &why);
	assert_true(!s.fits && s.layers == 5 && s.kv_width == 16 && s.context == 0);
	s = shape_of("{\"n_layer\":-1,\"n_head\":4096,\"head_dim\":\"x\",\"n_positions\":1e30}", &why);
	assert_true(!s.layers && !s.kv_width && !s.context);
	s = (struct model_shape){.layers = 1024, .kv_width = WIDTH_MAX};
	assert_true(model_shape_kv_bytes(&s, UINT64_MAX / 2) == UINT64_MAX);
	assert_int_equal(model_shape_json("[]", 2, &s, &why), -EBADMSG);
	assert_int_equal(model_shape_json("{", 1, &s, &why), -EBADMSG);
}

/* Keys and values that are compressed, or a state, or those of an encoder, are not heads times width: better no number than that. */
static void shapes_of_other_attention(void **state)
{
#define SIZES "\"num_hidden_layers\":4,\"num_attention_heads\":4,\"hidden_size\":64,\"max_position_embeddings\":100"
	static const struct {
		const char *text;
		uint64_t kv_bytes;
	} rows[] = {
		{"{\"architectures\":[\"XForCausalLM\"]," SIZES "}", 100 * 4 * 64 * 4},
		{"{\"architectures\":[\"XForCausalLM\"],\"kv_lora_rank\":null," SIZES "}", 100 * 4 * 64 * 4},
		{"{\"architectures\":[\"XForCausalLM\"],\"kv_lora_rank\":512," SIZES "}", 0},
		{"{\"architectures\":[\"XForCausalLM\"],\"full_attention_interval\":4," SIZES "}", 0},
		{"{\"architectures\":[\"XForCausalLM\"],\"layer_types\":[\"linear_attention\",\"full_attention\"]," SIZES "}", 0},
		{"{\"architectures\":[\"XForCausalLM\"],\"sliding_window\":10,\"layer_types\":[\"sliding_attention\",\"full_attention\","
		 "\"sliding_attention\",\"full_attention\"]," SIZES "}", (2 * 10 + 2 * 100) * 64 * 4},
		{"{\"architectures\":[\"XForSequenceClassification\"]," SIZES "}", 0},
		{"{\"architectures\":[\"XForMaskedLM\"]," SIZES "}", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model_shape s = shape_of(rows[i].text, NULL);

		assert_int_equal(model_shape_kv_bytes(&s, s.context), rows[i].kv_bytes);
	}
}

#define UINT(name, n) {.key = (name), .type = FORMAT_UINT, .u = (n)}

/* Of two parts the first has no tensors: what these say is in the second, or, without it, is not asked for. */
static void parts_of_gguf(void **state)
{
	static const struct format_value values[] = {
		{.key = "general.architecture", .type = FORMAT_TEXT, .text = "llama"}, UINT("llama.attention.head_count", 4),
		{.key = "llama.attention.layer_norm_rms_epsilon", .type = FORMAT_FLOAT, .f = 1e-5}, UINT("llama.block_count", 2),
		UINT("llama.context_length", 128), UINT("llama.embedding_length", 64), UINT("llama.feed_forward_length", 96), UINT("split.count", 2),
	};
	static const uint64_t shape[] = {100, 64};
	static const uint32_t order[] = {0, 1};
	static const struct tensor ends[] = {{.name = "output.weight", .shape = shape, .n_dims = 2},
					     {.name = "token_embd.weight", .shape = shape, .n_dims = 2}};
	struct tensor_table first = {.format = FORMAT_GGUF, .nr_values = ARRAY_SIZE(values), .values = values};
	struct tensor_table second = {.format = FORMAT_GGUF, .nr = 2, .tensors = ends, .order = {[TENSOR_BY_NAME] = order}};
	const struct tensor_table *const parts[] = {&first, &second};
	struct model_config c = {0};
	struct model_shape s = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(config_parse_gguf(parts, 2, &c, &err), 0);
	assert_int_equal(c.vocabulary, 100);
	assert_false(c.tied);
	model_config_done(&c);
	assert_int_equal(model_shape_gguf(&first, &s, &err), 0);
	assert_true(s.fits && s.layers == 2 && s.kv_width == 64 && s.context == 128);
	first.nr_values--; /* now it is a whole model, without a table */
	assert_int_equal(model_shape_gguf(&first, &s, &err), 0);
	assert_true(!s.fits && strstr(err.text, "token_embd.weight"));
}

static void ropes_look_at_the_length(void **state)
{
	struct rope_config r = {.type = ROPE_DYNAMIC, .dims = 8, .theta = 1e4, .factor = 2, .attention_factor = 1, .original_context = 16};
	float plain[4], same[4], longer[4];
	struct rope_tensors none = {0};

	(void)state;
	rope_frequencies(&r, &none, 1, plain);
	rope_frequencies(&r, &none, 16, same);
	rope_frequencies(&r, &none, 17, longer);
	assert_memory_equal(plain, same, sizeof(same));
	assert_true(plain[0] == 1.0f && longer[0] == 1.0f && longer[1] < plain[1]);
	assert_true(fabsf(plain[1] - 0.1f) < 1e-7f);
	r.type = ROPE_LONGROPE;
	assert_false(rope_is_long(&r, 16));
	assert_true(rope_is_long(&r, 17));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_llama), cmocka_unit_test(knows_defaults_of_classes), cmocka_unit_test(windows), cmocka_unit_test(passes_over),
		cmocka_unit_test(scales_are_said), cmocka_unit_test(refuses),
		cmocka_unit_test(pooling), cmocka_unit_test(modules), cmocka_unit_test(shapes),
		cmocka_unit_test(shapes_of_other_attention), cmocka_unit_test(parts_of_gguf), cmocka_unit_test(ropes_look_at_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
