/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what to pull: a line is REPO[@REV] [GLOB...], as on a command line. */
#ifndef HFFS_PULL_LIST_INT_H
#define HFFS_PULL_LIST_INT_H

#include <hffs/err.h>

struct pull_line {
	unsigned nr;  /* in the file, from 1 */
	char **words; /* nr_words, at least one */
	size_t nr_words;
};
struct pull_list {
	struct pull_line *lines;
	size_t nr;
};

/* "-" is standard input. -errno with a sentence; -EINVAL: a line that cannot be read, with its number. */
int pull_list_load(const char *path, struct pull_list *out, struct err *err);
void pull_list_done(struct pull_list *l);
static inline void pull_list_done_auto(struct pull_list *l)
{
	pull_list_done(l);
}
#define AUTO_PULL_LIST __attribute__((cleanup(pull_list_done_auto))) struct pull_list

#endif
