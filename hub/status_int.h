/* SPDX-License-Identifier: Apache-2.0 */
/* The one table from HTTP status and transport failure to errno and "worth a retry?". Pure. */
#ifndef HFFS_HUB_STATUS_INT_H
#define HFFS_HUB_STATUS_INT_H

#include <hffs/hub.h>

/* What is known of an answer that is not what was asked for. */
struct status_facts {
	int status;
	const char *code;    /* X-Error-Code; NULL if absent */
	const char *message; /* X-Error-Message; NULL if absent */
	const char *what;    /* "acme/tiny", "acme/tiny/w.bin": as sentences name it */
	const char *page;    /* where a person may ask for access */
	bool is_content;     /* of a listed file */
	bool is_foreign;     /* from another host than the endpoint's */
	bool had_token;
	bool was_seen; /* the repository has answered before */
};

/* Fills r, retry, status, code and err of *res; wait_ms is the caller's. */
enum hub_fault status_of_answer(const struct status_facts *f, struct hub_result *res);
/* The same for a request that brought no answer: r is http.c's, cause its sentence. */
enum hub_fault status_of_transport(int r, const struct err *cause, const char *what, struct hub_result *res);

#endif
