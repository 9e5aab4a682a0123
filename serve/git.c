// SPDX-License-Identifier: Apache-2.0
#include "git_int.h"
bool git_is_repo(const char *dir){(void)dir;return false;}
struct git *git_new(const char *d){(void)d;return NULL;}
void git_free(struct git *g){(void)g;}
int git_refs(struct git *g, struct refs *out, struct err *err){(void)g;(void)out;(void)err;return -1;}
int git_listing(struct git *g, const char *rev, struct listing **out, struct err *err){(void)g;(void)rev;(void)out;(void)err;return -1;}
struct listing *git_find_content(struct git *g, const uint8_t sha256[32], const struct entry **e){(void)g;(void)sha256;(void)e;return NULL;}
int git_read_blob(struct git *g, const uint8_t oid[20], struct buf *out){(void)g;(void)oid;(void)out;return -1;}
int git_open_lfs(struct git *g, const uint8_t sha256[32], uint64_t size){(void)g;(void)sha256;(void)size;return -1;}
int git_commits(struct git *g, const char *commit, size_t skip, size_t max, struct commits *out, struct err *err){(void)g;(void)commit;(void)skip;(void)max;(void)out;(void)err;return -1;}
int git_last_commits(struct git *g, const char *commit, const char *const *paths, size_t nr, struct commits *out, struct err *err){(void)g;(void)commit;(void)paths;(void)nr;(void)out;(void)err;return -1;}
