/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that shape behaviour, with unit and range. Those that users may change are options (man hffs). */
#ifndef HFFS_TUNABLES_H
#define HFFS_TUNABLES_H

/* A chunk: the unit of presence, proof and eviction. Lazy loaders touch single pages, so it is small. Part of the cache format. */
#define CHUNK_SHIFT 18
#define CHUNK_SIZE (1u << CHUNK_SHIFT) /* 256 KiB */
/* Chunks of one index row: 16 MiB of content. Part of the cache format. */
#define EXTENT_CHUNKS 64
#define EXTENT_SIZE ((uint64_t)EXTENT_CHUNKS * CHUNK_SIZE)

#define DIRECT_ALIGN 4096u /* of O_DIRECT: offset, length, memory are multiples of it; no file system asks for more */
#define READ_MAX (1u << 20) /* bytes of one FUSE read: 256 pages, the kernel's own limit without a sysctl */

/* The index is committed at the latest after so many chunks or so long: what a kill -9 can cost. */
#define COMMIT_CHUNKS 128  /* 32 MiB */
#define COMMIT_MS 1000

#define DATA_DEADLINE_MS 60000
#define NAMES_DEADLINE_MS 30000

#endif
