// SPDX-License-Identifier: Apache-2.0
/*
 * The layers of settings, lowest first. This file is the program's only user of getenv(). HF_HOME moves defaults only, so a
 * token_file of a file of ours stays; HF_TOKEN and HF_TOKEN_PATH name something and win over it.
 */
#include "config_int.h"

#include <errno.h>
#include <arpa/inet.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>

#include <hffs/io.h>
#include <hffs/tunables.h>
#include <hffs/url.h>

#define SYSTEM_FILE "/etc/hffs.conf"
#define CONF_FILE_MAX 65536
#define CONNECTIONS 32
#define NAMES_CONNECTIONS_MOST 4 /* of these for names, so that listings do not wait for files; of few, a quarter */

static const char *env_get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Booleans of the official client: 1, ON, YES, TRUE in any case; all else is false. [hub-contract: huggingface_hub constants.py] */
static bool env_is_true(const char *name)
{
	const char *value = env_get(name);
	bool on = false;

	return value && option_parse_flag(value, &on) == 0 && on;
}

static const char *home_dir(void)
{
	const char *home = env_get("HOME");
	const struct passwd *pw;

	if (home)
		return home;
	pw = getpwuid(getuid());
	return pw && pw->pw_dir ? pw->pw_dir : "/";
}

/* $NAME or ${NAME} at text, which stands behind the '$'. Returns what follows it. */
static const char *expand_variable(const char *text, struct buf *out)
{
	bool braces = *text == '{';
	const char *name = text + braces, *value;
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	char key[128];

	if (len == 0 || len >= sizeof(key) || (braces && name[len] != '}')) {
		buf_addc(out, '$');
		return text;
	}
	memcpy(key, name, len);
	key[len] = '\0';
	value = !strcmp(key, "HOME") ? home_dir() : env_get(key);
	buf_adds(out, value ? value : "");
	return name + len + braces;
}

char *config_expand_path(const char *text)
{
	AUTO_BUF out = {0};

	if (*text == '~' && (text[1] == '/' || !text[1])) {
		buf_adds(&out, home_dir());
		text++;
	}
	while (*text) {
		if (*text == '$')
			text = expand_variable(text + 1, &out);
		else
			buf_addc(&out, *text++);
	}
	if (!out.failed && (!out.data || *out.data != '/')) {
		AUTO_FREE char *here = getcwd(NULL, 0);

		return here ? str_printf("%s/%s", here, out.data ? out.data : "") : NULL;
	}
	return buf_take(&out);
}

/* <variable>/<below>, or <otherwise under home>/<below> where it is not set. */
static char *base_path(const char *variable, const char *otherwise, const char *below)
{
	AUTO_FREE char *text = NULL;
	const char *base = env_get(variable);

	text = base ? str_printf("%s/%s", base, below) : str_printf("~/%s/%s", otherwise, below);
	return text ? config_expand_path(text) : NULL;
}

char *config_cache_dir(const char *name)
{
	return geteuid() == 0 ? str_printf("/var/cache/%s", name) : base_path("XDG_CACHE_HOME", ".cache", name);
}

char *config_temp_dir(void)
{
	static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *dir = env_get(names[i]);

		if (dir && *dir == '/' && access(dir, W_OK | X_OK) == 0)
			return strdup(dir);
	}
	return strdup("/tmp");
}

/* [huggingface_hub constants.py, 2026-08] */
char *config_hub_cache(void)
{
	const char *chosen = env_get("HF_HUB_CACHE");

	if (!chosen)
		chosen = env_get("HUGGINGFACE_HUB_CACHE");
	if (chosen)
		return config_expand_path(chosen);
	if (env_get("HF_HOME"))
		return base_path("HF_HOME", ".cache/huggingface", "hub");
	return base_path("XDG_CACHE_HOME", ".cache", "huggingface/hub");
}

static char *default_token_file(void)
{
	if (env_is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
		return NULL;
	if (env_get("HF_HOME"))
		return base_path("HF_HOME", ".cache/huggingface", "token");
	return base_path("XDG_CACHE_HOME", ".cache", "huggingface/token");
}

static int load_defaults(struct config *c)
{
	*c = (struct config){
		.endpoint = strdup("https://huggingface.co"),
		.cache = config_cache_dir("hffs"),
		.token_file = default_token_file(),
		.keep_free = UINT64_MAX,
		.ref_ttl_ms = 5 * 60 * 1000,
		.deadline_ms = DATA_DEADLINE_MS,
		.connections = CONNECTIONS,
		.uid = -1,
		.gid = -1,
		.log_level = LOG_LEVEL_INFO,
	};
	return c->endpoint && c->cache ? 0 : -ENOMEM;
}

/* Cuts blanks at both ends, in place. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	for (len = strlen(text); len && strchr(" \t\r\n", text[len - 1]); len--)
		;
	text[len] = '\0';
	return text;
}

static int load_line(struct config *c, char *line, const char *where, struct err *err)
{
	char *name, *value;
	int r;

	name = trim(line);
	if (!*name || *name == '#')
		return 0;
	value = strchr(name, '=');
	if (value) {
		*value++ = '\0';
		value = trim(value);
		name = trim(name);
	}
	r = option_set(c, name, value, where, err);
	if (r == -ENOENT)
		err->code = r = -EINVAL;
	return r;
}

static int load_file(struct config *c, const char *path, struct err *err)
{
	AUTO_BUF text = {0};
	char *rest, *line, where[PATH_MAX + 32];
	unsigned nr = 0;
	int r = io_read_file(path, CONF_FILE_MAX, &text);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		snprintf(where, sizeof(where), "%s line %u", path, ++nr);
		r = load_line(c, line, where, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static char *own_file(void)
{
	return base_path("XDG_CONFIG_HOME", ".config", "hffs/hffs.conf");
}

static int load_files(struct config *c, struct err *err)
{
	AUTO_FREE char *own = own_file();
	int r;

	if (!own)
		return -ENOMEM;
	r = load_file(c, SYSTEM_FILE, err);
	return r < 0 ? r : load_file(c, own, err);
}

void config_list_files(struct buf *out)
{
	AUTO_FREE char *own = own_file();
	const char *const files[] = {SYSTEM_FILE, own};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], F_OK) == 0)
			buf_addf(out, "%s%s", out->len ? ", " : "", files[i]);
}

/* [libcurl CURLOPT_PROXY(3), 2026-08]: HTTP_PROXY in capitals is none of them. */
void config_list_proxies(struct buf *out)
{
	static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	struct url u;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = env_get(variables[i]), *at = value ? strrchr(value, '@') : NULL;
		AUTO_FREE char *address = value ? str_printf("http://%s", at ? at + 1 : strstr(value, "://") ? strstr(value, "://") + 3 : value) : NULL;

		if (address)
			buf_addf(out, "%s%s leads to %s", out->len ? ", " : "", variables[i], url_parse(address, &u) == 0 ? u.host : "no address");
	}
	if (out->len && (env_get("no_proxy") || env_get("NO_PROXY")))
		buf_adds(out, "; but not for what no_proxy names");
}

static int load_variable(struct config *c, const char *variable, const char *name, struct err *err)
{
	const char *value = env_get(variable);

	return value ? option_set(c, name, value, variable, err) : 0;
}

/* HFFS_LOG is a level, or where lines go. */
static int load_log_variable(struct config *c, struct err *err)
{
	const char *value = env_get("HFFS_LOG");
	enum log_level level;

	if (!value)
		return 0;
	return option_set(c, log_parse_level(value, &level) == 0 ? "log_level" : "log", value, "HFFS_LOG", err);
}

/* Moves a variable's value out of the environment, so that neither a child nor /proc shows it. */
static char *take_secret(const char *variable)
{
	char *value = getenv(variable), *copy = NULL;

	if (!value)
		return NULL;
	copy = strdup(value);
	explicit_bzero(value, strlen(value));
	(void)unsetenv(variable); /* fails for bad names only */
	return copy;
}

static void load_token_variables(struct config *c)
{
	static const char *const variables[] = {"HUGGING_FACE_HUB_TOKEN", "HF_TOKEN"}; /* the last one wins */
	bool wanted = !env_is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN");

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		AUTO_FREE char *token = take_secret(variables[i]);
		const char *text = token ? trim(token) : "";

		if (!*text || !wanted)
			continue;
		free(c->token);
		c->token = strdup(text);
		c->token_variable = variables[i];
	}
}

static int load_environment(struct config *c, struct err *err)
{
	/* Of one option the last wins: the order of requests, then curl's, then OpenSSL's. [requests sessions.py, curl(1), 2026-08] */
	static const char *const variables[][2] = {{"HF_ENDPOINT", "endpoint"},
						   {"HF_TOKEN_PATH", "token_file"},
						   {"SSL_CERT_FILE", "ca_file"},
						   {"CURL_CA_BUNDLE", "ca_file"},
						   {"REQUESTS_CA_BUNDLE", "ca_file"},
						   {"HFFS_CACHE", "cache"},
						   {"HFFS_CACHE_SIZE", "cache_size"}};
	int r = 0;

	load_token_variables(c);
	if (env_get("HF_HUB_OFFLINE"))
		c->offline = env_is_true("HF_HUB_OFFLINE");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(variables); i++)
		r = load_variable(c, variables[i][0], variables[i][1], err);
	return r < 0 ? r : load_log_variable(c, err);
}

/* A token file named by an option wins over a token of the environment. */
static int load_options(struct config *c, const struct options *options, struct err *err)
{
	bool chosen_below = c->token_file_chosen;

	c->token_file_chosen = false;
	for (size_t i = 0; i < options->nr; i++) {
		int r = options_parse(c, options, options->texts[i], err);

		if (r < 0)
			return r;
	}
	if (c->token_file_chosen) {
		free(c->token);
		c->token = NULL;
	}
	c->token_file_chosen |= chosen_below;
	return 0;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return !strcmp(host, "localhost") || (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

/*
 * Over plain http a token could be read on its way, so it is never sent. One that somebody named is expected to be used: that is an
 * error. The file that a login left behind is just not meant for this endpoint.
 */
static int check_token(const struct config *c, struct err *err)
{
	struct url u;

	if (url_parse(c->endpoint, &u) < 0 || u.https || is_loopback(u.host) || !(c->token || c->token_file_chosen))
		return 0;
	return err_set(err, -EACCES, "a token is set, but %s is plain http, where others could read it: use https, or unset the token",
		       c->endpoint);
}

/* A lock that cannot be used is no wrong usage: the file may have been right yesterday. */
static int load_lock(struct config *c, struct err *err)
{
	int r = c->lock ? lockfile_load(c->lock, &c->locked, err) : 0;

	return r == -EINVAL ? -EBADMSG : r;
}

int config_load(const struct options *options, struct config *out, struct err *err)
{
	AUTO_CONFIG c = {0};
	int r;

	err_set(err, -ENOMEM, "out of memory");
	r = load_defaults(&c);
	if (r == 0)
		r = load_files(&c, err);
	if (r == 0)
		r = load_environment(&c, err);
	if (r == 0)
		r = (c.user_cache = strdup(c.cache)) ? 0 : -ENOMEM;
	if (r == 0)
		r = load_options(&c, options, err);
	if (r == 0)
		r = check_token(&c, err);
	if (r == 0)
		r = load_lock(&c, err);
	if (r < 0)
		return r;
	err_set(err, 0, "%s", "");
	log_set_level(c.log_level);
	*out = c;
	c = (struct config){0};
	return 0;
}

void config_done(struct config *c)
{
	free(c->endpoint);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	free(c->token_file);
	free(c->ca_file);
	free(c->cache);
	free(c->user_cache);
	free(c->lock);
	lockfile_done(&c->locked);
	patterns_done(&c->filter.allow);
	patterns_done(&c->filter.deny);
	free(c->log);
}

uint64_t config_names_deadline_ms(const struct config *c)
{
	if (c->hard || c->deadline_ms == UINT64_MAX)
		return UINT64_MAX;
	return c->deadline_ms / 2 ? c->deadline_ms / 2 : 1;
}

void config_quiet_log(const struct config *c)
{
	if (c->log_level == LOG_LEVEL_INFO)
		log_set_level(LOG_LEVEL_ERROR);
}

/* Of all connections, those that are kept for names: at least one. */
static unsigned names_connections(unsigned all)
{
	return all < 8 ? 1 : (unsigned)min_u64(all / 4, NAMES_CONNECTIONS_MOST);
}

void config_fetch(const struct config *c, struct fetch_config *out)
{
	unsigned all = c->connections > 1 ? c->connections : 2, names = names_connections(all);

	*out = (struct fetch_config){
		.hub = {.endpoint = c->endpoint,
			.token = c->token,
			.token_file = c->token_file,
			.user_agent = "hffs/" HFFS_VERSION "; fs/fuse",
			.ca_file = c->ca_file,
			.offline = c->offline,
			.names_deadline_ms = (unsigned)min_u64(config_names_deadline_ms(c), INT_MAX),
			.connections_max = all - names,
			.names_connections = names},
		.cache = {.dir = c->cache, .size_max = c->cache_size, .keep_free = c->keep_free},
		.pause_dir = c->user_cache,
		.data_deadline_ms = c->hard ? UINT64_MAX : c->deadline_ms,
		.lock = c->lock ? &c->locked : NULL,
		.filter = &c->filter,
		.ref_ttl_ms = c->ref_ttl_ms,
		.rate_bps = c->rate_bps,
	};
}

bool config_has_rules(const struct config *c)
{
	return c->lock || c->safe || !filter_is_empty(&c->filter);
}
