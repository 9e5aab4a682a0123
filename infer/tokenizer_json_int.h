/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of tokenizer.json; each reader adds to the tokenizer what the JSON says, sequences taken apart. */
#ifndef HFFS_TOKENIZER_JSON_INT_H
#define HFFS_TOKENIZER_JSON_INT_H

#include <hffs/json.h>

#include "tokenizer_int.h"

int tokenizer_read_normalizer(struct tokenizer *t, const struct json *j, struct err *err);
int tokenizer_read_splitter(struct tokenizer *t, const struct json *j, struct err *err);
int tokenizer_read_decoder(struct tokenizer *t, const struct json *j, struct err *err);
int tokenizer_read_post(struct tokenizer *t, const struct json *j, struct err *err);

#endif
