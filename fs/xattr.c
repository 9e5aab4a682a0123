// SPDX-License-Identifier: Apache-2.0
/*
 * Extended attributes user.hffs.*, read only, made when asked for. A foreign name is -EOPNOTSUPP: "no such attribute" would make
 * `ls -l` ask for every file again. [measured with coreutils 9.1, 2026]
 */
#include "vfs_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/url.h>

#define PREFIX "user.hffs."

/* What one attribute is made from; borrowed. */
struct subject {
	struct vfs *vfs;
	const struct node *node; /* pinned */
	struct site site; /* a copy: of one mounted repository it is filled in later; the tree is borrowed from the node */
	const struct tree_entry *entry; /* files */
	struct blob_info info;   /* .cached, .verified */
};

static int get_repo(const struct subject *s, struct buf *out)
{
	buf_addf(out, "%s%s", repo_kind_prefix(s->site.repo.kind), s->site.repo.name);
	return 0;
}

static int get_commit(const struct subject *s, struct buf *out)
{
	buf_adds(out, s->site.commit);
	return s->site.commit[0] ? 0 : -ENODATA;
}

static int get_path(const struct subject *s, struct buf *out)
{
	site_path(&s->site, s->entry, out);
	return 0;
}

static int get_digest(const struct subject *s, enum blob_algo algo, struct buf *out)
{
	char hex[BLOB_ID_HEX_MAX];

	if (s->entry->id.algo != algo)
		return -ENODATA;
	blob_id_format(&s->entry->id, hex);
	buf_adds(out, hex);
	return 0;
}

static int get_oid(const struct subject *s, struct buf *out)
{
	return get_digest(s, BLOB_SHA1_GIT, out);
}

static int get_sha256(const struct subject *s, struct buf *out)
{
	return get_digest(s, BLOB_SHA256, out);
}

static int get_xet(const struct subject *s, struct buf *out)
{
	const uint8_t *xet = tree_xet(s->site.tree, s->entry);
	char hex[65];

	if (!xet)
		return -ENODATA;
	hex_format(xet, 32, hex);
	buf_adds(out, hex);
	return 0;
}

/* Of directories: what the Hub says of the repository at this revision. */
static int get_word(const struct subject *s, size_t off, struct buf *out)
{
	const char *word = (const char *)&s->site.card + off;

	buf_adds(out, word);
	return *word ? 0 : -ENODATA;
}

static int get_params(const struct subject *s, struct buf *out)
{
	buf_addf(out, "%llu", (unsigned long long)s->site.card.params);
	return s->site.card.params ? 0 : -ENODATA;
}

static int get_gated(const struct subject *s, struct buf *out)
{
	buf_adds(out, !s->site.is_gated ? "false" : s->site.card.gated[0] ? s->site.card.gated : "true");
	return s->site.repo.name[0] && (s->node->type != NODE_COMMIT || s->site.commit[0]) ? 0 : -ENODATA;
}

/* Of a repository: names of those of its revisions that are tags, as far as somebody has listed them. In a directory a tag looks like a branch. */
static void add_tags(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err)
{
	struct buf *out = ctx;

	(void)err; /* without refs there are no tags */
	for (size_t i = 0; r == 0 && i < nr; i++)
		if (refs[i].is_tag)
			buf_addf(out, "%s\n", refs[i].name);
}

static int get_tags(const struct subject *s, struct buf *out)
{
	return s->site.repo.name[0] && catalog_find_refs(s->vfs->catalog, &s->site.repo, add_tags, out) ? 0 : -ENODATA;
}

static int get_size(const struct subject *s, struct buf *out)
{
	buf_addf(out, "%llu", (unsigned long long)s->entry->size);
	return 0;
}

static int get_cached(const struct subject *s, struct buf *out)
{
	buf_addf(out, "%llu", (unsigned long long)s->info.bytes_cached);
	return 0;
}

static int get_verified(const struct subject *s, struct buf *out)
{
	buf_adds(out, s->info.quarantined ? "wrong" : s->info.sealed ? "yes" : "no");
	return 0;
}

/* Only while somebody has the file open and reads it past us. */
static int get_passthrough(const struct subject *s, struct buf *out)
{
	LOCK_SCOPE(&s->vfs->lock);
	buf_adds(out, s->node->passed ? "yes" : "");
	return s->node->passed ? 0 : -ENODATA;
}

static int get_url(const struct subject *s, struct buf *out)
{
	AUTO_BUF path = {0};

	site_path(&s->site, s->entry, &path);
	if (path.failed)
		return -ENOMEM;
	buf_addf(out, "%s/%s%s/resolve/%s/", s->vfs->endpoint, repo_kind_prefix(s->site.repo.kind), s->site.repo.name,
		 s->site.commit);
	url_encode(out, path.data, true);
	return 0;
}

static int get_last_error(const struct subject *s, struct buf *out)
{
	struct vfs *v = s->vfs;
	LOCK_SCOPE(&v->lock);

	for (size_t i = v->error_next; i > 0 && i + ERRORS_KEPT > v->error_next; i--) {
		const struct file_error *e = &v->errors[(i - 1) % ERRORS_KEPT];

		if (e->ino == s->node->ino) {
			buf_adds(out, e->text);
			return 0;
		}
	}
	return -ENODATA;
}

static int get_status(const struct subject *s, struct buf *out)
{
	if (!s->vfs->status)
		return -ENODATA;
	s->vfs->status(s->vfs->status_ctx, out);
	return 0;
}

enum { ON_ROOT = 1, ON_REPO = 2, ON_COMMIT = 4, ON_FILE = 8 };

static const struct attribute {
	const char *name;
	unsigned on; /* which nodes have it */
	int (*get)(const struct subject *s, struct buf *out); /* NULL: a word of the card */
	size_t word;
} attributes[] = {
	{"repo", ON_REPO | ON_COMMIT | ON_FILE, get_repo, 0},
	{"commit", ON_COMMIT | ON_FILE, get_commit, 0},
	{"path", ON_FILE, get_path, 0},
	{"oid", ON_FILE, get_oid, 0},
	{"sha256", ON_FILE, get_sha256, 0},
	{"xet", ON_FILE, get_xet, 0},
	{"license", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, license)},
	{"gated", ON_REPO | ON_COMMIT, get_gated, 0},
	{"base_model", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, base_model)},
	{"relation", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, relation)},
	{"task", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, task)},
	{"library", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, library)},
	{"dtypes", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, dtypes)},
	{"chat_template", ON_REPO | ON_COMMIT, NULL, offsetof(struct hub_card, chat_template)},
	{"params", ON_REPO | ON_COMMIT, get_params, 0},
	{"tags", ON_REPO, get_tags, 0},
	{"size", ON_FILE, get_size, 0},
	{"cached", ON_FILE, get_cached, 0},
	{"verified", ON_FILE, get_verified, 0},
	{"passthrough", ON_FILE, get_passthrough, 0},
	{"url", ON_FILE, get_url, 0},
	{"last_error", ON_FILE, get_last_error, 0},
	{"status", ON_ROOT, get_status, 0},
};

static int attribute_get(const struct attribute *a, const struct subject *s, struct buf *out)
{
	return a->get ? a->get(s, out) : get_word(s, a->word, out);
}

static unsigned kinds_of(const struct node *n)
{
	unsigned on = n->parent ? 0 : ON_ROOT;

	switch ((enum node_type)n->type) {
	case NODE_REPO:
	case NODE_REFS:
	case NODE_HUB_REPO:
	case NODE_HUB_REFS:
	case NODE_HUB_BLOBS:
	case NODE_HUB_SNAPSHOTS:
	case NODE_REF:
		return on | ON_REPO;
	case NODE_COMMIT:
	case NODE_DIR:
	case NODE_LARGE_DIR:
	case NODE_SNAPSHOT:
	case NODE_SNAP_DIR:
		return on | ON_COMMIT;
	case NODE_FILE:
	case NODE_BLOB:
		return on | ON_FILE;
	case NODE_ROOT:
	case NODE_KIND:
	case NODE_ORG:
	case NODE_LINK:
	case NODE_HUB:
	case NODE_POINTER:
	case NODE_HUB_ABSENT:
	case NODE_ABSENT_COMMIT:
	case NODE_ABSENT_DIR:
	case NODE_ABSENT_FILE:
		break;
	}
	return on;
}

bool vfs_xattr_is_ours(const char *name)
{
	return !strncmp(name, PREFIX, strlen(PREFIX));
}

/* A blob exists in memory only while somebody uses it: its rows may not be loaded yet, and then less is said than is cached. */
static void load_info(struct subject *s)
{
	struct object_ref from = {.repo = s->site.repo, .size = s->entry->size, .id = s->entry->id};
	AUTO_BUF path = {0};
	struct blob *b;

	site_path(&s->site, s->entry, &path);
	if (!s->entry->size || !s->entry->id.algo || path.failed)
		return;
	from.path = path.data;
	memcpy(from.commit, s->site.commit, sizeof(from.commit));
	b = blob_get(s->vfs->fetch, &from);
	if (!b)
		return;
	blob_info(b, &s->info);
	blob_put(b);
}

static void subject_init(struct subject *s, struct vfs *v, const struct node *n)
{
	*s = (struct subject){.vfs = v, .node = n};
	if (n->site) {
		LOCK_SCOPE(&v->lock);
		s->site = *n->site;
	}
	if (node_has_blob(n))
		s->entry = tree_entry(n->site->tree, n->entry);
}

static int get_attribute(struct vfs *v, const struct node *n, const char *name, struct buf *out)
{
	unsigned on = kinds_of(n);
	struct subject s;

	subject_init(&s, v, n);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct attribute *a = &attributes[i];

		if (strcmp(name + strlen(PREFIX), a->name) != 0 || !(a->on & on))
			continue;
		if (a->get == get_cached || a->get == get_verified)
			load_info(&s);
		return attribute_get(a, &s, out);
	}
	return -ENODATA;
}

int vfs_getxattr(struct vfs *v, uint64_t id, const char *name, struct buf *out)
{
	struct node *n;
	int r;

	if (!vfs_xattr_is_ours(name))
		return -EOPNOTSUPP;
	n = vfs_pin(v, id);
	if (!n)
		return -ESTALE;
	r = get_attribute(v, n, name, out);
	vfs_unpin(v, n);
	return r == 0 && out->failed ? -ENOMEM : r;
}

/* Those that have a value now: who lists names asks for each, and `getfattr -d` complains of one that is not there. */
static void list_attributes(const struct subject *s, struct buf *out)
{
	unsigned on = kinds_of(s->node);

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		AUTO_BUF value = {0};

		if (!(attributes[i].on & on) || attribute_get(&attributes[i], s, &value) < 0)
			continue;
		buf_adds(out, PREFIX);
		buf_add(out, attributes[i].name, strlen(attributes[i].name) + 1);
	}
}

int vfs_listxattr(struct vfs *v, uint64_t id, struct buf *out)
{
	struct node *n = vfs_pin(v, id);
	struct subject s;

	if (!n)
		return -ESTALE;
	subject_init(&s, v, n);
	list_attributes(&s, out);
	vfs_unpin(v, n);
	return out->failed ? -ENOMEM : 0;
}
