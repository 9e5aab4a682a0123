// SPDX-License-Identifier: Apache-2.0
/* What generation_config.json may say, and stop strings in a text that arrives in pieces. */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <hffs/generate.h>

static bool is_near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

static void reads_generation_config(void **state)
{
	static const struct {
		const char *text;
		double temperature, top_p, penalty;
		uint32_t top_k, nr_eos, eos[3];
	} rows[] = {
		{"{}", 0.8, 0.95, 1, 40, 0, {0}},
		{"{\"eos_token_id\": 2, \"temperature\": null}", 0.8, 0.95, 1, 40, 1, {2}},
		{"{\"eos_token_id\": [7, 8, 9], \"do_sample\": true, \"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.9}", 0.6, 0.9, 1, 20, 3,
		 {7, 8, 9}},
		{"{\"do_sample\": false, \"temperature\": 0.6, \"repetition_penalty\": 1.05}", 0, 0.95, 1.05, 40, 0, {0}},
		{"{\"top_k\": 0, \"top_p\": 1}", 0.8, 1, 1, 0, 0, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct generation_defaults d;

		assert_int_equal(generation_defaults_parse(rows[i].text, strlen(rows[i].text), &d, NULL), 0);
		assert_true(is_near(d.sample.temperature, rows[i].temperature));
		assert_true(is_near(d.sample.top_p, rows[i].top_p));
		assert_true(is_near(d.sample.repeat_penalty, rows[i].penalty));
		assert_int_equal(d.sample.top_k, rows[i].top_k);
		assert_int_equal(d.nr_eos, rows[i].nr_eos);
		for (uint32_t n = 0; n < d.nr_eos; n++)
			assert_int_equal(d.eos[n], rows[i].eos[n]);
	}
}

static void refuses_generation_config(void **state)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{"[]", "no JSON object"},
		{"{", "no JSON object"},
		{"", "no JSON object"},
		{"{\"temperature\": -1}", "temperature"},
		{"{\"temperature\": 1e999}", "temperature"},
		{"{\"temperature\": \"hot\"}", "temperature"},
		{"{\"top_p\": 1.1}", "top_p"},
		{"{\"top_k\": -1}", "top_k"},
		{"{\"min_p\": 2}", "min_p"},
		{"{\"repetition_penalty\": 0}", "repetition_penalty"},
		{"{\"eos_token_id\": -1}", "eos_token_id"},
		{"{\"eos_token_id\": 4294967295}", "eos_token_id"},
		{"{\"eos_token_id\": [1, \"x\"]}", "eos_token_id"},
		{"{\"eos_token_id\": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}", "more than 16"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct generation_defaults d;
		struct err err = {0};

		assert_int_equal(generation_defaults_parse(rows[i].text, strlen(rows[i].text), &d, &err), -EBADMSG);
		assert_non_null(strstr(err.text, rows[i].names));
	}
}

static void names_what_is_not_applied(void **state)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{"{}", ""},
		{"{\"no_repeat_ngram_size\": 0, \"num_beams\": 1, \"typical_p\": 1.0, \"bad_words_ids\": [], \"stop_strings\": null}", ""},
		{"{\"no_repeat_ngram_size\": 3, \"suppress_tokens\": [5]}", "no_repeat_ngram_size, suppress_tokens"},
		{"{\"forced_eos_token_id\": 0, \"stop_strings\": \"x\"}", "forced_eos_token_id, stop_strings"},
		{"{\"typical_p\": 0.9}", "typical_p"},
		{"{\"typical_p\": 0.9, \"min_length\": 5, \"do_sample\": false}", "min_length"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct generation_defaults d;

		assert_int_equal(generation_defaults_parse(rows[i].text, strlen(rows[i].text), &d, NULL), 0);
		assert_string_equal(d.not_applied, rows[i].names);
	}
}

/* Pieces are separated by '|'; what comes out is written the same way. */
static void stops_where_a_string_is_complete(void **state)
{
	static const struct {
		const char *stops[3], *pieces, *want;
		bool hit;
	} rows[] = {
		{{NULL}, "one|two", "one|two|", false},
		{{"END"}, "one END two", "one |", true},
		{{"END"}, "one E|N|D two|three", "one ||||", true},
		{{"END"}, "one E|N|E|N", "one ||EN||EN", false},
		{{"END"}, "EEN|END", "E|EN|", true},
		{{"ab", "b"}, "xab", "x|", true},
		{{"b", "xab"}, "xa|b", "||", true},
		{{"aab"}, "aaa|b", "a||", true},
		{{"\n\n"}, "a\n|b\n\n|c", "a|\nb||", true},
		{{"END"}, "", "|", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stop_filter f = {.stops = rows[i].stops};
		AUTO_FREE char *copy = strdup(rows[i].pieces);
		AUTO_BUF out = {0};
		char *rest = copy, *piece;

		while (f.nr < 3 && rows[i].stops[f.nr])
			f.nr++;
		while ((piece = strsep(&rest, "|"))) {
			stop_filter_add(&f, piece, strlen(piece), &out);
			buf_addc(&out, '|');
		}
		assert_int_equal(f.hit, rows[i].hit);
		stop_filter_end(&f, &out);
		assert_string_equal(out.data, rows[i].want);
		stop_filter_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_generation_config),
		cmocka_unit_test(refuses_generation_config),
		cmocka_unit_test(names_what_is_not_applied),
		cmocka_unit_test(stops_where_a_string_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
