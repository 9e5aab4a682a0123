/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a model: opened, their headers read, their bytes mapped read-only. A page of a map may be touched once stream.c has
 * said that it is here; if one vanishes all the same (a file cut short, a mount that died), fault.c ends the program with a sentence.
 */
#ifndef HFFS_FILES_INT_H
#define HFFS_FILES_INT_H

#include <hffs/err.h>
#include <hffs/format.h>

struct model_file {
	char *path;
	int fd;
	const uint8_t *map;
	uint64_t size;
	uint64_t readahead; /* of a mount: bytes, whole pages; the kernel asks it for no more at once. 0: a disk reads it */
	bool owned;         /* by this user, so that mincore() tells the truth [mm/mincore.c, can_do_mincore()] */
	struct tensor_table *table;
	bool *used; /* tensors of the table that somebody asked for */
};

struct model_files {
	struct model_file *files;
	uint32_t nr;
	struct shard_index *index; /* NULL: each file is asked */
};

/* The safetensors files of a folder: model.safetensors, else the shards of its index. files is {0} before. */
int files_open_folder(const char *folder, struct model_files *files, struct err *err);
/* A GGUF file, and the other parts if it is the first of several. */
int files_open_gguf(const char *path, struct model_files *files, struct err *err);
void files_close(struct model_files *files);

/* A tensor by name, with the file that has it; it counts as used. NULL if there is none. */
const struct tensor *files_find(struct model_files *files, const char *name, uint32_t *file);
/* Frees tables and index: descriptions of tensors are gone, maps stay. */
void files_forget_tables(struct model_files *files);

/*
 * From here on SIGBUS within the map ends the program with exit code 1 and a sentence that names the file; elsewhere it is what it
 * was. 0, -ENOSPC when too many maps are known already. Any thread.
 */
int fault_watch(const void *map, uint64_t len, const char *path);
void fault_forget(const void *map);

#endif
