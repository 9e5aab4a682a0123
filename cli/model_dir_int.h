/* SPDX-License-Identifier: Apache-2.0 */
/* What a user names as a model, made into a directory or a .gguf file that can be opened and mapped. */
#ifndef HFFS_MODEL_DIR_INT_H
#define HFFS_MODEL_DIR_INT_H

#include <hffs/repo.h>

#include "config_int.h"

struct model_dir;

struct model_dir_plan {
	const char *verb;              /* for what is said meanwhile */
	const struct options *options; /* -o */
	bool only_text;                /* a tokenizer is all that is wanted: no weights are brought */
	bool quiet;                    /* no progress while files are pulled */
};

/*
 * what: a directory, a .gguf file, or REPO[@REV][:FILE.gguf], where a part of the file's name does; what exists is taken for a path. A
 * repository is read through a mount that shows it and that this user may read; else through a mount of our own, which ends with this
 * process; where nothing can be mounted its files are pulled, and their data files are read. Call it before any thread is started.
 * -EINVAL for a wrong option or what is no repository: wrong usage. Else -errno with a sentence.
 */
int model_dir_open(const char *what, const struct model_dir_plan *plan, struct model_dir **out, struct err *err);
/* For model_open() and tokenizer_open(). Borrowed. */
const char *model_dir_path(const struct model_dir *d);
/* "org/name", or the name of the directory or file. Borrowed. */
const char *model_dir_name(const struct model_dir *d);
/* Bytes of content that came over the network since it was opened, through a mount or by pulling; -ENOTSUP for a path of this machine. */
int model_dir_bytes(const struct model_dir *d, uint64_t *out);
/* A sentence about it in words that the user knows: the name instead of a directory of ours, and never without a name. */
void model_dir_say(const struct model_dir *d, struct err *err);
/* Nothing of it is open or mapped any more. A mount of our own is ended, and what was made is removed. Accepts NULL. */
void model_dir_done(struct model_dir *d);
AUTO_DEFINE(struct model_dir *, model_dir_done)

/* --- the parts of it --- */

/* model_mount.c: a mount of our own. */
struct private_mount {
	char *base;  /* a directory made for it, which its daemon removes in the end */
	char *dir;   /* where it is: base/hub */
	pid_t child; /* the process behind it; 0: there is none */
};
/* Shows the whole Hub; made only if the Hub knows repo at rev. -ENODEV: nothing can be mounted here, and nothing is left. */
int private_mount_open(struct private_mount *m, const struct config *config, const struct repo_id *repo, const char *rev, struct err *err);
/* Nothing of it is in use by this process. One that others use meanwhile ends when they do. */
void private_mount_done(struct private_mount *m);

/* model_view.c: a directory of links to what is read; the files of a repository by their paths. */
struct model_view {
	char *dir;
	int *fds; /* of files that are links to descriptors of this process */
	size_t nr;
};
/* In a directory that is made: base/view, or with NULL one of its own. */
int model_view_open(struct model_view *v, const char *base, struct err *err);
int model_view_add_path(struct model_view *v, const char *name, const char *target, struct err *err);
/* Takes the descriptor. */
int model_view_add_fd(struct model_view *v, const char *name, int fd, struct err *err);
void model_view_done(struct model_view *v);
/* Removes a directory with the links and directories in it; never what is mounted there. */
void model_view_remove(const char *dir);

/* model_pull.c: makes the files of a model complete, and a view of their data files. */
struct model_pull_plan {
	const struct config *config;
	const struct repo_id *repo;
	const char *rev;
	const char *wanted; /* as for model_files_choose() */
	bool only_text, quiet;
};
/* *gguf: the file that was chosen, caller frees; NULL: the directory. *bytes: came over the network. */
int model_pull(const struct model_pull_plan *plan, struct model_view *view, char **gguf, uint64_t *bytes, struct err *err);

/* What model_files_choose() says of the files of a listing; *gguf is borrowed from it. For a text alone a tokenizer.json will do. */
struct listing;
int model_choose(const struct listing *files, const char *wanted, bool only_text, const char **gguf, struct err *err);

#endif
