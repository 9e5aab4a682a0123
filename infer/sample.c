// SPDX-License-Identifier: Apache-2.0
/*
 * Candidates are (id, logit) pairs, cut down step by step and sorted once, by falling logit and rising id, so that equal logits
 * have one order on every machine. Sums are in double and in that order.
 */
#include <hffs/sample.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

struct candidate {
	uint32_t id;
	float logit;
	double p;
};

struct sampler {
	struct sample_options options;
	uint32_t vocabulary;
	uint64_t state;
	uint8_t *seen; /* a bit a token */
	struct candidate candidates[];
};

void sample_options_init(struct sample_options *o)
{
	*o = (struct sample_options){.temperature = 0.8, .top_k = 40, .top_p = 0.95, .repeat_penalty = 1};
}

int sampler_new(const struct sample_options *o, uint32_t vocabulary, struct sampler **out)
{
	struct sampler *s = calloc(1, sizeof(*s) + (size_t)vocabulary * sizeof(s->candidates[0]));

	if (!s)
		return -ENOMEM;
	s->options = *o;
	s->vocabulary = vocabulary;
	s->state = o->seed;
	s->seen = calloc((size_t)vocabulary / 8 + 1, 1);
	if (!s->seen) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	free(s->seen);
	free(s);
}

void sampler_note(struct sampler *s, uint32_t id)
{
	if (id < s->vocabulary)
		s->seen[id / 8] |= (uint8_t)(1u << (id % 8));
}

static bool is_seen(const struct sampler *s, uint32_t id)
{
	return s->seen[id / 8] >> (id % 8) & 1;
}

/* SplitMix64: one addition of state, any seed is good. [Steele, Lea, Flood, OOPSLA 2014] A number in [0, 1). */
static double draw(struct sampler *s)
{
	uint64_t z = s->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1p-53;
}

static float penalised(const struct sampler *s, uint32_t id, float logit)
{
	float penalty = (float)s->options.repeat_penalty;

	if (penalty == 1 || !is_seen(s, id))
		return logit;
	return logit > 0 ? logit / penalty : logit * penalty;
}

/* All that can be chosen: numbers, and with them what is as large as infinity. */
static size_t gather(struct sampler *s, const float *logits)
{
	size_t nr = 0;

	for (uint32_t id = 0; id < s->vocabulary; id++) {
		float logit = penalised(s, id, logits[id]);

		if (isnan(logit) || (isinf(logit) && logit < 0))
			continue;
		s->candidates[nr++] = (struct candidate){.id = id, .logit = logit};
	}
	return nr;
}

static bool is_before(const struct candidate *a, const struct candidate *b)
{
	return a->logit != b->logit ? a->logit > b->logit : a->id < b->id;
}

static int compare(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : 1;
}

static void swap(struct candidate *a, struct candidate *b)
{
	struct candidate c = *a;

	*a = *b;
	*b = c;
}

/* Moves the k first to the front (Hoare's selection): the vocabulary is large, what is kept is small. */
static void select_first(struct candidate *c, size_t nr, size_t k)
{
	size_t low = 0, high = nr;

	while (high - low > 1) {
		struct candidate pivot = c[low + (high - low) / 2];
		size_t i = low, j = high - 1;

		for (;;) {
			while (is_before(&c[i], &pivot))
				i++;
			while (is_before(&pivot, &c[j]))
				j--;
			if (i >= j)
				break;
			swap(&c[i++], &c[j--]);
		}
		/* [low, i) is before the pivot or is it, what follows is not before it. */
		if (i == low)
			i++;
		if (k < i)
			high = i;
		else if (k > i)
			low = i;
		else
			return;
	}
}

static uint32_t largest(const struct candidate *c, size_t nr)
{
	size_t best = 0;

	for (size_t i = 1; i < nr; i++)
		if (is_before(&c[i], &c[best]))
			best = i;
	return c[best].id;
}

/* Probabilities of sorted candidates, their sum 1. An infinite logit leaves room for no other. */
static void softmax(struct candidate *c, size_t nr, double temperature)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++) {
		double below = (double)c[i].logit - (double)c[0].logit;

		c[i].p = c[i].logit == c[0].logit ? 1 : exp(below / temperature);
		sum += c[i].p;
	}
	for (size_t i = 0; i < nr; i++)
		c[i].p /= sum;
}

static size_t cut_top_p(const struct candidate *c, size_t nr, double top_p)
{
	double sum = 0;

	if (top_p >= 1)
		return nr;
	for (size_t i = 0; i < nr; i++) {
		sum += c[i].p;
		if (sum >= top_p)
			return i + 1;
	}
	return nr;
}

static size_t cut_min_p(const struct candidate *c, size_t nr, double min_p)
{
	size_t left = 1;

	while (left < nr && c[left].p >= min_p * c[0].p)
		left++;
	return left;
}

static uint32_t choose_by(const struct candidate *c, size_t nr, double at)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += c[i].p;
	at *= sum;
	for (size_t i = 0; i + 1 < nr; i++) {
		at -= c[i].p;
		if (at < 0)
			return c[i].id;
	}
	return c[nr - 1].id;
}

int sampler_choose(struct sampler *s, const float *logits, uint32_t *out)
{
	const struct sample_options *o = &s->options;
	struct candidate *c = s->candidates;
	size_t nr = gather(s, logits);

	if (nr == 0)
		return -EDOM;
	if (!(o->temperature > 0)) {
		*out = largest(c, nr);
		return 0;
	}
	if (o->top_k && o->top_k < nr) {
		select_first(c, nr, o->top_k);
		nr = o->top_k;
	}
	qsort(c, nr, sizeof(*c), compare);
	softmax(c, nr, o->temperature);
	nr = cut_top_p(c, nr, o->top_p);
	nr = cut_min_p(c, nr, o->min_p);
	*out = choose_by(c, nr, draw(s));
	return 0;
}

static double log_sum(const float *logits, uint32_t n)
{
	double most = -INFINITY, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		if ((double)logits[i] > most)
			most = (double)logits[i];
	if (isinf(most))
		return most;
	for (uint32_t i = 0; i < n; i++)
		if (!isnan(logits[i]))
			sum += exp((double)logits[i] - most);
	return most + log(sum);
}

double sample_logprob(const float *logits, uint32_t n, uint32_t id)
{
	return (double)logits[id] - log_sum(logits, n);
}

static bool goes_before(const float *logits, uint32_t id, const struct logprob *other)
{
	return !isnan(logits[id]) && (other->id == UINT32_MAX || logits[id] > logits[other->id]);
}

void sample_top(const float *logits, uint32_t n, struct logprob *top, size_t nr)
{
	double all = log_sum(logits, n);

	for (size_t i = 0; i < nr; i++)
		top[i] = (struct logprob){.id = UINT32_MAX, .logprob = -INFINITY};
	for (uint32_t id = 0; id < n; id++) {
		size_t at = nr;

		while (at > 0 && goes_before(logits, id, &top[at - 1]))
			at--;
		if (at == nr)
			continue;
		memmove(&top[at + 1], &top[at], (nr - at - 1) * sizeof(*top));
		top[at] = (struct logprob){.id = id, .logprob = (double)logits[id] - all};
	}
}
