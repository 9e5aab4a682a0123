/* SPDX-License-Identifier: Apache-2.0 */
/* The verb serve, in two parts: what the tests' server shares, and what serves a cache. */
#ifndef HFFS_CLI_CMD_SERVE_H
#define HFFS_CLI_CMD_SERVE_H

struct serve_hook;
struct serve_config;
struct serve_cache_options; /* serve_cache_int.h */

/* The verb; argv[0] is "serve". The exit status: 0 after a signal, 1 if it could not serve, 2 for wrong usage. */
int cmd_serve(int argc, char **argv);

/* Gives the configuration a source, and serves until a signal by calling serve(): the exit status. */
typedef int serve_cache(struct serve_config *c, const struct serve_cache_options *o, int (*serve)(const struct serve_config *c));
/* The same with a hook, for the tests' server. from_cache NULL: only folders can be served. */
int cmd_serve_with(int argc, char **argv, const struct serve_hook *hook, serve_cache *from_cache);

#endif
