/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalog and blobs that the test plays, in place of fetch/: what is told below is all that exists. Every call is counted; with
 * fake_hold() answers wait for fake_answer(), with fake_thread() another thread gives them.
 */
#ifndef HFFS_TESTS_VFS_FAKE_H
#define HFFS_TESTS_VFS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hffs/fetch.h>
#include <hffs/vfs.h>

#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Begins anew: acme/tiny (main at COMMIT_A, tag v1, release/1, refs/pr/3), acme/big, datasets/acme/data; old/name moved to acme/tiny. */
void fake_reset(void);
struct fetch *fake_fetch(void);
struct catalog *fake_catalog(void);

/* From now on asking for this revision ("" for the repository) fails with r, or gives commit. name: with the kind's prefix. */
void fake_revision(const char *name, const char *rev, int r, const char *commit);
void fake_moved(const char *name, const char *to); /* the repository, which exists, has another name */
void fake_ttl(uint64_t ttl_ms);
void fake_masked(bool masked); /* repositories are gated, and digests hidden */
void fake_refs_fail(int r);   /* lists of revisions fail; 0: no more */
void fake_trees_fail(int r);
void fake_reads_fail(int r);
void fake_private(int r); /* repositories are private, and asking for a byte ends so */
void fake_on_disk(uint64_t bytes); /* of every blob, from an earlier run */
void fake_cached(uint64_t bytes); /* of every blob */
void fake_sweep(uint64_t idx); /* this chunk came of the blob that was last got, for nobody in particular */
void fake_spoil(const char *sha256); /* this content turns out to be wrong */
void fake_seal(const char *sha256, bool whole); /* this content is sealed, and that is told; or no longer is */
unsigned fake_backings(void); /* open now */
int fake_pass(void *ctx, int fd); /* of vfs_config; ctx: atomic_int, the last id that was given, or an error to be given */
void fake_unpass(void *ctx, int id);

void fake_hold(void);   /* answers wait */
void fake_answer(void); /* all that wait, on this thread; later ones at once */
void fake_thread(void); /* another thread answers, until fake_reset() */

unsigned fake_asked(void); /* calls to the catalog since last asked */
unsigned fake_blobs(void); /* open now */
uint8_t fake_byte(uint64_t off);

#endif
