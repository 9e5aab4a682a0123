// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens, and repositories that not everybody may see. Where no token was ever named, any is accepted; after that an unknown one
 * is refused everywhere, as on the Hub. [docs/PROTOCOL.md, errors: who sees what]
 */
#include "hub.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <hffs/thread.h>

static bool mode_parse(const char *name, enum access_mode *out)
{
	static const char *const names[] = {"public", "private", "gated", "disabled"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			*out = (enum access_mode)i;
			return true;
		}
	return false;
}

static void add_rule(struct hub *h, struct access_rule *a)
{
	LOCK_SCOPE(&h->lock);

	a->next = h->rules; /* the newest counts */
	h->rules = a;
}

const char *access_add(struct hub *h, const struct serve_request *req)
{
	struct access_rule *a = calloc(1, sizeof(*a));
	char mode[16];

	if (!a)
		return "out of memory";
	(void)hub_param(req, "token", a->token, sizeof(a->token)); /* each may be missing */
	(void)hub_param(req, "repo", a->repo, sizeof(a->repo));
	a->pending = hub_param_u64(req, "pending", 0) != 0;
	if ((hub_param(req, "mode", mode, sizeof(mode)) ? !mode_parse(mode, &a->mode) : a->repo[0] != '\0') ||
	    (!a->token[0] && !a->repo[0])) {
		free(a);
		return "token=, or repo= with mode=public|private|gated|disabled";
	}
	add_rule(h, a);
	return NULL;
}

const char *access_rename(struct hub *h, const struct serve_request *req)
{
	struct access_rule *a = calloc(1, sizeof(*a));

	if (!a)
		return "out of memory";
	if (!hub_param(req, "from", a->repo, sizeof(a->repo)) || !hub_param(req, "to", a->to, sizeof(a->to))) {
		free(a);
		return "from= and to=";
	}
	add_rule(h, a);
	return NULL;
}

void access_clear(struct hub *h)
{
	LOCK_SCOPE(&h->lock);

	while (h->rules) {
		struct access_rule *a = h->rules;

		h->rules = a->next;
		free(a);
	}
}

/* What the rules say about one request. */
struct verdict {
	enum access_mode mode;
	bool has_token, knows_tokens, is_known, may_enter, pending;
	char to[300];
};

static void repo_name(const struct serve_request *req, char *out, size_t size)
{
	const char *prefix = req->route.repo == REPO_DATASET ? "datasets/" : req->route.repo == REPO_SPACE ? "spaces/" : "";

	snprintf(out, size, "%s%s", prefix, req->route.id);
}

static struct verdict judge(struct hub *h, const struct serve_request *req)
{
	const char *auth = req->header(req, "Authorization");
	const char *token = auth && !strncasecmp(auth, "Bearer ", 7) ? auth + 7 : "";
	struct verdict v = {.has_token = auth != NULL};
	bool has_mode = false;
	char repo[300];
	LOCK_SCOPE(&h->lock);

	repo_name(req, repo, sizeof(repo));
	for (const struct access_rule *a = h->rules; a; a = a->next) {
		bool is_repo = req->route.repo && a->repo[0] && !strcasecmp(a->repo, repo);
		bool is_token = a->token[0] && !strcmp(a->token, token);

		v.knows_tokens |= a->token[0] != '\0';
		v.is_known |= is_token;
		if (is_repo && a->to[0] && !v.to[0])
			snprintf(v.to, sizeof(v.to), "%s", a->to);
		if (!is_repo || a->to[0])
			continue;
		if (!has_mode)
			v.mode = a->mode;
		has_mode = true;
		v.may_enter |= is_token && !a->pending;
		v.pending |= is_token && a->pending;
	}
	return v;
}

static bool is_card(const struct serve_request *req)
{
	static const char *const names[] = {"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(req->route.path, names[i]))
			return req->route.kind == ROUTE_RESOLVE || req->route.kind == ROUTE_RESOLVE_CACHE;
	return false;
}

static bool is_behind_gate(const struct serve_request *req)
{
	enum route_kind k = req->route.kind;

	return (k == ROUTE_RESOLVE || k == ROUTE_RESOLVE_CACHE || k == ROUTE_RAW || k == ROUTE_AUTH_CHECK) && !is_card(req);
}

static bool refuse_hidden(const struct verdict *v, const struct serve_request *req, struct serve_response *resp)
{
	if (v->has_token) {
		hub_error(req, resp, 404, "RepoNotFound", "Repository not found");
		return true;
	}
	response_add(resp, "WWW-Authenticate", "Bearer realm=\"Authentication required\", charset=\"UTF-8\"");
	hub_error(req, resp, 401, NULL, "Invalid username or password.");
	return true;
}

static bool refuse_at_gate(const struct verdict *v, const struct serve_request *req, struct serve_response *resp)
{
	const char *word = req->route.repo == REPO_DATASET ? "dataset" : req->route.repo == REPO_SPACE ? "space" : "model";
	const char *id = req->route.id;
	AUTO_FREE char *text = NULL;

	if (!v->has_token)
		text = str_printf("Access to %s %s is restricted. You must have access to it and be authenticated to access it. Please log in.", word,
				  id);
	else if (v->pending)
		text = str_printf("Your request to access %s %s is awaiting a review from the repo authors.", word, id);
	else
		text = str_printf("Access to %s %s is restricted and you are not in the authorized list. Visit https://huggingface.co/%s to ask for "
				  "access.",
				  word, id, id);
	hub_error(req, resp, v->has_token ? 403 : 401, "GatedRepo", text ? text : "");
	return true;
}

static bool answer_whoami(struct serve_response *resp)
{
	response_add(resp, "Content-Type", "application/json; charset=utf-8");
	buf_adds(&resp->body, "{\"type\":\"user\",\"id\":\"65a0b1c2d3e4f5a6b7c8d9e0\",\"name\":\"tester\",\"fullname\":\"Tester\",\"email\":null,"
			      "\"isPro\":false,\"orgs\":[],\"auth\":{\"type\":\"access_token\",\"accessToken\":{\"displayName\":\"test\","
			      "\"role\":\"read\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"}}}");
	return true;
}

static bool redirect_renamed(const struct verdict *v, const struct serve_request *req, struct serve_response *resp)
{
	const struct route *r = &req->route;
	const char *to = strrchr(v->to, '/');

	while (to && to > v->to && to[-1] != '/')
		to--; /* org/name without datasets/ */
	resp->status = 307;
	response_add(resp, "Location", "%.*s%s%s", (int)r->id_off, req->target, to ? to : v->to, req->target + r->id_off + r->id_len);
	response_add(resp, "Content-Type", "text/plain; charset=utf-8");
	buf_addf(&resp->body, "Temporary Redirect. Redirecting to %s", response_header(resp, "Location"));
	return true;
}

bool access_before(struct hub *h, struct note *n, struct serve_request *req, struct serve_response *resp)
{
	struct verdict v;

	if (req->cdn)
		return false;
	v = judge(h, req);
	n->mode = v.mode;
	if (v.has_token && v.knows_tokens && !v.is_known) {
		hub_error(req, resp, 401, NULL, "Invalid credentials in Authorization header");
		return true;
	}
	if (req->route.kind == ROUTE_WHOAMI && v.is_known)
		return answer_whoami(resp);
	if (!req->route.repo || req->route.kind == ROUTE_LIST)
		return false;
	if (v.to[0])
		return redirect_renamed(&v, req, resp);
	if (v.mode == ACCESS_PRIVATE && !v.may_enter)
		return refuse_hidden(&v, req, resp);
	if (v.mode == ACCESS_DISABLED) {
		hub_error(req, resp, 403, NULL, "Access to this resource is disabled.");
		return true;
	}
	n->mask = v.mode == ACCESS_GATED && !v.may_enter;
	req->direct = v.mode == ACCESS_PRIVATE || v.mode == ACCESS_GATED;
	return n->mask && is_behind_gate(req) ? refuse_at_gate(&v, req, resp) : false;
}

/* Takes private repositories out of a list, unless the token may see them. */
static void hide_private(struct hub *h, const struct serve_request *req, struct serve_response *resp)
{
	struct serve_request each = *req;
	const char *prefix = req->route.repo == REPO_DATASET ? "datasets/" : req->route.repo == REPO_SPACE ? "spaces/" : "";
	char ids[64][ROUTE_ID_MAX];
	size_t nr = 0;

	pthread_mutex_lock(&h->lock);
	for (const struct access_rule *a = h->rules; a && nr < ARRAY_SIZE(ids); a = a->next)
		if (a->mode == ACCESS_PRIVATE && !strncmp(a->repo, prefix, strlen(prefix)))
			snprintf(ids[nr++], sizeof(ids[0]), "%.255s", a->repo + strlen(prefix));
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < nr; i++) {
		struct verdict v;

		memcpy(each.route.id, ids[i], sizeof(each.route.id));
		v = judge(h, &each);
		if (v.mode == ACCESS_PRIVATE && !v.may_enter)
			body_drop_repo(resp, ids[i]);
	}
}

void access_after(struct hub *h, struct note *n, const struct serve_request *req, struct serve_response *resp)
{
	if (resp->status != 200 || req->cdn)
		return;
	if (req->route.kind == ROUTE_LIST)
		hide_private(h, req, resp);
	if (n->mask && (req->route.kind == ROUTE_TREE || req->route.kind == ROUTE_PATHS_INFO || req->route.kind == ROUTE_INFO))
		body_mask(resp);
	if (req->route.kind == ROUTE_INFO && n->mode == ACCESS_PRIVATE)
		body_replace(resp, "\"private\":false", "\"private\":true");
	if (req->route.kind == ROUTE_INFO && n->mode == ACCESS_GATED)
		body_replace(resp, "\"gated\":false", "\"gated\":\"auto\"");
}
