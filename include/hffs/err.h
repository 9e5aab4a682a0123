/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that goes with an errno. */
#ifndef HFFS_ERR_H
#define HFFS_ERR_H

#include <hffs/auto.h>

#define ERR_TEXT_MAX 512

/* code is a negative errno or 0; text is one sentence without a final full stop, "" if there is none. */
struct err {
	int code;
	char text[ERR_TEXT_MAX];
};

/*
 * Sets code and sentence and returns code, so that a caller writes `return err_set(err, -EACCES, "...")`. err may be NULL.
 * Control bytes in the result are shown as \xNN: names from the network reach terminals through here.
 */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The sentence, or strerror() of the code where there is none. Borrowed from err, or static. */
const char *err_text(const struct err *err);

/* Copies text with control bytes (and DEL) as \xNN; always terminates; cuts what does not fit. */
void err_escape(char *out, size_t size, const char *text);

#endif
