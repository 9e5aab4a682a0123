// SPDX-License-Identifier: Apache-2.0
/* Choices: which tokens can be chosen, how often, and that nothing but options, seed and tokens decides. */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <hffs/sample.h>

#define VOCABULARY 1000

static struct sampler *make(const struct sample_options *o, uint32_t vocabulary)
{
	struct sampler *s;

	assert_int_equal(sampler_new(o, vocabulary, &s), 0);
	return s;
}

static uint32_t choose(struct sampler *s, const float *logits)
{
	uint32_t id = UINT32_MAX;

	assert_int_equal(sampler_choose(s, logits, &id), 0);
	return id;
}

/* Logits that are all different and in no order. */
static void scatter(float *logits, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		logits[i] = (float)((i * 7919u + seed * 104729u) % 10007u) / 1000.0f;
}

static void greedy_takes_the_largest(void **state)
{
	static const struct {
		float logits[4];
		uint32_t want;
	} rows[] = {
		{{1, 3, 2, 0}, 1}, {{-5, -4, -3, -9}, 2}, {{2, 2, 2, 2}, 0}, {{0, 5, 5, 1}, 1}, {{NAN, 1, NAN, 2}, 3},
		{{-INFINITY, -INFINITY, 0, -INFINITY}, 2}, {{1, INFINITY, 2, 3}, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(sampler_free) struct sampler *s = make(&(struct sample_options){.top_p = 1, .repeat_penalty = 1}, 4);

		assert_int_equal(choose(s, rows[i].logits), rows[i].want);
	}
}

static void refuses_what_is_no_number(void **state)
{
	static const float none[3] = {NAN, -INFINITY, NAN};
	struct sample_options o;
	uint32_t id = 7;

	(void)state;
	sample_options_init(&o);
	for (int greedy = 0; greedy < 2; greedy++) {
		AUTO(sampler_free) struct sampler *s = NULL;

		o.temperature = greedy ? 0 : 1;
		s = make(&o, 3);
		assert_int_equal(sampler_choose(s, none, &id), -EDOM);
		assert_int_equal(id, 7);
	}
}

/* The k that may come are the k largest, whatever the order they stand in. */
static void top_k_is_exact(void **state)
{
	float logits[VOCABULARY];

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		struct sample_options o = {.temperature = 1e6, .top_k = 1 + round % 17, .top_p = 1, .repeat_penalty = 1, .seed = round};
		AUTO(sampler_free) struct sampler *s = make(&o, VOCABULARY);
		bool came[VOCABULARY] = {0};
		uint32_t nr = 0;

		scatter(logits, VOCABULARY, round);
		if (round % 3 == 0)
			for (uint32_t i = 0; i < VOCABULARY; i++)
				logits[i] = (float)(i % 5); /* many that are equal */
		for (int i = 0; i < 400; i++)
			came[choose(s, logits)] = true;
		for (uint32_t i = 0; i < VOCABULARY; i++) {
			uint32_t before = 0;

			for (uint32_t j = 0; j < VOCABULARY; j++)
				before += logits[j] > logits[i] || (!(logits[j] < logits[i]) && j < i);
			nr += came[i];
			assert_true(!came[i] || before < o.top_k);
		}
		assert_int_equal(nr, o.top_k); /* so hot that all come in 400 draws */
	}
}

/* Probabilities 0.5, 0.25, 0.125, 0.125. */
static const float halves[4] = {0, -0.69314718f, -1.38629436f, -1.38629436f};

static void cuts_by_probability(void **state)
{
	static const struct {
		double top_p, min_p;
		uint32_t nr;
	} rows[] = {
		{1, 0, 4}, {0.4, 0, 1}, {0.6, 0, 2}, {0.8, 0, 3}, {0, 0, 1}, {1, 0.4, 2}, {1, 0.6, 1}, {1, 0.2, 4}, {0.6, 0.6, 1}, {1, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sample_options o = {
			.temperature = 1, .top_p = rows[i].top_p, .min_p = rows[i].min_p, .repeat_penalty = 1, .seed = i};
		AUTO(sampler_free) struct sampler *s = make(&o, 4);
		uint32_t most = 0;

		for (int n = 0; n < 300; n++) {
			uint32_t id = choose(s, halves);

			most = id > most ? id : most;
		}
		assert_int_equal(most + 1, rows[i].nr);
	}
}

static void draws_as_often_as_probable(void **state)
{
	static const double want[4] = {0.5, 0.25, 0.125, 0.125};
	/* Temperature 2 takes square roots of what is then made to add up to 1. */
	static const double warm[4] = {0.3694, 0.2612, 0.1847, 0.1847};

	(void)state;
	for (int hot = 0; hot < 2; hot++) {
		struct sample_options o = {.temperature = hot ? 2 : 1, .top_p = 1, .repeat_penalty = 1, .seed = 42};
		AUTO(sampler_free) struct sampler *s = make(&o, 4);
		uint32_t nr[4] = {0};

		for (int i = 0; i < 40000; i++)
			nr[choose(s, halves)]++;
		for (int i = 0; i < 4; i++)
			assert_true(fabs(nr[i] / 40000.0 - (hot ? warm[i] : want[i])) < 0.01);
	}
}

static void penalty_is_for_what_was_noted(void **state)
{
	static const float logits[4] = {4, 3, -1, -1.5f};
	struct sample_options o = {.repeat_penalty = 2, .top_p = 1};
	AUTO(sampler_free) struct sampler *s = make(&o, 4);

	(void)state;
	assert_int_equal(choose(s, logits), 0);
	sampler_note(s, 0); /* 2, 3, -1, -1.5 */
	assert_int_equal(choose(s, logits), 1);
	sampler_note(s, 1); /* 2, 1.5, -1, -1.5 */
	sampler_note(s, 1); /* once is enough */
	sampler_note(s, 4); /* beyond the vocabulary */
	assert_int_equal(choose(s, logits), 0);
}

static void seed_decides(void **state)
{
	struct sample_options o;
	float logits[VOCABULARY];
	uint32_t first[50], same = 0;

	(void)state;
	sample_options_init(&o);
	scatter(logits, VOCABULARY, 3);
	for (uint64_t seed = 0; seed < 4; seed++) {
		AUTO(sampler_free) struct sampler *s = NULL;

		o.seed = seed / 2;
		s = make(&o, VOCABULARY);
		for (int i = 0; i < 50; i++) {
			uint32_t id = choose(s, logits);

			if (seed == 0)
				first[i] = id;
			else if (seed == 1)
				assert_int_equal(id, first[i]);
			else
				same += id == first[i];
		}
	}
	assert_true(same < 60); /* of 100: another seed is another text */
}

static void tells_logarithms(void **state)
{
	static const float logits[5] = {0, -0.69314718f, NAN, -1.38629436f, -1.38629436f};
	struct logprob top[3];

	(void)state;
	assert_true(fabs(sample_logprob(logits, 5, 0) + 0.693147) < 1e-6);
	assert_true(fabs(sample_logprob(logits, 5, 3) + 2.079442) < 1e-6);
	sample_top(logits, 5, top, 3);
	assert_int_equal(top[0].id, 0);
	assert_int_equal(top[1].id, 1);
	assert_int_equal(top[2].id, 3);
	assert_true(fabs(top[1].logprob + 1.386294) < 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greedy_takes_the_largest),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(top_k_is_exact),
		cmocka_unit_test(cuts_by_probability),
		cmocka_unit_test(draws_as_often_as_probable),
		cmocka_unit_test(penalty_is_for_what_was_noted),
		cmocka_unit_test(seed_decides),
		cmocka_unit_test(tells_logarithms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
