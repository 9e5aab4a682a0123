/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers of the language: cleanup at scope end, moves, checked arithmetic. */
#ifndef HFFS_AUTO_H
#define HFFS_AUTO_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* AUTO(fn) T *p: calls fn##_auto(&p) when p goes out of scope. Made for a destructor by AUTO_DEFINE. */
#define AUTO(fn) __attribute__((cleanup(fn##_auto)))
#define AUTO_DEFINE(type, fn)                                                                                          \
	static inline __attribute__((unused)) void fn##_auto(type *p)                                                  \
	{                                                                                                              \
		if (*p)                                                                                                \
			fn(*p);                                                                                        \
	}

/* Moves a pointer out of its variable, which becomes NULL. */
#define TAKE(p)                                                                                                        \
	({                                                                                                             \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* AUTO_FREE char *s: free() at scope end. AUTO_FD int fd: close() at scope end, unless negative. */
static inline void auto_free_(void *p)
{
	free(*(void **)p);
}
static inline void auto_close_(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* read-only or already synced where it matters */
}
#define AUTO_FREE __attribute__((cleanup(auto_free_)))
#define AUTO_FD __attribute__((cleanup(auto_close_)))
static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
