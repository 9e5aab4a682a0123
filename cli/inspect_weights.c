// SPDX-License-Identifier: Apache-2.0
/*
 * Which files of a repository are its model, by their names: one set of weights. Of variants beside each other (by type, by quantisation, an
 * older checkpoint) one is taken, since no program loads them all.
 */
#include "inspect_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CANDIDATES_MAX 1024 /* more are not told apart */

struct candidate {
	const struct listing_entry *entry;
	bool is_first;  /* whole, or the first part of a set */
	uint64_t bytes; /* of the set, if it is */
};

bool look_has_suffix(const char *path, const char *suffix)
{
	size_t len = strlen(path), n = strlen(suffix);

	return len >= n && !strcasecmp(path + len - n, suffix);
}

const struct listing_entry *look_find(const struct look *l, const char *path)
{
	for (size_t i = 0; i < l->files.nr; i++)
		if (!strcmp(l->files.entries[i].path, path))
			return &l->files.entries[i];
	return NULL;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --- parts of one set --- */

/* "NAME-00002-of-00003.gguf": 2; *tail: "-of-00003.gguf", *stem: bytes of NAME with its dash. -1: it is no part. */
static long part_nr(const char *path, size_t *stem, const char **tail)
{
	const char *of = NULL, *digits;

	for (const char *at = base_of(path); (at = strstr(at, "-of-")); at++)
		of = at;
	digits = of;
	while (digits && digits > path && isdigit((unsigned char)digits[-1]))
		digits--;
	if (!of || digits == of || !isdigit((unsigned char)of[4]))
		return -1;
	*stem = (size_t)(digits - path);
	*tail = of;
	return strtol(digits, NULL, 10);
}

/* Some count from 0. */
static bool is_first(const char *path)
{
	const char *tail;
	size_t stem;

	return part_nr(path, &stem, &tail) <= 1;
}

/* The same file, another part of it, or the data that belong to "NAME.onnx". */
static bool is_part_of(const char *path, const char *first)
{
	const char *tail, *first_tail;
	size_t stem, first_stem, len = strlen(first);

	if (!strncmp(path, first, len))
		return !path[len] || path[len] == '_' || path[len] == '.';
	return part_nr(path, &stem, &tail) >= 0 && part_nr(first, &first_stem, &first_tail) >= 0 && stem == first_stem &&
	       !strncmp(path, first, stem) && !strcmp(tail, first_tail);
}

/* --- what may be weights --- */

static bool is_safetensors(const struct look *l, const char *path)
{
	bool of_adapter = !strncmp(base_of(path), "adapter_model", 13);

	return look_has_suffix(path, ".safetensors") && of_adapter == l->is_adapter;
}

static bool is_gguf(const char *path)
{
	return look_has_suffix(path, ".gguf") && !strcasestr(base_of(path), "mmproj") && !strcasestr(base_of(path), "imatrix");
}

static bool is_pickle_weight(const char *path)
{
	return pickle_is_name(path) && !strstr(path, "training_args") && !strstr(path, "optimizer") && !strstr(path, "scheduler.") &&
	       !strstr(path, "rng_state");
}

static bool may_be_weight(const struct look *l, enum weights w, const char *path)
{
	switch (w) {
	case WEIGHTS_SAFETENSORS: return is_safetensors(l, path);
	case WEIGHTS_GGUF: return is_gguf(path);
	case WEIGHTS_PICKLE: return is_pickle_weight(path);
	case WEIGHTS_ONNX: return strcasestr(base_of(path), ".onnx") != NULL;
	case WEIGHTS_NONE: break;
	}
	return false;
}

/* --- the choice --- */

/* The names that programs look for: 2; others, as variants: 1; the copy for Mistral's own program: 0. */
static int rank(const char *path)
{
	static const char *const names[] = {"model", "pytorch_model", "diffusion_pytorch_model", "adapter_model"};
	const char *base = base_of(path), *dot = strrchr(base, '.'), *tail;
	size_t stem, len = dot ? (size_t)(dot - base) : strlen(base);

	if (part_nr(path, &stem, &tail) >= 0)
		len = stem ? stem - (size_t)(base - path) - 1 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(base, names[i], len))
			return 2;
	return strncmp(base, "consolidated", 12) != 0;
}

/* Better to look at? Of GGUF the usual quantisation, else the smaller; of others the usual name, else the larger. */
static bool is_better(enum weights w, const struct candidate *a, const struct candidate *b)
{
	int x = rank(a->entry->path), y = rank(b->entry->path);

	if (w == WEIGHTS_GGUF) {
		x = strcasestr(a->entry->path, "Q4_K_M") != NULL;
		y = strcasestr(b->entry->path, "Q4_K_M") != NULL;
	}
	if (x != y)
		return x > y;
	if (a->bytes != b->bytes)
		return (w == WEIGHTS_GGUF) == (a->bytes < b->bytes);
	return a < b;
}

static bool is_same_dir(const char *a, const char *b)
{
	size_t len = (size_t)(base_of(a) - a);

	return (size_t)(base_of(b) - b) == len && !strncmp(a, b, len);
}

/* Formats of which a model is one set of files in each directory that counts; of others it is one set in all. */
static bool is_by_dir(enum weights w)
{
	return w == WEIGHTS_SAFETENSORS || w == WEIGHTS_PICKLE;
}

/* Is there no better set beside that which i begins? */
static bool is_chosen(enum weights w, const struct candidate *c, unsigned nr, unsigned i)
{
	for (unsigned k = 0; k < nr; k++)
		if (k != i && c[k].is_first && (!is_by_dir(w) || is_same_dir(c[k].entry->path, c[i].entry->path)) && is_better(w, &c[k], &c[i]))
			return false;
	return true;
}

/* Weights in folders count only where the top has none, or is said to be a copy: pipelines of several models. */
static unsigned keep_place(const struct look *l, enum weights w, struct candidate *c, unsigned nr)
{
	bool has_top = false, has_folder = false, top;
	unsigned kept = 0;

	if (!is_by_dir(w))
		return nr;
	for (unsigned i = 0; i < nr; i++) {
		bool is_top = !strchr(c[i].entry->path, '/');

		has_top |= is_top;
		has_folder |= !is_top;
	}
	if (look_find(l, "model_index.json"))
		top = !has_folder;
	else
		top = has_top || w == WEIGHTS_PICKLE;
	for (unsigned i = 0; i < nr; i++)
		if (!strchr(c[i].entry->path, '/') == top)
			c[kept++] = c[i];
	return kept;
}

static unsigned collect(const struct look *l, enum weights w, struct candidate c[CANDIDATES_MAX])
{
	unsigned nr = 0;

	for (size_t i = 0; i < l->files.nr && nr < CANDIDATES_MAX; i++) {
		const struct listing_entry *e = &l->files.entries[i];

		if (may_be_weight(l, w, e->path))
			c[nr++] = (struct candidate){.entry = e, .is_first = is_first(e->path) && (w != WEIGHTS_ONNX || look_has_suffix(e->path, ".onnx"))};
	}
	nr = keep_place(l, w, c, nr);
	for (unsigned i = 0; i < nr; i++)
		for (unsigned k = 0; c[i].is_first && k < nr; k++)
			if (is_part_of(c[k].entry->path, c[i].entry->path))
				c[i].bytes += c[k].entry->size;
	return nr;
}

static void take_set(struct look *l, const struct candidate *c, unsigned nr, const struct listing_entry *first)
{
	for (unsigned i = 0; i < nr; i++)
		if (is_part_of(c[i].entry->path, first->path)) {
			l->weight_files[l->nr_weights++] = c[i].entry;
			l->weight_bytes += c[i].entry->size;
		}
}

int look_choose_weights(struct look *l)
{
	AUTO_FREE struct candidate *c = calloc(CANDIDATES_MAX, sizeof(*c));

	l->weight_files = calloc(CANDIDATES_MAX, sizeof(l->weight_files[0]));
	if (!c || !l->weight_files)
		return -ENOMEM;
	for (int w = WEIGHTS_SAFETENSORS; w <= WEIGHTS_ONNX && !l->head; w++) {
		unsigned nr = collect(l, (enum weights)w, c);

		for (unsigned i = 0; i < nr; i++) {
			if (!c[i].is_first || !is_chosen((enum weights)w, c, nr, i))
				continue;
			l->weights = (enum weights)w;
			l->head = l->head ? l->head : c[i].entry;
			take_set(l, c, nr, c[i].entry);
		}
	}
	return 0;
}
