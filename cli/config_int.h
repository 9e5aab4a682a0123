/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: defaults < /etc/hffs.conf < $XDG_CONFIG_HOME/hffs/hffs.conf < environment < -o, into one struct that nobody changes
 * afterwards. The same names everywhere.
 */
#ifndef HFFS_CONFIG_INT_H
#define HFFS_CONFIG_INT_H

#include <stdbool.h>
#include <stdio.h>

#include <hffs/fetch.h>
#include <hffs/filter.h>
#include <hffs/lockfile.h>
#include <hffs/log.h>

struct config {
	char *endpoint;   /* without a '/' at its end */
	char *token;      /* of the environment; NULL if none */
	const char *token_variable; /* which variable that was; static */
	char *token_file; /* NULL: none is to be read */
	char *ca_file;    /* or a directory; NULL: the system's */
	char *cache;      /* absolute, as all paths here */
	char *user_cache; /* the one that files and environment name: the same for all of a user's processes, as a rule */
	char *lock;       /* file; NULL: the whole Hub */
	struct lockfile locked; /* what is in it */
	struct filter filter; /* which files may be seen */
	char *log;        /* file, "journal", or NULL: wherever seems best */
	uint64_t cache_size, keep_free;
	uint64_t ref_ttl_ms, deadline_ms;
	uint64_t rate_bps;
	long uid, gid;
	unsigned umask;
	unsigned connections;
	enum log_level log_level;
	bool offline, hard, allow_other, stable, safe;
	bool noexec, nonempty;
	bool cache_chosen; /* somebody named the cache: a mount with another one does not do instead */
	bool token_file_chosen;
};

/* -o arguments in the order given; each may hold several, separated by commas. Borrowed. */
#define OPTIONS_MAX 64
struct options {
	const char *texts[OPTIONS_MAX];
	size_t nr;
	bool sloppy;    /* unknown names are ignored: mount -s */
	bool of_mount8; /* mount(8) wrote them: it adds rw wherever ro is not said */
};
/* Notes one -o argument; false when there are too many. */
bool options_add(struct options *o, const char *text);

/* -EINVAL with a sentence naming what is wrong; -errno when a file cannot be read. Takes tokens out of the environment. */
int config_load(const struct options *options, struct config *out, struct err *err);
void config_done(struct config *c);
static inline void config_done_auto(struct config *c)
{
	config_done(c);
}
#define AUTO_CONFIG __attribute__((cleanup(config_done_auto))) struct config

/* For verbs that end with a sentence of their own: warnings are not logged beside it, unless a level was chosen. */
void config_quiet_log(const struct config *c);
/* What fetch_open() takes; borrows from c. */
void config_fetch(const struct config *c, struct fetch_config *out);
/* Does it narrow what is shown: a lock, allow, deny, safe? */
bool config_has_rules(const struct config *c);
/* A wait for names ends after this long. */
uint64_t config_names_deadline_ms(const struct config *c);

/* --- options.c --- */

/*
 * Sets one name. value NULL: the name stood alone. where: "-o" or a file and line, for the sentence. -EINVAL, -ENOMEM; -ENOENT
 * for an unknown name (with a sentence).
 */
int option_set(struct config *c, const char *name, const char *value, const char *where, struct err *err);
/* "a,b=c". Generic options of mount(8) are taken or ignored as a file system does. */
int options_parse(struct config *c, const struct options *o, const char *text, struct err *err);
/* The names with a line of explanation each, as --help shows them. */
void options_help(FILE *to);
/* 1, on, yes, true and their opposites, in any case. */
int option_parse_flag(const char *text, bool *out);

/* Where the official client keeps its cache. Caller frees, NULL when out of memory. */
char *config_hub_cache(void);
/* ~, ~/x, $NAME and ${NAME} expanded, made absolute: caller frees, NULL when out of memory. */
char *config_expand_path(const char *text);
/* Where this user's caches of that name are: $XDG_CACHE_HOME/name, of root /var/cache/name. As above. */
char *config_cache_dir(const char *name);

/* For people: the files that settings are read from and that are there; the variables that name proxies, without passwords. "": none. */
void config_list_files(struct buf *out);
void config_list_proxies(struct buf *out);

/* Where small things may lie that do not outlive us: $XDG_RUNTIME_DIR, $TMPDIR, else /tmp. As above. */
char *config_temp_dir(void);

#endif
