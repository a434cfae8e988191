/*
 * fuzz_freshness - whatever a request and its reply say: nothing that must not be is kept, nothing
 * for longer than a year, and what is kept is read again as it was.
 *
 * Input: a request's head, then a reply's.
 */
#include "cache_control.h"
#include "stored.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct proxy_rule rule = {
	.name = "t", .match = "*", .ttl_s = 30, .stale_s = 10, .fallback_s = 60
};

static void fuzz_kept(const struct freshness *f, const struct http_head *request,
		      const struct http_head *reply)
{
	struct cache_control c;

	cache_control_read(&c, reply);
	if (f->fresh_s > 31536000 || f->stale_s > 31536000 || f->fallback_s > 31536000)
		abort();
	if (f->why != FRESHNESS_KEPT)
		return;
	if (c.no_store || c.is_private || c.no_cache || http_head_has(reply, HTTP_SET_COOKIE) ||
	    reply->status >= 500 || reply->status == 206)
		abort();
	if (http_head_has(request, HTTP_AUTHORIZATION) && !f->for_authorized)
		abort();
	if ((c.must_revalidate || c.s_maxage >= 0) && (f->stale_s || f->fallback_s))
		abort();
}

static void fuzz_stored(const struct http_head *request, const struct http_head *reply)
{
	struct stored_parts parts = { .reply = reply, .body = { "abc", 3 }, .length = 3 };
	struct cache_bytes tags[STORED_TAGS];
	static struct http_head again;
	static char names[65536], head[65536];
	struct rewrite vary = { .at = names, .size = sizeof(names) };
	struct stored_view v;
	size_t length, count;
	void *bytes;

	stored_vary(reply, &vary);
	stored_tags(reply, tags, &count);
	if (stored_make(&parts, &bytes, &length))
		return;
	if (stored_read(bytes, length, &v) || v.body.length != 3 || v.head.length > 65500)
		abort();
	stored_is_known(&v, request, 784111777);
	memcpy(head, v.head.at, v.head.length);
	memcpy(head + v.head.length, "\r\n", 2);
	if (http_head_response(&again, head, v.head.length + 2) || again.status != reply->status)
		abort();
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head request, reply;
	char *bytes = malloc(size ? size : 1);
	const struct freshness_reply came = { &request, &reply, 784111777, 0 };
	size_t seen = 0, behind = 0;
	struct freshness_ask ask;
	struct freshness f;
	long first, second;

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	first = http_head_find(bytes, size, &seen);
	second = first > 0 ? http_head_find(bytes + first, size - (size_t)first, &behind) : 0;
	if (second > 0 && !http_head_request(&request, bytes, (size_t)first) &&
	    !http_head_response(&reply, bytes + first, (size_t)second)) {
		freshness_of_request(&ask, &rule, &request);
		freshness_of_reply(&f, &rule, &came);
		fuzz_kept(&f, &request, &reply);
		fuzz_stored(&request, &reply);
	}
	free(bytes);
	return 0;
}
