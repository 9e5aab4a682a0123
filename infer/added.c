// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens that were added to a vocabulary by hand: they are found in the text before the model sees it. Of those that begin at the
 * same place the longest counts, of those that overlap the leftmost. [tokenizer/added_vocabulary.rs, find_matches]
 */
#include <errno.h>
#include <string.h>

#include "tokenizer_int.h"

#define ADDED_MAX 1000000u
#define ADDED_LEN_MAX 4096u /* bytes: a text is looked through once for each byte of the longest token, at worst */

static void token_done(struct added_token *t)
{
	free(t->content.at);
	free(t->normal.at);
	*t = (struct added_token){0};
}

static int make_room(struct added *a, uint32_t id)
{
	if (a->nr == a->room) {
		size_t room = a->room ? 2 * a->room : 64;
		struct added_token *tokens = reallocarray(a->tokens, room, sizeof(*tokens));

		if (!tokens)
			return -ENOMEM;
		a->tokens = tokens;
		a->room = room;
	}
	if (id >= a->nr_ids) {
		uint32_t nr_ids = id + 1 > 2 * a->nr_ids ? id + 1 : 2 * a->nr_ids;
		uint32_t *of_id = reallocarray(a->of_id, nr_ids, sizeof(*of_id));

		if (!of_id)
			return -ENOMEM;
		memset(of_id + a->nr_ids, 0, (nr_ids - a->nr_ids) * sizeof(*of_id));
		a->of_id = of_id;
		a->nr_ids = nr_ids;
	}
	return 0;
}

int added_add(struct added *a, struct added_token *token, struct err *err)
{
	if (token->id >= VOCAB_ID_MAX || a->nr >= ADDED_MAX || token->content.len > ADDED_LEN_MAX)
		return err_set(err, -EFBIG, "an added token is too long, has too large an id, or there are too many");
	if (make_room(a, token->id) < 0 || vocab_add_text(&a->contents, token->content.at, token->content.len, token->id, err) < 0)
		return -ENOMEM;
	if (a->of_id[token->id]) {
		struct added_token *old = &a->tokens[a->of_id[token->id] - 1];

		token_done(old);
		*old = *token;
	} else {
		a->tokens[a->nr++] = *token;
		a->of_id[token->id] = (uint32_t)a->nr;
	}
	*token = (struct added_token){0};
	return 0;
}

const struct added_token *added_find(const struct added *a, uint32_t id)
{
	return id < a->nr_ids && a->of_id[id] ? &a->tokens[a->of_id[id] - 1] : NULL;
}

uint32_t added_find_content(const struct added *a, const char *text, size_t len)
{
	return vocab_find(&a->contents, text, len);
}

bool added_is_special(const struct added *a, const char *text, size_t len)
{
	uint32_t id = added_find_content(a, text, len);
	const struct added_token *t = id == TOKEN_NONE ? NULL : added_find(a, id);

	return t && t->special;
}

static int build(const struct added *a, bool normalized, struct trie *t, bool first[256], struct err *err)
{
	AUTO_FREE struct trie_key *keys = malloc((a->nr + 1) * sizeof(*keys));
	size_t nr = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < a->nr; i++) {
		const struct text *text = normalized ? &a->tokens[i].normal : &a->tokens[i].content;

		if (a->tokens[i].normalized != normalized || !text->len)
			continue;
		keys[nr++] = (struct trie_key){text->at, (uint32_t)text->len, (uint32_t)i};
		first[(unsigned char)text->at[0]] = true;
	}
	return trie_build(t, keys, nr, err);
}

int added_build(struct added *a, struct err *err)
{
	int r = build(a, false, &a->exact, a->first_exact, err);

	return r < 0 ? r : build(a, true, &a->normal, a->first_normal, err);
}

void added_done(struct added *a)
{
	for (size_t i = 0; i < a->nr; i++)
		token_done(&a->tokens[i]);
	free(a->tokens);
	free(a->of_id);
	trie_done(&a->exact);
	trie_done(&a->normal);
	vocab_done(&a->contents);
	*a = (struct added){0};
}

/* --- finding --- */

static const struct added_token *longest(const struct added *a, const struct trie *t, const char *text, size_t len, size_t *taken)
{
	const struct added_token *found = NULL;
	uint32_t node = TRIE_ROOT;

	for (size_t i = 0; i < len; i++) {
		node = trie_child(t, node, (uint8_t)text[i]);
		if (node == TRIE_NONE)
			break;
		if (t->value[node] != TOKEN_NONE) {
			found = &a->tokens[t->value[node]];
			*taken = i + 1;
		}
	}
	return found;
}

static size_t char_before(const char *text, size_t at)
{
	do
		at--;
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80);
	return at;
}

static bool stands_alone(const char *text, size_t len, size_t begin, size_t end)
{
	size_t taken;

	return !(begin && char_is_word(utf8_get(text + char_before(text, begin), &taken))) &&
	       !(end < len && char_is_word(utf8_get(text + end, &taken)));
}

/* Blanks before and behind that belong to the token; not those that the one before it has taken, which may be all of it. */
static void widen(const struct added_token *t, const char *text, size_t len, size_t done, size_t *begin, size_t *end)
{
	size_t taken;

	while (t->left && *begin > done && char_is_space(utf8_get(text + char_before(text, *begin), &taken)))
		*begin = char_before(text, *begin);
	if (t->left && *begin < done)
		*begin = done;
	while (t->right && *end < len && char_is_space(utf8_get(text + *end, &taken)))
		*end += taken;
}

/* Does [text, text + len) reach into a plain range? They are in order. */
static bool is_plain(const struct plain *plain, const char *text, size_t len)
{
	size_t low = 0, high = plain->nr, begin;

	if (plain->everywhere || plain->nr == 0)
		return plain->everywhere;
	begin = (size_t)(text - plain->base);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (plain->ranges[mid].off + plain->ranges[mid].len > begin)
			high = mid;
		else
			low = mid + 1;
	}
	return low < plain->nr && plain->ranges[low].off < begin + len;
}

bool added_next(const struct added *a, bool exact, const struct plain *plain, const char *text, size_t len, size_t *from, size_t done,
		size_t *begin, size_t *end, const struct added_token **token)
{
	const struct trie *t = exact ? &a->exact : &a->normal;
	const bool *first = exact ? a->first_exact : a->first_normal;

	for (size_t i = *from; i < len; i++) {
		const struct added_token *found;
		size_t taken = 0;

		if (!first[(unsigned char)text[i]])
			continue;
		found = longest(a, t, text + i, len - i, &taken);
		if (!found)
			continue;
		/* One that reaches out of a stranger's text must not hide what the rest of the text means. */
		if (plain->nr && found->special && is_plain(plain, text + i, taken))
			continue;
		/* Any other that does not count hides all that begin inside of it. */
		*from = i + taken;
		if ((plain->everywhere && found->special) || (found->single_word && !stands_alone(text, len, i, *from))) {
			i = *from - 1;
			continue;
		}
		*begin = i;
		*end = i + taken;
		widen(found, text, len, done, begin, end);
		*token = found;
		return true;
	}
	return false;
}
