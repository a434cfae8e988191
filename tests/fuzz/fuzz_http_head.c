/*
 * fuzz_http_head - whatever head a client sends: what is passed on of it is one head, read again as
 * the same request with the same body; the input is that head, found in pieces as in one.
 */
#include "http_body.h"
#include "proxy_key.h"
#include "rewrite.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_same(const struct http_text *a, const struct http_text *b)
{
	if (a->length != b->length || (a->length && memcmp(a->at, b->at, a->length) != 0))
		abort();
}

/* In pieces of three bytes it ends where it does in one. */
static void fuzz_find(const char *bytes, size_t size, long whole)
{
	size_t seen = 0;
	long found = 0;

	for (size_t n = 0; n < size && !found; n = n + 3 < size ? n + 3 : size)
		found = http_head_find(bytes, n, &seen);
	if (!found)
		found = http_head_find(bytes, size, &seen);
	if (found != whole)
		abort();
}

/* What who is behind us reads of it. */
static void fuzz_passed_on(const struct http_head *h, const struct http_body *body)
{
	static char out[65536];
	const struct rewrite_request how = { .forwarded = PROXY_FORWARDED_NONE };
	struct rewrite text = { .at = out, .size = sizeof(out) };
	static struct http_head again;
	struct http_body body_again;
	size_t seen = 0;

	if (rewrite_request(&text, h, &how))
		return;
	if (http_head_find(out, text.length, &seen) != (long)text.length ||
	    http_head_request(&again, out, text.length))
		abort();
	fuzz_same(&h->method, &again.method);
	fuzz_same(&h->target, &again.target);
	if (http_body_of_request(&body_again, &again) || body_again.kind != body->kind ||
	    body_again.left != body->left)
		abort();
	for (uint32_t i = 0; i < again.count; i++)
		if (again.fields[i].id == HTTP_KEEP_ALIVE ||
		    again.fields[i].id == HTTP_HTTP2_SETTINGS)
			abort();
}

/* A key does not change by what is passed on or not: it is made of what the upstream sees. */
static void fuzz_key(const struct http_head *h)
{
	static char room[PROXY_KEY_SIZE];
	static const struct proxy_rule rule = { .name = "t",
						.query = { { "a", "b" }, 2 },
						.headers = { { "X-A" }, 1 },
						.unless_query = { { "c" }, 1 },
						.unless_cookies = { { "d" }, 1 } };
	const struct http_text vary = { "accept, x-b", 11 };
	struct proxy_key key = { .at = room, .size = sizeof(room) };
	char tag[PROXY_KEY_TAG];

	proxy_key_is_excluded(&rule, h);
	proxy_key_tag(h, tag);
	if (proxy_key_make(&key, &rule, h) || memcmp(room, "t:", 2) != 0)
		abort();
	proxy_key_vary(&key, &vary, h);
}

static void fuzz_reply(const char *bytes, size_t length)
{
	static char out[65536];
	const struct rewrite_reply how = { .cache = "HIT", .close = true };
	struct rewrite text = { .at = out, .size = sizeof(out) };
	static struct http_head h, again;
	struct http_body body;
	size_t seen = 0;

	if (http_head_response(&h, bytes, length) || http_body_of_response(&body, &h, false) ||
	    rewrite_reply(&text, &h, &how))
		return;
	if (http_head_find(out, text.length, &seen) != (long)text.length ||
	    http_head_response(&again, out, text.length) || again.status != h.status ||
	    !again.close || again.minor != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);
	static struct http_head h;
	struct http_body body;
	size_t seen = 0;
	long length;

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	length = http_head_find(bytes, size, &seen);
	fuzz_find(bytes, size, length);
	if (length > 0) {
		if (!http_head_request(&h, bytes, (size_t)length) &&
		    !http_body_of_request(&body, &h)) {
			fuzz_passed_on(&h, &body);
			fuzz_key(&h);
		}
		fuzz_reply(bytes, (size_t)length);
	}
	free(bytes);
	return 0;
}
