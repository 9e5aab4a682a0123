/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data files: blobs/<first two hex digits>/<hex id>, one sparse file a blob, byte n at byte n. Knows no SQL.
 *
 * A file without write permission is fixed: proven, and perhaps handed to readers as it is. It is never written or punched again,
 * in no run; what must change begins a new file under the name.
 *
 * Who changes which name exists (making, removing, scrubbing a data file) claims the blob's id first, so that two threads never
 * replace each other's file. While a scrub is under way the ids opened in this run are remembered, and it leaves them alone.
 */
#ifndef HFFS_CACHE_DATA_INT_H
#define HFFS_CACHE_DATA_INT_H

#include <stdbool.h>
#include <sys/stat.h>

#include <hffs/digest.h>

struct data;

/* Makes blobs/ below the directory. dir_fd is borrowed for the call. */
int data_new(int dir_fd, struct data **out);
void data_free(struct data *d);

/*
 * The data file, made or made anew where it is not what it should be. A descriptor for reading and writing, or -errno. A fixed
 * one is opened for reading alone, or with to_write replaced by a new one.
 */
int data_open(struct data *d, const struct blob_id *id, uint64_t size, bool to_write);
/* An existing one, for reading; st may be NULL. -ENOENT if there is none, -EBADMSG if it is not what it should be. */
int data_find(struct data *d, const struct blob_id *id, uint64_t size, struct stat *st);
/*
 * The proven file is fixed: from now on it is never changed, only removed, because others may have it mapped. st: as it was
 * proven, then as it is now; -ESTALE: it is not that file any more.
 */
int data_fix(struct data *d, const struct blob_id *id, uint64_t size, struct stat *st);
bool data_is_fixed(const struct stat *st);
/* There is no fixed file of this blob. */
bool data_may_change(struct data *d, const struct blob_id *id);
/* Bytes that it takes on disk; 0 if there is none. */
uint64_t data_disk_bytes(struct data *d, const struct blob_id *id);
/* Gives the disk [off, off + len) back. -EOPNOTSUPP where the file system cannot, -EPERM for a fixed file. A missing one is fine. */
int data_punch(struct data *d, const struct blob_id *id, uint64_t off, uint64_t len);
/* Removes the data file, whatever is there under its name. A missing one is fine. */
int data_drop(struct data *d, const struct blob_id *id);
/* Bytes free for us and bytes in all on the file system. */
int data_space(struct data *d, uint64_t *free_bytes, uint64_t *size_bytes);

/*
 * Reads past the page cache, which belongs to readers, into memory aligned to DIRECT_ALIGN, once data_set_direct() was called. A file
 * system may refuse that, and does for a rest that is no whole page: then it is read the other way, from there on.
 */
void data_set_direct(int fd, bool on);
int data_read_past(int fd, void *bytes, size_t len, uint64_t off);

/* What was given back to the disk, or (dry) would be. */
struct data_tally {
	bool dry;
	uint64_t files, bytes;
};

/* For the scrub. Until data_forget_seen() the ids of data_open() and data_note_seen() are remembered. */
void data_remember_seen(struct data *d);
void data_forget_seen(struct data *d);
int data_note_seen(struct data *d, const struct blob_id *id);
/* Claims an id for the scrub: false if it was opened in this run, or memory is short. */
bool data_claim(struct data *d, const struct blob_id *id);
void data_release(struct data *d, const struct blob_id *id);
/* Removes a data file that is claimed. tally may be NULL, here and below. */
int data_drop_claimed(struct data *d, const struct blob_id *id, struct data_tally *tally);
/* Punches every chunk that has bytes on disk and no bit in present (nr_chunks bits). */
int data_punch_absent(struct data *d, const struct blob_id *id, uint64_t size, const uint64_t *present, struct data_tally *tally);
/*
 * The names below blobs/<xx>, xx = 0 to 255: each() per data file; names that are no ids of that folder are removed. 0 or -errno.
 */
int data_list(struct data *d, unsigned xx, struct data_tally *tally, int (*each)(void *ctx, const struct blob_id *id), void *ctx);

#endif
