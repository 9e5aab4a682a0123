// SPDX-License-Identifier: Apache-2.0
/* What must hold of a model's configuration, whichever file it came from. Pure. */
#include "config_int.h"

#include <errno.h>
#include <stdlib.h>

void model_config_done(struct model_config *c)
{
	free(c->sliding);
	free(c->rope.long_factor);
	free(c->rope.short_factor);
	*c = (struct model_config){0};
}

int config_slide(struct model_config *c, uint32_t window, uint32_t pattern)
{
	free(c->sliding);
	c->window = window;
	c->sliding = calloc(c->layers ? c->layers : 1, sizeof(*c->sliding));
	if (!c->sliding)
		return -ENOMEM;
	for (uint32_t i = 0; window && i < c->layers; i++)
		c->sliding[i] = !pattern || (i + 1) % pattern != 0;
	return 0;
}

static int check_range(const char *what, uint64_t value, uint64_t max, struct err *err)
{
	if (value >= 1 && value <= max)
		return 0;
	return err_set(err, -EBADMSG, "the model's configuration says %llu %s; from 1 to %llu are possible", (unsigned long long)value, what,
		       (unsigned long long)max);
}

static int check_rope(const struct model_config *c, const struct rope_config *rope, struct err *err)
{
	if (c->learned_positions)
		return 0;
	if (!rope->dims || rope->dims % 2 || rope->dims > c->head_dim)
		return err_set(err, -EBADMSG, "the model's configuration turns %u of the %u elements of a head", rope->dims, c->head_dim);
	if (!(rope->theta > 1) || !(rope->theta < 1e15) || !(rope->factor > 0) || !(rope->factor < 1e6))
		return err_set(err, -EBADMSG, "the model's configuration has a rope theta of %g and factor of %g", rope->theta, rope->factor);
	if (rope->type == ROPE_DYNAMIC && (rope->dims < 4 || rope->factor < 1 || !rope->original_context))
		return err_set(err, -EBADMSG, "the model's configuration has a dynamic rope with a factor of %g on %u elements", rope->factor,
			       rope->dims);
	if (rope->type == ROPE_LLAMA3 && (!(rope->low_freq_factor > 0) || !(rope->high_freq_factor > rope->low_freq_factor)))
		return err_set(err, -EBADMSG, "the model's configuration has rope factors %g for low and %g for high frequencies",
			       rope->low_freq_factor, rope->high_freq_factor);
	if (rope->type == ROPE_YARN && (!(rope->beta_fast > 0) || !(rope->beta_slow > 0)))
		return err_set(err, -EBADMSG, "the model's configuration has yarn's beta at %g and %g", rope->beta_fast, rope->beta_slow);
	if (rope->type >= ROPE_LLAMA3 && !rope->original_context)
		return err_set(err, -EBADMSG, "the model's configuration does not say for which context its rope was trained");
	return 0;
}

int config_check(const struct model_config *c, struct err *err)
{
	const struct {
		const char *what;
		uint64_t value, max;
	} ranges[] = {
		{"layers", c->layers, LAYERS_MAX},      {"values a token", c->width, WIDTH_MAX},    {"heads", c->heads, HEADS_MAX},
		{"key heads", c->kv_heads, c->heads},   {"values a head", c->head_dim, HEAD_DIM_MAX}, {"inner values", c->ffn, WIDTH_MAX},
		{"tokens", c->vocabulary, VOCABULARY_MAX}, {"positions", c->context, CONTEXT_MAX},
	};
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_SIZE(ranges); i++)
		r = check_range(ranges[i].what, ranges[i].value, ranges[i].max, err);
	if (r < 0)
		return r;
	if (c->heads % c->kv_heads)
		return err_set(err, -EBADMSG, "the model's %u heads are not a multiple of its %u key heads", c->heads, c->kv_heads);
	if ((uint64_t)c->heads * c->head_dim > WIDTH_MAX)
		return err_set(err, -EBADMSG, "the model's %u heads of %u values are too many", c->heads, c->head_dim);
	if (!(c->norm_eps >= 0) || !(c->norm_eps < 1))
		return err_set(err, -EBADMSG, "the model's configuration has an epsilon of %g", (double)c->norm_eps);
	r = check_rope(c, &c->rope, err);
	return r < 0 || !c->window ? r : check_rope(c, &c->rope_sliding, err);
}
