/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share: their entry points, exit codes, and how a failure is said. */
#ifndef HFFS_CLI_INT_H
#define HFFS_CLI_INT_H

#include <stdbool.h>

#include <hffs/err.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* one sentence on stderr says why */
	EXIT_USAGE = 2,
	EXIT_MOUNT_FAILED = 32, /* mount.hffs only: what mount(8) expects */
	EXIT_INTERRUPTED = 130,
};

/* One verb each: argv[0] is the verb. They return the exit code of the program. */
int cmd_mount(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_detokenize(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_refs(int argc, char **argv);
int cmd_refresh(int argc, char **argv);
int cmd_pin(int argc, char **argv);
int cmd_unpin(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_tensors(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_cache(int argc, char **argv);
/* The helper of mount(8): mount.hffs SOURCE DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]. */
int cmd_mount_helper(int argc, char **argv);

/* Prints "hffs VERB: sentence" on stderr and returns EXIT_FAILED; r, -errno, speaks where err has no sentence. */
int say_failed(const char *verb, int r, const struct err *err);
/* Prints the sentence and where help is; returns EXIT_USAGE. */
int say_usage(const char *verb, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What a verb says of a code of config_load() and the like: a wrong option is a usage error, all else a failure. */
int say_failed_config(const char *verb, int r, const struct err *err);

#define SAY_BYTES_MAX 24
/* "713 B", "4.2 MB", "1.3 GB": decimal units, as the Hub's pages show them. */
const char *say_bytes(uint64_t bytes, char out[SAY_BYTES_MAX]);
#define SAY_TIME_MAX 24
/* "7 s", "3 min 05 s", "2 h 10 min". */
const char *say_time(uint64_t s, char out[SAY_TIME_MAX]);

#endif
