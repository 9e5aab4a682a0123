// SPDX-License-Identifier: Apache-2.0
/*
 * The one table from HTTP status and transport failure to errno and "worth a retry?".
 *
 * Statuses and error codes: [huggingface_hub utils/_http.py hf_raise_for_status, 2026-08]. An anonymous caller gets 401 for a
 * repository that is absent and for one that is private, on purpose; an authenticated one gets 404 RepoNotFound for both.
 */
#include "status_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum place { ANYWHERE, ON_API, ON_CONTENT, FOREIGN };

enum reason {
	WHY_LOCATION, WHY_GATED, WHY_UNKNOWN_REPO, WHY_TOKEN, WHY_FORBIDDEN, WHY_GONE, WHY_REVISION, WHY_ENTRY, WHY_ABSENT,
	WHY_TIMEOUT, WHY_RANGE, WHY_RATE, WHY_PROXY, WHY_SERVER, WHY_STRANGE, WHY_REFUSED,
};

struct rule {
	int from, to;     /* statuses */
	const char *code; /* NULL: any */
	enum place place;
	bool only_unknown; /* no token was sent and the repository was never seen */
	int r;
	bool retry;
	enum hub_fault fault;
	enum reason why;
};

static const struct rule rules[] = {
	/* The storage refuses a signed address: it has expired, or the range is none of it. Another address may do. */
	{401, 401, NULL, FOREIGN, false, -EIO, true, FAULT_AUTH, WHY_LOCATION},
	{403, 403, NULL, FOREIGN, false, -EIO, true, FAULT_AUTH, WHY_LOCATION},
	/* Or has it no longer: then a fresh address is no better, which the tries show. */
	{404, 404, NULL, FOREIGN, false, -ESTALE, true, FAULT_ABSENT, WHY_GONE},
	{410, 410, NULL, FOREIGN, false, -ESTALE, true, FAULT_ABSENT, WHY_GONE},
	{401, 403, "GatedRepo", ANYWHERE, false, -EACCES, false, FAULT_AUTH, WHY_GATED},
	{401, 401, NULL, ON_API, true, -ENOENT, false, FAULT_ABSENT, WHY_UNKNOWN_REPO},
	{401, 401, NULL, ANYWHERE, false, -EACCES, false, FAULT_AUTH, WHY_TOKEN},
	{403, 403, NULL, ANYWHERE, false, -EACCES, false, FAULT_AUTH, WHY_FORBIDDEN},
	{404, 404, NULL, ON_CONTENT, false, -ESTALE, false, FAULT_ABSENT, WHY_GONE},
	{410, 410, NULL, ON_CONTENT, false, -ESTALE, false, FAULT_ABSENT, WHY_GONE},
	{404, 404, "RevisionNotFound", ANYWHERE, false, -ENOENT, false, FAULT_ABSENT, WHY_REVISION},
	{404, 404, "EntryNotFound", ANYWHERE, false, -ENOENT, false, FAULT_ABSENT, WHY_ENTRY},
	{404, 404, NULL, ANYWHERE, false, -ENOENT, false, FAULT_ABSENT, WHY_ABSENT},
	{410, 410, NULL, ANYWHERE, false, -ENOENT, false, FAULT_ABSENT, WHY_ABSENT},
	{407, 407, NULL, ANYWHERE, false, -EIO, false, FAULT_AUTH, WHY_PROXY},
	{408, 408, NULL, ANYWHERE, false, -ETIMEDOUT, true, FAULT_TIMEOUT, WHY_TIMEOUT},
	{416, 416, NULL, ANYWHERE, false, -EIO, true, FAULT_OTHER, WHY_RANGE},
	{429, 429, NULL, ANYWHERE, false, -ETIMEDOUT, true, FAULT_RATE, WHY_RATE},
	{500, 599, NULL, ANYWHERE, false, -ETIMEDOUT, true, FAULT_SERVER, WHY_SERVER},
	{400, 499, NULL, ANYWHERE, false, -EIO, false, FAULT_OTHER, WHY_REFUSED},
	{0, 999, NULL, ANYWHERE, false, -EBADMSG, true, FAULT_MALFORMED, WHY_STRANGE},
};

static bool rule_fits(const struct rule *rule, const struct status_facts *f)
{
	if (f->status < rule->from || f->status > rule->to)
		return false;
	if (rule->code && (!f->code || strcmp(rule->code, f->code) != 0))
		return false;
	if (rule->only_unknown && (f->had_token || f->was_seen))
		return false;
	switch (rule->place) {
	case ON_API:
		return !f->is_content && !f->is_foreign;
	case ON_CONTENT:
		return f->is_content;
	case FOREIGN:
		return f->is_foreign;
	default:
		return true;
	}
}

static const struct rule *find_rule(const struct status_facts *f)
{
	const struct rule *rule = rules;

	while (rule < rules + ARRAY_SIZE(rules) - 1 && !rule_fits(rule, f))
		rule++;
	return rule;
}

static void say_access(enum reason why, int r, const struct status_facts *f, struct err *err)
{
	const char *message = f->message ? f->message : "";

	if (why == WHY_GATED)
		err_set(err, r, "%s is gated: ask for access at %s%s", f->what, f->page,
			f->had_token ? "" : " and set HF_TOKEN");
	else if (why == WHY_UNKNOWN_REPO)
		err_set(err, r, f->had_token ? "%s is absent, or private and not visible with this token" :
					       "%s is absent or private: set HF_TOKEN if it is private", f->what);
	else if (why == WHY_TOKEN && f->had_token)
		err_set(err, r, "the Hub refuses the token for %s: it is wrong, revoked or expired", f->what);
	else if (why == WHY_TOKEN && f->was_seen)
		err_set(err, r, "%s is gone, or has become private: set HF_TOKEN if it is private", f->what);
	else if (why == WHY_TOKEN)
		err_set(err, r, "%s needs a token: set HF_TOKEN", f->what);
	else
		err_set(err, r, "access to %s is refused%s%s", f->what, *message ? ": " : "", message);
}

static void say(enum reason why, int r, const struct status_facts *f, struct err *err)
{
	switch (why) {
	case WHY_GATED:
	case WHY_UNKNOWN_REPO:
	case WHY_TOKEN:
	case WHY_FORBIDDEN:
		say_access(why, r, f, err);
		return;
	case WHY_LOCATION:
		err_set(err, r, "the storage refuses the address it was given for %s (HTTP %d)", f->what, f->status);
		return;
	case WHY_GONE:
		err_set(err, r, "%s is in the listing, but the %s has it no longer", f->what, f->is_foreign ? "Hub's storage" : "Hub");
		return;
	case WHY_REVISION:
		err_set(err, r, "%s: there is no such revision", f->what);
		return;
	case WHY_ENTRY:
		err_set(err, r, "%s has no such file or directory", f->what);
		return;
	case WHY_ABSENT:
		err_set(err, r, "%s is not on the Hub%s", f->what, f->had_token ? ", or not visible with this token" : "");
		return;
	case WHY_RATE:
		err_set(err, r, "the Hub's rate limit is reached; %s has to wait", f->what);
		return;
	case WHY_PROXY:
		err_set(err, r, "%s: the proxy wants a user and a password (HTTP 407)", f->what);
		return;
	case WHY_RANGE:
		err_set(err, r, "the server says that a part of %s does not exist", f->what);
		return;
	case WHY_TIMEOUT:
	case WHY_SERVER:
		err_set(err, r, "the server failed on %s (HTTP %d)", f->what, f->status);
		return;
	case WHY_REFUSED:
	case WHY_STRANGE:
		err_set(err, r, "%s: unexpected HTTP status %d%s%s", f->what, f->status, f->message ? ": " : "", f->message ? f->message : "");
	}
}

enum hub_fault status_of_answer(const struct status_facts *f, struct hub_result *res)
{
	const struct rule *rule = find_rule(f);

	*res = (struct hub_result){.r = rule->r, .retry = rule->retry, .status = f->status};
	if (f->code)
		snprintf(res->code, sizeof(res->code), "%s", f->code);
	say(rule->why, rule->r, f, &res->err);
	return rule->fault;
}

static const struct {
	int from, r; /* what http.c says; what the caller gets */
	bool retry;
	enum hub_fault fault;
} transports[] = {
	{-ETIMEDOUT, -ETIMEDOUT, true, FAULT_TIMEOUT},
	{-EHOSTUNREACH, -ETIMEDOUT, true, FAULT_NETWORK}, /* name lookup */
	{-ECONNREFUSED, -ETIMEDOUT, true, FAULT_NETWORK},
	{-ECONNRESET, -ETIMEDOUT, true, FAULT_NETWORK},
	{-EBUSY, -ETIMEDOUT, true, FAULT_NETWORK}, /* a host that is down was not asked */
	{-EBADMSG, -EBADMSG, true, FAULT_MALFORMED},
	{-EKEYREJECTED, -EIO, false, FAULT_NETWORK}, /* certificates do not get better by asking again */
	{-EPROTO, -EIO, false, FAULT_AUTH},          /* a proxy that refuses to connect */
	{-EPERM, -EIO, false, FAULT_OTHER},          /* a private address behind a public host */
	{-ENOMEM, -ENOMEM, false, FAULT_OTHER},
	{-ECANCELED, -ECANCELED, false, FAULT_OTHER},
	{-EIO, -EIO, true, FAULT_OTHER},
};

enum hub_fault status_of_transport(int r, const struct err *cause, const char *what, struct hub_result *res)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(transports) && transports[i].from != r)
		i++;
	*res = (struct hub_result){.r = -EIO};
	if (i < ARRAY_SIZE(transports)) {
		res->r = transports[i].r;
		res->retry = transports[i].retry;
	}
	err_set(&res->err, res->r, "%s: %s", what, err_text(cause));
	return i < ARRAY_SIZE(transports) ? transports[i].fault : FAULT_OTHER;
}
