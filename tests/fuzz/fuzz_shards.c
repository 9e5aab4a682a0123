// SPDX-License-Identifier: Apache-2.0
/* Input: the index of a model in shards. */
#include "fuzz.h"

#include <hffs/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO(shard_index_unref) struct shard_index *x = NULL;
	struct err err = {0};
	int r = shard_index_parse(bytes, len, &x, &err);

	MUST((r == 0) == (x != NULL) && (r == 0 || err.text[0]));
	for (uint32_t i = 0; x && i < x->nr_shards; i++)
		MUST(name_is_safe(x->shards[i], strlen(x->shards[i])) && (!i || tensor_name_compare(x->shards[i - 1], x->shards[i]) < 0));
	for (uint32_t i = 0; x && i < x->nr; i++)
		MUST(x->tensors[i].shard < x->nr_shards && shard_index_find(x, x->tensors[i].name) == &x->tensors[i]);
	return 0;
}
