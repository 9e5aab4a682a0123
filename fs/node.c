// SPDX-License-Identifier: Apache-2.0
/*
 * The node table: two chained hash tables over the same nodes, by id and by (parent, name). A node lives while the kernel has
 * looked it up, a child of it lives, or somebody pinned it; then it goes, and perhaps its parent with it.
 *
 * Names of entries stay in the listing: a million nodes of one directory cost about 100 bytes each.
 */
#include <hffs/node.h>

#include <errno.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/scheme.h>

static bool owns_name(const struct node *n)
{
	switch ((enum node_type)n->type) {
	case NODE_DIR:
	case NODE_FILE:
	case NODE_SNAP_DIR:
	case NODE_POINTER:
	case NODE_ABSENT_DIR:
		return false;
	default:
		return true;
	}
}

static bool owns_site(const struct node *n)
{
	switch ((enum node_type)n->type) {
	case NODE_REPO:
	case NODE_COMMIT:
	case NODE_LARGE_DIR:
	case NODE_HUB_REPO:
	case NODE_BLOB:
	case NODE_SNAPSHOT:
	case NODE_ABSENT_COMMIT:
		return true;
	default:
		return false;
	}
}

static struct node **id_bucket(const struct nodes *t, uint64_t id)
{
	return &t->by_id[(id * 0x9e3779b97f4a7c15u >> 20) & (t->cap - 1)];
}

static struct node **name_bucket(const struct nodes *t, const struct node *parent, const char *name, size_t len)
{
	return &t->by_name[digest_hash64(name, len, parent->id) & (t->cap - 1)];
}

static void link_id(struct nodes *t, struct node *n)
{
	struct node **b = id_bucket(t, n->id);

	n->next_by_id = *b;
	*b = n;
}

static void link_name(struct nodes *t, struct node *n)
{
	struct node **b = name_bucket(t, n->parent, n->name, strlen(n->name));

	n->next_by_name = *b;
	*b = n;
}

static void unlink_id(struct nodes *t, struct node *n)
{
	struct node **p = id_bucket(t, n->id);

	while (*p != n)
		p = &(*p)->next_by_id;
	*p = n->next_by_id;
}

static void unlink_name(struct nodes *t, struct node *n)
{
	struct node **p = name_bucket(t, n->parent, n->name, strlen(n->name));

	while (*p != n)
		p = &(*p)->next_by_name;
	*p = n->next_by_name;
}

static int alloc_buckets(struct nodes *t, size_t cap)
{
	t->by_id = calloc(cap, sizeof(*t->by_id));
	t->by_name = calloc(cap, sizeof(*t->by_name));
	t->cap = cap;
	if (t->by_id && t->by_name)
		return 0;
	free(t->by_id);
	free(t->by_name);
	return -ENOMEM;
}

/* Doubles the buckets. Without memory the chains grow instead. */
static void grow(struct nodes *t)
{
	struct nodes next = *t;

	if (alloc_buckets(&next, t->cap * 2) < 0)
		return;
	for (size_t i = 0; i < t->cap; i++)
		for (struct node *n = t->by_id[i], *after; n; n = after) {
			after = n->next_by_id;
			link_id(&next, n);
			if (n->is_named)
				link_name(&next, n);
		}
	free(t->by_id);
	free(t->by_name);
	*t = next;
}

int nodes_init(struct nodes *t, enum node_type root_type, uint64_t root_ino)
{
	*t = (struct nodes){0};
	t->root = calloc(1, sizeof(*t->root));
	if (!t->root)
		return -ENOMEM;
	if (alloc_buckets(t, 256) < 0) {
		free(t->root);
		return -ENOMEM;
	}
	t->root->id = t->last_id = NODE_ROOT_ID;
	t->root->ino = root_ino;
	t->root->type = (uint8_t)root_type;
	t->root->pins = 1;
	t->root->name = "";
	t->nr = 1;
	link_id(t, t->root);
	return 0;
}

/* No const away from a borrowed name: owned ones were made by strndup(). */
static void free_name(struct node *n)
{
	if (n->parent && owns_name(n))
		free((void *)(uintptr_t)n->name);
}

static void node_free(struct node *n)
{
	free_name(n);
	free(n->target);
	if (owns_site(n))
		site_unref(n->site);
	free(n);
}

void nodes_done(struct nodes *t)
{
	for (size_t i = 0; i < t->cap; i++)
		for (struct node *n = t->by_id[i], *after; n; n = after) {
			after = n->next_by_id;
			node_free(n);
		}
	free(t->by_id);
	free(t->by_name);
	*t = (struct nodes){0};
}

struct node *node_find(const struct nodes *t, uint64_t id)
{
	struct node *n = *id_bucket(t, id);

	while (n && n->id != id)
		n = n->next_by_id;
	return n;
}

struct node *node_find_child(const struct nodes *t, const struct node *parent, const char *name, size_t len)
{
	struct node *n = *name_bucket(t, parent, name, len);

	while (n && !(n->parent == parent && strlen(n->name) == len && !memcmp(n->name, name, len)))
		n = n->next_by_name;
	return n;
}

struct node *node_add(struct nodes *t, struct node *parent, enum node_type type, const char *name, size_t len, struct site *site)
{
	struct node *n = calloc(1, sizeof(*n)), *old = node_find_child(t, parent, name, len);

	if (!n)
		return NULL;
	n->type = (uint8_t)type;
	n->name = owns_name(n) ? strndup(name, len) : name;
	if (!n->name) {
		free(n);
		return NULL;
	}
	if (old)
		node_detach(t, old);
	n->id = ++t->last_id;
	n->ino = scheme_ino(node_dir_ino(parent), name, len);
	n->parent = parent;
	n->kind = parent->kind;
	n->site = site;
	n->is_named = true;
	node_pin(parent);
	if (++t->nr > t->cap)
		grow(t);
	link_id(t, n);
	link_name(t, n);
	return n;
}

void node_detach(struct nodes *t, struct node *n)
{
	if (!n->is_named)
		return;
	unlink_name(t, n);
	n->is_named = false;
}

/* Frees n if nothing counts it; its parent may follow. */
static void collect(struct nodes *t, struct node *n)
{
	while (n && !n->lookups && !n->pins) {
		struct node *parent = n->parent;

		node_detach(t, n);
		unlink_id(t, n);
		t->nr--;
		node_free(n);
		n = parent;
		n->pins--;
	}
}

void node_look(struct node *n)
{
	n->lookups++;
}

void node_forget(struct nodes *t, struct node *n, uint64_t lookups)
{
	n->lookups -= min_u64(n->lookups, lookups);
	collect(t, n);
}

void node_pin(struct node *n)
{
	n->pins++;
}

void node_unpin(struct nodes *t, struct node *n)
{
	n->pins--;
	collect(t, n);
}

struct site *site_new(const struct repo_id *repo, const char *commit)
{
	struct site *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->repo = *repo;
	memcpy(s->commit, commit, strnlen(commit, COMMIT_MAX - 1));
	return s;
}

struct site *site_ref(struct site *s)
{
	s->refs++;
	return s;
}

void site_leave(struct site *s)
{
	if (!s->prev)
		return;
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->prev = NULL;
}

struct site *nodes_find_site(const struct nodes *t, const struct repo_id *repo, const char *commit)
{
	struct site *s = t->sites;

	while (s && !(s->repo.kind == repo->kind && !strcmp(s->commit, commit) && !strcmp(s->repo.name, repo->name)))
		s = s->next;
	return s;
}

struct site *nodes_site(struct nodes *t, const struct repo_id *repo, const char *commit)
{
	struct site *s = nodes_find_site(t, repo, commit);

	if (s)
		return site_ref(s);
	s = site_new(repo, commit);
	if (!s)
		return NULL;
	s->next = t->sites;
	s->prev = &t->sites;
	if (s->next)
		s->next->prev = &s->next;
	t->sites = s;
	return s;
}

struct site *site_new_below(struct site *dir, const char *name)
{
	struct site *s = site_new(&dir->repo, dir->commit);

	if (!s)
		return NULL;
	s->path = dir->path ? str_printf("%s/%s", dir->path, name) : strdup(name);
	if (!s->path) {
		site_unref(s);
		return NULL;
	}
	s->root = site_ref(site_root(dir));
	s->is_large = true;
	s->is_gated = dir->is_gated;
	s->mtime_s = dir->mtime_s;
	s->card = dir->card;
	return s;
}

void site_path(const struct site *s, const struct tree_entry *e, struct buf *out)
{
	if (s->path)
		buf_addf(out, "%s/", s->path);
	tree_path(s->tree, e, out);
}

void site_unref(struct site *s)
{
	if (!s || --s->refs)
		return;
	site_leave(s);
	tree_unref(s->tree);
	site_unref(s->root);
	free(s->path);
	free(s);
}

uint64_t node_dir_ino(const struct node *n)
{
	return n->type == NODE_COMMIT && n->site ? n->site->ino : n->ino;
}

void node_path(const struct node *n, struct buf *out)
{
	if (!n->parent)
		return;
	node_path(n->parent, out);
	if (n->parent->parent)
		buf_addc(out, '/');
	buf_adds(out, n->name);
}
