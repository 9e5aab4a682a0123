/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, atomic replacement, directories, locks. Every descriptor is O_CLOEXEC. */
#ifndef HFFS_IO_H
#define HFFS_IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include <hffs/buf.h>
#include <hffs/err.h>

/* Read or write exactly len bytes: 0, -errno; a file that ends early is -ENODATA. Interrupted calls go on. */
int io_pread(int fd, void *bytes, size_t len, uint64_t off);
int io_pwrite(int fd, const void *bytes, size_t len, uint64_t off);
/* The same for pieces that lie behind each other in the file: their number is at most IOV_MAX, and iov is used up. */
int io_pwritev(int fd, struct iovec *iov, unsigned nr, uint64_t off);
int io_write(int fd, const void *bytes, size_t len);
/*
 * Has the disk refused what the page cache took for it, since fd was opened or last asked? 0, or -errno. Does not wait for what is on its way.
 * [fs/sync.c, mm/filemap.c: file_check_and_advance_wb_err(), Linux 6.18: told before a page may leave, and to each open file once]
 */
int io_refused_later(int fd);
/* Reads a whole small file into b: -EFBIG above max bytes. */
int io_read_file(const char *path, size_t max, struct buf *b);
/* Writes beside, syncs, renames: afterwards path holds either the old or the new bytes. */
int io_replace_file(const char *path, const void *bytes, size_t len, mode_t mode);
/* Makes path and its missing parents. Existing directories are fine, as they are. */
int io_make_dirs(const char *path, mode_t mode);
/* Opens (making it) and locks a file exclusively without waiting: the descriptor that holds the lock, -EWOULDBLOCK if another
 * process has it, or -errno. Closing unlocks. */
int io_lock_file(const char *path);
/* As many open files as this process may have: the soft limit of 1,024 is for programs that use select(). Returns the limit. */
uint64_t io_raise_descriptor_limit(void);
/* Bytes free for this user and bytes in all on the file system of path. */
int io_disk_space(const char *path, uint64_t *free_bytes, uint64_t *size_bytes);
/* "50G", "1.5T", "4096", with K M G T P (1024) and an optional B or iB: bytes; -EINVAL otherwise. */
int io_parse_size(const char *text, uint64_t *out);
/* "30", "30s", "5m", "2h", "1d", "250ms", "inf": milliseconds (UINT64_MAX for inf); plain numbers are seconds. -EINVAL otherwise. */
int io_parse_time_ms(const char *text, uint64_t *out);

#endif
