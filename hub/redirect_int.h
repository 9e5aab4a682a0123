/* SPDX-License-Identifier: Apache-2.0 */
/* Where a redirect may lead, and where the token may go. Pure. */
#ifndef HFFS_HUB_REDIRECT_INT_H
#define HFFS_HUB_REDIRECT_INT_H

#include <stdbool.h>

#include <hffs/err.h>

#define HOPS_MAX 6 /* requests in one chain: the first and five redirects */

/* 301, 302, 303, 307, 308. */
bool status_is_redirect(int status);
/* The origin of url is the endpoint's. */
bool is_on_endpoint(const char *endpoint, const char *url);
/* The token may be sent to url: the endpoint's own origin, and encrypted or on this machine. */
bool token_may_go(const char *endpoint, const char *url);
/* An absolute address that names https://huggingface.co while the endpoint is another, moved there; else a copy. NULL: no memory. */
char *move_to_endpoint(const char *endpoint, const char *url);
/*
 * Where the redirect `location` of an answer from `from` leads, after requests_made requests. is_api: addresses of
 * huggingface.co are moved to the endpoint. 0 and *out (caller frees); -EIO with a sentence for what is refused; -ENOMEM.
 */
int redirect_choose(const char *endpoint, const char *from, const char *location, unsigned requests_made, bool is_api, char **out,
		    struct err *err);

#endif
