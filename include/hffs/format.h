/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of model files: bytes in, a description out. Opens nothing, keeps nothing, trusts no length. What a file is, is read
 * from its first bytes, never from its name. Every function is pure; what it gives back may be read by any number of threads.
 */
#ifndef HFFS_FORMAT_H
#define HFFS_FORMAT_H

#include <stdbool.h>

#include <hffs/err.h>

enum format {
	FORMAT_NONE, /* none of these, or too few bytes to say */
	FORMAT_SAFETENSORS,
	FORMAT_GGUF,
	FORMAT_ZIP,     /* .bin and .pt of torch, .npz of numpy */
	FORMAT_PARQUET,
};

#define FORMAT_SNIFF_BYTES 9            /* format_sniff() needs no more */
#define FORMAT_HEADER_MAX 100000000u    /* bytes: what safetensors itself allows; no caller's limit is above it */

/* What begins with these bytes? */
enum format format_sniff(const void *bytes, size_t len);

/* --- tensors --- */

/* How elements are stored: the types of safetensors, then the quantised ones of ggml. */
enum tensor_type {
	TENSOR_BOOL, TENSOR_U8, TENSOR_I8, TENSOR_U16, TENSOR_I16, TENSOR_U32, TENSOR_I32, TENSOR_U64, TENSOR_I64,
	TENSOR_F64, TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_C64,
	TENSOR_F8_E4M3, TENSOR_F8_E5M2, TENSOR_F8_E8M0, TENSOR_F8_E4M3FNUZ, TENSOR_F8_E5M2FNUZ,
	TENSOR_F6_E2M3, TENSOR_F6_E3M2, TENSOR_F4,
	TENSOR_Q4_0, TENSOR_Q4_1, TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q8_0, TENSOR_Q8_1,
	TENSOR_Q2_K, TENSOR_Q3_K, TENSOR_Q4_K, TENSOR_Q5_K, TENSOR_Q6_K, TENSOR_Q8_K,
	TENSOR_IQ2_XXS, TENSOR_IQ2_XS, TENSOR_IQ3_XXS, TENSOR_IQ1_S, TENSOR_IQ4_NL, TENSOR_IQ3_S, TENSOR_IQ2_S, TENSOR_IQ4_XS,
	TENSOR_IQ1_M, TENSOR_TQ1_0, TENSOR_TQ2_0, TENSOR_MXFP4, TENSOR_NVFP4, TENSOR_Q1_0,
	TENSOR_TYPES
};

/* So many elements are stored as one block of so many bytes. */
struct tensor_type_info {
	const char *name; /* as the format writes it: "BF16", "Q4_K" */
	uint16_t block, bytes;
};
const struct tensor_type_info *tensor_type_info(enum tensor_type type);

#define TENSOR_DIMS_MAX 64
#define TENSORS_MAX 1000000u
#define FORMAT_VALUES_MAX 100000u

struct tensor {
	uint64_t off, len; /* in bytes of the file; len may be 0 */
	const char *name;
	const uint64_t *shape; /* n_dims of them, the outermost first in every format */
	uint8_t type;          /* enum tensor_type */
	uint8_t n_dims;        /* 0: one element */
};

/* The orders that loaders read in. */
enum tensor_order {
	TENSOR_BY_PLACE, /* as they lie in the file */
	TENSOR_NATURAL,  /* names, with digits by value: layers.2 before layers.10 */
	TENSOR_BY_NAME,  /* names, byte by byte: layers.10 before layers.2 */
	TENSOR_ORDERS
};

/* A metadata value, typed as the file types it. Those of safetensors are all FORMAT_TEXT. */
enum format_value_type { FORMAT_UINT, FORMAT_INT, FORMAT_FLOAT, FORMAT_BOOL, FORMAT_TEXT, FORMAT_ARRAY };

#define FORMAT_TEXT_KEPT 1024 /* bytes; of a longer text only the place in the file is kept */

struct format_value {
	const char *key;
	enum format_value_type type;
	enum format_value_type item; /* of an array; its items follow one another at off, as GGUF writes them */
	uint8_t item_bytes;          /* of an array of numbers: bytes of each; 0 otherwise */
	union {
		uint64_t u; /* FORMAT_UINT, and FORMAT_BOOL as 0 or 1 */
		int64_t i;
		double f;
		const char *text; /* NULL if it is longer than FORMAT_TEXT_KEPT or holds a NUL byte */
	};
	uint64_t off, len; /* FORMAT_TEXT and FORMAT_ARRAY: bytes of the file that hold it. Of safetensors: as JSON, with quotes */
	uint64_t nr;       /* items of an array */
};

/* Immutable and counted. All members but refs may be read, as long as a reference is held. */
struct tensor_table {
	unsigned refs; /* tensor_table_ref() and _unref() only */
	enum format format;
	uint32_t nr, nr_values;
	uint64_t file_size;
	uint64_t data_off; /* bytes before it are the header */
	size_t memory;     /* bytes that the whole table takes */
	const struct tensor *tensors;       /* by place; they do not overlap and lie inside of the file, behind the header */
	const struct format_value *values;  /* by key, byte by byte */
	/* order[o][n]: index of the n-th tensor in order o. rank[o][i]: where tensors[i] stands in order o. */
	const uint32_t *order[TENSOR_ORDERS], *rank[TENSOR_ORDERS];
};

/*
 * Reads the table of a safetensors or GGUF file of file_size bytes from its first len bytes. header_max: bytes of header that
 * the caller is willing to look at. One reference in *out. Errors:
 *   -EAGAIN   bytes [0, *need) are needed to go on, need > len; never more than the header has, so it is safe to wait for them
 *   -EBADMSG  malformed, -EFBIG a header above header_max, -ENOTSUP another format or a version or type not known here
 *   -ENOMEM
 * Takes memory of a few times the header meanwhile.
 */
int tensor_table_parse(const void *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
		       uint64_t *need, struct err *err);
struct tensor_table *tensor_table_ref(const struct tensor_table *t); /* NULL is fine */
void tensor_table_unref(const struct tensor_table *t);               /* NULL is fine */
AUTO_DEFINE(struct tensor_table *, tensor_table_unref)

/* Index of the tensor that holds byte off of the file, else of the first behind it; nr if there is none. Tensors of no bytes
 * are passed over. */
uint32_t tensor_table_at(const struct tensor_table *t, uint64_t off);
/* By name, and a value by key: NULL if there is none. */
const struct tensor *tensor_table_find(const struct tensor_table *t, const char *name);
const struct format_value *tensor_table_value(const struct tensor_table *t, const char *key);
/* TENSOR_NATURAL: below, equal to or above 0. Names that differ never compare equal. */
int tensor_name_compare(const char *a, const char *b);

/* --- the index of a model in shards: model.safetensors.index.json --- */

struct shard_tensor {
	const char *name;
	uint32_t shard; /* index into shards */
};

/* Immutable and counted, as above. */
struct shard_index {
	unsigned refs;
	uint32_t nr, nr_shards;
	size_t memory;
	const char *const *shards;          /* plain file names in the folder of the index, in natural order */
	const struct shard_tensor *tensors; /* in natural order of their names */
};

#define SHARD_INDEX_MAX (32u << 20) /* bytes of such a file */
#define SHARDS_MAX 100000u

/* Reads the whole file. -EBADMSG (also for a shard name that is a path), -EFBIG above SHARD_INDEX_MAX, -ENOMEM. */
int shard_index_parse(const void *bytes, size_t len, struct shard_index **out, struct err *err);
struct shard_index *shard_index_ref(const struct shard_index *x);
void shard_index_unref(const struct shard_index *x);
AUTO_DEFINE(struct shard_index *, shard_index_unref)
const struct shard_tensor *shard_index_find(const struct shard_index *x, const char *tensor); /* NULL if there is none */

/* --- formats that are read from their end --- */

struct zip_entry {
	uint64_t off;          /* of its local header; the data begins behind that header's own name and extra fields */
	uint64_t packed, size; /* bytes in the file, and unpacked */
	const char *name;      /* for display: never a path to open */
	uint16_t method;       /* 0: stored as it is */
};

struct zip_directory {
	uint32_t nr;
	uint64_t off, len;               /* of the central directory */
	const struct zip_entry *entries; /* by place */
};

#define ZIP_TAIL_BYTES 65577u /* the end record with its longest comment, and the zip64 locator before it */

/*
 * Reads the central directory from the last len bytes of a file of file_size. Caller frees with zip_directory_free(). Errors:
 *   -EAGAIN  bytes from *from to the end are needed to go on
 *   -EBADMSG malformed, -EFBIG a directory above directory_max bytes, -ENOTSUP more than one disk, -ENOMEM
 */
int zip_directory_parse(const void *tail, size_t len, uint64_t file_size, uint64_t directory_max, struct zip_directory **out,
			uint64_t *from, struct err *err);
void zip_directory_free(struct zip_directory *z);
AUTO_DEFINE(struct zip_directory *, zip_directory_free)

/* --- files that run code when they are loaded the usual way --- */

#define PICKLE_LOOK_BYTES 65536u /* of a file's beginning: what pickle_look() wants to see, or all of it */
/* Do files of this name hold pickles by custom? */
bool pickle_is_name(const char *path);
enum pickle_look { PICKLE_NO, PICKLE_YES, PICKLE_IF_IN_ZIP /* pickle_in_zip() tells */ };
enum pickle_look pickle_look(const void *bytes, size_t len);
bool pickle_in_zip(const struct zip_directory *z);

/* Follows the opcodes of what may be a pickle without a head, from the file's beginning. {0} is the beginning. */
#define PICKLE_MARKS_MAX 256
struct pickle_walk {
	uint64_t off; /* in the file, of the byte that is wanted next; the rest is pickle_walk()'s own */
	uint64_t nr, below[PICKLE_MARKS_MAX];
	unsigned nr_marks;
	bool has_name, is_in_text;
};
enum pickle_step {
	PICKLE_MORE,      /* the bytes at w->off are needed */
	PICKLE_HARMLESS,  /* no pickle, or one that calls nothing */
	PICKLE_RUNS,      /* something is called */
	PICKLE_UNDECIDED, /* it cannot be followed */
};
/* bytes: of a file of `size` bytes those from w->off on, PICKLE_LOOK_BYTES or all there are. Pure. */
enum pickle_step pickle_walk(struct pickle_walk *w, const void *bytes, size_t len, uint64_t size);

#define PARQUET_TAIL_BYTES 8

/* Where the footer of a parquet file is (without its length and mark), from the file's last bytes. 0 or -EBADMSG. */
int parquet_footer_parse(const uint8_t tail[PARQUET_TAIL_BYTES], uint64_t file_size, uint64_t *off, uint64_t *len, struct err *err);

#endif
