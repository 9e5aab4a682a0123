/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look before the download. A source reads a repository, through a mount or in this process; look_gather() asks it for little, and notes
 * what it could not have; verdict_make() is what follows from that; text and JSON show both.
 */
#ifndef HFFS_INSPECT_INT_H
#define HFFS_INSPECT_INT_H

#include <hffs/card.h>
#include <hffs/fetch.h>
#include <hffs/json.h>
#include <hffs/model_shape.h>

#include "config_int.h"
#include "listing_int.h"
#include "tensor_file_int.h"

/* What one repository may cost, beside its card and the headers of its data files: HTTP hops, and bytes of content. */
#define LOOK_REQUESTS_MAX 9
#define LOOK_BYTES_MAX 65536u
#define LOOK_FILE_HOPS 2 /* of a file's bytes: where it is, and the file */
#define LOOK_LISTING_PAGES 1
#define LOOK_HEADER_FIRST 16384u /* bytes of the first read of a data file */

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

/* --- where it is read from --- */

/* What the Hub says of the repository. */
struct look_about {
	struct repo_id repo; /* where it lives now */
	char commit[COMMIT_MAX];
	bool is_gated;
	enum answer is_private; /* a mount does not say */
	struct hub_card said;
};

struct source;
struct source_ops {
	int (*about)(struct source *s, struct look_about *out, struct err *err);
	/* Its files. *whole false: there are more, in directories; too many for one look. */
	int (*list)(struct source *s, struct listing *out, bool *whole, struct err *err);
	/* Bytes [0, len) of a file, 1 <= len <= its size. */
	int (*read)(struct source *s, const struct listing_entry *e, size_t len, void *out, struct err *err);
	/* The header of a data file. *beyond: bytes that were read behind it. */
	int (*table)(struct source *s, const struct listing_entry *e, struct tensor_table **out, uint64_t *beyond, struct err *err);
	/* Bytes of it that are cached. */
	uint64_t (*cached)(struct source *s, const struct listing_entry *e);
	/* HTTP hops, and bytes of content, since it was opened. */
	void (*took)(struct source *s, uint64_t *requests, uint64_t *bytes);
	void (*close)(struct source *s);
};
struct source {
	const struct source_ops *ops;
	const char *through; /* "mount" or "cache" */
	bool hides;          /* a mount that shows no more than its lock, allow and deny leave */
	bool is_denied;      /* a file was asked for that a gate, or a mount's rules, keep back */
};
static inline void source_close(struct source *s)
{
	s->ops->close(s);
}
AUTO_DEFINE(struct source *, source_close)

/*
 * The directory of the revision in a mount. Headers of data files that it has not cached are not read through it, since it would fetch far more:
 * they come by the hub, borrowed until it is closed.
 */
int source_open_mount(const char *dir, struct hub *hub, struct source **out, struct err *err);
/* Borrows f until it is closed. One at a time: all that f does meanwhile is counted. */
int source_open_own(struct fetch *f, const struct repo_id *repo, const char *rev, struct source **out, struct err *err);

/* inspect_head.c: the header of a data file of the Hub; load() gives what is cached of its beginning. *beyond: bytes read behind it. */
struct head_source {
	struct hub *hub;
	struct object_ref object;
	uint64_t cached;
	int (*load)(void *ctx, uint64_t off, size_t len, uint8_t *out); /* not called where nothing is cached */
	void *ctx;
};
int head_read(const struct head_source *from, struct tensor_table **out, uint64_t *beyond, struct err *err);

/* --- what was seen --- */

/* How a number is known. */
enum told { TOLD_NOT, TOLD_COUNTED, TOLD_BY_HUB, TOLD_ESTIMATED };
enum weights { WEIGHTS_NONE, WEIGHTS_SAFETENSORS, WEIGHTS_GGUF, WEIGHTS_PICKLE, WEIGHTS_ONNX };

struct look {
	struct repo_id repo; /* as asked; about says where it lives */
	char rev[REPO_REV_MAX];
	struct look_about about;

	struct listing files; /* no directories */
	bool is_listed, is_whole;
	bool hides; /* what is not there may be in the repository */
	uint64_t bytes, bytes_cached; /* of all files that are listed */

	bool has_card, is_card_read;
	struct json *front;   /* front matter; NULL: there is none, or it cannot be read */
	char *front_trouble;  /* why; NULL: nothing is wrong with it */
	struct card_text text;

	struct json *config;  /* config.json, or adapter_config.json of an adapter; NULL */
	bool is_adapter;
	struct model_shape shape;
	char *run_trouble;    /* why 'hffs run' does not know the configuration; NULL: it does, or has not seen one */

	enum weights weights;
	const struct listing_entry *head; /* the data file whose header is read, or the only one; NULL */
	const struct listing_entry **weight_files; /* data files that make the model */
	unsigned nr_weights;
	uint64_t weight_bytes;
	struct tensor_sums sums;          /* of the headers that were read */
	unsigned nr_tables;
	uint64_t nr_tensors, params;
	enum told tensors_told, params_told, types_told; /* types: TOLD_BY_HUB is about.said.dtypes, else sums */
	enum answer tokenizer, chat_template;

	bool is_denied;        /* something was refused for want of access */
	bool is_partly;        /* something could not be read */
	struct buf unread;     /* what could not be looked at, a sentence a line */
	uint64_t beyond;       /* bytes of content that count */
	uint64_t requests, bytes_fetched;
	const char *through;
};

/* Asks the source. -errno with a sentence: the repository itself could not be looked at. look: zeroed, repo and rev set. */
int look_gather(struct look *l, struct source *s, struct err *err);
void look_done(struct look *l);
/* Was its card read, or is there none? Then what it does not say is not said. */
static inline bool look_is_card_known(const struct look *l)
{
	return l->is_card_read || (l->is_listed && !l->has_card && !l->hides);
}
const struct listing_entry *look_find(const struct look *l, const char *path);
bool look_has_suffix(const char *path, const char *suffix); /* in any case */
/* inspect_weights.c: which files are the model. */
int look_choose_weights(struct look *l); /* 0, -ENOMEM */

/* inspect_packed.c: parameters beyond one an element, by the types that the Hub told, or of the headers that were read. 0: none are packed. */
uint64_t look_packed_more(const struct look *l, bool by_hub);

/* --- what follows --- */

#define LOADERS_MAX 8
#define RISKS_MAX 16
#define BASES_MAX 8

struct loader {
	const char *name;
	enum answer fits;
	char why[160]; /* "" */
};
struct risk {
	const char *name, *words; /* of the JSON, and for people */
	char text[256];   /* a sentence with its advice */
};
struct verdict {
	const char *type;   /* "model", "dataset", "space", "adapter", "quantized", "merge", "finetune" */
	const char *license, *task, *library;     /* NULL: not said */
	const char *bases[BASES_MAX];
	unsigned nr_bases;
	char base_words[256]; /* storage of bases where the Hub said them */
	char quantization[48]; /* "" */
	uint64_t kv_bytes, overhead_bytes, memory_bytes; /* 0: not known */
	struct loader loaders[LOADERS_MAX];
	unsigned nr_loaders;
	struct risk risks[RISKS_MAX];
	unsigned nr_risks;
};
/* Borrows from l. */
void verdict_make(const struct look *l, const char *endpoint, struct verdict *v);

/* One format and what there is of it, the largest first. */
#define FORMATS_MAX 32 /* there are fewer */
struct format_sum {
	const char *name;
	size_t nr;
	uint64_t bytes;
};
unsigned look_formats(const struct look *l, struct format_sum out[FORMATS_MAX]);

/* --- how it is shown --- */

/* One or two of them. */
void look_print(const struct look *const *looks, const struct verdict *const *verdicts, unsigned nr);
void look_add_json(const struct look *l, const struct verdict *v, struct buf *out);

#endif
