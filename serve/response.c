// SPDX-License-Identifier: Apache-2.0
/* An answer while it is being made. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <hffs/serve_http.h>

void response_init(struct serve_response *r)
{
	*r = (struct serve_response){.status = 200, .fd = -1};
}

void response_done(struct serve_response *r)
{
	for (size_t i = 0; i < r->nr_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	free(r->headers);
	buf_done(&r->body);
	if (r->fd >= 0)
		(void)close(r->fd); /* opened for reading */
	if (r->stream) {
		r->stream->done(r->stream->ctx);
		free(r->stream);
	}
	response_init(r);
}

int response_stream(struct serve_response *r, const struct serve_stream *stream)
{
	struct serve_stream *copy = malloc(sizeof(*copy));

	if (!copy) {
		stream->done(stream->ctx);
		return -ENOMEM;
	}
	*copy = *stream;
	r->stream = copy;
	return 0;
}

void response_add(struct serve_response *r, const char *name, const char *fmt, ...)
{
	struct serve_header *more = realloc(r->headers, (r->nr_headers + 1) * sizeof(*more));
	struct serve_header *h;
	va_list ap;

	if (!more)
		return; /* an answer without this header; the next allocation fails as well */
	r->headers = more;
	h = &more[r->nr_headers];
	va_start(ap, fmt);
	if (vasprintf(&h->value, fmt, ap) < 0)
		h->value = NULL;
	va_end(ap);
	h->name = strdup(name);
	if (!h->value || !h->name) {
		free(h->value);
		free(h->name);
		return;
	}
	for (char *c = h->value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	r->nr_headers++;
}

const char *response_header(const struct serve_response *r, const char *name)
{
	for (size_t i = 0; i < r->nr_headers; i++)
		if (!strcasecmp(r->headers[i].name, name))
			return r->headers[i].value;
	return NULL;
}

void response_drop(struct serve_response *r, const char *name)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_headers; i++) {
		if (strcasecmp(r->headers[i].name, name) != 0) {
			r->headers[nr++] = r->headers[i];
			continue;
		}
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	r->nr_headers = nr;
}

uint64_t response_size(const struct serve_response *r)
{
	return r->fd >= 0 ? r->len : r->body.len;
}
