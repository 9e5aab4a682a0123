// SPDX-License-Identifier: Apache-2.0
/* git as a child process: argument arrays and posix_spawn, no shell. */
#include "child_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define READ_AHEAD 65536
#define ARGS_MAX 48

extern char **environ;

/*
 * Before the command. --git-dir also keeps git from asking who owns the repository, which matters only where git would run
 * what the repository says; nothing of that sort is left on here.
 */
static const char *const common_args[] = {
	"--no-optional-locks",  "--no-replace-objects",     "--literal-pathspecs",       "--no-pager", "-c", "safe.directory=*",
	"-c", "core.fsmonitor=false", "-c", "log.showRoot=true", "-c", "log.showSignature=false", "-c", "protocol.allow=never",
	"-c", "core.quotePath=false",
};

static const char *find_path(void)
{
	for (char **e = environ; e && *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			return *e;
	return "PATH=/usr/local/bin:/usr/bin:/bin";
}

/* posix_spawn takes char *const[] for history's sake; nothing is written. */
static char *plain(const char *text)
{
	return (char *)(uintptr_t)text;
}

static int spawn(const char *git_dir, const char *const *args, int in, int out, pid_t *pid)
{
	AUTO_FREE char *dir = str_printf("--git-dir=%s", git_dir);
	char *argv[ARGS_MAX], *env[] = {plain(find_path()), plain("LC_ALL=C"), plain("GIT_CONFIG_NOSYSTEM=1"),
					plain("GIT_CONFIG_GLOBAL=/dev/null"), plain("GIT_TERMINAL_PROMPT=0"), plain("GIT_NO_LAZY_FETCH=1"), NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	size_t nr = 0;
	int r;

	if (!dir)
		return -ENOMEM;
	argv[nr++] = plain("git");
	argv[nr++] = dir;
	for (size_t i = 0; i < ARRAY_SIZE(common_args); i++)
		argv[nr++] = plain(common_args[i]);
	for (; *args && nr < ARGS_MAX - 1; args++)
		argv[nr++] = plain(*args);
	argv[nr] = NULL;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	r = posix_spawnp(pid, "git", &fa, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

int child_start(const char *git_dir, const char *const *args, bool with_input, struct child *out)
{
	int in[2] = {-1, -1}, back[2];
	AUTO_FD int their_in = -1;
	AUTO_FD int our_in = -1;
	AUTO_FD int their_out = -1;
	AUTO_FD int our_out = -1;
	struct child c = CHILD_NONE;
	int r;

	if (with_input && pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	our_in = in[1];
	their_in = with_input ? in[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (their_in < 0 || pipe2(back, O_CLOEXEC) < 0)
		return -errno;
	our_out = back[0];
	their_out = back[1];
	r = spawn(git_dir, args, their_in, their_out, &c.pid);
	if (r < 0)
		return r;
	c.in = take_fd(&our_in);
	c.out = take_fd(&our_out);
	*out = c;
	return 0;
}

int child_end(struct child *c)
{
	bool at_end = c->pos == c->len;
	int status = -1;
	char byte;

	if (c->in >= 0)
		(void)close(c->in); /* a pipe */
	if (c->out >= 0) {
		at_end = at_end && read(c->out, &byte, 1) == 0;
		(void)close(c->out); /* a pipe */
	}
	if (c->pid) {
		if (!at_end)
			(void)kill(c->pid, SIGKILL); /* it may be gone already */
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	free(c->bytes);
	*c = CHILD_NONE;
	return at_end && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int fill(struct child *c)
{
	ssize_t n;

	if (!c->bytes)
		c->bytes = malloc(READ_AHEAD);
	if (!c->bytes)
		return -ENOMEM;
	do
		n = read(c->out, c->bytes, READ_AHEAD);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	c->pos = 0;
	c->len = (size_t)n;
	return 0;
}

int child_read_until(struct child *c, char delimiter, size_t max, struct buf *out)
{
	size_t start = out->len;

	for (;;) {
		int r = c->pos == c->len ? fill(c) : 0;
		const char *from, *found;
		size_t n;

		if (r < 0)
			return r;
		from = c->bytes + c->pos;
		found = memchr(from, delimiter, c->len - c->pos);
		n = found ? (size_t)(found - from) : c->len - c->pos;
		if (out->len - start + n > max)
			return -EMSGSIZE;
		buf_add(out, from, n);
		c->pos += n + (found ? 1 : 0);
		if (out->failed)
			return -ENOMEM;
		if (found)
			return 0;
	}
}

int child_read(struct child *c, size_t len, struct buf *out)
{
	if (buf_reserve(out, len) < 0)
		return -ENOMEM;
	while (len) {
		int r = c->pos == c->len ? fill(c) : 0;
		size_t n;

		if (r < 0)
			return r;
		n = len < c->len - c->pos ? len : c->len - c->pos;
		buf_add(out, c->bytes + c->pos, n);
		c->pos += n;
		len -= n;
	}
	return 0;
}
