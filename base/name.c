// SPDX-License-Identifier: Apache-2.0
/* Which names are safe. Pure: every rule is a table row in tests/unit/test_name.c. */
#include <hffs/name.h>

#include <string.h>

bool name_is_safe(const char *name, size_t len)
{
	if (len == 0 || len > NAME_LEN_MAX || memchr(name, '/', len) || memchr(name, '\0', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

bool name_is_safe_path(const char *path, size_t len)
{
	size_t depth = 0;

	for (;;) {
		const char *slash = memchr(path, '/', len);
		size_t part = slash ? (size_t)(slash - path) : len;

		if (!name_is_safe(path, part) || ++depth > NAME_DEPTH_MAX)
			return false;
		if (!slash)
			return true;
		path += part + 1;
		len -= part + 1;
	}
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_edge(char c)
{
	return is_alnum(c) || c == '_';
}

bool name_is_repo_part(const char *name, size_t len)
{
	if (len == 0 || len > 96 || !is_edge(name[0]) || !is_edge(name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_edge(name[i]) && name[i] != '-' && name[i] != '.')
			return false;
		if (i && (name[i] == '-' || name[i] == '.') && name[i - 1] == name[i])
			return false;
	}
	return len < 4 || memcmp(name + len - 4, ".git", 4) != 0;
}

bool name_is_commit(const char *name, size_t len)
{
	if (len != 40)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'f')))
			return false;
	return true;
}
