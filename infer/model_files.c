// SPDX-License-Identifier: Apache-2.0
/* Names to what they are for: as repositories of the Hub are laid out by transformers, sentence-transformers and llama.cpp. */
#include <hffs/model_files.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PART_LEN 14 /* "00001-of-00003" */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcasecmp(name + len - n, end);
}

static const char *base_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* "...-00002-of-00003.gguf": where the number stands; NULL for a file that is whole. */
static const char *part_of(const char *name)
{
	size_t len = strlen(name);
	const char *at;

	if (len < PART_LEN + strlen("-.gguf"))
		return NULL;
	at = name + len - strlen(".gguf") - PART_LEN;
	if (at[-1] != '-' || strspn(at, "0123456789") != 5 || strncmp(at + 5, "-of-", 4) != 0 || strspn(at + 9, "0123456789") != 5)
		return NULL;
	return at;
}

/* A file that a model can be opened by: a GGUF, of several parts the first. Not what belongs to one, as its eyes do. */
static bool is_candidate(const char *name)
{
	const char *part;

	if (!ends_with(name, ".gguf") || strcasestr(base_of(name), "mmproj"))
		return false;
	part = part_of(name);
	return !part || !strncmp(part, "00001", 5);
}

static bool has_directory(const char *const *names, size_t nr)
{
	bool has_config = false, has_weights = false;

	for (size_t i = 0; i < nr; i++) {
		has_config |= !strcmp(names[i], "config.json");
		has_weights |= !strchr(names[i], '/') && ends_with(names[i], ".safetensors");
	}
	return has_config && has_weights;
}

/* "a.gguf, b.gguf, ...": as many as a sentence bears. */
static void list_candidates(const char *const *names, size_t nr, char *out, size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < nr; i++) {
		if (!is_candidate(names[i]))
			continue;
		if (len + strlen(names[i]) + 8 > size) {
			snprintf(out + len, size - len, ", ...");
			return;
		}
		len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", names[i]);
	}
}

static int refuse(const char *const *names, size_t nr, const char *wanted, size_t found, struct err *err)
{
	char list[ERR_TEXT_MAX / 2];

	list_candidates(names, nr, list, sizeof(list));
	if (!*list && wanted)
		return err_set(err, -ENOENT, "there is no GGUF file '%s', nor any other", wanted);
	if (!*list)
		return err_set(err, -ENOENT, "there is no model: neither config.json with *.safetensors nor a GGUF file");
	if (wanted)
		return err_set(err, -ENOENT, found ? "several GGUF files fit '%s': there are %s" : "no GGUF file fits '%s': there are %s", wanted, list);
	return err_set(err, -ENOENT, "there are several GGUF files; name one, as DIR/FILE.gguf or as ORG/NAME:FILE.gguf: %s", list);
}

int model_files_choose(const char *const *names, size_t nr, const char *wanted, const char **out, struct err *err)
{
	const char *found = NULL;
	size_t count = 0;

	if (!wanted && has_directory(names, nr)) {
		*out = NULL;
		return 0;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!is_candidate(names[i]))
			continue;
		if (wanted && !strcmp(names[i], wanted)) {
			*out = names[i];
			return 0;
		}
		if (wanted && !strcasestr(names[i], wanted))
			continue;
		found = names[i];
		count++;
	}
	if (count != 1)
		return refuse(names, nr, wanted, count, err);
	*out = found;
	return 0;
}

static bool is_text_file(const char *name)
{
	return !strcmp(name, "config.json") || !strncmp(name, "tokenizer", 9) || !strcmp(name, "special_tokens_map.json") ||
	       !strncmp(name, "chat_template", 13) || !strcmp(name, "sentence_bert_config.json");
}

/* "1_Pooling/config.json" and the like of sentence-transformers. */
static bool is_module_config(const char *name)
{
	return *name >= '0' && *name <= '9' && ends_with(name, "/config.json") && strchr(name, '/') == strrchr(name, '/');
}

bool model_files_need(const char *name, const char *gguf, bool only_text)
{
	const char *part = gguf ? part_of(gguf) : NULL;

	if (part)
		return ends_with(name, ".gguf") && strlen(name) == strlen(gguf) && !strncmp(name, gguf, (size_t)(part - gguf));
	if (gguf)
		return !strcmp(name, gguf);
	if (strchr(name, '/'))
		return is_module_config(name) && !only_text;
	if (only_text)
		return is_text_file(name);
	return ends_with(name, ".json") || ends_with(name, ".jinja") ||
	       (ends_with(name, ".safetensors") && strncmp(name, "consolidated", 12) != 0);
}
