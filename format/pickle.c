// SPDX-License-Identifier: Apache-2.0
/*
 * Files that run code when they are loaded the usual way: Python pickles, and what holds them. By name, by custom; and by content, because a
 * name says what its author likes.
 *
 * Seen: pickles of protocol 2 and later; what torch.save() writes, a ZIP file with a *.pkl in it, the format before that (a pickle), and the
 * one before that (a tar); numpy arrays of objects. Pickles without a head, as of protocol 0 and 1, are pickle_walk.c's. Not seen: what is
 * compressed.
 * [Python pickletools; PyTorch torch/serialization.py; numpy lib/format.py, 2026-08]
 */
#include <hffs/format.h>

#include <string.h>
#include <strings.h>

#include "bytes_int.h"

#define TAR_MAGIC_OFF 257

static bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len >= n && !strcasecmp(text + len - n, suffix);
}

bool pickle_is_name(const char *path)
{
	static const char *const suffixes[] = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_with(path, suffixes[i]))
			return true;
	return false;
}

/* "'O'", "'|O'", "'|O8'": a type, not a field that is called Open. */
static bool names_objects(const char *text, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++)
		if (text[i] == 'O' && strchr("'\"|<>=", text[i - 1]) && strchr("'\"0123456789", text[i + 1]))
			return true;
	return false;
}

/* The header is a Python dictionary: 'descr' says of what the array is; 'O' is a reference to any object. */
static bool is_numpy_of_objects(const uint8_t *p, size_t len)
{
	size_t wide, header, at;

	if (len < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
		return false;
	wide = p[6] > 1 ? 4 : 2;
	if (len < 8 + wide)
		return true; /* cut short: nobody knows */
	header = wide == 2 ? (size_t)(p[8] | p[9] << 8) : get_le32(p + 8);
	at = 8 + wide;
	if (header > len - at)
		return true; /* a header of its own kind: as above */
	return names_objects((const char *)p + at, header);
}

/* The tar of the first torch.save(): its members have these names. */
static bool is_torch_tar(const uint8_t *p, size_t len)
{
	static const char *const names[] = {"sys_info", "pickle", "storages", "tensors"};

	if (len < TAR_MAGIC_OFF + 5 || memcmp(p + TAR_MAGIC_OFF, "ustar", 5) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp((const char *)p, names[i], strlen(names[i]) + 1))
			return true;
	return false;
}

enum pickle_look pickle_look(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len >= 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5)
		return PICKLE_YES;
	if (is_numpy_of_objects(p, len) || is_torch_tar(p, len))
		return PICKLE_YES;
	return format_sniff(bytes, len) == FORMAT_ZIP ? PICKLE_IF_IN_ZIP : PICKLE_NO;
}

bool pickle_in_zip(const struct zip_directory *z)
{
	static const char *const suffixes[] = {".pkl", ".pickle"};

	for (uint32_t i = 0; i < z->nr; i++)
		for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++)
			if (ends_with(z->entries[i].name, suffixes[k]))
				return true;
	return false;
}
