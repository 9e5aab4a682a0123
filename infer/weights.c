// SPDX-License-Identifier: Apache-2.0
/* Finds each weight of an architecture in the files, and checks that it is what the configuration promises. */
#include "weights_int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>

struct binder {
	struct model_files *files;
	const struct model_config *c;
	struct weights *w;
	const char *prefix;
	struct err *err;
	int r; /* the first error stays */
};

static void fail(struct binder *b, int code, const char *name, const char *what)
{
	if (b->r == 0)
		b->r = err_set(b->err, code, "tensor %.150s %s", name, what);
}

/* --- finding --- */

/* The tensor of a role; NULL if the files have none. */
static const struct tensor *find(struct binder *b, enum role role, uint32_t layer, bool bias, char name[TENSOR_NAME_MAX], uint32_t *file)
{
	char old[TENSOR_NAME_MAX] = "";
	const struct tensor *t;

	if (b->r < 0 || !name_of(b->c, b->prefix, role, layer, bias, name))
		return NULL;
	t = files_find(b->files, name, file);
	if (t || !name_of_old(b->c, name, old))
		return t;
	t = files_find(b->files, old, file);
	if (t)
		memcpy(name, old, sizeof(old));
	return t;
}

static bool has(struct binder *b, enum role role, uint32_t layer, bool bias)
{
	char name[TENSOR_NAME_MAX];
	uint32_t file;

	return find(b, role, layer, bias, name, &file) != NULL;
}

static void check_shape(struct binder *b, const struct tensor *t, const char *name, uint64_t rows, uint64_t cols)
{
	bool vector = rows == 0, fits = t->n_dims == (vector ? 1 : 2) && t->shape[t->n_dims - 1] == cols && (vector || t->shape[0] == rows);
	AUTO_BUF is = {0};

	if (fits)
		return;
	for (unsigned i = 0; i < t->n_dims && i < 4; i++)
		buf_addf(&is, "%s%llu", i ? " x " : "", (unsigned long long)t->shape[i]);
	if (b->r == 0 && vector)
		b->r = err_set(b->err, -EBADMSG, "tensor %.150s is %s; the configuration asks for %llu", name, is.data ? is.data : "a single value",
			       (unsigned long long)cols);
	else if (b->r == 0)
		b->r = err_set(b->err, -EBADMSG, "tensor %.150s is %s; the configuration asks for %llu x %llu", name,
			       is.data ? is.data : "a single value", (unsigned long long)rows, (unsigned long long)cols);
}

/* Elements are read where they lie: they must lie as the processor wants them. */
static unsigned alignment_of(enum tensor_type type)
{
	return type == TENSOR_F32 ? 4 : type == TENSOR_F8_E4M3 ? 1 : 2;
}

static bool is_plain(enum tensor_type type)
{
	return type == TENSOR_F32 || type == TENSOR_F16 || type == TENSOR_BF16;
}

static void check_type(struct binder *b, const struct tensor *t, const char *name, bool plain)
{
	const char *type = tensor_type_info(t->type)->name;

	if (b->r == 0 && (!kernels_has_type(t->type) || (plain && !is_plain(t->type))))
		b->r = err_set(b->err, -ENOTSUP, "tensor %.150s has elements of type %s, which is not supported%s", name, type,
			       plain && kernels_has_type(t->type) ? " there" : "");
	if (t->off % alignment_of(t->type))
		fail(b, -ENOTSUP, name, "is not aligned to its elements, which is not supported");
}

/* --- vectors --- */

static struct matrix matrix_of(const struct binder *b, const struct tensor *t, uint32_t file, uint32_t rows, uint32_t cols)
{
	return (struct matrix){.data = b->files->files[file].map + t->off, .row_bytes = (size_t)(t->len / rows), .rows = rows, .cols = cols,
			       .type = t->type};
}

static float *new_vector(struct binder *b, uint32_t n)
{
	float **grown = reallocarray(b->w->vectors, b->w->nr_vectors + 1, sizeof(*grown)), *v = calloc(n, sizeof(*v));

	if (grown)
		b->w->vectors = grown;
	if (!grown || !v) {
		free(v);
		b->r = -ENOMEM;
		return NULL;
	}
	return grown[b->w->nr_vectors++] = v;
}

/* The tensor as n floats, which come with the group; NULL: an error. */
static struct vector_load *add_load(struct binder *b, const struct tensor *t, uint32_t file, uint32_t group, uint32_t n)
{
	struct layer *l = &b->w->layers[group];
	float *v = b->r < 0 ? NULL : new_vector(b, n);
	struct vector_load *grown = v ? reallocarray(l->loads, l->nr_loads + 1, sizeof(*grown)) : NULL;

	l->loads = grown ? grown : l->loads;
	if (!grown || stream_add(b->w->stream, group, file, t->off, t->len) < 0) {
		b->r = b->r < 0 ? b->r : -ENOMEM;
		return NULL;
	}
	l->loads[l->nr_loads] = (struct vector_load){.from = matrix_of(b, t, file, 1, n), .to = v};
	return &l->loads[l->nr_loads++];
}

/* --- scales --- */

static bool is_shaped(const struct tensor *t, uint64_t rows, uint64_t cols)
{
	if (t->n_dims == 2)
		return t->shape[0] == rows && t->shape[1] == cols;
	return cols == 1 && (t->n_dims == 1 ? t->shape[0] == rows : t->n_dims == 0 && rows == 1);
}

/* One for the tensor, one a block, or one a row: which it is the shape says. */
static bool take_scale_shape(const struct model_config *c, const struct tensor *t, struct matrix *m)
{
	uint32_t rows = c->scale_rows ? c->scale_rows : 1, cols = c->scale_rows ? c->scale_cols : m->cols;

	if (is_shaped(t, 1, 1)) {
		rows = m->rows;
		cols = m->cols;
	} else if (!is_shaped(t, (m->rows - 1) / rows + 1, (m->cols - 1) / cols + 1)) {
		return false;
	}
	m->scale_rows = rows;
	m->scale_cols = cols;
	return true;
}

static void bind_scales(struct binder *b, const char *name, uint32_t group, struct matrix *m)
{
	static const char *const ends[] = {"_scale", "_scale_inv"}; /* what the second is the inverse of is what divided the weights */
	char scale[TENSOR_NAME_MAX + 16] = "";
	const struct tensor *t = NULL;
	struct vector_load *load;
	uint32_t file = 0;
	uint64_t nr;

	if (b->r < 0 || !b->c->scaled || m->type != TENSOR_F8_E4M3)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ends) && !t; i++) {
		(void)snprintf(scale, sizeof(scale), "%s%s", name, ends[i]);
		t = files_find(b->files, scale, &file);
	}
	if (!t) {
		fail(b, -EBADMSG, name, "is of type F8_E4M3 and has no scale beside it, which the configuration says it has");
		return;
	}
	if (!take_scale_shape(b->c, t, m))
		fail(b, -EBADMSG, scale, "has a shape that does not fit the tensor whose scale it is");
	check_type(b, t, scale, true);
	if (b->r < 0)
		return;
	nr = ((uint64_t)(m->rows - 1) / m->scale_rows + 1) * ((m->cols - 1) / m->scale_cols + 1);
	if (nr > UINT32_MAX)
		fail(b, -ENOTSUP, scale, "has more scales than are supported");
	load = add_load(b, t, file, group, (uint32_t)nr);
	if (!load)
		return;
	m->scales = load->to;
	load->scale = strdup(scale);
	if (!load->scale)
		b->r = -ENOMEM;
}

/* --- matrices --- */

/* Rows of it are used before the group that a tied head belongs to. */
static bool is_table(const struct binder *b, enum role role)
{
	return role == ROLE_TOKENS || role == ROLE_POSITIONS || (role == ROLE_HEAD && b->c->tied);
}

/*
 * rows x cols as the product wants it. Where matrices lie transposed, the matrix has a row for each input, and `rows` outputs. What is
 * not there is an error. group: GROUP_NONE if only rows of it are used.
 */
#define GROUP_NONE UINT32_MAX
static struct matrix bind_matrix(struct binder *b, enum role role, uint32_t layer, uint32_t group, uint32_t rows, uint32_t cols)
{
	bool transposed = b->c->transposed && role >= ROLE_QKV;
	uint32_t r = transposed ? cols : rows, c = transposed ? rows : cols, file = 0;
	char name[TENSOR_NAME_MAX] = "";
	const struct tensor *t = find(b, role, layer, false, name, &file);
	struct matrix m;

	if (!t) {
		fail(b, -EBADMSG, name, "is missing");
		return (struct matrix){0};
	}
	check_shape(b, t, name, r, c);
	check_type(b, t, name, transposed);
	if (b->r < 0)
		return (struct matrix){0};
	if (group != GROUP_NONE && stream_add(b->w->stream, group, file, t->off, t->len) < 0)
		b->r = -ENOMEM;
	b->w->parameters += (uint64_t)rows * cols;
	m = matrix_of(b, t, file, r, c);
	bind_scales(b, name, is_table(b, role) ? GROUP_FIRST : group, &m);
	return m;
}

/* NULL if it is not there and need not be. */
static float *bind_vector(struct binder *b, enum role role, uint32_t layer, bool bias, uint32_t group, uint32_t n, bool required)
{
	char name[TENSOR_NAME_MAX] = "";
	uint32_t file = 0;
	const struct tensor *t = find(b, role, layer, bias, name, &file);
	struct vector_load *load;

	if (!t) {
		if (required)
			fail(b, -EBADMSG, name, "is missing");
		return NULL;
	}
	check_shape(b, t, name, 0, n);
	check_type(b, t, name, true);
	load = add_load(b, t, file, group, n);
	if (!load)
		return NULL;
	b->w->parameters += n;
	return load->to;
}

static float *bind_norm(struct binder *b, enum role role, uint32_t layer, uint32_t group, uint32_t n, float **bias)
{
	float *v = bind_vector(b, role, layer, false, group, n, true);
	struct layer *l = &b->w->layers[group];

	if (v && b->c->norm_plus_one)
		l->loads[l->nr_loads - 1].plus = 1;
	if (bias)
		*bias = b->c->layer_norm ? bind_vector(b, role, layer, true, group, n, true) : NULL;
	return v;
}

static float *bind_bias(struct binder *b, enum role role, uint32_t layer, uint32_t n, bool wanted)
{
	return wanted || b->c->bias_by_presence ? bind_vector(b, role, layer, true, GROUP_LAYER(layer), n, wanted) : NULL;
}

static void part_scales(struct binder *b, uint32_t from, struct matrix *part, const struct matrix *m)
{
	if (!m->scales || m->scale_rows == m->rows)
		return;
	if (from % m->scale_rows && b->r == 0)
		b->r = err_set(b->err, -ENOTSUP, "a block of scales belongs to two matrices that are stored as one, which is not supported");
	part->scales += (size_t)(from / m->scale_rows) * ((m->cols - 1) / m->scale_cols + 1);
}

/* Outputs [from, from + n) of a product. */
static struct matrix part_of(struct binder *b, const struct matrix *m, uint32_t from, uint32_t n)
{
	struct matrix part = *m;

	if (b->c->transposed) {
		part.data = (const uint8_t *)m->data + (size_t)from * tensor_type_info(m->type)->bytes;
		part.cols = n;
	} else {
		part.data = (const uint8_t *)m->data + from * m->row_bytes;
		part.rows = n;
		part_scales(b, from, &part, m);
	}
	return part;
}

/* --- layers --- */

static void bind_qkv(struct binder *b, uint32_t i, struct layer *l)
{
	const struct model_config *c = b->c;
	uint32_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim, group = GROUP_LAYER(i);

	if (has(b, ROLE_QKV, i, false)) {
		struct matrix all = bind_matrix(b, ROLE_QKV, i, group, q + 2 * kv, c->width);
		float *bias = bind_bias(b, ROLE_QKV, i, q + 2 * kv, c->qkv_bias);

		if (b->r < 0)
			return;
		l->q = part_of(b, &all, 0, q);
		l->k = part_of(b, &all, q, kv);
		l->v = part_of(b, &all, q + kv, kv);
		l->q_bias = bias;
		l->k_bias = bias ? bias + q : NULL;
		l->v_bias = bias ? bias + q + kv : NULL;
		return;
	}
	l->q = bind_matrix(b, ROLE_Q, i, group, q, c->width);
	l->k = bind_matrix(b, ROLE_K, i, group, kv, c->width);
	l->v = bind_matrix(b, ROLE_V, i, group, kv, c->width);
	l->q_bias = bind_bias(b, ROLE_Q, i, q, c->qkv_bias);
	l->k_bias = bind_bias(b, ROLE_K, i, kv, c->qkv_bias);
	l->v_bias = bind_bias(b, ROLE_V, i, kv, c->qkv_bias);
}

static void bind_ffn(struct binder *b, uint32_t i, struct layer *l)
{
	const struct model_config *c = b->c;
	uint32_t group = GROUP_LAYER(i);

	if (c->gated && has(b, ROLE_GATE_UP, i, false)) {
		struct matrix both = bind_matrix(b, ROLE_GATE_UP, i, group, 2 * c->ffn, c->width);

		if (b->r < 0)
			return;
		l->gate = part_of(b, &both, 0, c->ffn);
		l->up = part_of(b, &both, c->ffn, c->ffn);
	} else {
		if (c->gated) {
			l->gate = bind_matrix(b, ROLE_GATE, i, group, c->ffn, c->width);
			l->gate_bias = bind_bias(b, ROLE_GATE, i, c->ffn, c->ffn_bias);
		}
		l->up = bind_matrix(b, ROLE_UP, i, group, c->ffn, c->width);
		l->up_bias = bind_bias(b, ROLE_UP, i, c->ffn, c->ffn_bias);
	}
	l->down = bind_matrix(b, ROLE_DOWN, i, group, c->width, c->ffn);
	l->down_bias = bind_bias(b, ROLE_DOWN, i, c->width, c->ffn_bias);
}

static void bind_layer(struct binder *b, uint32_t i)
{
	const struct model_config *c = b->c;
	uint32_t group = GROUP_LAYER(i);
	struct layer *l = &b->w->layers[group];

	if (c->norm_before) {
		l->attn_norm = bind_norm(b, ROLE_ATTN_NORM, i, group, c->width, &l->attn_norm_bias);
		l->ffn_norm = bind_norm(b, ROLE_FFN_NORM, i, group, c->width, &l->ffn_norm_bias);
	}
	if (c->norm_after) {
		l->attn_after = bind_norm(b, ROLE_ATTN_AFTER, i, group, c->width, &l->attn_after_bias);
		l->ffn_after = bind_norm(b, ROLE_FFN_AFTER, i, group, c->width, &l->ffn_after_bias);
	}
	if (c->qk_norm != QK_NORM_NONE) {
		bool head = c->qk_norm == QK_NORM_HEAD;

		l->q_norm = bind_norm(b, ROLE_Q_NORM, i, group, head ? c->head_dim : c->heads * c->head_dim, NULL);
		l->k_norm = bind_norm(b, ROLE_K_NORM, i, group, head ? c->head_dim : c->kv_heads * c->head_dim, NULL);
	}
	bind_qkv(b, i, l);
	l->o = bind_matrix(b, ROLE_O, i, group, c->width, c->heads * c->head_dim);
	l->o_bias = bind_bias(b, ROLE_O, i, c->width, c->output_bias);
	bind_ffn(b, i, l);
}

/* --- what is there once --- */

/* A table whose rows are brought in one by one. */
static struct matrix bind_table(struct binder *b, enum role role, uint32_t group, uint32_t rows, struct stream_rows *out)
{
	struct matrix m = bind_matrix(b, role, 0, group, rows, b->c->width);
	char name[TENSOR_NAME_MAX];
	uint32_t file = 0;
	const struct tensor *t = find(b, role, 0, false, name, &file);

	if (b->r < 0 || !t)
		return m;
	*out = (struct stream_rows){.file = file, .rows = rows, .off = t->off, .row_bytes = m.row_bytes, .known = calloc(1, rows / 8 + 1)};
	if (!out->known)
		b->r = -ENOMEM;
	return m;
}

static void bind_rope(struct binder *b)
{
	uint32_t n = b->c->rope.dims / 2;

	if (!b->c->gguf || !n)
		return;
	b->w->rope_factors = bind_vector(b, ROLE_ROPE_FREQS, 0, false, GROUP_FIRST, n, false);
	b->w->rope_long = bind_vector(b, ROLE_ROPE_LONG, 0, false, GROUP_FIRST, n, b->c->rope.type == ROPE_LONGROPE);
	b->w->rope_short = bind_vector(b, ROLE_ROPE_SHORT, 0, false, GROUP_FIRST, n, b->c->rope.type == ROPE_LONGROPE);
}

/*
 * Is one table both, by the name of either? If there are two, transformers compares them and ties those that are equal. Here two are
 * two: the result is the same, to compare them would be to fetch both, and of the table only the rows of a text are.
 * [transformers 5.12, modeling_utils.py, tie_weights()]
 */
static bool is_tied(struct binder *b, enum role *table)
{
	bool tokens = has(b, ROLE_TOKENS, 0, false), head = !b->c->encoder && has(b, ROLE_HEAD, 0, false);

	*table = b->c->tied && head && !tokens ? ROLE_HEAD : ROLE_TOKENS;
	return b->c->tied && !(head && tokens);
}

static void bind_ends(struct binder *b)
{
	const struct model_config *c = b->c;
	struct weights *w = b->w;
	uint32_t head = GROUP_HEAD(c);
	enum role table;
	bool tied = is_tied(b, &table);

	w->tokens = bind_table(b, table, tied && !c->encoder ? head : GROUP_NONE, c->vocabulary, &w->token_rows);
	if (c->learned_positions)
		w->positions = bind_table(b, ROLE_POSITIONS, GROUP_NONE, c->context, &w->position_rows);
	if (c->token_types)
		w->types = bind_matrix(b, ROLE_TYPES, 0, GROUP_FIRST, c->token_types, c->width);
	bind_rope(b);
	if (c->encoder) {
		w->embed_norm = bind_norm(b, ROLE_EMBED_NORM, 0, GROUP_FIRST, c->width, &w->embed_norm_bias);
		return;
	}
	w->final_norm = bind_norm(b, ROLE_FINAL_NORM, 0, head, c->width, &w->final_norm_bias);
	w->head = tied ? w->tokens : bind_matrix(b, ROLE_HEAD, 0, head, c->vocabulary, c->width);
}

/* --- the whole --- */

/* By what every model has under its prefix; the table of tokens may be missing, see is_tied(). */
static const char *find_prefix(struct binder *b)
{
	const char *const *prefixes = name_prefixes(b->c);

	for (const char *const *p = prefixes; *p; p++) {
		b->prefix = *p;
		if (has(b, b->c->encoder ? ROLE_TOKENS : ROLE_FINAL_NORM, 0, false))
			return *p;
	}
	return prefixes[0];
}

static void refuse_unused(struct binder *b)
{
	for (uint32_t i = 0; i < b->files->nr; i++) {
		const struct model_file *f = &b->files->files[i];

		for (uint32_t t = 0; t < f->table->nr && b->r == 0; t++)
			if (!f->used[t] && !name_is_idle(b->c, f->table->tensors[t].name))
				fail(b, -ENOTSUP, f->table->tensors[t].name, "is not one that this architecture computes with");
	}
}

int weights_bind(struct model_files *files, const struct model_config *c, stream_progress *progress, void *ctx, struct weights *w,
		 struct err *err)
{
	struct binder b = {.files = files, .c = c, .w = w, .err = err};

	w->nr = c->layers + 2;
	w->layers = calloc(w->nr, sizeof(*w->layers));
	if (!w->layers)
		return -ENOMEM;
	b.r = stream_new(files, w->nr, progress, ctx, &w->stream);
	if (b.r < 0)
		return b.r;
	b.prefix = find_prefix(&b);
	bind_ends(&b);
	for (uint32_t i = 0; i < c->layers && b.r == 0; i++)
		bind_layer(&b, i);
	refuse_unused(&b);
	for (uint32_t i = 0; b.r == 0 && i < files->nr; i++)
		for (uint32_t t = 0; t < files->files[i].table->nr; t++)
			w->bytes += files->files[i].used[t] ? files->files[i].table->tensors[t].len : 0;
	if (b.r == 0)
		stream_ready(w->stream);
	return b.r;
}

static void layer_done(struct layer *l)
{
	for (uint32_t i = 0; i < l->nr_loads; i++)
		free(l->loads[i].scale);
	free(l->loads);
}

void weights_done(struct weights *w)
{
	stream_free(w->stream);
	for (uint32_t i = 0; w->layers && i < w->nr; i++)
		layer_done(&w->layers[i]);
	for (uint32_t i = 0; i < w->nr_vectors; i++)
		free(w->vectors[i]);
	free(w->vectors);
	free(w->layers);
	free(w->token_rows.known);
	free(w->position_rows.known);
	*w = (struct weights){0};
}

static int check_scales(const struct vector_load *load, struct err *err)
{
	for (uint32_t i = 0; load->scale && i < load->from.cols; i++)
		if (!isfinite(load->to[i]))
			return err_set(err, -EBADMSG, "tensor %.150s has a scale that is not a finite number", load->scale);
	return 0;
}

int weights_need(struct weights *w, const struct kernels *k, uint32_t group, struct err *err)
{
	struct layer *l = &w->layers[group];
	int r = stream_need(w->stream, group, err);

	for (uint32_t i = 0; r == 0 && !l->loaded && i < l->nr_loads; i++) {
		const struct vector_load *load = &l->loads[i];

		matrix_row(k, &load->from, 0, load->to);
		for (uint32_t n = 0; load->plus != 0 && n < load->from.cols; n++)
			load->to[n] += load->plus;
		r = check_scales(load, err);
	}
	l->loaded |= r == 0;
	return r;
}
