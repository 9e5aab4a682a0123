// SPDX-License-Identifier: Apache-2.0
/* Opens the files of a model: headers by pread, where an error has a name; bytes by a read-only map. */
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <hffs/io.h>

#define HEADER_FIRST (256u << 10) /* bytes of the first read: most headers of safetensors are shorter */
#define SPLITS_MAX 1000u          /* files of a GGUF model */
#define READAHEAD_MIN (128u << 10) /* the kernel's own, of a mount that does not say */
#define READAHEAD_MAX (4u << 20)
#define FUSE_SUPER_MAGIC 0x65735546 /* linux/magic.h since 5.10 */

/* --- one file --- */

static int read_table(struct model_file *f, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	uint64_t have = 0, need = min_u64(HEADER_FIRST, f->size);
	struct err why = {0};
	int r;

	do {
		uint8_t *grown = realloc(bytes, need + 1);

		if (!grown)
			return -ENOMEM;
		bytes = grown;
		r = io_pread(f->fd, bytes + have, need - have, have);
		if (r < 0)
			return err_set(err, r, "cannot read the header of %s: %s", f->path, strerror(-r));
		have = need;
		r = tensor_table_parse(bytes, have, f->size, FORMAT_HEADER_MAX, &f->table, &need, &why);
	} while (r == -EAGAIN);
	if (r < 0)
		return err_set(err, r, "%s: %s", f->path, err_text(&why));
	f->used = calloc(f->table->nr + 1, sizeof(*f->used));
	return f->used ? 0 : -ENOMEM;
}

static int map_file(struct model_file *f, struct err *err)
{
	void *map;
	int r;

	if (f->size > SIZE_MAX / 2)
		return err_set(err, -EFBIG, "%s has %llu bytes, more than can be mapped", f->path, (unsigned long long)f->size);
	map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
	if (map == MAP_FAILED)
		return err_set(err, -errno, "cannot map %s: %s", f->path, strerror(errno));
	f->map = map;
	r = fault_watch(map, f->size, f->path);
	return r < 0 ? err_set(err, r, "too many files are mapped to watch over %s", f->path) : 0;
}

/* A file of a mount that the kernel reads from a disk, without the mount. [docs/SEMANTICS.md, section 6] */
static bool is_passed(int fd)
{
	return fgetxattr(fd, "user.hffs.passthrough", NULL, 0) > 0;
}

/* From a disk the kernel reads large pieces ahead by itself, into large pages, which what is announced does not get. */
static uint64_t readahead_of(int fd, dev_t dev)
{
	AUTO_FREE char *path = str_printf("/sys/class/bdi/%u:%u/read_ahead_kb", major(dev), minor(dev));
	AUTO_BUF text = {0};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = 0;
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC || is_passed(fd))
		return 0;
	if (path && io_read_file(path, 64, &text) == 0 && text.data)
		bytes = strtoull(text.data, NULL, 10) << 10;
	bytes = min_u64(max_u64(bytes, READAHEAD_MIN), READAHEAD_MAX);
	return (bytes + page - 1) / page * page;
}

static void close_file(struct model_file *f)
{
	if (f->map) {
		fault_forget(f->map);
		(void)munmap((void *)(uintptr_t)f->map, f->size); /* a map of ours: cannot fail */
	}
	if (f->fd >= 0)
		(void)close(f->fd); /* read-only */
	tensor_table_unref(f->table);
	free(f->used);
	free(f->path);
}

/* Takes path, also when it fails. */
static int open_file(struct model_files *files, char *path, enum format format, struct err *err)
{
	struct model_file *grown = reallocarray(files->files, files->nr + 1, sizeof(*grown)), *f;
	struct stat st;
	int r;

	if (grown)
		files->files = grown;
	if (!grown || !path) {
		free(path);
		return -ENOMEM;
	}
	f = &files->files[files->nr++];
	*f = (struct model_file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is not a file", path);
	f->size = (uint64_t)st.st_size;
	f->readahead = readahead_of(f->fd, st.st_dev);
	f->owned = geteuid() == 0 || geteuid() == st.st_uid;
	r = f->size ? read_table(f, err) : err_set(err, -EBADMSG, "%s is empty", path);
	if (r < 0)
		return r;
	if (f->table->format != format)
		return err_set(err, -ENOTSUP, "%s is not a %s file", path, format == FORMAT_GGUF ? "GGUF" : "safetensors");
	return map_file(f, err);
}

/* --- a folder --- */

static int open_shards(const char *folder, struct model_files *files, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/model.safetensors.index.json", folder);
	AUTO_BUF text = {0};
	struct err why = {0};
	int r;

	if (!path)
		return -ENOMEM;
	r = io_read_file(path, SHARD_INDEX_MAX, &text);
	if (r == -ENOENT)
		return err_set(err, r, "%s has neither model.safetensors nor model.safetensors.index.json", folder);
	if (r < 0)
		return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
	r = shard_index_parse(text.data, text.len, &files->index, &why);
	if (r < 0)
		return err_set(err, r, "%s: %s", path, err_text(&why));
	if (!files->index->nr_shards)
		return err_set(err, -EBADMSG, "%s names no file", path);
	for (uint32_t i = 0; r == 0 && i < files->index->nr_shards; i++)
		r = open_file(files, str_printf("%s/%s", folder, files->index->shards[i]), FORMAT_SAFETENSORS, err);
	return r;
}

int files_open_folder(const char *folder, struct model_files *files, struct err *err)
{
	char *path = str_printf("%s/model.safetensors", folder);

	if (path && access(path, F_OK) < 0 && errno == ENOENT) {
		free(path);
		return open_shards(folder, files, err);
	}
	return open_file(files, path, FORMAT_SAFETENSORS, err);
}

/* --- GGUF --- */

static uint64_t value_of(const struct tensor_table *t, const char *key)
{
	const struct format_value *v = tensor_table_value(t, key);

	return v && (v->type == FORMAT_UINT || (v->type == FORMAT_INT && v->i >= 0)) ? v->u : 0;
}

/* The other parts of NAME-00001-of-00003.gguf. [llama.cpp, llama_split_path] */
static int open_splits(const char *path, struct model_files *files, struct err *err)
{
	static const char form[] = "-00001-of-00001.gguf";
	uint64_t count = value_of(files->files[0].table, "split.count");
	size_t len = strlen(path), stem = len - (sizeof(form) - 1);
	char end[sizeof(form) + 16];
	int r = 0;

	if (count <= 1)
		return 0;
	if (count > SPLITS_MAX)
		return err_set(err, -EBADMSG, "%s says that it is one of %llu files", path, (unsigned long long)count);
	(void)snprintf(end, sizeof(end), "-00001-of-%05u.gguf", (unsigned)count);
	if (value_of(files->files[0].table, "split.no") != 0 || len < sizeof(form) - 1 || strcmp(path + stem, end))
		return err_set(err, -EINVAL, "%s is one of %u files; give the first, whose name ends in %s", path, (unsigned)count, end);
	for (unsigned i = 1; r == 0 && i < count; i++) {
		r = open_file(files, str_printf("%.*s-%05u-of-%05u.gguf", (int)stem, path, i + 1, (unsigned)count), FORMAT_GGUF, err);
		if (r == 0 && (value_of(files->files[i].table, "split.no") != i || value_of(files->files[i].table, "split.count") != count))
			r = err_set(err, -EBADMSG, "%s is not part %u of %u", files->files[i].path, i + 1, (unsigned)count);
	}
	return r;
}

int files_open_gguf(const char *path, struct model_files *files, struct err *err)
{
	int r = open_file(files, strdup(path), FORMAT_GGUF, err);

	return r < 0 ? r : open_splits(path, files, err);
}

/* --- use --- */

static const struct tensor *find_in(struct model_files *files, uint32_t i, const char *name, uint32_t *file)
{
	struct model_file *f = &files->files[i];
	const struct tensor *t = tensor_table_find(f->table, name);

	if (t) {
		f->used[t - f->table->tensors] = true;
		*file = i;
	}
	return t;
}

const struct tensor *files_find(struct model_files *files, const char *name, uint32_t *file)
{
	const struct tensor *t = NULL;

	if (files->index) {
		const struct shard_tensor *s = shard_index_find(files->index, name);

		return s ? find_in(files, s->shard, name, file) : NULL;
	}
	for (uint32_t i = 0; !t && i < files->nr; i++)
		t = find_in(files, i, name, file);
	return t;
}

void files_forget_tables(struct model_files *files)
{
	for (uint32_t i = 0; i < files->nr; i++) {
		tensor_table_unref(files->files[i].table);
		free(files->files[i].used);
		files->files[i].table = NULL;
		files->files[i].used = NULL;
	}
	shard_index_unref(files->index);
	files->index = NULL;
}

void files_close(struct model_files *files)
{
	for (uint32_t i = 0; i < files->nr; i++)
		close_file(&files->files[i]);
	free(files->files);
	shard_index_unref(files->index);
	*files = (struct model_files){0};
}
