#include "http.h"

#include "sets.h"
#include "tls_kind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_FINDER "task_file"

struct http {
	struct probe *probe;
	enum http_source source;
};

uint32_t http_sources(const char *configured)
{
	if (strcmp(configured, "sockets") == 0)
		return 1u << HTTP_SOCKETS;
	if (strcmp(configured, "syscalls") == 0)
		return 1u << HTTP_CALLS;
	return 1u << HTTP_SOCKETS | 1u << HTTP_CALLS;
}

const struct probe_set *http_set(enum http_source source)
{
	return sets_at(source == HTTP_SOCKETS ? SETS_HTTP : SETS_CALLS);
}

/* What the kernel takes of it is let go again: each says which one was refused. */
static void http_refuse(struct probe_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		if (state->facilities[i].state == FACILITY_LOADED)
			state->facilities[i].state = FACILITY_IDLE;
}

int http_open(struct http **out, enum http_source source, const struct probe_filter *filter,
	      struct probe_state *state)
{
	struct http *h = calloc(1, sizeof(*h));
	int result;

	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->source = source;
	result = probe_open(&h->probe, http_set(source), filter, state);
	if (result == 0 && !probe_whole(state)) {
		http_refuse(state);
		result = -EOPNOTSUPP;
	}
	if (result) {
		http_close(h);
		return result;
	}
	*out = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	probe_close(h->probe);
	free(h);
}

int http_find(const struct http *h)
{
	return probe_walk(h->probe, HTTP_FINDER);
}

bool http_ends_wait(const struct http *h)
{
	uint64_t left;

	return !probe_row_get(h->probe, HTTP_ENDS_MAP, 0, &left) && left;
}

int http_lost_read(const struct http *h, int32_t pid, struct http_lost *out)
{
	return probe_row_get(h->probe, HTTP_LOST_MAP, (uint32_t)pid, out);
}

void http_forget(struct http *h, int32_t pid)
{
	probe_row_delete(h->probe, HTTP_LOST_MAP, (uint32_t)pid);
}

int http_secure(struct http *h, uint32_t what)
{
	return probe_row_put(h->probe, TLS_SECURE_MAP, 0, &what);
}

const struct probe *http_probe(const struct http *h)
{
	return h->probe;
}

int http_ring(const struct http *h)
{
	return probe_ring(h->probe);
}

bool http_sees_rings(const struct http *h)
{
	return h->source == HTTP_SOCKETS;
}

void http_look(const struct http *h, struct probe_state *state)
{
	probe_look(h->probe, state);
}
