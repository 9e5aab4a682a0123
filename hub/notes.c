// SPDX-License-Identifier: Apache-2.0
/* What is remembered of repositories (seen before, access refused a moment ago), and how calls went. */
#include "client_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#define DENIED_MS 60000
#define NOTES_MAX 4096 /* repositories; beyond that all is forgotten, which costs a request each */

struct repo_note {
	char key[REPO_SHOWN_MAX];
	bool was_seen;
	uint64_t denied_until_ms[2]; /* [0] API, [1] content */
	struct hub_result denied[2];
};

void repo_shown(const struct repo_id *repo, char out[REPO_SHOWN_MAX])
{
	snprintf(out, REPO_SHOWN_MAX, "%s%s", repo_kind_prefix(repo->kind), repo->name);
}

static struct repo_note *find_note_locked(struct hub *h, const struct repo_id *repo)
{
	char key[REPO_SHOWN_MAX];

	repo_shown(repo, key);
	return map_find(&h->repos, key, strlen(key));
}

static void drop_notes_locked(struct hub *h)
{
	size_t i = 0;
	struct repo_note *n;

	while ((n = map_next(&h->repos, &i)))
		free(n);
	map_done(&h->repos);
}

/* NULL when out of memory: then nothing is remembered. */
static struct repo_note *ensure_note_locked(struct hub *h, const struct repo_id *repo)
{
	struct repo_note *n = find_note_locked(h, repo);

	if (n)
		return n;
	if (h->repos.nr >= NOTES_MAX)
		drop_notes_locked(h);
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	repo_shown(repo, n->key);
	if (map_put(&h->repos, n->key, strlen(n->key), n) < 0) {
		free(n);
		return NULL;
	}
	return n;
}

void notes_done(struct hub *h)
{
	drop_notes_locked(h);
}

bool hub_is_denied(struct hub *h, const struct repo_id *repo, bool is_content, struct hub_result *res)
{
	uint64_t now = clock_mono_ms();
	struct repo_note *n;
	LOCK_SCOPE(&h->lock);

	n = find_note_locked(h, repo);
	if (!n || now >= n->denied_until_ms[is_content])
		return false;
	*res = n->denied[is_content];
	return true;
}

void hub_note_denied(struct hub *h, const struct repo_id *repo, bool is_content, const struct hub_result *res)
{
	uint64_t now = clock_mono_ms();
	struct repo_note *n;
	LOCK_SCOPE(&h->lock);

	n = ensure_note_locked(h, repo);
	if (!n)
		return;
	n->denied_until_ms[is_content] = now + DENIED_MS;
	n->denied[is_content] = *res;
}

void hub_forget_denials(struct hub *h)
{
	size_t i = 0;
	struct repo_note *n;
	LOCK_SCOPE(&h->lock);

	while ((n = map_next(&h->repos, &i)))
		n->denied_until_ms[0] = n->denied_until_ms[1] = 0;
}

bool hub_was_seen(struct hub *h, const struct repo_id *repo)
{
	struct repo_note *n;
	LOCK_SCOPE(&h->lock);

	n = find_note_locked(h, repo);
	return n && n->was_seen;
}

void hub_note_seen(struct hub *h, const struct repo_id *repo)
{
	struct repo_note *n;
	LOCK_SCOPE(&h->lock);

	n = ensure_note_locked(h, repo);
	if (n)
		n->was_seen = true;
}

void hub_note_fault(struct hub *h, enum hub_fault fault, const struct err *err)
{
	int64_t now_s = clock_wall_s();

	log_debug("%s", err_text(err));
	LOCK_SCOPE(&h->lock);
	h->faults[fault]++;
	snprintf(h->last_error, sizeof(h->last_error), "%s", err_text(err));
	h->last_error_s = now_s;
}
