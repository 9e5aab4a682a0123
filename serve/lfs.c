// SPDX-License-Identifier: Apache-2.0
/* LFS pointers and the rules that choose LFS files. Pure. */
#include "lfs_int.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <hffs/digest.h>

size_t lfs_format_pointer(const uint8_t sha256[32], uint64_t size, char out[256])
{
	char hex[65];

	hex_format(sha256, 32, hex);
	return (size_t)snprintf(out, 256, "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %llu\n", hex,
				(unsigned long long)size);
}

int lfs_pointer_id(const uint8_t sha256[32], uint64_t size, uint8_t oid[20])
{
	char text[256], object[300];
	size_t len = lfs_format_pointer(sha256, size, text), head;

	head = (size_t)snprintf(object, sizeof(object), "blob %zu", len) + 1;
	memcpy(object + head, text, len);
	return digest_sha1(object, head + len, oid);
}

static const char *find_line(const char *text, const char *end, const char *key)
{
	size_t len = strlen(key);

	while (text && (size_t)(end - text) > len) {
		if (!memcmp(text, key, len))
			return text + len;
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

bool lfs_parse_pointer(const char *text, size_t len, uint8_t sha256[32], uint64_t *size)
{
	static const char version[] = "version https://git-lfs.github.com/spec/";
	const char *end = text + len, *oid, *n;
	uint64_t bytes = 0;

	if (len > LFS_POINTER_MAX || len < sizeof(version) || memcmp(text, version, sizeof(version) - 1) != 0)
		return false;
	oid = find_line(text, end, "oid sha256:");
	n = find_line(text, end, "size ");
	if (!oid || !n || end - oid < 64 || hex_parse(oid, 64, sha256) < 0 || *n < '0' || *n > '9')
		return false;
	for (; n < end && *n >= '0' && *n <= '9'; n++)
		if (__builtin_mul_overflow(bytes, 10, &bytes) || __builtin_add_overflow(bytes, (uint64_t)(*n - '0'), &bytes))
			return false;
	if (n < end && *n != '\n' && *n != '\r')
		return false;
	*size = bytes;
	return true;
}

/* One line: a pattern, then attributes. True if it sets or unsets the filter. */
static bool parse_line(char *line, char **pattern, bool *is_lfs)
{
	char *save = NULL, *word;
	bool said = false;

	line += strspn(line, " \t");
	if (*line == '#' || *line == '\0')
		return false;
	if (*line == '"') {
		*pattern = ++line;
		line += strcspn(line, "\"");
		if (*line)
			*line++ = '\0';
		word = strtok_r(line, " \t\r", &save);
	} else {
		*pattern = strtok_r(line, " \t\r", &save);
		word = strtok_r(NULL, " \t\r", &save);
	}
	for (; word; word = strtok_r(NULL, " \t\r", &save)) {
		if (!strncmp(word, "filter=", 7))
			*is_lfs = !strcmp(word + 7, "lfs");
		else if (!strcmp(word, "-filter") || !strcmp(word, "!filter"))
			*is_lfs = false;
		else
			continue;
		said = true;
	}
	return said && *pattern && **pattern;
}

int attrs_parse(const char *text, size_t len, struct attrs *out)
{
	AUTO_FREE char *copy = strndup(text, len);
	char *save = NULL;

	*out = (struct attrs){0};
	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct attr a = {0}, *more;

		if (!parse_line(line, &a.pattern, &a.is_lfs))
			continue;
		more = reallocarray(out->list, out->nr + 1, sizeof(*more));
		if (more)
			out->list = more;
		a.pattern = strdup(a.pattern);
		if (!more || !a.pattern) {
			free(a.pattern);
			attrs_done(out);
			return -ENOMEM;
		}
		more[out->nr++] = a;
	}
	return 0;
}

void attrs_done(struct attrs *a)
{
	for (size_t i = 0; i < a->nr; i++)
		free(a->list[i].pattern);
	free(a->list);
	*a = (struct attrs){0};
}

/* Matches component by component; "**" stands for any number of them. */
static bool match_parts(const char *pattern, const char *path)
{
	char p[512], n[512];
	size_t pl = strcspn(pattern, "/"), nl;

	if (pl == 2 && !strncmp(pattern, "**", 2)) {
		if (!pattern[pl])
			return *path != '\0';
		for (const char *rest = path; rest; rest = strchr(rest, '/'), rest = rest ? rest + 1 : NULL)
			if (match_parts(pattern + pl + 1, rest))
				return true;
		return false;
	}
	nl = strcspn(path, "/");
	if (nl == 0 || pl >= sizeof(p) || nl >= sizeof(n))
		return false;
	memcpy(p, pattern, pl);
	memcpy(n, path, nl);
	p[pl] = n[nl] = '\0';
	if (fnmatch(p, n, 0) != 0)
		return false;
	if (!pattern[pl] || !path[nl])
		return pattern[pl] == path[nl];
	return match_parts(pattern + pl + 1, path + nl + 1);
}

bool attrs_match(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!strchr(pattern, '/'))
		return match_parts(pattern, slash ? slash + 1 : path);
	return match_parts(pattern + (*pattern == '/'), path);
}

/* The .gitattributes that the Hub puts into every new repository names these. */
static const char *const usual_endings[] = {
	"7z",  "arrow", "bin",  "bz2", "ckpt", "ftz", "gguf",    "gz",      "h5",      "joblib",     "lfs", "mlmodel",
	"msgpack", "model", "npy", "npz", "onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth", "rar",
	"safetensors", "tar", "tflite", "tgz", "wasm", "xz", "zip", "zst",
};

bool lfs_wants(const struct attrs *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *dot;

	for (size_t i = a->nr; i-- > 0;)
		if (attrs_match(a->list[i].pattern, path))
			return a->list[i].is_lfs;
	dot = strrchr(slash ? slash : path, '.');
	for (size_t i = 0; dot && i < ARRAY_SIZE(usual_endings); i++)
		if (!strcmp(dot + 1, usual_endings[i]))
			return true;
	return false;
}
