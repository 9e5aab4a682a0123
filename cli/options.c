// SPDX-License-Identifier: Apache-2.0
/* The table of option names, and one name with its value into struct config. Reads no environment and no file. */
#include "config_int.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include <hffs/io.h>
#include <hffs/url.h>

enum option_kind { OPTION_URL, OPTION_PATH, OPTION_LOG, OPTION_SIZE, OPTION_RATE, OPTION_TIME, OPTION_FLAG, OPTION_ID, OPTION_MODE,
		   OPTION_COUNT, OPTION_LEVEL, OPTION_PATTERN };

static const struct option_name {
	const char *name;
	enum option_kind kind;
	size_t at;
	const char *shown, *help;
} option_names[] = {
	{"endpoint", OPTION_URL, offsetof(struct config, endpoint), "endpoint=URL", "the Hub, or a server that speaks its HTTP"},
	{"token_file", OPTION_PATH, offsetof(struct config, token_file), "token_file=FILE", "where the token is; read again when it changes"},
	{"ca_file", OPTION_PATH, offsetof(struct config, ca_file), "ca_file=FILE", "certificates to trust instead of the system's"},
	{"cache", OPTION_PATH, offsetof(struct config, cache), "cache=DIR", "the chunk cache"},
	{"cache_size", OPTION_SIZE, offsetof(struct config, cache_size), "cache_size=SIZE", "its limit; 90 % of the disk"},
	{"keep_free", OPTION_SIZE, offsetof(struct config, keep_free), "keep_free=SIZE", "what to leave free; 5 % of the disk"},
	{"lock", OPTION_PATH, offsetof(struct config, lock), "lock=FILE", "only what this lock file names is visible"},
	{"safe", OPTION_FLAG, offsetof(struct config, safe), "safe", "files that run code when they are loaded (pickles) cannot be opened"},
	{"allow", OPTION_PATTERN, offsetof(struct config, filter.allow), "allow=GLOB", "only files that match are visible; may be repeated"},
	{"deny", OPTION_PATTERN, offsetof(struct config, filter.deny), "deny=GLOB", "files that match are not visible; may be repeated"},
	{"ref_ttl", OPTION_TIME, offsetof(struct config, ref_ttl_ms), "ref_ttl=TIME", "how long a branch is believed; 5m, 0, inf"},
	{"offline", OPTION_FLAG, offsetof(struct config, offline), "offline", "no request at all"},
	{"deadline", OPTION_TIME, offsetof(struct config, deadline_ms), "deadline=TIME", "when a wait for data fails, names at half of it; 60s"},
	{"hard", OPTION_FLAG, offsetof(struct config, hard), "hard", "a wait never fails by itself"},
	{"allow_other", OPTION_FLAG, offsetof(struct config, allow_other), "allow_other", "other users may enter the mount"},
	{"uid", OPTION_ID, offsetof(struct config, uid), "uid=N", "owner of all files"},
	{"gid", OPTION_ID, offsetof(struct config, gid), "gid=N", "group of all files"},
	{"umask", OPTION_MODE, offsetof(struct config, umask), "umask=MODE", "permission bits to take away, octal"},
	{"nonempty", OPTION_FLAG, offsetof(struct config, nonempty), "nonempty", "also over a directory that is not empty"},
	{"stable", OPTION_FLAG, offsetof(struct config, stable), "stable", "for overlayfs on top and NFS export"},
	{"connections", OPTION_COUNT, offsetof(struct config, connections), "connections=N", "connections at once, some of them kept for names; 32"},
	{"rate", OPTION_RATE, offsetof(struct config, rate_bps), "rate=BYTES/s", "upper limit of content"},
	{"log_level", OPTION_LEVEL, offsetof(struct config, log_level), "log_level=WORD", "error, warn, info or debug"},
	{"log", OPTION_LOG, offsetof(struct config, log), "log=FILE", "a file, or the word journal"},
};

/* Names that have no meaning yet, or never will: each with its reason. */
static const struct {
	const char *name, *reason;
} refused_names[] = {
	{"rw", "is refused: hffs is read-only"},
	{"token", "is refused: others would see it in the process list; set HF_TOKEN, or token_file=FILE"},
};

/* Options of mount(8) and fstab(5) that any file system is handed. Set-user-ID files and devices do not exist here. */
static const char *const generic_names[] = {
	"defaults", "ro", "nosuid", "suid", "nodev", "dev", "exec", "noatime", "atime", "nodiratime", "diratime", "relatime",
	"norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "sync", "async", "dirsync", "auto", "noauto", "user", "nouser",
	"users", "group", "owner", "nofail", "_netdev", "comment", "uhelper", "helper", "silent", "loud", "noiversion", "nomand",
};

bool options_add(struct options *o, const char *text)
{
	if (o->nr == OPTIONS_MAX)
		return false;
	o->texts[o->nr++] = text;
	return true;
}

void options_help(FILE *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_names); i++)
		fprintf(to, "  %-17s %s\n", option_names[i].shown, option_names[i].help);
}

int option_parse_flag(const char *text, bool *out)
{
	static const char *const words[] = {"0", "1", "off", "on", "no", "yes", "false", "true"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(text, words[i])) {
			*out = i % 2;
			return 0;
		}
	return -EINVAL;
}

/* A whole number below `max` in the base, and nothing else. */
static int parse_number(const char *text, int base, unsigned long max, unsigned long *out)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || *end || value >= max)
		return -EINVAL;
	*out = value;
	return 0;
}

static int replace_text(char **at, char *text)
{
	if (!text)
		return -ENOMEM;
	free(*at);
	*at = text;
	return 0;
}

static int set_url(char **at, const char *value)
{
	size_t len = strlen(value);
	struct url u;

	if (url_parse(value, &u) < 0 || strpbrk(u.path, "?#"))
		return -EINVAL;
	while (len && value[len - 1] == '/')
		len--;
	return replace_text(at, strndup(value, len));
}

static int set_rate(uint64_t *at, const char *value)
{
	size_t len = strlen(value);
	AUTO_FREE char *bytes = NULL;

	if (len > 2 && !strcmp(value + len - 2, "/s"))
		len -= 2;
	bytes = strndup(value, len);
	return bytes ? io_parse_size(bytes, at) : -ENOMEM;
}

static int set_value(struct config *c, const struct option_name *o, const char *value)
{
	void *at = (char *)c + o->at;
	unsigned long number = 0;
	int r = 0;

	switch (o->kind) {
	case OPTION_URL:
		return set_url(at, value);
	case OPTION_PATH:
		return *value ? replace_text(at, config_expand_path(value)) : -EINVAL;
	case OPTION_LOG:
		return replace_text(at, strcmp(value, "journal") ? config_expand_path(value) : strdup(value));
	case OPTION_SIZE:
		return io_parse_size(value, at);
	case OPTION_RATE:
		return set_rate(at, value);
	case OPTION_TIME:
		return io_parse_time_ms(value, at);
	case OPTION_FLAG:
		return option_parse_flag(value, at);
	case OPTION_ID:
		r = parse_number(value, 10, UINT32_MAX, &number);
		if (r == 0)
			*(long *)at = (long)number;
		return r;
	case OPTION_MODE:
	case OPTION_COUNT:
		r = parse_number(value, o->kind == OPTION_MODE ? 8 : 10, o->kind == OPTION_MODE ? 01000 : 1025, &number);
		if (r == 0)
			*(unsigned *)at = (unsigned)number;
		return r;
	case OPTION_PATTERN:
		return patterns_add(at, value);
	case OPTION_LEVEL:
		return log_parse_level(value, at);
	}
	return -EINVAL;
}

static const struct option_name *find_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_names); i++)
		if (!strcmp(name, option_names[i].name))
			return &option_names[i];
	return NULL;
}

static int refuse_name(const char *name, const char *where, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_names); i++)
		if (!strcmp(name, refused_names[i].name))
			return err_set(err, -EINVAL, "%s: the option '%s' %s", where, name, refused_names[i].reason);
	return err_set(err, -ENOENT, "%s: there is no option '%s'", where, name);
}

int option_set(struct config *c, const char *name, const char *value, const char *where, struct err *err)
{
	const struct option_name *o = find_name(name);
	int r;

	if (!o)
		return refuse_name(name, where, err);
	if (!value && o->kind != OPTION_FLAG)
		return err_set(err, -EINVAL, "%s: the option '%s' needs a value: %s", where, name, o->shown);
	r = set_value(c, o, value ? value : "1");
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return err_set(err, -EINVAL, "%s: '%s' is no value for %s", where, value ? value : "", o->shown);
	c->cache_chosen |= o->at == offsetof(struct config, cache);
	c->token_file_chosen |= o->at == offsetof(struct config, token_file);
	return 0;
}

static bool is_generic(const char *name)
{
	if (!strncmp(name, "x-", 2) || !strncmp(name, "X-", 2))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(generic_names); i++)
		if (!strcmp(name, generic_names[i]))
			return true;
	return false;
}

/* One "name" or "name=value"; cuts text at the '='. */
static int parse_one(struct config *c, const struct options *o, char *text, struct err *err)
{
	char *value = strchr(text, '=');
	int r;

	if (value)
		*value++ = '\0';
	if (!*text || is_generic(text) || (o->of_mount8 && !strcmp(text, "rw")))
		return 0;
	if (!strcmp(text, "noexec")) {
		c->noexec = true;
		return 0;
	}
	r = option_set(c, text, value, "-o", err);
	if (r != -ENOENT)
		return r;
	if (o->sloppy)
		return 0;
	err->code = -EINVAL;
	return -EINVAL;
}

int options_parse(struct config *c, const struct options *o, const char *text, struct err *err)
{
	AUTO_FREE char *copy = strdup(text);
	char *rest = copy, *one;

	if (!copy)
		return -ENOMEM;
	while ((one = strsep(&rest, ","))) {
		int r = parse_one(c, o, one, err);

		if (r < 0)
			return r;
	}
	return 0;
}
