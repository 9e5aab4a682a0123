/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a repository make a model, by their names alone. Pure. */
#ifndef HFFS_MODEL_FILES_H
#define HFFS_MODEL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include <hffs/err.h>

/*
 * The .gguf file that is meant, of the names (paths from the root of the repository): *out, borrowed from names; NULL: the directory
 * itself, with config.json and safetensors. wanted NULL: the directory where there is one, else the only GGUF; else a file's name, or
 * a part that just one of their names has, in any case ("q4_k_m"). A model in several parts is its first. -ENOENT with a sentence
 * that lists what is there.
 */
int model_files_choose(const char *const *names, size_t nr, const char *wanted, const char **out, struct err *err);

/* Does a model need this file? gguf as chosen above; only_text: nothing but its tokenizer is wanted. */
bool model_files_need(const char *name, const char *gguf, bool only_text);

#endif
