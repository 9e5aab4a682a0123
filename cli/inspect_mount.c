// SPDX-License-Identifier: Apache-2.0
/*
 * A repository as a mount shows it: what the Hub says of it are attributes of the directory, its files are files. What the mount fetched
 * meanwhile, for whomever, is what is told.
 */
#include "inspect_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <hffs/io.h>

#include "mounts_int.h"

#define BLOCK 4096u /* bytes that each file has on disk, as a mount says */
#define PATIENCE 20 /* questions more, in all */
#define CACHED_PAUSE_US 2000

struct mounted {
	struct source source;
	char *root, *dir; /* of the mount; of the revision in it */
	int hold_fd; /* while it is open the mount stays */
	struct hub *hub;
	struct hub_stats before;
	uint64_t requests, bytes; /* of the mount, when it was opened */
	bool is_offline, is_gated;
	unsigned patience;
	struct repo_id repo; /* as it says */
	char commit[COMMIT_MAX];
};

/* 0 where the mount does not say. */
static void read_counters(struct mounted *m, uint64_t *requests, uint64_t *bytes)
{
	AUTO(json_free) struct json *j = NULL;

	*requests = *bytes = 0;
	if (!m->root || mount_dir_status(m->root, &j) < 0)
		return;
	(void)json_get_u64(j, "requests", requests);
	(void)json_get_u64(j, "bytes_fetched", bytes);
	m->is_offline = json_get_bool(j, "offline", false);
	m->source.hides = json_get(j, "lock") || json_get(j, "allow") || json_get(j, "deny");
}

static void mounted_took(struct source *s, uint64_t *requests, uint64_t *bytes)
{
	struct mounted *m = container_of(s, struct mounted, source);
	struct hub_stats now;

	hub_stats(m->hub, &now);
	read_counters(m, requests, bytes);
	*requests -= min_u64(*requests, m->requests);
	*bytes -= min_u64(*bytes, m->bytes);
	*requests += now.requests - m->before.requests;
	*bytes += now.bytes_fetched - m->before.bytes_fetched;
}

/* An attribute of the directory; "" where there is none, or where it does not fit. */
static void get_word(const struct mounted *m, const char *name, char *out, size_t size)
{
	AUTO_FREE char *full = str_printf("user.hffs.%s", name);
	ssize_t n = full ? getxattr(m->dir, full, out, size - 1) : -1;

	out[n > 0 ? n : 0] = '\0';
}

static int mounted_about(struct source *s, struct look_about *out, struct err *err)
{
	struct mounted *m = container_of(s, struct mounted, source);
	struct look_about about = {0};
	char name[REPO_NAME_MAX + 16], rev[REPO_REV_MAX], number[24];
	AUTO_LISTING unused = {0};

	get_word(m, "commit", about.commit, sizeof(about.commit));
	if (!about.commit[0] && listing_from_dir(&unused, m->dir, "", false, err) == 0) /* the Hub was silent when this was mounted */
		get_word(m, "commit", about.commit, sizeof(about.commit));
	get_word(m, "repo", name, sizeof(name));
	if (repo_parse(name, &about.repo, rev, NULL) < 0)
		return err_set(err, -EIO, "%s does not say which repository it shows", m->dir);
	get_word(m, "gated", about.said.gated, sizeof(about.said.gated));
	if (!strcmp(about.said.gated, "false"))
		about.said.gated[0] = '\0';
	about.is_gated = about.said.gated[0];
	get_word(m, "license", about.said.license, sizeof(about.said.license));
	get_word(m, "base_model", about.said.base_model, sizeof(about.said.base_model));
	get_word(m, "relation", about.said.relation, sizeof(about.said.relation));
	get_word(m, "task", about.said.task, sizeof(about.said.task));
	get_word(m, "library", about.said.library, sizeof(about.said.library));
	get_word(m, "dtypes", about.said.dtypes, sizeof(about.said.dtypes));
	get_word(m, "chat_template", about.said.chat_template, sizeof(about.said.chat_template));
	get_word(m, "params", number, sizeof(number));
	about.said.params = strtoull(number, NULL, 10);
	m->is_gated = about.is_gated;
	m->repo = about.repo;
	memcpy(m->commit, about.commit, sizeof(m->commit));
	*out = about;
	return 0;
}

/*
 * Directory by directory: of a large commit each costs the mount a request, so the rest is left out when the limit is reached. (To list such a
 * commit's top, which it does in its own way, may have cost more already.)
 */
static int mounted_list(struct source *s, struct listing *out, bool *whole, struct err *err)
{
	struct mounted *m = container_of(s, struct mounted, source);
	int r = listing_from_dir(out, m->dir, "", false, err);

	*whole = true;
	for (size_t i = 0; r == 0 && i < out->nr; i++) {
		AUTO_LISTING below = {0};
		uint64_t requests, bytes;

		if (!out->entries[i].is_dir)
			continue;
		mounted_took(s, &requests, &bytes);
		*whole = requests < LOOK_REQUESTS_MAX - LOOK_FILE_HOPS; /* the card is to be read, too */
		if (!*whole)
			break;
		r = listing_from_dir(&below, m->dir, out->entries[i].path, false, err);
		if (r == 0 && listing_take(out, &below) < 0)
			r = err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

/* What the mount says of the failure, else the errno's words. */
static int say_why(const char *full, const char *path, int r, struct err *err)
{
	char said[ERR_TEXT_MAX];
	ssize_t n = getxattr(full, "user.hffs.last_error", said, sizeof(said) - 1);

	said[n > 0 ? n : 0] = '\0';
	return err_set(err, r, "%s: %s", path, n > 0 ? said : strerror(-r));
}

static int mounted_read(struct source *s, const struct listing_entry *e, size_t len, void *out, struct err *err)
{
	struct mounted *m = container_of(s, struct mounted, source);
	AUTO_FREE char *full = str_printf("%s/%s", m->dir, e->path);
	AUTO_FD int fd = full ? open(full, O_RDONLY | O_CLOEXEC) : -1;
	int r;

	if (!full)
		return err_set(err, -ENOMEM, "out of memory");
	r = fd < 0 ? -errno : io_pread(fd, out, len, 0);
	return r < 0 ? say_why(full, e->path, r, err) : 0;
}

/* Of a file of one block: the first question about it may come before its rows are loaded, so it is asked again, a few times in all. */
static uint64_t ask_cached(struct mounted *m, const char *full)
{
	uint64_t bytes = 0;

	for (bool again = true; again && !bytes;) {
		char text[24];
		ssize_t n = getxattr(full, "user.hffs.cached", text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		bytes = strtoull(text, NULL, 10);
		again = !bytes && m->patience;
		if (again) {
			m->patience--;
			usleep(CACHED_PAUSE_US);
		}
	}
	return bytes;
}

/*
 * Blocks tell, but each file has one, whether it is cached or not. Behind a gate open() says whether it may be read; elsewhere nothing is
 * opened, since a mount that is safe looks into what it opens.
 */
static uint64_t mounted_cached(struct source *s, const struct listing_entry *e)
{
	struct mounted *m = container_of(s, struct mounted, source);
	AUTO_FREE char *full = str_printf("%s/%s", m->dir, e->path);
	AUTO_FD int fd = -1;
	struct stat st;

	if (!full || !e->size || stat(full, &st) < 0)
		return 0;
	if (m->is_gated) {
		fd = open(full, O_RDONLY | O_CLOEXEC);
		s->is_denied |= fd < 0 && errno == EACCES;
	}
	if (e->size <= BLOCK)
		return m->is_gated && fd < 0 ? 0 : min_u64(ask_cached(m, full), e->size);
	return (uint64_t)st.st_blocks * 512 <= BLOCK ? 0 : min_u64((uint64_t)st.st_blocks * 512, e->size);
}

/* What its attributes say of a file; an id that is hidden stays unknown. */
static void find_object(const char *full, const struct mounted *m, const struct listing_entry *e, struct object_ref *out)
{
	char hex[BLOB_ID_HEX_MAX];
	ssize_t n = getxattr(full, "user.hffs.sha256", hex, sizeof(hex) - 1);

	if (n < 0)
		n = getxattr(full, "user.hffs.oid", hex, sizeof(hex) - 1);
	hex[n > 0 ? n : 0] = '\0';
	*out = (struct object_ref){.repo = m->repo, .path = e->path, .size = e->size};
	memcpy(out->commit, m->commit, sizeof(out->commit));
	(void)blob_id_parse(hex, &out->id);
}

static int mounted_table(struct source *s, const struct listing_entry *e, struct tensor_table **out, uint64_t *beyond, struct err *err)
{
	struct mounted *m = container_of(s, struct mounted, source);
	AUTO_FREE char *full = str_printf("%s/%s", m->dir, e->path);
	struct head_source from = {.hub = m->hub};
	uint64_t size;
	int r;

	if (!full)
		return err_set(err, -ENOMEM, "out of memory");
	if (access(full, R_OK) < 0)
		return say_why(full, e->path, -errno, err);
	if (!m->is_offline && mounted_cached(s, e) < e->size) {
		find_object(full, m, e, &from.object);
		r = head_read(&from, out, beyond, err);
		if (r != -EACCES) /* of a token that the mount has, and we have not */
			return r;
	}
	*beyond = 0;
	return tensor_file_load(full, out, &size, err);
}

static void mounted_close(struct source *s)
{
	struct mounted *m = container_of(s, struct mounted, source);

	if (m->hold_fd >= 0)
		(void)close(m->hold_fd); /* opened for reading */
	free(m->root);
	free(m->dir);
	free(m);
}

/* Where the mount is, by its directory alone: to ask for dir would already be a request. NULL: not known. */
static char *find_root(const char *dir)
{
	AUTO_MOUNTS all = {0};
	const char *root = NULL;

	if (mounts_load(&all, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < all.nr; i++) {
		const char *at = all.entries[i].dir;
		size_t len = strlen(at);

		if (!strncmp(dir, at, len) && (dir[len] == '/' || !dir[len]) && (!root || len > strlen(root)))
			root = at;
	}
	return root ? strdup(root) : NULL;
}

int source_open_mount(const char *dir, struct hub *hub, struct source **out, struct err *err)
{
	static const struct source_ops ops = {mounted_about, mounted_list, mounted_read, mounted_table, mounted_cached, mounted_took, mounted_close};
	struct mounted *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_set(err, -ENOMEM, "out of memory");
	m->source = (struct source){.ops = &ops, .through = "mount"};
	m->hold_fd = -1;
	m->patience = PATIENCE;
	m->hub = hub;
	hub_stats(hub, &m->before);
	m->root = find_root(dir);
	read_counters(m, &m->requests, &m->bytes);
	m->dir = realpath(dir, NULL);
	if (m->dir)
		m->hold_fd = open(m->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->hold_fd >= 0) {
		*out = &m->source;
		return 0;
	}
	r = -errno;
	mounted_close(&m->source);
	return r == -ENOENT ? err_set(err, r, "%s: there is no such repository or revision, or it cannot be seen", dir)
			    : err_set(err, r, "%s: %s", dir, strerror(-r));
}
