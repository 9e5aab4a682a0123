// SPDX-License-Identifier: Apache-2.0
/*
 * The conversation with `git cat-file --batch`: a name and a line break go in, "<id> <type> <size>\n<content>\n" comes out, or a
 * line that ends in "missing" or "ambiguous". The lock is the right to speak, so it is held while git answers.
 */
#include "objects_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/thread.h>

#include "child_int.h"

#define LINE_MAX_ 4096

struct objects {
	char *git_dir;
	pthread_mutex_t lock;
	struct child child;
};

struct objects *objects_new(const char *git_dir)
{
	struct objects *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->child = CHILD_NONE;
	pthread_mutex_init(&o->lock, NULL);
	o->git_dir = strdup(git_dir);
	if (!o->git_dir) {
		objects_free(o);
		return NULL;
	}
	return o;
}

void objects_free(struct objects *o)
{
	if (!o)
		return;
	(void)child_end(&o->child); /* it ends with its input */
	pthread_mutex_destroy(&o->lock);
	free(o->git_dir);
	free(o);
}

/* -EIO: the conversation is broken. */
static int ask_locked(struct objects *o, const char *name, char id[41], char type[16], struct buf *content)
{
	AUTO_BUF line = {0};
	AUTO_BUF end = {0};
	char name_of[65] = "", kind[16] = "";
	unsigned long long size;

	buf_addf(&line, "%s\n", name);
	if (line.failed)
		return -ENOMEM;
	if (io_write(o->child.in, line.data, line.len) < 0)
		return -EIO;
	buf_clear(&line);
	if (child_read_until(&o->child, '\n', LINE_MAX_, &line) < 0)
		return -EIO;
	if (sscanf(line.data, "%64[0-9a-f] %15[a-z] %llu", name_of, kind, &size) != 3)
		return -ENOENT;
	if (child_read(&o->child, size, content) < 0 || child_read(&o->child, 1, &end) < 0)
		return content->failed ? -ENOMEM : -EIO;
	if (strlen(name_of) != 40)
		return -ENOTSUP;
	memcpy(id, name_of, 41);
	memcpy(type, kind, 16);
	return 0;
}

int objects_read(struct objects *o, const char *name, char id[41], char type[16], struct buf *content)
{
	static const char *const args[] = {"cat-file", "--batch", NULL};
	size_t start = content->len;
	int r = -EIO;
	LOCK_SCOPE(&o->lock);

	for (int attempt = 0; attempt < 2 && r == -EIO; attempt++) {
		r = o->child.pid ? 0 : child_start(o->git_dir, args, true, &o->child);
		if (r < 0)
			return r;
		content->len = start;
		r = ask_locked(o, name, id, type, content);
		if (r == -EIO || r == -ENOMEM)
			(void)child_end(&o->child); /* a new one is started when needed */
	}
	return r;
}

int objects_find_commit(struct objects *o, const char *name, char commit[41], int64_t *date_s)
{
	AUTO_FREE char *peeled = str_printf("%s^{commit}", name);
	const char *committer, *time;
	AUTO_BUF object = {0};
	char type[16];
	int r;

	if (!peeled)
		return -ENOMEM;
	r = objects_read(o, peeled, commit, type, &object);
	if (r < 0)
		return r;
	if (strcmp(type, "commit") != 0)
		return -ENOENT;
	/* "committer name <mail> seconds zone" in the head of the object */
	committer = object.len ? strstr(object.data, "\ncommitter ") : NULL;
	time = committer ? strchr(committer + 1, '>') : NULL;
	if (date_s)
		*date_s = time ? strtoll(time + 1, NULL, 10) : 0;
	return 0;
}
