// SPDX-License-Identifier: Apache-2.0
/* Lists of numbers as JSON. Floats are written so that reading gives the same float back. */
#include "run_int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "cli_int.h"

void json_add_ids(struct buf *out, const uint32_t *ids, size_t nr)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < nr; i++)
		buf_addf(out, i ? ",%u" : "%u", ids[i]);
	buf_addc(out, ']');
}

void json_add_number(struct buf *out, double value)
{
	if (isfinite(value))
		buf_addf(out, "%.9g", value);
	else
		buf_adds(out, "null"); /* JSON has no word for it */
}

void json_add_floats(struct buf *out, const float *values, size_t nr)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < nr; i++) {
		if (i)
			buf_addc(out, ',');
		json_add_number(out, (double)values[i]);
	}
	buf_addc(out, ']');
}

int print_json(const char *verb, struct buf *out)
{
	struct err err = {0};

	buf_addc(out, '\n');
	if (out->failed)
		return say_failed(verb, err_set(&err, -ENOMEM, "out of memory"), &err);
	if (fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout))
		return say_failed(verb, err_set(&err, -EIO, "cannot write to standard output"), &err);
	return EXIT_OK;
}
