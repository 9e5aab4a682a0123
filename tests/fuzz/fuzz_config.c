// SPDX-License-Identifier: Apache-2.0
/* Input: a config.json; whatever is accepted has been checked. The small files beside it read the same text. */
#include "fuzz.h"

#include <math.h>

#include <hffs/model_shape.h>

#include "../../infer/config_int.h"
#include "../../infer/rope_int.h"

static void check_rope(const struct rope_config *r, uint32_t head_dim)
{
	struct rope_tensors none = {0};
	float *out;

	MUST(r->dims && r->dims % 2 == 0 && r->dims <= head_dim);
	out = malloc(r->dims / 2 * sizeof(*out));
	rope_frequencies(r, &none, 1, out);
	rope_frequencies(r, &none, CONTEXT_MAX, out);
	for (uint32_t i = 0; i < r->dims / 2; i++)
		MUST(isfinite(out[i]));
	free(out);
}

static void check(const struct model_config *c)
{
	MUST(c->layers && c->layers <= LAYERS_MAX && c->width && c->heads && c->kv_heads && c->heads % c->kv_heads == 0);
	MUST(c->head_dim && c->ffn && c->vocabulary && c->context && c->nr_eos <= EOS_MAX && c->sliding);
	MUST(isfinite(c->attention_scale) && isfinite(c->embed_scale) && isfinite(c->norm_eps));
	if (!c->learned_positions) {
		check_rope(&c->rope, c->head_dim);
		check_rope(&c->rope_sliding, c->head_dim);
	}
}

static void check_shape(const uint8_t *bytes, size_t len, bool fits)
{
	struct model_shape s = {0};
	struct err why = {0};

	MUST(model_shape_json((const char *)bytes, len, &s, &why) == 0 || (why.text[0] && !fits));
	MUST(s.fits == fits && s.sliding <= s.layers && s.layers <= LAYERS_MAX && (fits || !s.layers || why.text[0]));
	(void)model_shape_kv_bytes(&s, s.context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct model_config c = {0}, beside = {.width = 64, .context = 512};
	struct err err = {0};
	char folder[64];
	bool pools = false;
	int r = config_parse_json((const char *)bytes, len, &c, &err);

	MUST(r == 0 || err.text[0]);
	if (r == 0)
		check(&c);
	model_config_done(&c);
	check_shape(bytes, len, r == 0);
	err = (struct err){0};
	MUST(config_parse_generation((const char *)bytes, len, &beside, &err) == 0 || err.text[0]);
	err = (struct err){0};
	MUST(config_parse_pooling((const char *)bytes, len, &beside, &err) == 0 || err.text[0]);
	err = (struct err){0};
	MUST(config_parse_sentence((const char *)bytes, len, &beside, &err) == 0 || err.text[0]);
	err = (struct err){0};
	MUST(config_parse_modules((const char *)bytes, len, &pools, folder, &beside, &err) == 0 || err.text[0]);
	return 0;
}
