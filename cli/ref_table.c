// SPDX-License-Identifier: Apache-2.0
/* The rows, and how the catalog fills them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ref_table_int.h"
#include "wait_int.h"

/* What lies below refs/ says itself what it is. */
static enum ref_sort sort_of(const char *name, enum ref_sort otherwise)
{
	return !strncmp(name, "refs/pr/", 8) ? REF_SORT_PULL : !strncmp(name, "refs/convert/", 13) ? REF_SORT_CONVERT : otherwise;
}

int ref_table_add(struct ref_table *t, const char *name, const char *commit, enum ref_sort sort)
{
	struct ref_row row = {.sort = sort_of(name, sort)};

	if (row.sort == REF_SORT_PULL && !t->with_pulls)
		return 0;
	if (t->nr == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 32;
		struct ref_row *more = reallocarray(t->rows, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->rows = more;
		t->cap = cap;
	}
	row.name = strdup(name);
	if (!row.name)
		return -ENOMEM;
	snprintf(row.commit, sizeof(row.commit), "%s", commit);
	t->rows[t->nr++] = row;
	return 0;
}

/* "main" before other branches, v1.9 before v1.10, refs/pr/9 before refs/pr/10. */
static int compare_rows(const void *a, const void *b)
{
	const struct ref_row *x = a, *y = b;
	int main_first = !strcmp(y->name, "main") - !strcmp(x->name, "main");

	return x->sort != y->sort ? (x->sort < y->sort ? -1 : 1) : main_first ? main_first : strverscmp(x->name, y->name);
}

void ref_table_finish(struct ref_table *t, const struct buf *commits)
{
	if (t->nr)
		qsort(t->rows, t->nr, sizeof(t->rows[0]), compare_rows);
	for (size_t i = 0; i < t->nr; i++)
		t->rows[i].is_cached = commits->len && strstr(commits->data, t->rows[i].commit);
}

void ref_table_done(struct ref_table *t)
{
	for (size_t i = 0; i < t->nr; i++)
		free(t->rows[i].name);
	free(t->rows);
	*t = (struct ref_table){0};
}

/* --- from the catalog --- */

struct filling {
	struct ref_table *table;
	bool is_locked;
	int r;
};

static void take_ref(void *ctx, const struct known_ref *ref)
{
	struct filling *f = ctx;
	enum ref_sort sort = f->is_locked ? REF_SORT_UNKNOWN : ref->is_tag ? REF_SORT_TAG : REF_SORT_BRANCH;

	if (f->r == 0)
		f->r = ref_table_add(f->table, ref->name, ref->commit, sort);
}

/* What revisions stood for when this machine last used them. */
static int take_used(struct ref_table *t, struct catalog *c, const struct repo_id *repo)
{
	AUTO_BUF names = {0};
	char *rest, *name;
	int r = wait_used_revisions(c, repo, &names, NULL);

	for (rest = r == 0 ? names.data : NULL; r == 0 && rest && (name = strsep(&rest, "\n"));) {
		struct revision rev;

		if (*name && wait_known(c, repo, name, &rev, NULL) == 0)
			r = ref_table_add(t, name, rev.commit, REF_SORT_UNKNOWN);
	}
	return r;
}

/* r: what asking for the repository gave, with a sentence in t->why: where the Hub did not answer, it is not waited for again. */
static int fill(struct ref_table *t, struct catalog *c, const struct repo_id *repo, bool is_locked, int r, struct err *err)
{
	struct filling f = {t, is_locked, 0};

	if (r == 0)
		r = wait_refs(c, repo, take_ref, &f, &t->why);
	if (r == 0)
		return f.r < 0 ? err_set(err, f.r, "out of memory") : 0;
	if (!ref_error_is_final(r) && take_used(t, c, repo) == 0 && t->nr) {
		t->is_partial = true;
		return 0;
	}
	return err_set(err, r, "%s", err_text(&t->why));
}

int ref_table_from_catalog(struct ref_table *t, struct catalog *c, const struct repo_id *repo, bool is_locked, struct err *err)
{
	AUTO_BUF commits = {0};
	struct repo_id canonical = *repo;
	struct revision rev;
	int r = wait_revision(c, repo, NULL, &rev, &t->why);

	if (r < 0 && ref_error_is_final(r))
		return err_set(err, r, "%s", err_text(&t->why));
	if (r == 0)
		canonical = rev.repo;
	r = fill(t, c, &canonical, is_locked, r, err);
	if (r < 0)
		return r;
	snprintf(t->repo, sizeof(t->repo), "%s%s", repo_kind_prefix(canonical.kind), canonical.name);
	(void)wait_listed_commits(c, &canonical, &commits, NULL); /* without an index nothing is cached */
	ref_table_finish(t, &commits);
	return 0;
}
