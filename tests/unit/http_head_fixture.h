/*
 * http_head_fixture - heads of requests and replies written as text, for the tests of the proxy.
 */
#ifndef HTTP_HEAD_FIXTURE_H
#define HTTP_HEAD_FIXTURE_H

#include "http_head.h"

#include "rs_test.h"

#include <stdio.h>
#include <string.h>

/* lines: "Name: value\r\n" each, without the empty one behind them; they stay for the head. */
static inline void head_read_as(struct http_head *h, char *bytes, size_t size, const char *first,
				const char *lines)
{
	size_t seen = 0;
	int n = snprintf(bytes, size, "%s\r\n%s\r\n", first, lines), ret;

	assert_true(n > 0 && (size_t)n < size);
	assert_int_equal(http_head_find(bytes, (size_t)n, &seen), n);
	ret = !strncmp(first, "HTTP/", 5) ? http_head_response(h, bytes, (size_t)n)
					  : http_head_request(h, bytes, (size_t)n);
	if (ret)
		fail_msg("%s: %d", bytes, ret);
}

static inline bool text_is(const struct http_text *text, const char *wanted)
{
	return text->length == strlen(wanted) && !memcmp(text->at, wanted, text->length);
}

#endif
