// SPDX-License-Identifier: Apache-2.0
/*
 * Lock files. The text is JSON with one file a line, everything sorted by bytes, nothing that depends on time or machine: locking the
 * same again gives the same bytes, and a diff shows what moved. Reading is strict: a member or a version that we do not know, a
 * name that is not safe, anything that is there twice is refused, because a lock that is half understood locks nothing.
 */
#include <hffs/lockfile.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <hffs/io.h>
#include <hffs/json.h>
#include <hffs/name.h>
#include <hffs/utf8.h>

#define VERSION 1
#define SIZE_LIMIT ((uint64_t)1 << 53) /* what JSON numbers carry exactly */

static const char *const algo_names[] = {[BLOB_SHA1_GIT] = "git-sha1:", [BLOB_SHA256] = "sha256:"};

void lock_entry_done(struct lock_entry *e)
{
	for (size_t i = 0; i < e->nr; i++)
		free(e->files[i].path);
	free(e->files);
	e->files = NULL;
	e->nr = e->cap = 0;
}

void lockfile_done(struct lockfile *l)
{
	for (size_t i = 0; i < l->nr; i++)
		lock_entry_done(&l->entries[i]);
	free(l->entries);
	*l = (struct lockfile){0};
}

/* --- entries --- */

int lock_entry_add(struct lock_entry *e, const char *path, uint64_t size, const struct blob_id *id, struct err *err)
{
	struct lock_file *f;

	if (!name_is_safe_path(path, strlen(path)) || !utf8_is_valid(path))
		return err_set(err, -EINVAL, "'%s' is no path that a lock file can hold", path);
	if (size > SIZE_LIMIT)
		return err_set(err, -EINVAL, "%s: a size of %" PRIu64 " bytes is more than a lock file can hold", path, size);
	if (!blob_id_len(id))
		return err_set(err, -EINVAL, "%s has no digest", path);
	if (e->nr == e->cap) {
		size_t cap = e->cap ? 2 * e->cap : 64;
		struct lock_file *more = reallocarray(e->files, cap, sizeof(*more));

		if (!more)
			return err_set(err, -ENOMEM, "out of memory");
		e->files = more;
		e->cap = cap;
	}
	f = &e->files[e->nr];
	*f = (struct lock_file){.path = strdup(path), .size = size, .id = *id};
	if (!f->path)
		return err_set(err, -ENOMEM, "out of memory");
	e->nr++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct lock_file *)a)->path, ((const struct lock_file *)b)->path);
}

static int compare_entries(const struct lock_entry *a, const struct lock_entry *b)
{
	int r;

	if (a->repo.kind != b->repo.kind)
		return a->repo.kind < b->repo.kind ? -1 : 1;
	r = strcmp(a->repo.name, b->repo.name);
	return r ? r : strcmp(a->rev, b->rev);
}

static bool is_of_repo(const struct lock_entry *e, const struct repo_id *repo)
{
	return e->repo.kind == repo->kind && !strcmp(e->repo.name, repo->name);
}

static int sort_files(struct lock_entry *e, struct err *err)
{
	if (e->nr)
		qsort(e->files, e->nr, sizeof(e->files[0]), by_path);
	for (size_t i = 1; i < e->nr; i++)
		if (!strcmp(e->files[i - 1].path, e->files[i].path))
			return err_set(err, -EINVAL, "%s@%s has '%s' twice", e->repo.name, e->rev, e->files[i].path);
	return 0;
}

/* Two entries of one commit may name different files of it, but not different contents. */
static int check_agreement(const struct lock_entry *a, const struct lock_entry *b, struct err *err)
{
	for (size_t i = 0, j = 0; i < a->nr && j < b->nr;) {
		const struct lock_file *x = &a->files[i], *y = &b->files[j];
		int order = strcmp(x->path, y->path);

		if (order == 0 && (x->size != y->size || !blob_id_equal(&x->id, &y->id)))
			return err_set(err, -EINVAL, "%s: '%s' of the commit %s has one digest for '%s' and another for '%s'", a->repo.name,
				       x->path, a->commit, a->rev, b->rev);
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

int lockfile_put(struct lockfile *l, struct lock_entry *e, struct err *err)
{
	size_t at = 0;
	bool is_there;
	int r = sort_files(e, err);

	while (at < l->nr && compare_entries(&l->entries[at], e) < 0)
		at++;
	is_there = at < l->nr && compare_entries(&l->entries[at], e) == 0;
	for (size_t i = 0; r == 0 && i < l->nr; i++)
		if (!(is_there && i == at) && is_of_repo(&l->entries[i], &e->repo) && !strcmp(l->entries[i].commit, e->commit))
			r = check_agreement(&l->entries[i], e, err);
	if (r < 0)
		return r;
	if (is_there) {
		if (!*e->also)
			memcpy(e->also, l->entries[at].also, sizeof(e->also));
		lock_entry_done(&l->entries[at]);
	} else {
		struct lock_entry *more = reallocarray(l->entries, l->nr + 1, sizeof(*more));

		if (!more)
			return err_set(err, -ENOMEM, "out of memory");
		l->entries = more;
		memmove(&more[at + 1], &more[at], (l->nr - at) * sizeof(*more));
		l->nr++;
	}
	l->entries[at] = *e;
	e->files = NULL;
	e->nr = e->cap = 0;
	return 0;
}

const struct lock_entry *lockfile_find(const struct lockfile *l, const struct repo_id *repo, const char *rev)
{
	const struct lock_entry *first = NULL, *of_commit = NULL;
	const char *name = rev ? rev : "main";

	for (size_t i = 0; i < l->nr; i++) {
		const struct lock_entry *e = &l->entries[i];

		if (!is_of_repo(e, repo))
			continue;
		if (!strcmp(e->rev, name))
			return e;
		if (!first)
			first = e;
		if (!of_commit && !strcmp(e->commit, name))
			of_commit = e;
	}
	return rev ? of_commit : first;
}

bool lockfile_find_repo(const struct lockfile *l, const struct repo_id *asked, struct repo_id *out)
{
	const struct lock_entry *alike = NULL, *other = NULL;
	bool is_doubtful = false; /* it was the name of one, and then of another */

	for (size_t i = 0; i < l->nr; i++) {
		const struct lock_entry *e = &l->entries[i];

		if (e->repo.kind != asked->kind)
			continue;
		if (!strcmp(e->repo.name, asked->name)) {
			*out = e->repo;
			return true;
		}
		if (!alike && !strcasecmp(e->repo.name, asked->name))
			alike = e;
		if (!*e->also || strcasecmp(e->also, asked->name))
			continue;
		is_doubtful |= other && strcmp(other->repo.name, e->repo.name);
		other = e;
	}
	if (!alike && (!other || is_doubtful))
		return false;
	*out = alike ? alike->repo : other->repo;
	return true;
}

/* --- text --- */

const char *lock_digest_format(const struct blob_id *id, char out[LOCK_DIGEST_MAX])
{
	char hex[BLOB_ID_HEX_MAX];

	blob_id_format(id, hex);
	snprintf(out, LOCK_DIGEST_MAX, "%s%s", id->algo ? algo_names[id->algo] : "", hex);
	return out;
}

static void add_member(struct buf *out, const char *indent, const char *key, const char *value)
{
	buf_addf(out, "%s\"%s\": ", indent, key);
	buf_add_json(out, value);
	buf_adds(out, ",\n");
}

static void add_file(struct buf *out, const struct lock_file *f)
{
	char digest[LOCK_DIGEST_MAX];

	buf_adds(out, "\n\t\t\t\t{\"path\": ");
	buf_add_json(out, f->path);
	buf_addf(out, ", \"size\": %" PRIu64 ", \"digest\": \"%s\"}", f->size, lock_digest_format(&f->id, digest));
}

static void add_entry(struct buf *out, const struct lock_entry *e)
{
	char repo[REPO_NAME_MAX + 16];

	snprintf(repo, sizeof(repo), "%s%s", repo_kind_prefix(e->repo.kind), e->repo.name);
	buf_adds(out, "\n\t\t{\n");
	add_member(out, "\t\t\t", "repository", repo);
	if (*e->also) {
		snprintf(repo, sizeof(repo), "%s%s", repo_kind_prefix(e->repo.kind), e->also);
		add_member(out, "\t\t\t", "also", repo);
	}
	add_member(out, "\t\t\t", "revision", e->rev);
	add_member(out, "\t\t\t", "commit", e->commit);
	buf_adds(out, "\t\t\t\"files\": [");
	for (size_t i = 0; i < e->nr; i++) {
		buf_adds(out, i ? "," : "");
		add_file(out, &e->files[i]);
	}
	buf_adds(out, e->nr ? "\n\t\t\t]\n\t\t}" : "]\n\t\t}");
}

void lockfile_format(const struct lockfile *l, struct buf *out)
{
	buf_addf(out, "{\n\t\"hffs_lock\": %d,\n\t\"repositories\": [", VERSION);
	for (size_t i = 0; i < l->nr; i++) {
		buf_adds(out, i ? "," : "");
		add_entry(out, &l->entries[i]);
	}
	buf_adds(out, l->nr ? "\n\t]\n}\n" : "]\n}\n");
}

/* --- parsing --- */

/* Every member of the object is one of the names, each once, and the first `needed` of them are there. */
static int check_members(const struct json *j, const char *const *names, size_t nr, size_t needed, const char *what, struct err *err)
{
	size_t found = 0, there = 0;

	if (!json_is_object(j))
		return err_set(err, -EBADMSG, "%s is not an object", what);
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		size_t i = 0;

		while (i < nr && strcmp(json_key(m), names[i]) != 0)
			i++;
		if (i == nr)
			return err_set(err, -EBADMSG, "%s has the member '%s', which this hffs does not know", what, json_key(m));
		found++;
	}
	for (size_t i = 0; i < nr; i++) {
		bool is_there = json_get(j, names[i]) != NULL;

		if (!is_there && i < needed)
			return err_set(err, -EBADMSG, "%s lacks '%s'", what, names[i]);
		there += is_there;
	}
	return found == there ? 0 : err_set(err, -EBADMSG, "%s has a member twice", what);
}

int lock_digest_parse(const char *text, struct blob_id *out)
{
	for (uint8_t algo = BLOB_SHA1_GIT; text && algo <= BLOB_SHA256; algo++) {
		size_t len = strlen(algo_names[algo]);

		if (!strncmp(text, algo_names[algo], len) && blob_id_parse(text + len, out) == 0 && out->algo == algo)
			return 0;
	}
	return -EINVAL;
}

static int parse_file(const struct json *j, struct lock_entry *e, struct err *err)
{
	static const char *const names[] = {"path", "size", "digest"};
	const char *path = json_get_string(j, "path");
	struct blob_id id;
	uint64_t size;
	int r = check_members(j, names, ARRAY_SIZE(names), ARRAY_SIZE(names), "a file", err);

	if (r < 0)
		return r;
	if (!path)
		return err_set(err, -EBADMSG, "a path is not text");
	if (json_get_u64(j, "size", &size) < 0)
		return err_set(err, -EBADMSG, "the size of '%s' is not a whole number of bytes", path);
	if (lock_digest_parse(json_get_string(j, "digest"), &id) < 0)
		return err_set(err, -EBADMSG, "the digest of '%s' is neither sha256: with 64 digits nor git-sha1: with 40", path);
	r = lock_entry_add(e, path, size, &id, err);
	return r == -EINVAL ? -EBADMSG : r;
}

/* "datasets/org/name" without a revision. */
static int parse_repo(const char *text, struct repo_id *out)
{
	char rev[REPO_REV_MAX];

	if (!text || strpbrk(text, "@:?#") || repo_parse(text, out, rev, NULL) < 0)
		return -EINVAL;
	return 0;
}

static int parse_also(const struct json *j, struct lock_entry *e, struct err *err)
{
	const char *also = json_get_string(j, "also");
	struct repo_id other;

	if (!json_get(j, "also"))
		return 0;
	if (parse_repo(also, &other) < 0 || other.kind != e->repo.kind || !strcasecmp(other.name, e->repo.name))
		return err_set(err, -EBADMSG, "%s@%s: '%s' is not another name of such a repository", e->repo.name, e->rev, also ? also : "");
	memcpy(e->also, other.name, sizeof(e->also));
	return 0;
}

static int parse_head(const struct json *j, struct lock_entry *e, struct err *err)
{
	static const char *const names[] = {"repository", "revision", "commit", "files", "also"};
	const char *repo = json_get_string(j, "repository"), *rev = json_get_string(j, "revision");
	const char *commit = json_get_string(j, "commit");
	int r = check_members(j, names, ARRAY_SIZE(names), ARRAY_SIZE(names) - 1, "a repository", err);

	if (r < 0)
		return r;
	if (parse_repo(repo, &e->repo) < 0)
		return err_set(err, -EBADMSG, "'%s' is not a repository", repo ? repo : "");
	if (!rev || strlen(rev) >= REPO_REV_MAX || !name_is_safe_path(rev, strlen(rev)) || !utf8_is_valid(rev))
		return err_set(err, -EBADMSG, "%s: '%s' is not a revision", repo, rev ? rev : "");
	if (!commit || !name_is_commit(commit, strlen(commit)))
		return err_set(err, -EBADMSG, "%s@%s: '%s' is not a commit of 40 digits", repo, rev, commit ? commit : "");
	if (name_is_commit(rev, strlen(rev)) && strcmp(rev, commit) != 0)
		return err_set(err, -EBADMSG, "%s: the commit %s is locked as the commit %s", repo, rev, commit);
	if (!json_is_array(json_get(j, "files")))
		return err_set(err, -EBADMSG, "%s@%s: 'files' is not a list", repo, rev);
	memcpy(e->rev, rev, strlen(rev) + 1);
	memcpy(e->commit, commit, COMMIT_MAX);
	return parse_also(j, e, err);
}

static int parse_entry(const struct json *j, struct lockfile *l, struct err *err)
{
	struct lock_entry e = {0};
	int r = parse_head(j, &e, err);

	for (const struct json *f = r == 0 ? json_first(json_get(j, "files")) : NULL; r == 0 && f; f = json_next(f))
		r = parse_file(f, &e, err);
	for (size_t i = 0; r == 0 && i < l->nr; i++)
		if (compare_entries(&l->entries[i], &e) == 0)
			r = err_set(err, -EBADMSG, "%s@%s is there twice", e.repo.name, e.rev);
	if (r == 0)
		r = lockfile_put(l, &e, err);
	lock_entry_done(&e);
	return r == -EINVAL ? -EBADMSG : r;
}

static int parse_root(const struct json *j, struct lockfile *l, struct err *err)
{
	static const char *const names[] = {"hffs_lock", "repositories"};
	const struct json *repos = json_get(j, "repositories");
	uint64_t version;
	int r;

	if (json_get_u64(j, "hffs_lock", &version) < 0)
		return err_set(err, -EBADMSG, "there is no 'hffs_lock' with its version in it");
	if (version != VERSION)
		return err_set(err, -EBADMSG, "it has version %" PRIu64 ", this hffs knows %d", version, VERSION);
	r = check_members(j, names, ARRAY_SIZE(names), ARRAY_SIZE(names), "it", err);
	if (r < 0)
		return r;
	if (!json_is_array(repos))
		return err_set(err, -EBADMSG, "'repositories' is not a list");
	for (const struct json *e = json_first(repos); r == 0 && e; e = json_next(e))
		r = parse_entry(e, l, err);
	return r;
}

int lockfile_parse(const char *text, size_t len, struct lockfile *out, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_LOCKFILE l = {0};
	int r = json_parse(text, len, LOCKFILE_MAX, &j, NULL);

	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r < 0)
		return err_set(err, -EBADMSG, "it is not JSON as a whole: cut short, or not a lock file");
	r = parse_root(j, &l, err);
	if (r < 0)
		return r;
	*out = l;
	l = (struct lockfile){0};
	return 0;
}

/* --- files --- */

int lockfile_load(const char *path, struct lockfile *out, struct err *err)
{
	AUTO_BUF text = {0};
	struct err why = {0};
	int r = io_read_file(path, LOCKFILE_MAX, &text);

	if (r == -EFBIG)
		return err_set(err, -EBADMSG, "the lock file %s has more than %zu MiB", path, LOCKFILE_MAX >> 20);
	if (r < 0)
		return err_set(err, r, "cannot read the lock file %s: %s", path, strerror(-r));
	r = lockfile_parse(text.data ? text.data : "", text.len, out, &why);
	return r < 0 ? err_set(err, r, "the lock file %s cannot be used: %s", path, err_text(&why)) : 0;
}

int lockfile_store(const struct lockfile *l, const char *path, struct err *err)
{
	AUTO_BUF text = {0};
	int r;

	lockfile_format(l, &text);
	if (text.failed)
		return err_set(err, -ENOMEM, "out of memory");
	if (text.len > LOCKFILE_MAX)
		return err_set(err, -EFBIG, "the lock file %s would have more than %zu MiB: lock fewer files", path, LOCKFILE_MAX >> 20);
	r = io_replace_file(path, text.data, text.len, 0644);
	return r < 0 ? err_set(err, r, "cannot write the lock file %s: %s", path, strerror(-r)) : 0;
}
