// SPDX-License-Identifier: Apache-2.0
/* Values of the command line. */
#include "run_int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_MAX (1u << 20)
#define THREADS_MAX 1024u

int parse_count(const char *text, uint32_t low, uint32_t high, uint32_t *out)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value < low || value > high)
		return -EINVAL;
	*out = (uint32_t)value;
	return 0;
}

int parse_number(const char *text, double low, double high, double *out)
{
	char *end;
	double value;

	if (strspn(text, "0123456789.eE+-") != strlen(text) || !*text)
		return -EINVAL;
	value = strtod(text, &end);
	if (*end || !isfinite(value) || value < low || value > high)
		return -EINVAL;
	*out = value;
	return 0;
}

int parse_ids(const char *text, struct token_list *out)
{
	for (;;) {
		char number[16];
		size_t len = strcspn(text, ",");
		uint32_t id;

		if (len >= sizeof(number))
			return -EINVAL;
		memcpy(number, text, len);
		number[len] = '\0';
		if (parse_count(number, 0, UINT32_MAX - 1, &id) < 0)
			return -EINVAL;
		if (token_list_add(out, id) < 0)
			return -ENOMEM;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

int parse_model_option(struct run_args *a, int option, const char *value, struct err *err)
{
	uint32_t threads;

	switch (option) {
	case 't':
		if (parse_count(value, 1, THREADS_MAX, &threads) < 0)
			return err_set(err, -EINVAL, "'%s' is no number of threads: 1 to %u", value, THREADS_MAX);
		a->model.threads = threads;
		return 0;
	case 'k':
		a->model.kernels = value;
		return 0;
	case 'c':
		if (parse_count(value, 2, CONTEXT_MAX, &a->context) < 0)
			return err_set(err, -EINVAL, "'%s' is no length of a context: 2 to %u tokens", value, CONTEXT_MAX);
		return 0;
	case 'v':
		if (strcmp(value, "f16") && strcmp(value, "f32"))
			return err_set(err, -EINVAL, "--kv takes f16 or f32, not '%s'", value);
		a->model.kv = strcmp(value, "f32") ? KV_F16 : KV_F32;
		return 0;
	default:
		return 1;
	}
}
