// SPDX-License-Identifier: Apache-2.0
/* Which files of a repository are its model, by their names: one set of weights, where there are several the one that is loaded first. */
#include "inspect_int.h"

#include <string.h>
#include <strings.h>

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

/* "NAME-00002-of-00003.gguf" of "NAME-00001-of-00003.gguf", or the same file. */
static bool is_part_of(const char *path, const char *first)
{
	const char *at = strstr(first, "-00001-of-");
	size_t stem = at ? (size_t)(at - first) : 0;

	if (!at)
		return !strcmp(path, first);
	return strlen(path) == strlen(first) && !strncmp(path, first, stem + 1) && !strcmp(path + stem + 6, first + stem + 6);
}

static bool is_safetensors(const struct look *l, const char *path)
{
	bool of_adapter = !strncmp(base_of(path), "adapter_model", 13);

	return look_has_suffix(path, ".safetensors") && strncmp(path, "consolidated", 12) != 0 && of_adapter == l->is_adapter;
}

/* Weights in folders count only where the top has none: pipelines of several models. */
static bool has_on_top(const struct look *l)
{
	for (size_t i = 0; i < l->files.nr; i++)
		if (!strchr(l->files.entries[i].path, '/') && is_safetensors(l, l->files.entries[i].path))
			return true;
	return false;
}

static bool is_pickle_weight(const char *path)
{
	return !strchr(path, '/') && pickle_is_name(path) && !strstr(path, "training_args") && !strstr(path, "optimizer") &&
	       !strstr(path, "scheduler") && !strstr(path, "rng_state");
}

static bool is_gguf(const char *path)
{
	return look_has_suffix(path, ".gguf") && !strcasestr(base_of(path), "mmproj");
}

bool look_is_weight(const struct look *l, const char *path)
{
	switch (l->weights) {
	case WEIGHTS_SAFETENSORS:
		return is_safetensors(l, path) && (!strchr(path, '/') || !has_on_top(l));
	case WEIGHTS_GGUF:
		return l->head && is_part_of(path, l->head->path);
	case WEIGHTS_PICKLE:
		return is_pickle_weight(path);
	case WEIGHTS_ONNX:
		return l->head && !strcmp(path, l->head->path);
	case WEIGHTS_NONE:
		break;
	}
	return false;
}

/* Better to look at than what was found before? The usual quantisation, else the smaller. */
static bool is_better_gguf(const struct listing_entry *e, const struct listing_entry *than)
{
	bool usual = strcasestr(base_of(e->path), "Q4_K_M") != NULL;

	if (!than)
		return true;
	if (usual != (strcasestr(base_of(than->path), "Q4_K_M") != NULL))
		return usual;
	return e->size < than->size;
}

static void consider(struct look *l, const struct listing_entry *e, const struct listing_entry *best[WEIGHTS_ONNX + 1])
{
	const char *part = strstr(e->path, "-of-0");
	bool is_first = !part || strstr(e->path, "-00001-of-");

	if (is_safetensors(l, e->path) && !best[WEIGHTS_SAFETENSORS])
		best[WEIGHTS_SAFETENSORS] = e;
	if (is_gguf(e->path) && is_first && is_better_gguf(e, best[WEIGHTS_GGUF]))
		best[WEIGHTS_GGUF] = e;
	if (is_pickle_weight(e->path) && !best[WEIGHTS_PICKLE])
		best[WEIGHTS_PICKLE] = e;
	if (look_has_suffix(e->path, ".onnx") && (!best[WEIGHTS_ONNX] || e->size > best[WEIGHTS_ONNX]->size))
		best[WEIGHTS_ONNX] = e;
}

void look_choose_weights(struct look *l)
{
	const struct listing_entry *best[WEIGHTS_ONNX + 1] = {NULL};
	bool on_top = has_on_top(l);

	for (size_t i = 0; i < l->files.nr; i++)
		if (!on_top || !strchr(l->files.entries[i].path, '/') || !is_safetensors(l, l->files.entries[i].path))
			consider(l, &l->files.entries[i], best);
	for (int w = WEIGHTS_SAFETENSORS; w <= WEIGHTS_ONNX && !l->head; w++)
		if (best[w]) {
			l->weights = (enum weights)w;
			l->head = best[w];
		}
	for (size_t i = 0; i < l->files.nr; i++)
		if (look_is_weight(l, l->files.entries[i].path)) {
			l->nr_weights++;
			l->weight_bytes += l->files.entries[i].size;
		}
}
