// SPDX-License-Identifier: Apache-2.0
/* A growing list of token ids. */
#include <errno.h>
#include <stdlib.h>

#include <hffs/tokenizer.h>

void token_list_done(struct token_list *l)
{
	free(l->ids);
	*l = (struct token_list){0};
}

int token_list_add(struct token_list *l, uint32_t id)
{
	if (l->nr == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		uint32_t *ids = reallocarray(l->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		l->ids = ids;
		l->room = room;
	}
	l->ids[l->nr++] = id;
	return 0;
}
