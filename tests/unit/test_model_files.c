// SPDX-License-Identifier: Apache-2.0
/* Names of repositories as they are on the Hub, and what of them makes the model. */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <hffs/model_files.h>

#define NAMES_MAX 8

static size_t count(const char *const *names)
{
	size_t nr = 0;

	while (nr < NAMES_MAX && names[nr])
		nr++;
	return nr;
}

static void chooses_one(void **state)
{
	static const struct {
		const char *names[NAMES_MAX], *wanted, *out;
	} rows[] = {
		{{"README.md", "config.json", "model.safetensors"}, NULL, NULL},
		{{"config.json", "model.safetensors", "x.gguf"}, NULL, NULL},
		{{"config.json", "model.safetensors", "x.gguf"}, "x.gguf", "x.gguf"},
		{{"config.json", "x.gguf"}, NULL, "x.gguf"},
		{{"README.md", "m-Q4_K_M.gguf", "mmproj-m-f16.gguf"}, NULL, "m-Q4_K_M.gguf"},
		{{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, "q8_0", "m-Q8_0.gguf"},
		{{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, "m-Q4_K_M.gguf", "m-Q4_K_M.gguf"},
		{{"a/m-00001-of-00002.gguf", "a/m-00002-of-00002.gguf"}, NULL, "a/m-00001-of-00002.gguf"},
		{{"m-Q4_K.gguf", "m-Q4_K_M.gguf"}, "m-Q4_K.gguf", "m-Q4_K.gguf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *out = "?";

		assert_int_equal(model_files_choose(rows[i].names, count(rows[i].names), rows[i].wanted, &out, NULL), 0);
		if (rows[i].out)
			assert_string_equal(out, rows[i].out);
		else
			assert_null(out);
	}
}

static void says_what_there_is(void **state)
{
	static const struct {
		const char *names[NAMES_MAX], *wanted, *says;
	} rows[] = {
		{{"README.md"}, NULL, "neither config.json"},
		{{NULL}, NULL, "neither config.json"},
		{{"config.json", "pytorch_model.bin"}, NULL, "neither config.json"},
		{{"config.json", "sub/model.safetensors"}, NULL, "neither config.json"},
		{{"a.gguf", "b.gguf"}, NULL, "a.gguf, b.gguf"},
		{{"a.gguf", "b.gguf"}, "q4", "no GGUF file fits 'q4': there are a.gguf, b.gguf"},
		{{"q4_a.gguf", "q4_b.gguf"}, "q4", "several GGUF files fit 'q4'"},
		{{"config.json", "model.safetensors"}, "q4", "nor any other"},
		{{"m-00002-of-00002.gguf"}, NULL, "neither config.json"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *out = "?";
		struct err err = {0};

		assert_int_equal(model_files_choose(rows[i].names, count(rows[i].names), rows[i].wanted, &out, &err), -ENOENT);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_string_equal(out, "?");
	}
}

/* A sentence has an end, however many files there are. */
static void many_names_fit_a_sentence(void **state)
{
	static const char *names[500];
	const char *out;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = "a-rather-long-name-of-a-model-Q4_K_M.gguf";
	assert_int_equal(model_files_choose(names, ARRAY_SIZE(names), NULL, &out, &err), -ENOENT);
	assert_non_null(strstr(err.text, ", ..."));
}

static void needs_what_a_model_is_made_of(void **state)
{
	static const struct {
		const char *name, *gguf;
		bool all, text;
	} rows[] = {
		{"config.json", NULL, true, true},
		{"tokenizer.json", NULL, true, true},
		{"generation_config.json", NULL, true, false},
		{"model-00001-of-00002.safetensors", NULL, true, false},
		{"consolidated.safetensors", NULL, false, false},
		{"pytorch_model.bin", NULL, false, false},
		{"onnx/model.onnx", NULL, false, false},
		{"onnx/config.json", NULL, false, false},
		{"1_Pooling/config.json", NULL, true, false},
		{"chat_template.jinja", NULL, true, true},
		{"x.gguf", NULL, false, false},
		{"x.gguf", "x.gguf", true, true},
		{"y.gguf", "x.gguf", false, false},
		{"config.json", "x.gguf", false, false},
		{"m-00002-of-00002.gguf", "m-00001-of-00002.gguf", true, true},
		{"n-00002-of-00002.gguf", "m-00001-of-00002.gguf", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(model_files_need(rows[i].name, rows[i].gguf, false), rows[i].all);
		assert_int_equal(model_files_need(rows[i].name, rows[i].gguf, true), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_one),
		cmocka_unit_test(says_what_there_is),
		cmocka_unit_test(many_names_fit_a_sentence),
		cmocka_unit_test(needs_what_a_model_is_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
