// SPDX-License-Identifier: Apache-2.0
/* Weights are brought in by groups: in order, not too far ahead, with an error where they cannot be had. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <hffs/io.h>

#include "../../infer/stream_int.h"

#define MIB (1ull << 20)

struct fixture {
	struct model_file file;
	struct model_files files;
	struct stream *s;
	char path[64];
};

/* A sparse file of some size, mapped. */
static void make(struct fixture *f, uint64_t size, uint32_t groups, stream_progress *progress, void *ctx)
{
	*f = (struct fixture){.path = "/tmp/hffs-stream-XXXXXX"};
	f->file = (struct model_file){.path = f->path, .fd = mkostemp(f->path, O_CLOEXEC), .size = size};
	assert_true(f->file.fd >= 0 && ftruncate(f->file.fd, (off_t)size) == 0);
	f->file.map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, f->file.fd, 0);
	assert_ptr_not_equal(f->file.map, MAP_FAILED);
	f->files = (struct model_files){&f->file, 1, NULL};
	assert_int_equal(stream_new(&f->files, groups, progress, ctx, &f->s), 0);
}

static void done(struct fixture *f)
{
	stream_free(f->s);
	(void)munmap((void *)(uintptr_t)f->file.map, f->file.size);
	(void)close(f->file.fd);
	(void)unlink(f->path);
}

static bool resident(const struct fixture *f, uint64_t off)
{
	unsigned char in = 0;

	assert_int_equal(mincore((void *)(uintptr_t)(f->file.map + off / 4096 * 4096), 1, &in), 0);
	return in & 1;
}

static void count(void *ctx, uint64_t here, uint64_t all)
{
	uint64_t *last = ctx;

	assert_true(here >= *last && here <= all);
	*last = here;
}

static void brings_in(void **state)
{
	uint64_t last = 0;
	struct err err = {0};
	struct fixture f;

	(void)state;
	make(&f, 16 * MIB, 3, count, &last);
	assert_int_equal(stream_add(f.s, 0, 0, 100, MIB), 0);
	assert_int_equal(stream_add(f.s, 1, 0, 8 * MIB, MIB), 0);
	assert_int_equal(stream_add(f.s, 1, 0, 4 * MIB, 4 * MIB), 0); /* touches the one before it: one span */
	assert_int_equal(stream_add(f.s, 2, 0, 16 * MIB - 5, 5), 0);
	stream_ready(f.s);
	assert_int_equal(stream_bytes(f.s), 6 * MIB + 5);
	assert_false(stream_has(f.s, 0));
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(stream_need(f.s, i, &err), 0);
		assert_true(stream_has(f.s, i));
	}
	assert_true(resident(&f, 100) && resident(&f, 4 * MIB) && resident(&f, 9 * MIB - 1) && resident(&f, 16 * MIB - 1));
	assert_int_equal(stream_need(f.s, 1, &err), 0);
	done(&f);
}

/* What the helper found behind the group that is waited for does not matter until it is needed. */
static void says_what_is_missing(void **state)
{
	struct err err = {0};
	struct fixture f;

	(void)state;
	make(&f, 16 * MIB, 3, NULL, NULL);
	assert_int_equal(stream_add(f.s, 0, 0, 0, MIB), 0);
	assert_int_equal(stream_add(f.s, 1, 0, 10 * MIB, 2 * MIB), 0);
	assert_int_equal(stream_add(f.s, 2, 0, 2 * MIB, MIB), 0);
	stream_ready(f.s);
	assert_int_equal(ftruncate(f.file.fd, (off_t)(11 * MIB)), 0);
	assert_int_equal(stream_need(f.s, 0, &err), 0);
	assert_int_equal(stream_need(f.s, 1, &err), -EIO);
	assert_non_null(strstr(err.text, f.path));
	assert_non_null(strstr(err.text, "ends before byte"));
	assert_int_equal(stream_need(f.s, 2, &err), 0);
	assert_int_equal(ftruncate(f.file.fd, (off_t)(16 * MIB)), 0);
	assert_int_equal(stream_need(f.s, 1, &err), 0);
	done(&f);
}

/* The second group is always brought in beside the first; what is more than STREAM_AHEAD behind it waits. */
static void keeps_near(void **state)
{
	struct err err = {0};
	struct fixture f;

	(void)state;
	make(&f, 2 * STREAM_AHEAD, 4, NULL, NULL);
	assert_int_equal(stream_add(f.s, 0, 0, 0, MIB), 0);
	assert_int_equal(stream_add(f.s, 1, 0, MIB, MIB), 0);
	assert_int_equal(stream_add(f.s, 2, 0, 2 * MIB, STREAM_AHEAD), 0);
	assert_int_equal(stream_add(f.s, 3, 0, 2 * MIB + STREAM_AHEAD, MIB), 0);
	stream_ready(f.s);
	assert_int_equal(stream_need(f.s, 0, &err), 0);
	assert_int_equal(stream_need(f.s, 0, &err), 0);
	for (unsigned i = 0; i < 2000 && !stream_has(f.s, 1); i++)
		(void)usleep(1000);
	assert_true(stream_has(f.s, 1));
	(void)usleep(20000);
	assert_false(stream_has(f.s, 2));
	assert_false(resident(&f, 2 * MIB + STREAM_AHEAD / 2)); /* the kernel reads a little ahead by itself */
	done(&f);
}

static void rows(void **state)
{
	const uint32_t some[] = {3, 900, 3}, bad[] = {3, 4000};
	uint8_t known[4096 / 8 + 1] = {0};
	struct stream_rows t = {.rows = 4096, .row_bytes = 4096, .known = known};
	struct err err = {0};
	struct fixture f;

	(void)state;
	make(&f, 16 * MIB, 1, NULL, NULL);
	stream_ready(f.s);
	assert_int_equal(stream_need_rows(f.s, &t, some, 3, &err), 0);
	assert_true(known[0] == 8 && known[900 / 8] == 1 << 900 % 8);
	assert_true(resident(&f, 3 * 4096) && resident(&f, 900 * 4096));
	assert_false(resident(&f, 2000 * 4096));
	assert_int_equal(ftruncate(f.file.fd, (off_t)(8 * MIB)), 0);
	assert_int_equal(stream_need_rows(f.s, &t, bad, 2, &err), -EIO);
	assert_non_null(strstr(err.text, "ends before byte"));
	done(&f);
}

/* From here on this process has a kernel without MADV_POPULATE_READ (22). */
static bool forbid_populate(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 22, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void without_populate(void **state)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (!forbid_populate())
			_exit(77);
		brings_in(state);
		says_what_is_missing(state);
		rows(state);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_in), cmocka_unit_test(says_what_is_missing), cmocka_unit_test(keeps_near), cmocka_unit_test(rows),
		cmocka_unit_test(without_populate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
