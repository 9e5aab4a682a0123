// SPDX-License-Identifier: Apache-2.0
/* Refs, or names, that many may look at. */
#include "catalog_roster_int.h"

#include <stdatomic.h>
#include <string.h>

#include <hffs/name.h>

struct roster *roster_ref(struct roster *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void roster_unref(struct roster *l)
{
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(l->known);
	free(l->names);
	free(l->text);
	free(l);
}

static bool is_last(const struct roster_maker *m, const char *name, size_t len)
{
	const char *end = m->text.data + m->text.len;

	return m->text.len > len && !memcmp(end - len - 1, name, len) &&
	       (m->text.len == len + 1 || end[-(ptrdiff_t)len - 2] == '\0');
}

void roster_add(struct roster_maker *m, const char *name, size_t len)
{
	if (m->nr && is_last(m, name, len))
		return;
	buf_add(&m->text, name, len);
	buf_addc(&m->text, '\0');
	m->nr++;
}

void roster_add_ref(struct roster_maker *m, const char *name, const char *commit, bool is_tag)
{
	struct roster_mark mark = {.is_tag = is_tag};
	size_t len = strlen(name);

	if (!name_is_safe_path(name, len) || len >= REPO_REV_MAX || !name_is_commit(commit, strlen(commit)))
		return;
	memcpy(mark.commit, commit, COMMIT_MAX);
	buf_add(&m->text, name, len + 1);
	buf_add(&m->marks, &mark, sizeof(mark));
	m->nr++;
}

static struct roster *roster_new(struct roster_maker *m)
{
	AUTO(roster_unref) struct roster *l = calloc(1, sizeof(*l));

	if (!l || m->marks.failed)
		return NULL;
	atomic_init(&l->refs, 1);
	l->nr = m->nr;
	l->bytes = sizeof(*l) + m->text.len + m->nr * (m->marks.len ? sizeof(*l->known) : sizeof(*l->names));
	l->text = buf_take(&m->text);
	return l->text ? TAKE(l) : NULL;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct roster *roster_make_names(struct roster_maker *m)
{
	AUTO(roster_unref) struct roster *l = roster_new(m);
	const char *at;
	size_t nr = 0;

	if (!l)
		return NULL;
	l->names = calloc(l->nr + 1, sizeof(*l->names));
	if (!l->names)
		return NULL;
	at = l->text;
	for (size_t i = 0; i < l->nr; i++, at += strlen(at) + 1)
		l->names[i] = at;
	qsort(l->names, l->nr, sizeof(*l->names), name_compare);
	for (size_t i = 0; i < l->nr; i++)
		if (nr == 0 || strcmp(l->names[nr - 1], l->names[i]) != 0)
			l->names[nr++] = l->names[i];
	l->nr = nr;
	return TAKE(l);
}

struct roster *roster_make_refs(struct roster_maker *m)
{
	AUTO(roster_unref) struct roster *l = roster_new(m);
	char *at;

	if (!l)
		return NULL;
	l->known = calloc(l->nr + 1, sizeof(*l->known));
	if (!l->known)
		return NULL;
	at = l->text;
	for (size_t i = 0; i < l->nr; i++, at += strlen(at) + 1) {
		struct roster_mark mark;

		memcpy(&mark, m->marks.data + i * sizeof(mark), sizeof(mark));
		l->known[i].name = at;
		memcpy(l->known[i].commit, mark.commit, COMMIT_MAX);
		l->known[i].is_tag = mark.is_tag;
	}
	return TAKE(l);
}

void roster_maker_done(struct roster_maker *m)
{
	buf_done(&m->text);
	buf_done(&m->marks);
	m->nr = 0;
}
