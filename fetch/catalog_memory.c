// SPDX-License-Identifier: Apache-2.0
/* What the catalog remembers, and under which keys: revisions and rosters with their age, absences, trees. */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>

/* --- outcomes --- */

void outcome_done(struct outcome *o)
{
	roster_unref(TAKE(o->roster));
	tree_unref(TAKE(o->tree));
}

int outcome_fail(struct outcome *o, int r, const struct err *err, const char *what)
{
	outcome_done(o);
	o->r = r;
	if (err && err->text[0])
		o->err = *err;
	else
		err_set(&o->err, r, "%s: %s", what, strerror(-r));
	o->err.code = r;
	return r;
}

/* --- keys --- */

static int add_tail(char out[KEY_MAX], int len, const struct repo_id *repo, const char *rev)
{
	int n;

	if (len < 0 || len >= KEY_MAX)
		return -ENAMETOOLONG;
	n = snprintf(out + len, (size_t)(KEY_MAX - len), "%s/%s%s%s", repo_kind_plural(repo->kind), repo->name, rev ? "\n" : "",
		     rev ? rev : "");
	return n < KEY_MAX - len ? 0 : -ENAMETOOLONG;
}

/* Who asks: false when nobody may any more. */
static bool find_identity(struct catalog *c, char out[17])
{
	if (!catalog_enter(c))
		return false;
	hub_identity(c->hub, c->salt, out);
	catalog_leave(c);
	return true;
}

int key_format(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX])
{
	char identity[17];

	if (!find_identity(c, identity))
		return -ECANCELED;
	return add_tail(out, snprintf(out, KEY_MAX, "%c%s\n%s\n", kind, c->endpoint, identity), repo, rev);
}

int key_derive(const struct inquiry *q, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX])
{
	memcpy(out, q->key, q->prefix_len);
	out[0] = (char)kind;
	return add_tail(out, (int)q->prefix_len, repo, rev);
}

size_t key_prefix_len(const char *key)
{
	const char *end = strchr(key, '\n');

	end = end ? strchr(end + 1, '\n') : NULL;
	return end ? (size_t)(end - key) + 1 : 0;
}

bool inquiry_is_current(const struct inquiry *q)
{
	char identity[17];

	return find_identity(q->c, identity) &&
	       !memcmp(q->key + q->prefix_len - 1 - strlen(identity), identity, strlen(identity));
}

bool key_is_of(const char *key, const struct repo_id *repo)
{
	char mark[REPO_NAME_MAX + 16];

	if (!repo)
		return true;
	snprintf(mark, sizeof(mark), "\n%s/%s\n", repo_kind_plural(repo->kind), repo->name);
	return strstr(key, mark) != NULL;
}

/* --- memory --- */

static void known_free(struct lru_node *n)
{
	struct known *k = container_of(n, struct known, node);

	roster_unref(k->roster);
	free(k->negative_text);
	free(k);
}

static void kept_tree_free(struct lru_node *n)
{
	struct kept_tree *k = container_of(n, struct kept_tree, node);

	tree_unref(k->tree);
	free(k);
}

struct known *known_find_locked(struct catalog *c, const char *key)
{
	struct lru_node *n = lru_find(&c->known, key);

	return n ? container_of(n, struct known, node) : NULL;
}

struct known *known_make_locked(struct catalog *c, const char *key)
{
	struct known *k = known_find_locked(c, key);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	if (lru_put(&c->known, &k->node, key, sizeof(*k) + strlen(key)) < 0) {
		free(k);
		return NULL;
	}
	return k;
}

void known_set_roster_locked(struct catalog *c, struct known *k, struct roster *r)
{
	roster_unref(k->roster);
	k->roster = roster_ref(r);
	lru_set_cost(&c->known, &k->node, sizeof(*k) + strlen(k->node.key) + r->bytes);
}

void known_set_negative_locked(struct catalog *c, const char *key, int r, const char *text)
{
	struct known *k = known_make_locked(c, key);

	if (!k)
		return;
	free(k->negative_text);
	k->negative_text = strdup(text);
	k->negative = r;
	k->negative_until_ms = clock_mono_ms() + NEGATIVE_MS;
}

uint64_t fresh_until(uint64_t ttl_ms, uint64_t age_ms)
{
	if (ttl_ms == UINT64_MAX)
		return UINT64_MAX;
	if (age_ms >= ttl_ms)
		return 0;
	return min_u64(clock_mono_ms() + (ttl_ms - age_ms), UINT64_MAX - 1);
}

uint64_t fresh_left(uint64_t fresh_until_ms)
{
	uint64_t now = clock_mono_ms();

	if (fresh_until_ms == UINT64_MAX)
		return UINT64_MAX;
	return fresh_until_ms > now ? fresh_until_ms - now : 0;
}

static enum found find_tree_locked(struct catalog *c, const char *key, struct outcome *out)
{
	struct lru_node *n = lru_find(&c->trees, key);
	struct kept_tree *kept = n ? container_of(n, struct kept_tree, node) : NULL;

	if (!kept)
		return FOUND_NOTHING;
	if (clock_mono_ms() >= kept->until_ms) {
		lru_drop(&c->trees, n);
		return FOUND_NOTHING;
	}
	out->tree = tree_ref(kept->tree);
	return FOUND_FRESH;
}

/* A directory of a commit that is known as a whole, or as that directory; absences are the kernel's to remember. */
static enum found find_listing_locked(struct catalog *c, enum inquiry_kind kind, const char *key, struct outcome *out)
{
	char other[KEY_MAX];
	size_t len = strlen(key);

	if (len >= sizeof(other))
		return FOUND_NOTHING;
	memcpy(other, key, len + 1);
	other[0] = kind == INQUIRY_PATH ? (char)kind : INQUIRY_DIR;
	if (find_tree_locked(c, other, out) == FOUND_FRESH)
		return FOUND_FRESH;
	if (kind != INQUIRY_LISTING || key[len - 1] != '/')
		return FOUND_NOTHING;
	other[0] = INQUIRY_TREE; /* "<commit>/" is the root: perhaps all of the commit is known */
	other[len - 1] = '\0';
	if (find_tree_locked(c, other, out) == FOUND_NOTHING)
		return FOUND_NOTHING;
	out->is_whole = true;
	return FOUND_FRESH;
}

static bool hub_seems_gone_locked(const struct catalog *c)
{
	return c->is_gone && (c->probes > 0 || clock_mono_ms() - c->gone_ms < GONE_MS);
}

enum found memory_find_locked(struct catalog *c, enum inquiry_kind kind, const char *key, bool is_offline, struct outcome *out)
{
	struct known *k = kind == INQUIRY_USED ? NULL : known_find_locked(c, key);
	uint64_t now = clock_mono_ms();
	bool is_fresh;

	*out = (struct outcome){0};
	if (kind == INQUIRY_TREE && find_tree_locked(c, key, out) == FOUND_FRESH)
		return FOUND_FRESH;
	if ((kind == INQUIRY_LISTING || kind == INQUIRY_DIR || kind == INQUIRY_PATH) &&
	    find_listing_locked(c, kind, key, out) == FOUND_FRESH)
		return FOUND_FRESH;
	if (k && now < k->negative_until_ms) {
		out->r = err_set(&out->err, k->negative, "%s", k->negative_text ? k->negative_text : strerror(-k->negative));
		return FOUND_FRESH;
	}
	if (!k || !k->has)
		return FOUND_NOTHING;
	is_fresh = now < k->fresh_until_ms;
	if (!is_fresh && !is_offline && !hub_seems_gone_locked(c))
		return FOUND_NOTHING;
	out->rev = k->rev;
	out->rev.ttl_ms = fresh_left(k->fresh_until_ms);
	out->roster = k->roster ? roster_ref(k->roster) : NULL;
	out->is_unstored = k->is_unstored;
	k->is_unstored = false;
	return is_fresh ? FOUND_FRESH : FOUND_STALE;
}

static bool repo_equal(const struct repo_id *a, const struct repo_id *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name);
}

void known_forget_locked(struct known *k, const struct repo_id *repo)
{
	bool is_revision = k->node.key[0] == INQUIRY_REVISION;

	if (!key_is_of(k->node.key, repo) && !(is_revision && k->has && repo_equal(&k->rev.repo, repo)))
		return;
	k->negative_until_ms = 0;
	if (!is_revision || !revision_is_commit(strrchr(k->node.key, '\n') + 1))
		k->fresh_until_ms = 0;
}

void memory_init(struct catalog *c)
{
	lru_init(&c->known, KNOWN_MAX, KNOWN_COST_MAX, known_free);
	lru_init(&c->trees, TREES_MAX, TREES_COST_MAX, kept_tree_free);
}
