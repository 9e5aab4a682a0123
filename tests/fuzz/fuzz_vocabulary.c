// SPDX-License-Identifier: Apache-2.0
/* Input: a GGUF file with a tokenizer. */
#include <stdio.h>
#include <sys/mman.h>

#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char text[] = "Hello  world, it's 1234! \xc3\xa9\xcc\x81 \xe4\xb8\xad <s>\xff aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n";
	AUTO_FD int fd = memfd_create("vocabulary", MFD_CLOEXEC);
	struct tokenizer *t = tokenizer_new();
	struct token_list ids = {0};
	struct err err = {0};
	char path[64];
	int r;

	MUST(fd >= 0 && t && write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = tokenizer_load_gguf(t, path, &err);
	if (r == 0)
		r = tokenizer_build(t, &err);
	MUST(r == 0 || err.text[0]);
	if (r == 0)
		(void)check_encode(t, text, sizeof(text) - 1, 0, &ids);
	token_list_done(&ids);
	tokenizer_free(t);
	return 0;
}
