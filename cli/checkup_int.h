/* SPDX-License-Identifier: Apache-2.0 */
/* What hffs doctor finds: a sentence each, in the order in which it was looked at. */
#ifndef HFFS_CHECKUP_INT_H
#define HFFS_CHECKUP_INT_H

#include <stdbool.h>

#include "config_int.h"

enum health {
	HEALTH_OK,
	HEALTH_NOTE,   /* works, but somebody may want to know */
	HEALTH_BROKEN, /* something does not work; the sentence says what to do */
};
struct finding {
	const char *name; /* of what was looked at; static */
	enum health health;
	char *text;
};
struct checkup {
	struct finding *findings;
	size_t nr;
	bool no_memory; /* some are missing */
};

void checkup_add(struct checkup *c, enum health health, const char *name, const char *fmt, ...) PRINTF_LIKE(4, 5);
void checkup_done(struct checkup *c);
static inline void checkup_done_auto(struct checkup *c)
{
	checkup_done(c);
}
#define AUTO_CHECKUP __attribute__((cleanup(checkup_done_auto))) struct checkup

/* checkup_machine.c: the kernel, libfuse, what mounts for whom; mounts that are there, and dead ones. Waits 3 s for one that hangs. */
void check_machine(struct checkup *c, const struct config *config);
void check_mounts(struct checkup *c);
/* checkup_cache.c: the directory and its disk, where a nameless file is made and thrown away. */
void check_cache(struct checkup *c, const struct config *config);
/* checkup_hub.c: which settings are read, proxies, and one request: is the Hub there, is its clock ours, does it take the token? */
void check_hub(struct checkup *c, const struct config *config);

#endif
