// SPDX-License-Identifier: Apache-2.0
/* Where a redirect may lead, and where the token may go. Each hop is one request, and is decided here. Pure. */
#include "redirect_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/url.h>

#include "addr_int.h"

/* Mirrors answer with addresses of the Hub itself. [huggingface_hub file_download.py get_hf_file_metadata, 2026-08] */
#define HUB_ORIGIN "https://huggingface.co/"

bool status_is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_on_endpoint(const char *endpoint, const char *url)
{
	struct url e, u;

	return url_parse(endpoint, &e) == 0 && url_parse(url, &u) == 0 && url_same_origin(&e, &u);
}

bool token_may_go(const char *endpoint, const char *url)
{
	struct url u;

	return is_on_endpoint(endpoint, url) && url_parse(url, &u) == 0 && (u.https || host_is_loopback(u.host));
}

char *move_to_endpoint(const char *endpoint, const char *url)
{
	size_t n = strlen(HUB_ORIGIN);

	if (strncmp(url, HUB_ORIGIN, n) != 0 || is_on_endpoint(endpoint, url))
		return strdup(url);
	return str_printf("%s/%s", endpoint, url + n);
}

int redirect_choose(const char *endpoint, const char *from, const char *location, unsigned requests_made, bool is_api, char **out,
		    struct err *err)
{
	AUTO_FREE char *target = NULL, *moved = NULL;
	struct url a, b;

	if (url_parse(from, &a) < 0)
		return err_set(err, -EIO, "a redirect from an address that cannot be read");
	if (requests_made >= HOPS_MAX)
		return err_set(err, -EIO, "more than %d redirects, the last from %s", HOPS_MAX - 1, a.host);
	target = url_resolve(from, location);
	if (!target || url_parse(target, &b) < 0)
		return err_set(err, -EIO, "%s redirects to something that is not an http or https address", a.host);
	moved = is_api ? move_to_endpoint(endpoint, target) : strdup(target);
	if (!moved)
		return -ENOMEM;
	if (url_parse(moved, &b) < 0)
		return err_set(err, -EIO, "%s redirects to an address that cannot be read", a.host);
	if (a.https && !b.https)
		return err_set(err, -EIO, "%s redirects from https to plain http on %s, which is refused", a.host, b.host);
	*out = TAKE(moved);
	return 0;
}
