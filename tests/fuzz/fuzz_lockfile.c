// SPDX-License-Identifier: Apache-2.0
/* Input: a lock file. What is read can be written, and then gives the same bytes again. */
#include "fuzz.h"

#include <hffs/lockfile.h>
#include <hffs/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO_LOCKFILE l = {0}, again = {0};
	AUTO_BUF text = {0}, more = {0};
	struct err err = {0};
	int r = lockfile_parse((const char *)bytes, len, &l, &err);

	MUST(r == 0 || r == -EBADMSG || r == -ENOMEM);
	MUST(r == 0 || (err.text[0] && !l.entries));
	for (size_t i = 0; r == 0 && i < l.nr; i++) {
		const struct lock_entry *e = &l.entries[i];

		MUST(name_is_commit(e->commit, strlen(e->commit)) && lockfile_find(&l, &e->repo, e->rev) == e);
		for (size_t n = 0; n < e->nr; n++)
			MUST(name_is_safe_path(e->files[n].path, strlen(e->files[n].path)) && blob_id_len(&e->files[n].id));
	}
	if (r < 0)
		return 0;
	lockfile_format(&l, &text);
	MUST(lockfile_parse(text.data, text.len, &again, &err) == 0);
	lockfile_format(&again, &more);
	MUST(text.len == more.len && !memcmp(text.data, more.data, text.len));
	return 0;
}
