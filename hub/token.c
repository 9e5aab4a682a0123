// SPDX-License-Identifier: Apache-2.0
/* The token: given, or the line of a file that other programs rewrite. Never shown. */
#include "client_int.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/log.h>

#define TOKEN_MAX 8192 /* bytes; OAuth tokens are the longest */
#define WATCH_MS 10000

/* Copies text without blanks around it: 0 and *out (NULL if nothing is left), -EINVAL for what no header may carry, -ENOMEM. */
static int clean(const char *text, size_t len, char **out)
{
	while (len && strchr(" \t\r\n", text[0]) && text[0]) {
		text++;
		len--;
	}
	while (len && strchr(" \t\r\n", text[len - 1]) && text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f)
			return -EINVAL;
	*out = NULL;
	if (len == 0)
		return 0;
	*out = strndup(text, len);
	return *out ? 0 : -ENOMEM;
}

/* The file's token and time; a file that is absent or unreadable holds none. */
static char *read_file(const char *path, struct timespec *mtime)
{
	AUTO_BUF b = {0};
	struct stat st;
	char *text = NULL;

	*mtime = (struct timespec){0};
	if (!path || stat(path, &st) < 0)
		return NULL;
	*mtime = st.st_mtim;
	if (io_read_file(path, TOKEN_MAX, &b) < 0) {
		log_warn("cannot read the token file %s", path);
		return NULL;
	}
	if (b.len && clean(b.data, b.len, &text) < 0)
		log_warn("the token file %s holds something that is not a token; it is not used", path);
	return text;
}

int token_init(struct token *t, const char *fixed, const char *file, struct err *err)
{
	if (fixed && clean(fixed, strlen(fixed), &t->text) < 0)
		return err_set(err, -EINVAL, "the token holds a character that no token has");
	t->is_fixed = t->text != NULL;
	t->file = file && !t->is_fixed ? strdup(file) : NULL;
	if (file && !t->is_fixed && !t->file)
		return -ENOMEM;
	if (!t->is_fixed)
		t->text = read_file(t->file, &t->mtime);
	t->check_at_ms = clock_mono_ms() + WATCH_MS;
	return 0;
}

static void forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void token_done(struct token *t)
{
	forget(t->text);
	free(t->file);
	pthread_mutex_destroy(&t->lock);
}

char *token_copy(struct token *t, uint64_t *nr)
{
	LOCK_SCOPE(&t->lock);
	*nr = t->nr;
	return t->text ? strdup(t->text) : NULL;
}

bool token_reload(struct token *t)
{
	struct timespec mtime;
	char *text, *old;
	bool changed;

	if (t->is_fixed || !t->file)
		return false;
	text = read_file(t->file, &mtime);
	pthread_mutex_lock(&t->lock);
	old = t->text;
	changed = !old != !text || (old && strcmp(old, text) != 0);
	t->text = text;
	t->mtime = mtime;
	t->nr += changed;
	pthread_mutex_unlock(&t->lock);
	forget(old);
	return changed;
}

bool token_is_newer(struct token *t, uint64_t nr)
{
	(void)token_reload(t); /* somebody else may have done it since */
	LOCK_SCOPE(&t->lock);
	return t->nr != nr;
}

static bool file_changed(struct token *t)
{
	struct stat st = {0};

	if (stat(t->file, &st) < 0)
		st.st_mtim = (struct timespec){0};
	LOCK_SCOPE(&t->lock);
	return st.st_mtim.tv_sec != t->mtime.tv_sec || st.st_mtim.tv_nsec != t->mtime.tv_nsec;
}

static void watch(void *arg)
{
	struct hub *h = arg;

	if (file_changed(&h->token) && token_reload(&h->token)) {
		log_info("the token file has a new token");
		hub_forget_denials(h);
	}
	hub_call_end(h);
}

void token_watch(struct hub *h)
{
	struct token *t = &h->token;
	uint64_t now = clock_mono_ms();
	bool is_due;

	if (!t->file)
		return;
	pthread_mutex_lock(&t->lock);
	is_due = now >= t->check_at_ms;
	if (is_due)
		t->check_at_ms = now + WATCH_MS;
	pthread_mutex_unlock(&t->lock);
	if (is_due && hub_call_begin(h))
		hub_defer(h, watch, h);
}
