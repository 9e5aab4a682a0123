/* SPDX-License-Identifier: Apache-2.0 */
/* What 'tokenize' and 'detokenize' share: opening the tokenizer, lines of JSON in and out. */
#ifndef HFFS_TOKENS_INT_H
#define HFFS_TOKENS_INT_H

#include <hffs/tokenizer.h>

#include "config_int.h"

/*
 * The tokenizer of a model as a user names it (model_dir_open() says how). It is read whole: nothing of the model is in use when this
 * returns. -EINVAL: wrong usage; else -errno with a sentence.
 */
int tokens_open(const char *verb, const char *model, const struct options *options, struct tokenizer **out, struct err *err);

/*
 * Calls one() with each line of standard input, without its line feed, until one of them fails or the input ends, and writes what one()
 * adds to out, a line feed behind it, before the next line is waited for. err of a failure says which line it was.
 */
int tokens_each_line(int (*one)(const void *ctx, const char *line, size_t len, struct buf *out, struct err *err), const void *ctx,
		     struct err *err);

/* Writes all of it to standard output. 0 or -errno with a sentence. */
int tokens_write(const struct buf *text, struct err *err);

#endif
