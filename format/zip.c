// SPDX-License-Identifier: Apache-2.0
/*
 * The central directory of a ZIP file, from its end: the end record (behind it at most a comment), before that the zip64 locator and
 * record if there are any, before those the directory. [PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5]
 *
 * Whoever made the file chose every number in it, so each is checked against the one place where it can be. A directory must end
 * where its end record begins: bytes put before an archive, which some tools forgive, are not for us.
 */
#include <hffs/format.h>

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>

#include "bytes_int.h"

#define END_BYTES 22
#define LOCATOR_BYTES 20
#define END64_BYTES 56
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define COMMENT_MAX 65535
#define ZIP64_EXTRA 1

struct tail {
	const uint8_t *bytes; /* the file from `off` on */
	uint64_t off, file_size, directory_max;
	uint64_t *from;
	struct err *err;
};

static const uint8_t *at(const struct tail *t, uint64_t off)
{
	return t->bytes + (off - t->off);
}

static int need(const struct tail *t, uint64_t from)
{
	*t->from = from;
	return -EAGAIN;
}

static int bad(const struct tail *t, const char *why)
{
	return err_set(t->err, -EBADMSG, "%s", why);
}

/* The end record: the last place where its mark stands and its comment reaches the end of the file. */
static int find_end(const struct tail *t, uint64_t *end)
{
	uint64_t lowest = t->file_size - min_u64(t->file_size, END_BYTES + COMMENT_MAX);

	if (t->file_size < END_BYTES)
		return bad(t, "the file is too short for a ZIP file");
	if (t->file_size - t->off < END_BYTES)
		return need(t, t->file_size - END_BYTES);
	for (uint64_t off = t->file_size - END_BYTES;; off--) {
		const uint8_t *p = at(t, off);

		if (!memcmp(p, "PK\005\006", 4) && off + END_BYTES + get_le16(p + 20) == t->file_size) {
			*end = off;
			return 0;
		}
		if (off == lowest)
			return bad(t, "there is no end record of a ZIP file");
		if (off == t->off)
			return need(t, lowest);
	}
}

struct place {
	uint64_t nr, off, len; /* of the directory */
	uint64_t behind;       /* where it must end */
};

static int read_end64(const struct tail *t, uint64_t end, struct place *d)
{
	const uint8_t *p = at(t, end - LOCATOR_BYTES);
	uint64_t off = get_le64(p + 8);

	if (get_le32(p + 4) != 0 || get_le32(p + 16) > 1)
		return err_set(t->err, -ENOTSUP, "a ZIP file on more than one disk");
	if (off > end - LOCATOR_BYTES || end - LOCATOR_BYTES - off < END64_BYTES)
		return bad(t, "the zip64 end record is not where it should be");
	if (off < t->off)
		return need(t, off);
	p = at(t, off);
	if (memcmp(p, "PK\006\006", 4) != 0)
		return bad(t, "the zip64 end record is not where it should be");
	if (get_le32(p + 16) != 0 || get_le32(p + 20) != 0)
		return err_set(t->err, -ENOTSUP, "a ZIP file on more than one disk");
	*d = (struct place){get_le64(p + 32), get_le64(p + 48), get_le64(p + 40), off};
	return 0;
}

static int read_end(const struct tail *t, uint64_t end, struct place *d)
{
	const uint8_t *p = at(t, end);
	bool wide = get_le16(p + 10) == UINT16_MAX || get_le32(p + 12) == UINT32_MAX || get_le32(p + 16) == UINT32_MAX;

	*d = (struct place){get_le16(p + 10), get_le32(p + 16), get_le32(p + 12), end};
	if (end >= LOCATOR_BYTES + END64_BYTES) {
		if (end - LOCATOR_BYTES < t->off)
			return need(t, end - LOCATOR_BYTES);
		if (!memcmp(at(t, end - LOCATOR_BYTES), "PK\006\007", 4))
			return read_end64(t, end, d);
	}
	if (wide)
		return bad(t, "the zip64 end record is missing");
	if (get_le16(p + 4) != 0 || get_le16(p + 6) != 0 || get_le16(p + 8) != get_le16(p + 10))
		return err_set(t->err, -ENOTSUP, "a ZIP file on more than one disk");
	return 0;
}

static int check_place(const struct tail *t, const struct place *d)
{
	if (d->len > d->behind || d->off != d->behind - d->len)
		return bad(t, "the ZIP directory is not where it should be");
	if (d->nr > d->len / ENTRY_BYTES)
		return bad(t, "the ZIP directory has more entries than room for them");
	if (d->len > t->directory_max)
		return err_set(t->err, -EFBIG, "the ZIP directory has %llu bytes", (unsigned long long)d->len);
	return d->off < t->off ? need(t, d->off) : 0;
}

/* --- entries --- */

/* Numbers that did not fit stand in the zip64 field, in this order, those that did fit left out. False: it is too short. */
static bool widen(struct zip_entry *e, const uint8_t *extra, size_t len)
{
	uint64_t *const numbers[] = {&e->size, &e->packed, &e->off};
	size_t pos = 0, field = 0;

	while (len - pos >= 4 && get_le16(extra + pos) != ZIP64_EXTRA) {
		field = get_le16(extra + pos + 2);
		if (field > len - pos - 4)
			return true; /* padding that is no list of fields: some tools write it */
		pos += 4 + field;
	}
	field = len - pos >= 4 ? get_le16(extra + pos + 2) : 0;
	if (len - pos >= 4 && field > len - pos - 4)
		return false;
	pos += 4;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (*numbers[i] != UINT32_MAX)
			continue;
		if (field < 8)
			return false;
		*numbers[i] = get_le64(extra + pos);
		pos += 8;
		field -= 8;
	}
	return true;
}

/* The entry at p, of at most `room` bytes; its length, or -errno. name: position in names. */
static int64_t read_entry(const struct tail *t, const uint8_t *p, uint64_t room, const struct place *d, struct zip_entry *e,
			  struct buf *names, size_t *name)
{
	size_t name_len, extra_len, len;

	if (room < ENTRY_BYTES || memcmp(p, "PK\001\002", 4) != 0)
		return bad(t, "an entry of the ZIP directory is malformed");
	name_len = get_le16(p + 28);
	extra_len = get_le16(p + 30);
	len = ENTRY_BYTES + name_len + extra_len + get_le16(p + 32);
	if (len > room || memchr(p + ENTRY_BYTES, '\0', name_len))
		return bad(t, "an entry of the ZIP directory is malformed");
	*e = (struct zip_entry){.off = get_le32(p + 42), .packed = get_le32(p + 20), .size = get_le32(p + 24), .method = get_le16(p + 10)};
	if (!widen(e, p + ENTRY_BYTES + name_len, extra_len))
		return bad(t, "a zip64 field of the ZIP directory is malformed");
	if (e->off > d->off || d->off - e->off < LOCAL_BYTES || e->packed > d->off - e->off - LOCAL_BYTES)
		return bad(t, "an entry of the ZIP directory lies outside of the file");
	*name = names->len;
	buf_add(names, p + ENTRY_BYTES, name_len);
	buf_addc(names, '\0');
	return names->failed ? -ENOMEM : (int64_t)len;
}

static int by_place(const void *pa, const void *pb)
{
	const struct zip_entry *a = pa, *b = pb;

	return a->off < b->off ? -1 : a->off > b->off;
}

static int check_overlap(const struct tail *t, const struct zip_entry *e, uint64_t nr)
{
	for (uint64_t i = 1; i < nr; i++)
		if (e[i].off - e[i - 1].off < LOCAL_BYTES + e[i - 1].packed)
			return bad(t, "entries of the ZIP file lie over one another");
	return 0;
}

/* One block: the directory, entries, names. name_at: positions of names. */
static struct zip_directory *pack(const struct place *d, const struct zip_entry *e, const size_t *name_at, const struct buf *names)
{
	size_t nr = (size_t)d->nr;
	struct zip_directory *z = calloc(1, sizeof(*z) + nr * sizeof(*e) + names->len);
	struct zip_entry *entries;
	char *text;

	if (!z)
		return NULL;
	entries = (void *)(z + 1);
	text = (char *)(entries + nr);
	*z = (struct zip_directory){(uint32_t)nr, d->off, d->len, entries};
	if (!nr)
		return z;
	memcpy(text, names->data, names->len);
	memcpy(entries, e, nr * sizeof(*e));
	for (size_t i = 0; i < nr; i++)
		entries[i].name = text + name_at[i];
	qsort(entries, nr, sizeof(*entries), by_place);
	return z;
}

static int read_entries(const struct tail *t, const struct place *d, struct zip_directory **out)
{
	AUTO(zip_directory_free) struct zip_directory *z = NULL;
	AUTO_FREE size_t *name_at = calloc((size_t)d->nr + 1, sizeof(*name_at));
	AUTO_FREE struct zip_entry *e = calloc((size_t)d->nr + 1, sizeof(*e));
	AUTO_BUF names = {0};
	uint64_t pos = 0;
	int r;

	if (!e || !name_at)
		return -ENOMEM;
	for (uint64_t i = 0; i < d->nr; i++) {
		int64_t len = read_entry(t, at(t, d->off) + pos, d->len - pos, d, &e[i], &names, &name_at[i]);

		if (len < 0)
			return (int)len;
		pos += (uint64_t)len;
	}
	z = pack(d, e, name_at, &names);
	if (!z)
		return -ENOMEM;
	r = check_overlap(t, z->entries, d->nr);
	if (r < 0)
		return r;
	*out = TAKE(z);
	return 0;
}

int zip_directory_parse(const void *tail, size_t len, uint64_t file_size, uint64_t directory_max, struct zip_directory **out,
			uint64_t *from, struct err *err)
{
	struct tail t = {tail, file_size - min_u64(len, file_size), file_size, min_u64(directory_max, FORMAT_HEADER_MAX), from, err};
	struct place d = {0};
	uint64_t end = 0;
	int r;

	if (len > file_size)
		return bad(&t, "more bytes than the file has");
	r = find_end(&t, &end);
	if (r == 0)
		r = read_end(&t, end, &d);
	if (r == 0)
		r = check_place(&t, &d);
	return r < 0 ? r : read_entries(&t, &d, out);
}

void zip_directory_free(struct zip_directory *z)
{
	free(z);
}
