// SPDX-License-Identifier: Apache-2.0
/* Sets of refs and of commits. */
#include "git_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int refs_add(struct refs *r, enum ref_kind kind, const char *name, const char *full, const char *commit)
{
	struct ref *more = reallocarray(r->list, r->nr + 1, sizeof(*more)), *to;

	if (!more)
		return -ENOMEM;
	r->list = more;
	to = &more[r->nr];
	*to = (struct ref){.kind = kind, .name = strdup(name), .full = strdup(full)};
	snprintf(to->commit, sizeof(to->commit), "%s", commit);
	r->nr++;
	return to->name && to->full ? 0 : -ENOMEM;
}

void refs_done(struct refs *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		free(r->list[i].name);
		free(r->list[i].full);
	}
	free(r->list);
	*r = (struct refs){0};
}

void commits_done(struct commits *c)
{
	for (size_t i = 0; i < c->nr; i++) {
		free(c->list[i].author);
		free(c->list[i].title);
		free(c->list[i].message);
	}
	free(c->list);
	*c = (struct commits){0};
}
