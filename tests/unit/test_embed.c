// SPDX-License-Identifier: Apache-2.0
/* What a repository of sentence-transformers asks to do to a text. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/embed.h>

#define PROMPTS "\"prompts\": {\"query\": \"Find: \", \"document\": null}"
#define DEFAULT(name) "{" PROMPTS ", \"default_prompt_name\": " name "}"

static void reads_rules(void **state)
{
	static const struct {
		const char *sentence, *config, *prompt;
		bool lower;
	} rows[] = {
		{NULL, NULL, NULL, false},
		{"{\"max_seq_length\": 8, \"do_lower_case\": false}", "{" PROMPTS "}", NULL, false},
		{"{\"do_lower_case\": true}", DEFAULT("null"), NULL, true},
		{NULL, DEFAULT("\"query\""), "Find: ", false},
		{NULL, DEFAULT("\"document\""), NULL, false},
		{NULL, "{\"default_prompt_name\": \"query\"}", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct embed_rules rules = {0};

		assert_int_equal(embed_rules_parse(rows[i].sentence, rows[i].config, &rules, NULL), 0);
		assert_int_equal(rules.lower, rows[i].lower);
		if (rows[i].prompt)
			assert_string_equal(rules.prompt, rows[i].prompt);
		else
			assert_null(rules.prompt);
		embed_rules_done(&rules);
	}
}

static void refuses_rules(void **state)
{
	static const struct {
		const char *sentence, *config, *says;
	} rows[] = {
		{"[]", NULL, "sentence_bert_config.json"},
		{NULL, "{", "config_sentence_transformers.json"},
		{NULL, "{\"default_prompt_name\": \"other\"}", "no prompt 'other'"},
		{NULL, DEFAULT("\"other\""), "no prompt 'other'"},
		{NULL, "{\"prompts\": {\"query\": 1}, \"default_prompt_name\": \"query\"}", "no prompt 'query'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct embed_rules rules = {0};
		struct err err = {0};

		assert_int_equal(embed_rules_parse(rows[i].sentence, rows[i].config, &rules, &err), -EBADMSG);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rules),
		cmocka_unit_test(refuses_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
