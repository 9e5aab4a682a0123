// SPDX-License-Identifier: Apache-2.0
/*
 * Every SQL statement. The connection locks the file for itself before it looks at it, so the write-ahead log needs no shared
 * memory, and no second connection can ever be there. What is read is checked: a row that cannot be true is reported, not used.
 */
#include "index_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/url.h>

#define BUSY_MS 1000
#define CHECK_MAX ((off_t)256 << 20) /* bytes of index that are checked whole after an unclean end: about a second */
#define SEAL_LEN 40

#define PIN_TABLES \
	"CREATE TABLE pin(nr INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);" \
	"CREATE TABLE pin_blob(id BLOB NOT NULL, pin INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(id, pin)) WITHOUT ROWID;" \
	"CREATE INDEX pin_blob_pin ON pin_blob(pin);"

static const char schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE blob(nr INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, chunks INTEGER NOT NULL,"
	" spoiled INTEGER NOT NULL, quarantined INTEGER NOT NULL, seal BLOB);"
	"CREATE TABLE extent(key INTEGER PRIMARY KEY, present INTEGER NOT NULL, bytes INTEGER NOT NULL, used INTEGER NOT NULL,"
	" digests BLOB NOT NULL);"
	"CREATE INDEX extent_used ON extent(used, bytes);"
	"CREATE TABLE doc(nr INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL, stored INTEGER NOT NULL,"
	" used INTEGER NOT NULL, bytes BLOB NOT NULL);"
	"CREATE UNIQUE INDEX doc_key ON doc(kind, key);" PIN_TABLES;

/* What brings a format up to the one behind it, from format 1 on. */
static const char *const migrations[CACHE_FORMAT] = {[1] = PIN_TABLES};

enum statement {
	BEGIN, COMMIT, ROLLBACK, META_GET, META_PUT, TOTAL_BYTES, TOTAL_BLOBS, UNSEAL_ALL, FORGIVE_ALL,
	BLOB_FIND, BLOB_FIND_NR, BLOB_ADD, BLOB_PUT, BLOB_DROP, BLOB_LIST,
	EXTENT_FIND, EXTENT_PUT, EXTENT_DROP, EXTENT_DROP_RANGE, EXTENT_USE, EXTENT_USE_RANGE, EXTENT_USES,
	EXTENT_LOAD, EXTENT_COUNT, EXTENT_OLDEST, EXTENT_CLAMP,
	DOC_PUT, DOC_DROP, DOC_USE, DOC_LOAD, DOC_LIST, DOC_PRUNE, DOC_CLAMP,
	PIN_ADD, PIN_DROP, PIN_DROP_BLOBS, PIN_LIST, PIN_SUMS, PIN_BLOB_ADD, PIN_BLOB_FIND, PIN_TOTAL, PIN_CACHED,
	STATEMENTS
};

/* ?2: the key itself, else everything that begins with it. */
#define PIN_MATCHES "CASE WHEN ?2 THEN key = ?1 ELSE substr(key, 1, length(?1)) = ?1 END"
#define CHUNK_TEXT "262144"
_Static_assert(CHUNK_SIZE == 262144, "the size of a chunk, as text");

#define BLOB_COLUMNS "nr, id, size, chunks, spoiled, quarantined, seal"

static const char *const statements[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[META_GET] = "SELECT value FROM meta WHERE key = ?1",
	[META_PUT] = "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	[TOTAL_BYTES] = "SELECT coalesce(sum(bytes), 0) FROM extent INDEXED BY extent_used",
	[TOTAL_BLOBS] = "SELECT count(*), count(seal) FROM blob",
	[UNSEAL_ALL] = "UPDATE blob SET seal = NULL WHERE seal IS NOT NULL",
	[FORGIVE_ALL] = "UPDATE blob SET quarantined = 0 WHERE quarantined",
	[BLOB_FIND] = "SELECT " BLOB_COLUMNS " FROM blob WHERE id = ?1",
	[BLOB_FIND_NR] = "SELECT " BLOB_COLUMNS " FROM blob WHERE nr = ?1",
	[BLOB_ADD] = "INSERT INTO blob(id, size, chunks, spoiled, quarantined) VALUES(?1, ?2, 0, 0, 0)",
	[BLOB_PUT] = "UPDATE blob SET size = ?2, chunks = ?3, spoiled = ?4, quarantined = ?5, seal = ?6 WHERE nr = ?1",
	[BLOB_DROP] = "DELETE FROM blob WHERE nr = ?1",
	[BLOB_LIST] = "SELECT " BLOB_COLUMNS " FROM blob WHERE nr > ?1 ORDER BY nr LIMIT ?2",
	[EXTENT_FIND] = "SELECT key, present, digests FROM extent WHERE key = ?1",
	[EXTENT_PUT] = "INSERT INTO extent(key, present, bytes, used, digests) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(key) DO UPDATE"
		       " SET present = excluded.present, bytes = excluded.bytes, used = excluded.used, digests = excluded.digests",
	[EXTENT_DROP] = "DELETE FROM extent WHERE key = ?1",
	[EXTENT_DROP_RANGE] = "DELETE FROM extent WHERE key BETWEEN ?1 AND ?2",
	[EXTENT_USE] = "UPDATE extent SET used = ?2 WHERE key = ?1",
	[EXTENT_USE_RANGE] = "UPDATE extent SET used = ?3 WHERE key BETWEEN ?1 AND ?2",
	[EXTENT_USES] = "SELECT min(used), max(used) FROM extent WHERE key BETWEEN ?1 AND ?2",
	[EXTENT_LOAD] = "SELECT key, present, digests FROM extent WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
	[EXTENT_COUNT] = "SELECT count(*), coalesce(sum(bytes), 0) FROM extent WHERE key BETWEEN ?1 AND ?2",
	[EXTENT_OLDEST] = "SELECT used, bytes, key FROM extent INDEXED BY extent_used WHERE (used, bytes, key) > (?1, ?2, ?3)"
			  " ORDER BY used, bytes, key LIMIT ?4",
	[EXTENT_CLAMP] = "UPDATE extent SET used = ?1 WHERE used > ?1",
	[DOC_PUT] = "INSERT INTO doc(kind, key, stored, used, bytes) VALUES(?1, ?2, ?3, ?3, ?4) ON CONFLICT(kind, key) DO UPDATE"
		    " SET stored = excluded.stored, used = excluded.used, bytes = excluded.bytes",
	[DOC_DROP] = "DELETE FROM doc WHERE kind = ?1 AND key = ?2",
	[DOC_USE] = "UPDATE doc SET used = ?3 WHERE kind = ?1 AND key = ?2",
	[DOC_LOAD] = "SELECT stored, used, bytes FROM doc WHERE kind = ?1 AND key = ?2",
	[DOC_LIST] = "SELECT key, stored FROM doc WHERE kind = ?1 AND key >= ?2 ORDER BY key",
	[DOC_PRUNE] = "DELETE FROM doc WHERE used < ?1",
	[DOC_CLAMP] = "UPDATE doc SET used = ?1 WHERE used > ?1",
	[PIN_ADD] = "INSERT INTO pin(key, bytes) VALUES(?1, ?2)",
	[PIN_DROP] = "DELETE FROM pin WHERE " PIN_MATCHES,
	[PIN_DROP_BLOBS] = "DELETE FROM pin_blob WHERE pin IN (SELECT nr FROM pin WHERE " PIN_MATCHES ")",
	[PIN_LIST] = "SELECT nr, key, bytes FROM pin ORDER BY key",
	[PIN_SUMS] = "SELECT count(*), coalesce(sum(p.size), 0), coalesce(sum(min(coalesce(b.chunks, 0) * " CHUNK_TEXT ", p.size)), 0)"
		     " FROM pin_blob p LEFT JOIN blob b ON b.id = p.id WHERE p.pin = ?1",
	[PIN_BLOB_ADD] = "INSERT INTO pin_blob(id, pin, size) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
	[PIN_BLOB_FIND] = "SELECT 1 FROM pin_blob WHERE id = ?1 LIMIT 1",
	[PIN_CACHED] = "SELECT coalesce(sum(min(chunks * " CHUNK_TEXT ", size)), 0) FROM blob WHERE id IN (SELECT id FROM pin_blob)",
	[PIN_TOTAL] = "SELECT coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM pin_blob GROUP BY id)",
};

struct index {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENTS];
	uint8_t salt[INDEX_SALT_LEN];
	enum index_end last_end;
	bool marked;    /* the file says that somebody is using it, and seals of an unclean end are gone */
};

/* --- SQLite's results --- */

static int errno_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_TOOBIG:
	case SQLITE_INTERRUPT:
		return -EIO;
	default: /* CORRUPT, NOTADB, a schema that our statements do not fit, a header that says read-only, broken constraints */
		return -EBADMSG;
	}
}

static sqlite3_stmt *ready(struct index *ix, enum statement which)
{
	sqlite3_stmt *st = ix->prepared[which];

	(void)sqlite3_reset(st); /* repeats the error of the last step, which was told then */
	(void)sqlite3_clear_bindings(st);
	return st;
}

/* Runs a statement that answers no rows, and lets go of it. */
static int run(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	(void)sqlite3_reset(st); /* as above */
	return rc == SQLITE_ROW ? 0 : errno_of(rc);
}

/* 0 with a row to read, -ENOENT, or the error; without a row the statement is let go. */
static int first_row(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 0;
	(void)sqlite3_reset(st); /* as above */
	return rc == SQLITE_DONE ? -ENOENT : errno_of(rc);
}

/* --- open and close --- */

static int exec(struct index *ix, const char *sql)
{
	return errno_of(sqlite3_exec(ix->db, sql, NULL, NULL, NULL));
}

static int query_int(struct index *ix, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL), r;

	if (rc != SQLITE_OK)
		return errno_of(rc);
	r = first_row(st);
	if (r == 0)
		*out = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st); /* read only */
	return r == -ENOENT ? -EBADMSG : r;
}

/* Nothing in a file made by somebody else may run code or reach outside it. */
static int set_up(struct index *ix)
{
	int r;

	(void)sqlite3_busy_timeout(ix->db, BUSY_MS);
	(void)sqlite3_extended_result_codes(ix->db, 1);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	r = exec(ix, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;"
		     "PRAGMA foreign_keys = OFF; PRAGMA page_size = 4096");
	if (r == 0)
		r = exec(ix, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;"
			     "PRAGMA wal_autocheckpoint = 1000; PRAGMA cell_size_check = ON");
	return r;
}

static int prepare(struct index *ix)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		int rc = sqlite3_prepare_v3(ix->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &ix->prepared[i], NULL);

		if (rc != SQLITE_OK)
			return errno_of(rc);
	}
	return 0;
}

static int make_schema(struct index *ix)
{
	char sql[160];
	int r = exec(ix, "BEGIN IMMEDIATE");

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, CACHE_FORMAT);
	if (r == 0)
		r = exec(ix, schema);
	if (r == 0)
		r = exec(ix, sql);
	if (r == 0)
		r = exec(ix, "COMMIT");
	return r;
}

/* A format that is older than ours is brought up step by step, in one transaction. */
static int migrate(struct index *ix, int64_t format)
{
	char sql[64];
	int r = exec(ix, "BEGIN IMMEDIATE");

	for (; r == 0 && format < CACHE_FORMAT; format++)
		r = exec(ix, migrations[format]);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", CACHE_FORMAT);
	if (r == 0)
		r = exec(ix, sql);
	if (r == 0)
		r = exec(ix, "COMMIT");
	if (r < 0)
		index_rollback(ix);
	return r;
}

static int check_format(struct index *ix, struct err *err)
{
	int64_t app = 0, format = 0, tables = 0;
	int r = query_int(ix, "PRAGMA application_id", &app);

	if (r == 0)
		r = query_int(ix, "PRAGMA user_version", &format);
	if (r == 0)
		r = query_int(ix, "SELECT count(*) FROM sqlite_master", &tables);
	if (r < 0)
		return r;
	if (app == 0 && format == 0 && tables == 0)
		return make_schema(ix);
	if (app != APPLICATION_ID || format < 1)
		return -EBADMSG;
	if (format < CACHE_FORMAT)
		return migrate(ix, format);
	if (format > CACHE_FORMAT)
		return err_set(err, -EPROTO, "the cache was made by a newer hffs (format %lld, this one knows %d)", (long long)format,
			       CACHE_FORMAT);
	return 0;
}

static int get_meta(struct index *ix, const char *key, void *out, int len)
{
	sqlite3_stmt *st = ready(ix, META_GET);
	int r;

	(void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	r = first_row(st);
	if (r < 0)
		return r;
	if (sqlite3_column_bytes(st, 0) == len)
		memcpy(out, sqlite3_column_blob(st, 0), (size_t)len);
	else
		r = -EBADMSG;
	(void)sqlite3_reset(st); /* read only */
	return r;
}

static int put_meta(struct index *ix, const char *key, const void *value, int len)
{
	sqlite3_stmt *st = ready(ix, META_PUT);

	(void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 2, value, len, SQLITE_STATIC);
	return run(st);
}

static int ensure_salt(struct index *ix)
{
	int r = get_meta(ix, "salt", ix->salt, INDEX_SALT_LEN);

	if (r != -ENOENT)
		return r;
	r = digest_random(ix->salt, INDEX_SALT_LEN);
	return r < 0 ? r : put_meta(ix, "salt", ix->salt, INDEX_SALT_LEN);
}

/* The mark must be on disk before anything else is: what a clean end vouches for would otherwise outlive a power cut. */
static int mark_in_use(struct index *ix)
{
	int r = exec(ix, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE");

	if (r == 0 && ix->last_end == INDEX_TORN)
		r = run(ready(ix, UNSEAL_ALL));
	if (r == 0) /* a Hub may have mended what it sent; the next wrong proof quarantines at once */
		r = run(ready(ix, FORGIVE_ALL));
	if (r == 0)
		r = put_meta(ix, "clean", "0", 1);
	if (r == 0)
		r = exec(ix, "COMMIT");
	if (r < 0)
		index_rollback(ix);
	(void)exec(ix, "PRAGMA synchronous = NORMAL"); /* else it stays the safer one */
	ix->marked = r == 0;
	return r;
}

static int quick_check(struct index *ix, const char *path)
{
	struct stat st;
	sqlite3_stmt *check = NULL;
	int rc, r;

	if (stat(path, &st) < 0 || st.st_size > CHECK_MAX)
		return 0;
	rc = sqlite3_prepare_v2(ix->db, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (rc != SQLITE_OK)
		return errno_of(rc);
	r = first_row(check);
	if (r == 0 && strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
		r = -EBADMSG;
	(void)sqlite3_finalize(check); /* read only */
	return r == -ENOENT ? -EBADMSG : r;
}

/* SQLite would make the file readable for all; the log then has the mode of the file. */
static void make_private(const char *path)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	(void)fd; /* if it is there, or cannot be made, SQLite will see */
}

static enum index_end end_of(char clean)
{
	return clean == '1' ? INDEX_CLEAN : clean == '2' ? INDEX_UNSCRUBBED : INDEX_TORN;
}

static int open_file(struct index *ix, const char *path)
{
	return errno_of(sqlite3_open_v2(path, &ix->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
}

/* immutable: without a log and without locks, neither of which could be made. [sqlite.org/uri.html, 2026-08] */
static int open_immutable(const char *path, sqlite3 **out)
{
	AUTO_BUF uri = {0};

	buf_adds(&uri, "file:");
	url_encode(&uri, path, true);
	buf_adds(&uri, "?immutable=1");
	if (uri.failed)
		return -ENOMEM;
	return errno_of(sqlite3_open_v2(uri.data, out, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL));
}

static int copy_all(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	if (!b)
		return errno_of(sqlite3_errcode(to));
	(void)sqlite3_backup_step(b, -1); /* finish says the same once more */
	return errno_of(sqlite3_backup_finish(b));
}

static int open_copy(struct index *ix, const char *path)
{
	sqlite3 *from = NULL;
	int r = open_immutable(path, &from);

	if (r == 0)
		r = open_file(ix, ":memory:");
	if (r == 0)
		r = copy_all(ix->db, from);
	(void)sqlite3_close(from); /* read only */
	return r;
}

static int open_all(struct index *ix, const char *path, bool is_copy, enum index_end *last_end, struct err *err)
{
	char clean = '0';
	int r = is_copy ? open_copy(ix, path) : open_file(ix, path);

	if (r == 0)
		r = set_up(ix);
	if (r == 0)
		r = check_format(ix, err);
	if (r == 0)
		r = prepare(ix);
	if (r == 0)
		r = ensure_salt(ix);
	if (r == 0)
		r = get_meta(ix, "clean", &clean, 1);
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && end_of(clean) == INDEX_TORN)
		r = quick_check(ix, path);
	if (r < 0)
		return r;
	ix->last_end = end_of(clean);
	*last_end = ix->last_end;
	r = mark_in_use(ix);
	return r == -ENOSPC || r == -EIO ? 0 : r; /* a full disk: the first transaction that succeeds marks it */
}

static int open_index(const char *path, bool is_copy, struct index **out, enum index_end *last_end, struct err *err)
{
	struct index *ix = calloc(1, sizeof(*ix));
	struct err cause = {0};
	int r;

	if (!ix)
		return -ENOMEM;
	r = open_all(ix, path, is_copy, last_end, &cause);
	if (r < 0) {
		err_set(err, r, "%s", cause.text[0] ? cause.text : ix->db ? sqlite3_errmsg(ix->db) : "out of memory");
		index_close(ix, INDEX_TORN);
		return r;
	}
	*out = ix;
	return 0;
}

int index_open(const char *path, struct index **out, enum index_end *last_end, struct err *err)
{
	make_private(path);
	return open_index(path, false, out, last_end, err);
}

int index_open_copy(const char *path, struct index **out, enum index_end *last_end, struct err *err)
{
	if (access(path, F_OK) < 0)
		return -errno;
	return open_index(path, true, out, last_end, err);
}

static void say_clean(struct index *ix, enum index_end how)
{
	if (exec(ix, "PRAGMA synchronous = FULL") < 0 || exec(ix, "BEGIN IMMEDIATE") < 0)
		return;
	if (put_meta(ix, "clean", how == INDEX_CLEAN ? "1" : "2", 1) < 0 || exec(ix, "COMMIT") < 0)
		index_rollback(ix);
}

void index_close(struct index *ix, enum index_end how)
{
	if (!ix)
		return;
	if (how != INDEX_TORN)
		say_clean(ix, how);
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(ix->prepared[i]); /* errors were told when they happened */
	if (how != INDEX_TORN)
		(void)exec(ix, "PRAGMA wal_checkpoint(TRUNCATE)"); /* else the log is read at the next start */
	(void)sqlite3_close(ix->db); /* no statement is left that could keep it open */
	free(ix);
}

const uint8_t *index_salt(const struct index *ix)
{
	return ix->salt;
}

int index_begin(struct index *ix)
{
	int r = ix->marked ? 0 : mark_in_use(ix);

	return r < 0 ? r : run(ready(ix, BEGIN));
}

int index_commit(struct index *ix)
{
	int r = run(ready(ix, COMMIT));

	if (r < 0)
		index_rollback(ix);
	return r;
}

void index_rollback(struct index *ix)
{
	if (!sqlite3_get_autocommit(ix->db))
		(void)sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL); /* SQLite may have done it by itself */
}

int index_load_totals(struct index *ix, struct index_totals *out)
{
	sqlite3_stmt *st = ready(ix, TOTAL_BYTES);
	struct index_totals t = {0};
	int r = first_row(st);

	if (r < 0)
		return r;
	t.bytes = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st); /* read only */
	st = ready(ix, TOTAL_BLOBS);
	r = first_row(st);
	if (r < 0)
		return r;
	t.blobs = (uint64_t)sqlite3_column_int64(st, 0);
	t.sealed = (uint64_t)sqlite3_column_int64(st, 1);
	(void)sqlite3_reset(st); /* read only */
	if (t.bytes > INT64_MAX)
		return -EBADMSG;
	*out = t;
	return 0;
}

/* --- numbers and bytes in rows --- */

/* An extent's key: the blob's number in the upper half, the extent's place in the lower. */
static int64_t key_of(int64_t nr, uint64_t idx)
{
	return (int64_t)((uint64_t)nr << 32 | idx);
}

static void put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Ties a seal to its blob and cache, so that damage to the row does not pass for a proof. */
static uint64_t seal_check(const struct index *ix, const struct blob_id *id, const uint8_t *seal)
{
	uint8_t bytes[sizeof(*id) + SEAL_LEN - 8];

	memcpy(bytes, id, sizeof(*id));
	memcpy(bytes + sizeof(*id), seal, SEAL_LEN - 8);
	return digest_hash64(bytes, sizeof(bytes), get_u64(ix->salt));
}

static void pack_seal(const struct index *ix, const struct index_blob *b, uint8_t out[SEAL_LEN])
{
	put_u64(out, b->seal.ino);
	put_u64(out + 8, b->seal.size);
	put_u64(out + 16, (uint64_t)b->seal.mtime_ns);
	put_u64(out + 24, (uint64_t)b->seal.ctime_ns);
	put_u64(out + 32, seal_check(ix, &b->id, out));
}

static bool unpack_seal(const struct index *ix, const struct blob_id *id, const uint8_t *p, int len, struct index_seal *out)
{
	if (!p || len != SEAL_LEN || get_u64(p + 32) != seal_check(ix, id, p))
		return false;
	*out = (struct index_seal){get_u64(p), get_u64(p + 8), (int64_t)get_u64(p + 16), (int64_t)get_u64(p + 24)};
	return true;
}

void index_seal_of(const struct stat *st, struct index_seal *out)
{
	*out = (struct index_seal){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
	};
}

uint64_t index_extent_bytes(uint64_t size, uint64_t idx, uint64_t present)
{
	uint64_t nr = (uint64_t)__builtin_popcountll(present), last = size ? (size - 1) / CHUNK_SIZE : 0;

	if (last / EXTENT_CHUNKS == idx && present >> (last % EXTENT_CHUNKS) & 1)
		return (nr - 1) * CHUNK_SIZE + (size - last * CHUNK_SIZE);
	return nr * CHUNK_SIZE;
}

/* --- blobs --- */

static int unpack_id(const uint8_t *p, int len, struct blob_id *out)
{
	struct blob_id id = {0};

	if (!p || len < 1 || (size_t)len > sizeof(id))
		return -EBADMSG;
	memcpy(&id, p, (size_t)len);
	if (blob_id_len(&id) == 0 || blob_id_len(&id) + 1 != (size_t)len)
		return -EBADMSG;
	*out = id;
	return 0;
}

static void bind_id(sqlite3_stmt *st, int at, const struct blob_id *id)
{
	(void)sqlite3_bind_blob(st, at, id, (int)blob_id_len(id) + 1, SQLITE_STATIC);
}

static int read_blob(struct index *ix, sqlite3_stmt *st, struct index_blob *out)
{
	struct index_blob b = {.nr = sqlite3_column_int64(st, 0)};
	int64_t size = sqlite3_column_int64(st, 2), chunks = sqlite3_column_int64(st, 3);

	if (unpack_id(sqlite3_column_blob(st, 1), sqlite3_column_bytes(st, 1), &b.id) < 0)
		return -EBADMSG;
	if (b.nr < 1 || b.nr > INT32_MAX || size < 0 || chunks < 0)
		return -EBADMSG;
	b.size = (uint64_t)size;
	b.chunks = (uint64_t)chunks;
	b.spoiled = (unsigned)sqlite3_column_int64(st, 4);
	b.quarantined = sqlite3_column_int64(st, 5) != 0;
	b.sealed = (ix->marked || ix->last_end != INDEX_TORN) &&
		   unpack_seal(ix, &b.id, sqlite3_column_blob(st, 6), sqlite3_column_bytes(st, 6), &b.seal);
	*out = b;
	return 0;
}

static int find_blob(struct index *ix, sqlite3_stmt *st, struct index_blob *out)
{
	int r = first_row(st);

	if (r < 0)
		return r;
	r = read_blob(ix, st, out);
	(void)sqlite3_reset(st); /* read only */
	return r;
}

int index_find_blob(struct index *ix, const struct blob_id *id, struct index_blob *out)
{
	sqlite3_stmt *st = ready(ix, BLOB_FIND);

	bind_id(st, 1, id);
	return find_blob(ix, st, out);
}

int index_find_blob_nr(struct index *ix, int64_t nr, struct index_blob *out)
{
	sqlite3_stmt *st = ready(ix, BLOB_FIND_NR);

	(void)sqlite3_bind_int64(st, 1, nr);
	return find_blob(ix, st, out);
}

int index_add_blob(struct index *ix, const struct blob_id *id, uint64_t size, struct index_blob *out)
{
	sqlite3_stmt *st = ready(ix, BLOB_ADD);
	int r;

	bind_id(st, 1, id);
	(void)sqlite3_bind_int64(st, 2, (int64_t)size);
	r = run(st);
	if (r < 0)
		return r;
	*out = (struct index_blob){.nr = sqlite3_last_insert_rowid(ix->db), .id = *id, .size = size};
	return out->nr >= 1 && out->nr <= INT32_MAX ? 0 : -EBADMSG;
}

int index_put_blob(struct index *ix, const struct index_blob *b)
{
	sqlite3_stmt *st = ready(ix, BLOB_PUT);
	uint8_t seal[SEAL_LEN];

	(void)sqlite3_bind_int64(st, 1, b->nr);
	(void)sqlite3_bind_int64(st, 2, (int64_t)b->size);
	(void)sqlite3_bind_int64(st, 3, (int64_t)b->chunks);
	(void)sqlite3_bind_int64(st, 4, b->spoiled);
	(void)sqlite3_bind_int64(st, 5, b->quarantined);
	if (b->sealed) {
		pack_seal(ix, b, seal);
		(void)sqlite3_bind_blob(st, 6, seal, SEAL_LEN, SQLITE_STATIC);
	}
	return run(st);
}

static int drop_extents(struct index *ix, int64_t nr)
{
	sqlite3_stmt *st = ready(ix, EXTENT_DROP_RANGE);

	(void)sqlite3_bind_int64(st, 1, key_of(nr, 0));
	(void)sqlite3_bind_int64(st, 2, key_of(nr, UINT32_MAX));
	return run(st);
}

int index_drop_blob(struct index *ix, int64_t nr)
{
	sqlite3_stmt *st = ready(ix, BLOB_DROP);
	int r = drop_extents(ix, nr);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(st, 1, nr);
	return run(st);
}

int index_list_blobs(struct index *ix, int64_t *after, struct index_blob *out, size_t max)
{
	sqlite3_stmt *st = ready(ix, BLOB_LIST);
	int nr = 0, rc;

	(void)sqlite3_bind_int64(st, 1, *after);
	(void)sqlite3_bind_int64(st, 2, (int64_t)max);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*after = sqlite3_column_int64(st, 0);
		if (read_blob(ix, st, &out[nr]) == 0)
			nr++;
		else
			rc = SQLITE_CORRUPT;
		if (rc == SQLITE_CORRUPT)
			break;
	}
	(void)sqlite3_reset(st); /* rc says it all */
	return rc == SQLITE_DONE ? nr : errno_of(rc);
}

/* --- extents --- */

/* -ESTALE: digests that do not fit the bits, or bits beyond the blob's end. */
static int read_extent(sqlite3_stmt *st, const struct index_blob *b, struct cache_extent *out)
{
	uint64_t idx = (uint64_t)sqlite3_column_int64(st, 0) & UINT32_MAX, bits = (uint64_t)sqlite3_column_int64(st, 1);
	const uint8_t *packed = sqlite3_column_blob(st, 2);
	int len = sqlite3_column_bytes(st, 2);
	uint64_t nr_chunks = b->size / CHUNK_SIZE + (b->size % CHUNK_SIZE != 0), first = idx * EXTENT_CHUNKS;

	if (bits == 0 || len != 16 * __builtin_popcountll(bits) || first + (63 - (unsigned)__builtin_clzll(bits)) >= nr_chunks)
		return -ESTALE;
	out->idx = idx;
	out->present = bits;
	memset(out->digests, 0, sizeof(out->digests));
	for (; bits; bits &= bits - 1, packed += 16)
		memcpy(out->digests[__builtin_ctzll(bits)].bytes, packed, 16);
	return 0;
}

int index_find_extent(struct index *ix, const struct index_blob *b, uint64_t idx, struct cache_extent *out)
{
	sqlite3_stmt *st = ready(ix, EXTENT_FIND);
	int r;

	(void)sqlite3_bind_int64(st, 1, key_of(b->nr, idx));
	r = first_row(st);
	if (r < 0)
		return r;
	r = read_extent(st, b, out);
	(void)sqlite3_reset(st); /* read only */
	return r;
}

int index_put_extent(struct index *ix, const struct index_blob *b, const struct cache_extent *e, int64_t used_s)
{
	sqlite3_stmt *st = ready(ix, EXTENT_PUT);
	uint8_t packed[16 * EXTENT_CHUNKS];
	int len = 0;

	for (uint64_t bits = e->present; bits; bits &= bits - 1, len += 16)
		memcpy(packed + len, e->digests[__builtin_ctzll(bits)].bytes, 16);
	(void)sqlite3_bind_int64(st, 1, key_of(b->nr, e->idx));
	(void)sqlite3_bind_int64(st, 2, (int64_t)e->present);
	(void)sqlite3_bind_int64(st, 3, (int64_t)index_extent_bytes(b->size, e->idx, e->present));
	(void)sqlite3_bind_int64(st, 4, used_s);
	(void)sqlite3_bind_blob(st, 5, packed, len, SQLITE_STATIC);
	return run(st);
}

int index_drop_extent(struct index *ix, int64_t nr, uint64_t idx)
{
	sqlite3_stmt *st = ready(ix, EXTENT_DROP);

	(void)sqlite3_bind_int64(st, 1, key_of(nr, idx));
	return run(st);
}

int index_use_extent(struct index *ix, int64_t nr, uint64_t idx, int64_t used_s)
{
	sqlite3_stmt *st = ready(ix, EXTENT_USE);

	(void)sqlite3_bind_int64(st, 1, key_of(nr, idx));
	(void)sqlite3_bind_int64(st, 2, used_s);
	return run(st);
}

int index_use_blob(struct index *ix, int64_t nr, int64_t used_s)
{
	sqlite3_stmt *st = ready(ix, EXTENT_USE_RANGE);

	(void)sqlite3_bind_int64(st, 1, key_of(nr, 0));
	(void)sqlite3_bind_int64(st, 2, key_of(nr, UINT32_MAX));
	(void)sqlite3_bind_int64(st, 3, used_s);
	return run(st);
}

int index_find_uses(struct index *ix, int64_t nr, int64_t *first_s, int64_t *last_s)
{
	sqlite3_stmt *st = ready(ix, EXTENT_USES);
	int r;

	(void)sqlite3_bind_int64(st, 1, key_of(nr, 0));
	(void)sqlite3_bind_int64(st, 2, key_of(nr, UINT32_MAX));
	r = first_row(st);
	if (r < 0)
		return r;
	*first_s = sqlite3_column_int64(st, 0);
	*last_s = sqlite3_column_int64(st, 1);
	(void)sqlite3_reset(st); /* read only */
	return 0;
}

int index_load_extents(struct index *ix, const struct index_blob *b, int (*each)(void *ctx, const struct cache_extent *e), void *ctx)
{
	sqlite3_stmt *st = ready(ix, EXTENT_LOAD);
	struct cache_extent e;
	int rc, r = 0;

	(void)sqlite3_bind_int64(st, 1, key_of(b->nr, 0));
	(void)sqlite3_bind_int64(st, 2, key_of(b->nr, UINT32_MAX));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		r = read_extent(st, b, &e);
		if (r == 0)
			r = each(ctx, &e);
		if (r < 0)
			break;
	}
	(void)sqlite3_reset(st); /* rc says it all */
	return r < 0 ? r : errno_of(rc);
}

int index_count_extents(struct index *ix, int64_t nr, uint64_t *nr_extents, uint64_t *bytes)
{
	sqlite3_stmt *st = ready(ix, EXTENT_COUNT);
	int r;

	(void)sqlite3_bind_int64(st, 1, key_of(nr, 0));
	(void)sqlite3_bind_int64(st, 2, key_of(nr, UINT32_MAX));
	r = first_row(st);
	if (r < 0)
		return r;
	*nr_extents = (uint64_t)sqlite3_column_int64(st, 0);
	*bytes = (uint64_t)sqlite3_column_int64(st, 1);
	(void)sqlite3_reset(st); /* read only */
	return 0;
}

int index_list_oldest(struct index *ix, struct index_cursor *cursor, struct index_oldest *out, size_t max)
{
	sqlite3_stmt *st = ready(ix, EXTENT_OLDEST);
	int nr = 0, rc;

	(void)sqlite3_bind_int64(st, 1, cursor->used_s);
	(void)sqlite3_bind_int64(st, 2, cursor->bytes);
	(void)sqlite3_bind_int64(st, 3, cursor->key);
	(void)sqlite3_bind_int64(st, 4, (int64_t)max);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*cursor = (struct index_cursor){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2)};
		out[nr++] = (struct index_oldest){
			.nr = cursor->key >> 32,
			.idx = (uint64_t)cursor->key & UINT32_MAX,
			.bytes = (uint64_t)(cursor->bytes < 0 ? 0 : cursor->bytes),
		};
	}
	(void)sqlite3_reset(st); /* rc says it all */
	return rc == SQLITE_DONE ? nr : errno_of(rc);
}

/* --- documents --- */

static sqlite3_stmt *ready_doc(struct index *ix, enum statement which, int kind, const void *key, size_t key_len)
{
	sqlite3_stmt *st = ready(ix, which);

	(void)sqlite3_bind_int64(st, 1, kind);
	(void)sqlite3_bind_blob(st, 2, key_len ? key : "", (int)key_len, SQLITE_STATIC);
	return st;
}

int index_put_doc(struct index *ix, int kind, const void *key, size_t key_len, const void *bytes, size_t len, int64_t stored_s)
{
	sqlite3_stmt *st = ready_doc(ix, DOC_PUT, kind, key, key_len);

	(void)sqlite3_bind_int64(st, 3, stored_s);
	if (sqlite3_bind_blob64(st, 4, len ? bytes : "", len, SQLITE_STATIC) != SQLITE_OK)
		return 0; /* beyond what a row can hold: not stored, and no reason to try again */
	return run(st);
}

int index_drop_doc(struct index *ix, int kind, const void *key, size_t key_len)
{
	return run(ready_doc(ix, DOC_DROP, kind, key, key_len));
}

int index_use_doc(struct index *ix, int kind, const void *key, size_t key_len, int64_t used_s)
{
	sqlite3_stmt *st = ready_doc(ix, DOC_USE, kind, key, key_len);

	(void)sqlite3_bind_int64(st, 3, used_s);
	return run(st);
}

int index_load_doc(struct index *ix, int kind, const char *key,
		   void (*done)(void *ctx, const void *bytes, size_t len, int64_t stored_s, int64_t used_s), void *ctx)
{
	sqlite3_stmt *st = ready_doc(ix, DOC_LOAD, kind, key, strlen(key));
	int r = first_row(st);
	const void *bytes;
	size_t len;

	if (r < 0)
		return r;
	bytes = sqlite3_column_blob(st, 2);
	len = (size_t)sqlite3_column_bytes(st, 2);
	if (!bytes && (len || sqlite3_errcode(ix->db) == SQLITE_NOMEM))
		r = -ENOMEM;
	else
		done(ctx, bytes ? bytes : "", len, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1));
	(void)sqlite3_reset(st); /* read only */
	return r;
}

int index_list_docs(struct index *ix, int kind, const char *prefix, cache_key_each *each, void *ctx)
{
	sqlite3_stmt *st = ready_doc(ix, DOC_LIST, kind, prefix, strlen(prefix));
	AUTO_BUF key = {0};
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		buf_clear(&key);
		buf_add(&key, "", 0);
		buf_add(&key, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
		if (key.failed || !key.data || strncmp(key.data, prefix, strlen(prefix)) != 0)
			break;
		each(ctx, key.data, sqlite3_column_int64(st, 1));
	}
	(void)sqlite3_reset(st); /* rc says it all */
	if (key.failed)
		return -ENOMEM;
	return errno_of(rc);
}

int index_prune(struct index *ix, int64_t now_s, int64_t before_s)
{
	static const enum statement clamps[] = {EXTENT_CLAMP, DOC_CLAMP};
	sqlite3_stmt *st = ready(ix, DOC_PRUNE);
	int r;

	(void)sqlite3_bind_int64(st, 1, before_s);
	r = run(st);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(clamps); i++) {
		st = ready(ix, clamps[i]);
		(void)sqlite3_bind_int64(st, 1, now_s);
		r = run(st);
	}
	return r;
}

/* --- pins --- */

static int change_pins(struct index *ix, enum statement which, const void *key, size_t len, bool exact)
{
	sqlite3_stmt *st = ready(ix, which);

	(void)sqlite3_bind_blob(st, 1, len ? key : "", (int)len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 2, exact);
	return run(st);
}

int index_drop_pins(struct index *ix, const void *key, size_t len, bool exact)
{
	int r = change_pins(ix, PIN_DROP_BLOBS, key, len, exact);

	if (r == 0)
		r = change_pins(ix, PIN_DROP, key, len, exact);
	return r < 0 ? r : sqlite3_changes(ix->db);
}

static int add_pin_blob(struct index *ix, int64_t pin, const struct cache_pin_blob *b)
{
	sqlite3_stmt *st = ready(ix, PIN_BLOB_ADD);

	bind_id(st, 1, &b->id);
	(void)sqlite3_bind_int64(st, 2, pin);
	(void)sqlite3_bind_int64(st, 3, (int64_t)b->size);
	return run(st);
}

int index_put_pin(struct index *ix, const void *key, size_t key_len, const void *bytes, size_t len, const struct cache_pin_blob *blobs,
		  size_t nr)
{
	int r = index_drop_pins(ix, key, key_len, true);
	sqlite3_stmt *st = ready(ix, PIN_ADD);
	int64_t pin;

	if (r < 0)
		return r;
	(void)sqlite3_bind_blob(st, 1, key_len ? key : "", (int)key_len, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 2, len ? bytes : "", (int)len, SQLITE_STATIC);
	r = run(st);
	pin = sqlite3_last_insert_rowid(ix->db);
	for (size_t i = 0; r == 0 && i < nr; i++)
		r = add_pin_blob(ix, pin, &blobs[i]);
	return r;
}

static int load_pin_sums(struct index *ix, int64_t pin, struct cache_pin *out)
{
	sqlite3_stmt *st = ready(ix, PIN_SUMS);
	int r;

	(void)sqlite3_bind_int64(st, 1, pin);
	r = first_row(st);
	if (r < 0)
		return r;
	out->files = (uint64_t)sqlite3_column_int64(st, 0);
	out->size = (uint64_t)sqlite3_column_int64(st, 1);
	out->cached = (uint64_t)sqlite3_column_int64(st, 2);
	(void)sqlite3_reset(st); /* read only */
	return 0;
}

int index_list_pins(struct index *ix, cache_pin_each *each, void *ctx)
{
	sqlite3_stmt *st = ready(ix, PIN_LIST);
	int rc, r = 0;

	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		AUTO_BUF key = {0}, bytes = {0};
		struct cache_pin pin = {0};

		buf_add(&key, sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1));
		buf_add(&bytes, sqlite3_column_blob(st, 2), (size_t)sqlite3_column_bytes(st, 2));
		r = key.failed || bytes.failed ? -ENOMEM : load_pin_sums(ix, sqlite3_column_int64(st, 0), &pin);
		pin.key = key.data ? key.data : "";
		pin.bytes = bytes.data ? bytes.data : "";
		pin.len = bytes.len;
		if (r == 0)
			each(ctx, &pin);
	}
	(void)sqlite3_reset(st); /* rc says it all */
	return r < 0 ? r : errno_of(rc);
}

int index_is_pinned(struct index *ix, const struct blob_id *id)
{
	sqlite3_stmt *st = ready(ix, PIN_BLOB_FIND);
	int r;

	bind_id(st, 1, id);
	r = first_row(st);
	(void)sqlite3_reset(st); /* read only */
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static int load_sum(struct index *ix, enum statement which, uint64_t *bytes)
{
	sqlite3_stmt *st = ready(ix, which);
	int r = first_row(st);

	if (r < 0)
		return r;
	*bytes = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st); /* read only */
	return *bytes > INT64_MAX ? -EBADMSG : 0;
}

int index_load_pinned(struct index *ix, uint64_t *bytes, uint64_t *cached)
{
	int r = load_sum(ix, PIN_TOTAL, bytes);

	return r < 0 ? r : load_sum(ix, PIN_CACHED, cached);
}
