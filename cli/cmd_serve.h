/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_CLI_CMD_SERVE_H
#define HFFS_CLI_CMD_SERVE_H

struct serve_hook;

/* The verb; argv[0] is "serve". The exit status: 0 after a signal, 1 if it could not serve, 2 for wrong usage. */
int cmd_serve(int argc, char **argv);
/* The same with a hook, for the tests' server. */
int cmd_serve_hooked(int argc, char **argv, const struct serve_hook *hook);

#endif
