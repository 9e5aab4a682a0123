// SPDX-License-Identifier: Apache-2.0
/* Reads /proc/self/mountinfo and asks each hffs mount through its attribute user.hffs.status. */
#include "mounts_int.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include <hffs/io.h>
#include <hffs/mount.h>
#include <hffs/thread.h>

#define MOUNTINFO_MAX (16u << 20)
#define STATUS_MAX 65536 /* the kernel's limit of an attribute */
#define ANSWER_MS 3000   /* the answer needs no network: a daemon that takes longer hangs */

/* Undoes \040 and the like, in place. [proc_pid_mountinfo(5)] */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static void entry_done(struct mount_entry *e)
{
	free(e->dir);
	free(e->source);
	free(e->status_text);
	json_free(e->status);
}

void mounts_done(struct mounts *m)
{
	for (size_t i = 0; i < m->nr; i++)
		entry_done(&m->entries[i]);
	free(m->entries);
	*m = (struct mounts){0};
}

/* Of mounts stacked on one directory only the last is seen. */
static void drop_covered(struct mounts *m, const char *dir)
{
	for (size_t i = 0; i < m->nr; i++)
		if (!strcmp(m->entries[i].dir, dir)) {
			entry_done(&m->entries[i]);
			memmove(&m->entries[i], &m->entries[i + 1], (m->nr - i - 1) * sizeof(m->entries[0]));
			m->nr--;
			return;
		}
}

static int add_entry(struct mounts *m, const char *dir, const char *source)
{
	struct mount_entry *more;

	drop_covered(m, dir);
	more = reallocarray(m->entries, m->nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->entries = more;
	more[m->nr] = (struct mount_entry){.dir = strdup(dir), .source = strdup(source)};
	if (!more[m->nr].dir || !more[m->nr].source) {
		entry_done(&more[m->nr]);
		return -ENOMEM;
	}
	m->nr++;
	return 0;
}

/* "36 35 0:50 / /hf ro,nosuid - fuse.hffs hub ro,...": fields 5, and after the lone '-' the type and the source. */
static int parse_line(struct mounts *m, char *line)
{
	char *dir = NULL, *type, *source, *field;

	for (int i = 0; i < 5; i++)
		dir = strsep(&line, " ");
	while ((field = strsep(&line, " ")) && strcmp(field, "-"))
		;
	type = strsep(&line, " ");
	source = strsep(&line, " ");
	if (!dir || !source)
		return 0;
	unescape(dir);
	unescape(source);
	if (strcmp(type, "fuse.hffs")) {
		drop_covered(m, dir);
		return 0;
	}
	return add_entry(m, dir, source);
}

/* One getxattr() on a thread of its own: a daemon that hangs holds that thread, not this program. */
struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned refs; /* of who asks and who waits; the last one frees */
	bool is_answered;
	int r; /* length or -errno */
	char *dir;
	char text[STATUS_MAX];
};

static void question_unref(struct question *q)
{
	unsigned left;

	pthread_mutex_lock(&q->lock);
	left = --q->refs;
	pthread_mutex_unlock(&q->lock);
	if (left)
		return;
	free(q->dir);
	free(q);
}

static void *ask(void *arg)
{
	struct question *q = arg;
	ssize_t n = getxattr(q->dir, "user.hffs.status", q->text, STATUS_MAX);
	int r = n < 0 ? -errno : (int)n;

	pthread_mutex_lock(&q->lock);
	q->r = r;
	q->is_answered = true;
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->lock);
	question_unref(q);
	return NULL;
}

static struct question *question_new(const char *dir)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	cond_init(&q->answered);
	q->refs = 1;
	q->dir = strdup(dir);
	if (q->dir)
		return q;
	free(q);
	return NULL;
}

static int question_wait(struct question *q)
{
	LOCK_SCOPE(&q->lock);
	while (!q->is_answered)
		if (!cond_wait_ms(&q->answered, &q->lock, ANSWER_MS))
			break;
	return q->is_answered ? q->r : -ETIMEDOUT;
}

/* Length of the answer, to be parsed before question_unref(); -ETIMEDOUT: none came. Then a thread is left behind, else none. */
static int question_ask(struct question *q)
{
	pthread_t thread;
	int r;

	q->refs++;
	r = thread_start(&thread, "ask", ask, q);
	if (r < 0) {
		q->refs--;
		return r;
	}
	r = question_wait(q);
	if (r == -ETIMEDOUT)
		pthread_detach(thread);
	else
		pthread_join(thread, NULL); /* who asks may fork next */
	return r;
}

static int parse_status(struct mount_entry *e, const char *text, size_t len)
{
	int r = json_parse(text, len, STATUS_MAX, &e->status, NULL);

	if (r < 0)
		return r;
	if (!json_is_object(e->status))
		return -EBADMSG;
	e->status_text = strndup(text, len);
	return e->status_text ? 0 : -ENOMEM;
}

void mount_entry_ask(struct mount_entry *e)
{
	struct question *q = question_new(e->dir);
	int n;

	if (!q) {
		e->r = -ENOMEM;
		return;
	}
	n = question_ask(q);
	e->r = n < 0 ? n : parse_status(e, q->text, (size_t)n);
	question_unref(q);
}

int mounts_load(struct mounts *out, struct err *err)
{
	AUTO_BUF text = {0};
	AUTO_MOUNTS m = {0};
	char *rest, *line;
	int r = io_read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text);

	if (r < 0)
		return err_set(err, r, "cannot read /proc/self/mountinfo: %s", strerror(-r));
	for (rest = text.data; r == 0 && (line = strsep(&rest, "\n"));)
		r = parse_line(&m, line);
	if (r < 0)
		return err_set(err, r, "out of memory");
	*out = m;
	m = (struct mounts){0};
	return 0;
}

void mounts_ask(struct mounts *m)
{
	for (size_t i = 0; i < m->nr; i++)
		mount_entry_ask(&m->entries[i]);
}

struct mount_entry *mounts_find(const struct mounts *m, const char *dir)
{
	for (size_t i = 0; i < m->nr; i++)
		if (!strcmp(m->entries[i].dir, dir))
			return &m->entries[i];
	return NULL;
}

const char *mount_entry_trouble(const struct mount_entry *e)
{
	if (mount_error_is_dead(-e->r))
		return "its daemon is gone; 'hffs umount' clears it away";
	switch (-e->r) {
	case EACCES:
	case EPERM:
		return "not readable by this user";
	case ETIMEDOUT:
		return "its daemon does not answer; 'hffs umount -l' detaches it";
	case ENODATA:
	case ENOTSUP:
		return "it tells no status: perhaps another version of hffs";
	default:
		return strerror(-e->r);
	}
}

long mount_entry_pid(const struct mount_entry *e)
{
	uint64_t pid = 0;

	return json_get_u64(e->status, "pid", &pid) == 0 && pid <= INT_MAX ? (long)pid : 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool are_same(const struct json *list, const struct patterns *p)
{
	const struct json *j = json_first(list);

	for (size_t i = 0; i < p->nr; i++, j = json_next(j))
		if (!is_same(json_string(j), p->list[i]))
			return false;
	return !j;
}

/* Does the mount show what lock, safe, allow and deny of the configuration leave to be seen? */
static bool has_same_rules(const struct mount_entry *e, const struct config *c)
{
	return is_same(json_get_string(e->status, "lock"), c->lock) && json_get_bool(e->status, "safe", false) == c->safe &&
	       are_same(json_get(e->status, "allow"), &c->filter.allow) && are_same(json_get(e->status, "deny"), &c->filter.deny);
}

/* Serves this mount what the configuration asks for? Who asks for no rules gets along with a mount that has some, if there is no other. */
static bool entry_suits(const struct mount_entry *e, const struct config *c, bool any_rules)
{
	const char *endpoint = json_get_string(e->status, "endpoint");
	const char *cache = json_get_string(json_get(e->status, "cache"), "dir");

	if (e->r < 0 || !endpoint || strcmp(endpoint, c->endpoint) || access(e->dir, R_OK | X_OK) < 0)
		return false;
	if (!has_same_rules(e, c) && (config_has_rules(c) || !any_rules))
		return false;
	return !c->cache_chosen || (cache && !strcmp(cache, c->cache));
}

static bool is_whole(const struct mount_entry *e)
{
	return !strcmp(e->source, "hub");
}

/* What a mount that suits gives, the first that gives anything; those with the rules that were asked for come first. */
static char *find_in_mounts(const struct config *c, char *(*give)(const struct mount_entry *e, const void *what), const void *what)
{
	AUTO_MOUNTS m = {0};

	if (mounts_load(&m, NULL) < 0)
		return NULL;
	mounts_ask(&m);
	for (int any_rules = 0; any_rules < 2; any_rules++)
		for (size_t i = 0; i < m.nr; i++) {
			char *found = entry_suits(&m.entries[i], c, any_rules) ? give(&m.entries[i], what) : NULL;

			if (found)
				return found;
		}
	return NULL;
}

static char *give_below(const struct mount_entry *e, const void *below)
{
	return is_whole(e) ? str_printf("%s/%s", e->dir, (const char *)below) : NULL;
}

char *mounts_find_below(const struct config *c, const char *below)
{
	return find_in_mounts(c, give_below, below);
}

static char *give_cache(const struct mount_entry *e, const void *nothing)
{
	const char *cache = json_get_string(json_get(e->status, "cache"), "dir");

	(void)nothing;
	return cache && access(cache, R_OK | W_OK) == 0 ? strdup(cache) : NULL;
}

char *mounts_find_cache(const struct config *c)
{
	return find_in_mounts(c, give_cache, NULL);
}

struct wanted_repo {
	const struct repo_id *repo;
	const char *rev;
};

/* A mount of this one repository and revision. */
static bool entry_is_repo(const struct mount_entry *e, const struct wanted_repo *w)
{
	struct repo_id own;
	char own_rev[REPO_REV_MAX];

	return !is_whole(e) && repo_parse(e->source, &own, own_rev, NULL) == 0 && own.kind == w->repo->kind &&
	       !strcmp(own.name, w->repo->name) && !strcmp(own_rev, w->rev);
}

static char *give_repo(const struct mount_entry *e, const void *what)
{
	const struct wanted_repo *w = what;

	if (is_whole(e))
		return str_printf("%s/%s%s/%s", e->dir, repo_kind_prefix(w->repo->kind), w->repo->name, w->rev);
	return entry_is_repo(e, w) ? strdup(e->dir) : NULL;
}

char *mounts_find_repo(const struct config *c, const struct repo_id *repo, const char *rev)
{
	return find_in_mounts(c, give_repo, &(struct wanted_repo){repo, rev});
}

int mount_dir_status(const char *dir, struct json **out)
{
	AUTO_FREE char *at = strdup(dir);
	AUTO_FREE char *text = malloc(STATUS_MAX);
	char *slash;

	if (!at || !text)
		return -ENOMEM;
	do {
		ssize_t n = getxattr(at, "user.hffs.status", text, STATUS_MAX);

		if (n > 0)
			return json_parse(text, (size_t)n, STATUS_MAX, out, NULL);
		slash = strrchr(at, '/');
		if (slash)
			*slash = '\0';
	} while (slash && slash != at);
	return -ENOTSUP;
}

char *mount_dir_resolve(const char *dir)
{
	AUTO_FREE char *copy = NULL, *parent = NULL;
	char *direct = realpath(dir, NULL), *name;
	size_t len = strlen(dir);

	if (direct || !mount_error_is_dead(errno))
		return direct;
	while (len > 1 && dir[len - 1] == '/')
		len--;
	copy = str_printf("./%.*s", (int)len, dir);
	if (!copy)
		return NULL;
	name = strrchr(copy, '/');
	*name++ = '\0';
	parent = realpath(*dir != '/' ? copy : name == copy + 3 ? "/" : copy + 2, NULL);
	if (!parent)
		return NULL;
	return str_printf("%s/%s", strcmp(parent, "/") ? parent : "", name);
}
