// SPDX-License-Identifier: Apache-2.0
/*
 * Where the files of a model are: on this machine, in a mount that is there, in a mount of our own, or in the cache after a pull. What
 * comes out is a path; who opens it need not know.
 */
#include "model_dir_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <hffs/model_files.h>
#include <hffs/mount.h>

#include "listing_int.h"
#include "mounts_int.h"

#define HEAD_BYTES (256u << 10) /* what is read of weights first, and more than most configurations have */

struct model_dir {
	char *path;  /* what is opened */
	char *name;
	char *shown; /* the directory of the commit in a mount, or what was named there; NULL without one */
	int hold_fd; /* that directory: while it is open nobody takes the mount away; -1 */
	struct private_mount own;
	struct model_view view;
	uint64_t bytes;       /* before it was opened, or pulled */
	bool is_pulled;
};

/* What the user wrote, taken apart. */
struct source {
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	char wanted[256]; /* "" : no file was named */
};

/* --- choice of the file --- */

/* A tokenizer may come from either: its own file goes first. */
static bool has_tokenizer(const struct listing *files)
{
	for (size_t i = 0; i < files->nr; i++)
		if (!strcmp(files->entries[i].path, "tokenizer.json"))
			return true;
	return false;
}

int model_choose(const struct listing *files, const char *wanted, bool only_text, const char **gguf, struct err *err)
{
	AUTO_FREE const char **names = calloc(files->nr + 1, sizeof(*names));
	size_t nr = 0;

	if (!names)
		return err_set(err, -ENOMEM, "out of memory");
	if (only_text && !wanted && has_tokenizer(files)) {
		*gguf = NULL;
		return 0;
	}
	for (size_t i = 0; i < files->nr; i++)
		if (!files->entries[i].is_dir)
			names[nr++] = files->entries[i].path;
	return model_files_choose(names, nr, wanted, gguf, err);
}

static int set_path(struct model_dir *d, const char *dir, const char *file)
{
	d->path = file ? str_printf("%s/%s", dir, file) : strdup(dir);
	return d->path ? 0 : -ENOMEM;
}

/* Says whose files are spoken of. */
static int say_where(const char *where, int r, struct err *err)
{
	struct err why = err ? *err : (struct err){0};

	return r < 0 ? err_set(err, r, "%s: %s", where, why.text) : r;
}

/* The beginning of each file that will be opened, of all at once: otherwise each would wait for the Hub behind the one before it. */
static void announce(const char *dir, const struct listing *files, const char *gguf, bool only_text)
{
	for (size_t i = 0; i < files->nr; i++) {
		const char *name = files->entries[i].path;
		AUTO_FREE char *path = NULL;
		AUTO_FD int fd = -1;

		if (files->entries[i].is_dir || !model_files_need(name, gguf, only_text))
			continue;
		path = str_printf("%s/%s", dir, name);
		fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0)
			(void)posix_fadvise(fd, 0, HEAD_BYTES, POSIX_FADV_WILLNEED); /* a wish: errors show when it is read */
	}
}

/* --- what came over the network --- */

static int read_bytes(const char *dir, uint64_t *out)
{
	AUTO(json_free) struct json *j = NULL;
	int r = mount_dir_status(dir, &j);

	return r < 0 ? r : json_get_u64(j, "bytes_fetched", out);
}

/* --- what is on this machine --- */

/* "/home/me/models/x/" to "x". */
static char *last_part(const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	return end > start ? strndup(path + start, end - start) : strdup(path);
}

static int open_local(struct model_dir *d, const char *what, const struct model_dir_plan *plan, struct err *err)
{
	AUTO_LISTING files = {0};
	const char *gguf = NULL;
	struct stat st;
	int r = 0;

	if (stat(what, &st) < 0)
		return err_set(err, -errno, "%s: %s", what, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		r = listing_from_dir(&files, what, "", false, err);
		if (r == 0)
			r = say_where(what, model_choose(&files, NULL, plan->only_text, &gguf, err), err);
	}
	if (r < 0)
		return r;
	d->name = last_part(what);
	d->shown = realpath(what, NULL);
	if (d->shown && read_bytes(d->shown, &d->bytes) < 0)
		free(TAKE(d->shown)); /* in no mount of ours */
	if (d->shown && S_ISDIR(st.st_mode))
		announce(d->shown, &files, gguf, plan->only_text);
	return !d->name || set_path(d, what, gguf) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

/* --- a repository --- */

/* The file of "https://host/org/name/blob/rev/file.gguf"; NULL for all else. */
static const char *file_of_address(const char *what)
{
	static const char *const markers[] = {"/blob/", "/resolve/"};
	size_t len = strcspn(what, "?#");

	if (!strstr(what, "://") || len < 5 || strncasecmp(what + len - 5, ".gguf", 5) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		const char *at = strstr(what, markers[i]);
		const char *file = at ? strchr(at + strlen(markers[i]), '/') : NULL;

		if (file && file < what + len)
			return file + 1;
	}
	return NULL;
}

static int parse_source(const char *what, struct source *out, struct err *err)
{
	AUTO_FREE char *text = strdup(what);
	const char *file = file_of_address(what);
	char *colon = text && !strstr(text, "://") ? strchr(text, ':') : NULL;
	size_t len;

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	if (colon) {
		*colon = '\0';
		file = what + (colon - text) + 1;
	}
	len = file ? strcspn(file, "?#") : 0;
	if ((colon && !len) || len >= sizeof(out->wanted))
		return err_set(err, -EINVAL, "'%s' names no file behind the colon", what);
	memcpy(out->wanted, file ? file : "", len);
	out->wanted[len] = '\0';
	if (repo_parse(text, &out->repo, out->rev, err) < 0)
		return -EINVAL;
	if (!strchr(out->repo.name, '/'))
		return err_set(err, -EINVAL, "'%s' has no organisation: write ORG/NAME as the Hub's page shows it, or the path of a directory", what);
	return 0;
}

static const char *wanted_of(const struct source *s)
{
	return *s->wanted ? s->wanted : NULL;
}

/* Enters the directory of the commit, and stays there as it were. -ESTALE: the mount is gone meanwhile. */
static int enter(struct model_dir *d, const char *dir, struct err *err)
{
	d->shown = realpath(dir, NULL);
	if (!d->shown)
		return err_set(err, errno == ENOENT || mount_error_is_dead(errno) ? -ESTALE : -errno, "%s: %s", dir, strerror(errno));
	d->hold_fd = open(d->shown, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->hold_fd < 0)
		return err_set(err, -errno, "%s: %s", d->shown, strerror(errno));
	if (read_bytes(d->shown, &d->bytes) < 0)
		d->bytes = 0;
	return 0;
}

/* Chooses among the files that the mount shows. */
static int open_shown(struct model_dir *d, const struct source *s, const struct model_dir_plan *plan, struct listing *files,
		      const char **gguf, struct err *err)
{
	int r = listing_from_dir(files, d->shown, "", true, err);

	if (r == 0)
		r = say_where(d->name, model_choose(files, wanted_of(s), plan->only_text, gguf, err), err);
	if (r == 0)
		announce(d->shown, files, *gguf, plan->only_text);
	return r;
}

/* A descriptor of the data file of a file that is complete and proven; -1 for all others. The first bytes are read so that the mount
 * knows what it has of it; whoever opens a model reads them, too. */
static int open_sealed(const struct config *config, const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *data = NULL;
	char digest[BLOB_ID_HEX_MAX], verified[8] = "", first[8];
	struct blob_id id;
	ssize_t n;

	if (fd < 0 || pread(fd, first, sizeof(first), 0) <= 0)
		return -1;
	if (fgetxattr(fd, "user.hffs.verified", verified, sizeof(verified) - 1) < 0 || strcmp(verified, "yes") != 0)
		return -1;
	n = fgetxattr(fd, "user.hffs.sha256", digest, sizeof(digest) - 1);
	if (n < 0)
		n = fgetxattr(fd, "user.hffs.oid", digest, sizeof(digest) - 1);
	digest[n > 0 ? n : 0] = '\0';
	if (blob_id_parse(digest, &id) < 0)
		return -1;
	data = cache_data_path(config->cache, &id);
	return data ? open(data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/* Links to the files of a mount of our own; complete ones are linked to their data files, which the kernel maps in large pages. */
static int make_view(struct model_dir *d, const struct config *config, const struct listing *files, const char *gguf,
		     const struct model_dir_plan *plan, struct err *err)
{
	int r = model_view_open(&d->view, d->own.base, err);

	for (size_t i = 0; i < files->nr && r == 0; i++) {
		const char *name = files->entries[i].path;
		AUTO_FREE char *path = str_printf("%s/%s", d->shown, name);
		int fd;

		if (!path)
			return err_set(err, -ENOMEM, "out of memory");
		if (files->entries[i].is_dir || !model_files_need(name, gguf, plan->only_text))
			continue;
		fd = files->entries[i].size ? open_sealed(config, path) : -1;
		r = fd < 0 ? model_view_add_path(&d->view, name, path, err) : model_view_add_fd(&d->view, name, fd, err);
	}
	return r;
}

static int open_by_mount(struct model_dir *d, const struct source *s, const char *dir, const struct model_dir_plan *plan, struct err *err)
{
	AUTO_LISTING files = {0};
	const char *gguf = NULL;
	int r = enter(d, dir, err);

	if (r == 0)
		r = open_shown(d, s, plan, &files, &gguf, err);
	if (r < 0)
		return r;
	return set_path(d, d->shown, gguf) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int open_by_own(struct model_dir *d, const struct source *s, const struct config *config, const struct model_dir_plan *plan,
		       struct err *err)
{
	AUTO_LISTING files = {0};
	AUTO_FREE char *dir = NULL;
	const char *gguf = NULL;
	int r = private_mount_open(&d->own, config, &s->repo, s->rev, err);

	if (r < 0)
		return r;
	dir = str_printf("%s/%s%s/%s", d->own.dir, repo_kind_prefix(s->repo.kind), s->repo.name, s->rev);
	r = dir ? enter(d, dir, err) : err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = open_shown(d, s, plan, &files, &gguf, err);
	d->bytes = 0; /* all that this mount fetched is for us */
	if (r == 0)
		r = make_view(d, config, &files, gguf, plan, err);
	if (r < 0)
		return r;
	return set_path(d, d->view.dir, gguf) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int open_by_pull(struct model_dir *d, const struct source *s, const struct config *config, const struct model_dir_plan *plan,
			struct err *err)
{
	struct model_pull_plan pull = {.config = config, .repo = &s->repo, .rev = s->rev, .wanted = wanted_of(s),
				       .only_text = plan->only_text, .quiet = plan->quiet};
	AUTO_FREE char *gguf = NULL;
	int r;

	if (!plan->quiet)
		fprintf(stderr, "hffs %s: nothing can be mounted here, so all of %s is fetched first\n", plan->verb, d->name);
	r = model_pull(&pull, &d->view, &gguf, &d->bytes, err);
	if (r < 0)
		return r;
	d->is_pulled = true;
	return set_path(d, d->view.dir, gguf) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static void leave(struct model_dir *d)
{
	if (d->hold_fd >= 0)
		(void)close(take_fd(&d->hold_fd)); /* opened for reading */
	free(TAKE(d->shown));
}

/* 1: there is no mount that shows it. One that another program made for itself may end while it is looked at. */
static int open_by_any_mount(struct model_dir *d, const struct source *s, const struct config *config, const struct model_dir_plan *plan,
			     struct err *err)
{
	int r = -ESTALE;

	for (int tries = 0; r == -ESTALE && tries < 2; tries++) {
		AUTO_FREE char *dir = mounts_find_repo(config, &s->repo, s->rev);

		if (!dir)
			return 1;
		leave(d);
		r = open_by_mount(d, s, dir, plan, err);
	}
	return r == -ESTALE ? err_set(err, -ENOENT, "%s: there is no such repository or revision, or it cannot be seen", d->name) : r;
}

static int open_repo(struct model_dir *d, const struct source *s, const struct config *config, const struct model_dir_plan *plan,
		     struct err *err)
{
	int r;

	d->name = str_printf("%s%s", repo_kind_prefix(s->repo.kind), s->repo.name);
	if (!d->name)
		return err_set(err, -ENOMEM, "out of memory");
	r = open_by_any_mount(d, s, config, plan, err);
	if (r <= 0)
		return r;
	leave(d);
	r = open_by_own(d, s, config, plan, err);
	return r == -ENODEV ? open_by_pull(d, s, config, plan, err) : r;
}

/* --- all of it --- */

/* Written as a path, whether it is there or not. */
static bool is_path(const char *what)
{
	return *what == '/' || !strncmp(what, "./", 2) || !strncmp(what, "../", 3) || access(what, F_OK) == 0;
}

int model_dir_open(const char *what, const struct model_dir_plan *plan, struct model_dir **out, struct err *err)
{
	AUTO(model_dir_done) struct model_dir *d = calloc(1, sizeof(*d));
	AUTO_CONFIG config = {0};
	struct source source;
	int r = d ? config_load(plan->options, &config, err) : err_set(err, -ENOMEM, "out of memory");

	if (r < 0)
		return r;
	d->hold_fd = -1;
	if (is_path(what)) {
		r = open_local(d, what, plan, err);
		if (r == -EINVAL)
			r = -EIO; /* of the kernel: no wrong usage */
	} else {
		r = parse_source(what, &source, err);
		if (r == 0)
			r = open_repo(d, &source, &config, plan, err);
	}
	if (r < 0)
		return r;
	*out = TAKE(d);
	return 0;
}

const char *model_dir_path(const struct model_dir *d)
{
	return d->path;
}

const char *model_dir_name(const struct model_dir *d)
{
	return d->name;
}

/* Once is enough: a sentence names a path once. */
static void name_instead(const char *path, const char *name, struct err *err)
{
	char *at = path ? strstr(err->text, path) : NULL;
	AUTO_FREE char *text = at ? str_printf("%.*s%s%s", (int)(at - err->text), err->text, name, at + strlen(path)) : NULL;

	if (text)
		(void)err_set(err, err->code, "%s", text);
}

void model_dir_say(const struct model_dir *d, struct err *err)
{
	struct err why;

	if (!err || !err->text[0])
		return;
	name_instead(d->view.dir, d->name, err);
	if (d->hold_fd >= 0)
		name_instead(d->shown, d->name, err);
	why = *err;
	if (!strstr(why.text, d->name))
		(void)err_set(err, why.code, "%s: %s", d->name, why.text);
}

int model_dir_bytes(const struct model_dir *d, uint64_t *out)
{
	uint64_t now;
	int r;

	if (d->is_pulled) {
		*out = d->bytes;
		return 0;
	}
	r = d->shown ? read_bytes(d->shown, &now) : -ENOTSUP;
	if (r == 0)
		*out = now - d->bytes;
	return r;
}

void model_dir_done(struct model_dir *d)
{
	if (!d)
		return;
	model_view_done(&d->view);
	if (d->hold_fd >= 0)
		(void)close(d->hold_fd); /* opened for reading */
	private_mount_done(&d->own);
	free(d->path);
	free(d->name);
	free(d->shown);
	free(d);
}
