#include "response.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSE_NO_MEMORY                                                                         \
	"{\"success\":false,\"error\":{\"code\":\"unavailable\",\"message\":"                      \
	"\"the agent is out of memory\",\"field\":null}}"

#define RESPONSE_STALE "110 - \"Response is Stale\"" /* RFC 7234, 5.5.1 */

static void response_put_back(void *body)
{
	body_put(body);
}

static void response_put_value(void *value)
{
	cache_value_put(value);
}

static struct MHD_Response *response_of_value(struct reply *reply)
{
	struct cache_value *v = reply->value;
	struct MHD_Response *response;

	if (reply->status == 304)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (reply->expanded) {
		response = MHD_create_response_from_buffer_with_free_callback(
			v->length, reply->expanded, free);
		if (response)
			reply->expanded = NULL;
		return response;
	}
	response = MHD_create_response_from_buffer_with_free_callback_cls(v->length, v->bytes,
									  response_put_value, v);
	if (response)
		cache_value_get(v);
	return response;
}

/* The bytes stay shared: the library gives the reference back when they are sent. */
static struct MHD_Response *response_of_body(struct reply *reply)
{
	static const char no_memory[] = RESPONSE_NO_MEMORY;
	struct body *body = reply->status == 304 ? NULL : reply->body;
	struct MHD_Response *response;
	char *bytes;

	if (!reply->body) {
		reply->type = REPLY_JSON;
		return MHD_create_response_from_buffer(sizeof(no_memory) - 1,
						       (void *)(uintptr_t)no_memory,
						       MHD_RESPMEM_PERSISTENT);
	}
	if (!body)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	bytes = reply->gzip ? body->gzip : body->bytes;
	response = MHD_create_response_from_buffer_with_free_callback_cls(
		reply->gzip ? body->gzip_length : body->length, bytes, response_put_back, body);
	if (response)
		body_get(body);
	return response;
}

static void response_headers_of_value(const struct reply *reply, struct MHD_Response *response)
{
	const struct cache_value *v = reply->value;
	char text[48];

	snprintf(text, sizeof(text), "max-age=%" PRIu64, reply->max_age_s);
	MHD_add_response_header(response, "Cache-Control", reply->unkept ? "no-store" : text);
	snprintf(text, sizeof(text), "\"%016" PRIx64 "\"", v->checksum);
	MHD_add_response_header(response, "ETag", text);
	if (reply->stale)
		MHD_add_response_header(response, "Warning", RESPONSE_STALE);
	if (*v->tags)
		MHD_add_response_header(response, "Surrogate-Key", v->tags);
	MHD_add_response_header(response, "X-Cache",
				reply->fetched  ? "origin"
				: reply->behind ? "redis"
						: "memory");
}

static void response_headers_of_body(const struct reply *reply, struct MHD_Response *response)
{
	char text[sizeof(reply->body->etag) + 2];

	MHD_add_response_header(response, "Vary", "Accept, Accept-Encoding");
	MHD_add_response_header(response, "Cache-Control", reply->kept ? "no-cache" : "no-store");
	if (reply->gzip && reply->status != 304)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (reply->allow)
		MHD_add_response_header(response, "Allow", reply->allow);
	if (reply->retry_after_s) {
		snprintf(text, sizeof(text), "%u", reply->retry_after_s);
		MHD_add_response_header(response, "Retry-After", text);
	}
	if (reply->challenge)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"ringside\"");
	if (!reply->kept || !reply->body)
		return;
	/* Weak: the same tag stands for both encodings. */
	snprintf(text, sizeof(text), "W/%s", reply->body->etag);
	MHD_add_response_header(response, "ETag", text);
}

void response_headers(const struct reply *reply, struct MHD_Response *response)
{
	static const char *const always[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Content-Security-Policy",
		  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
		  "form-action 'none'" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(response, always[i][0], always[i][1]);
	if (reply->type && reply->status != 304)
		MHD_add_response_header(response, "Content-Type", reply->type);
	if (reply->value)
		response_headers_of_value(reply, response);
	else
		response_headers_of_body(reply, response);
}

static struct MHD_Response *response_make(struct reply *reply)
{
	struct MHD_Response *response =
		reply->value ? response_of_value(reply) : response_of_body(reply);

	if (response)
		response_headers(reply, response);
	return response;
}

/* What is asked for twice in a second will be asked for again in it: its headers are made once. */
struct MHD_Response *responses_make(struct responses *rs, struct reply *reply, bool *shared)
{
	const struct cache_value *v = reply->value;
	size_t i = v ? v->version % RESPONSES_SHARED : 0;

	*shared = false;
	if (!v || reply->status != 200 || reply->behind || reply->fetched || reply->stale ||
	    v->packed || v->length > RESPONSES_BYTES)
		return response_make(reply);
	if (rs->shared[i].version != v->version || rs->shared[i].max_age_s != reply->max_age_s) {
		if (rs->shared[i].response)
			MHD_destroy_response(rs->shared[i].response);
		rs->shared[i].response = NULL;
		rs->shared[i].version = v->version;
		rs->shared[i].max_age_s = reply->max_age_s;
		return response_make(reply);
	}
	if (!rs->shared[i].response)
		rs->shared[i].response = response_make(reply);
	*shared = rs->shared[i].response != NULL;
	return rs->shared[i].response;
}

void responses_fini(struct responses *rs)
{
	for (size_t i = 0; i < RESPONSES_SHARED; i++) {
		if (rs->shared[i].response)
			MHD_destroy_response(rs->shared[i].response);
	}
	memset(rs, 0, sizeof(*rs));
}
