// SPDX-License-Identifier: Apache-2.0
/* The verb table. Called as mount.hffs, the program is the helper of mount(8). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_int.h"
#include "cmd_serve.h"

static const struct verb {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"mount", "show the Hub, or one repository, as files", cmd_mount},
	{"umount", "end a mount", cmd_umount},
	{"status", "what is mounted, cached, on its way, and what last failed", cmd_status},
	{"pull", "make files complete now", cmd_pull},
	{"pin", "keep files in the cache, or write them into a lock file", cmd_pin},
	{"unpin", "let what was pinned be evicted again", cmd_unpin},
	{"verify", "prove what is cached against the Hub's digests", cmd_verify},
	{"gc", "clear the cache up now", cmd_gc},
	{"cache", "import and export the official client's cache", cmd_cache},
	{"ls", "list a repository, or the repositories of an organisation", cmd_ls},
	{"inspect", "what a repository is, before it is downloaded", cmd_inspect},
	{"tensors", "list the tensors of a file of weights", cmd_tensors},
	{"refs", "branches, tags and pull requests of a repository, with their commits", cmd_refs},
	{"refresh", "ask again what branches and tags stand for", cmd_refresh},
	{"doctor", "what is right on this machine, what is not, and what to do", cmd_doctor},
	{"run", "run a language model from files that are mapped", cmd_run},
	{"embed", "the embedding of a text, as numbers", cmd_embed},
	{"tokenize", "a text to the numbers that a model reads", cmd_tokenize},
	{"detokenize", "the numbers that a model writes to a text", cmd_detokenize},
	{"serve", "a Hub for the neighbours, from a folder or the cache", cmd_serve},
};

static int help(void)
{
	printf("hffs shows the Hugging Face Hub as a read-only file system: a byte comes over the network when somebody first reads it.\n\n"
	       "usage: hffs VERB [ARGUMENT...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	printf("\n"
	       "  --help     this page; 'hffs VERB --help' is about one verb\n"
	       "  --version  the version\n\n"
	       "hffs mount /hf; ls /hf/openai-community/gpt2/main; hffs umount /hf\n");
	return EXIT_OK;
}

static int run_verb(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[0], verbs[i].name))
			return verbs[i].run(argc, argv);
	return say_usage("", "there is no verb '%s'", argv[0]);
}

/* A descriptor below 3 that is closed would be given to a file of ours, and taken away again when the daemon leaves the terminal. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc ? argv[0] : "hffs";
	int code;

	open_standard();
	if (!strcmp(name, "mount.hffs"))
		return cmd_mount_helper(argc, argv);
	if (argc < 2)
		return say_usage("", "a verb is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		code = help();
	else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		code = printf("hffs %s\n", HFFS_VERSION) < 0;
	else
		return run_verb(argc - 1, argv + 1);
	return fflush(stdout) ? EXIT_FAILED : code;
}
