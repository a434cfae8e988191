#include "cgi_reply.h"

#include "rs_test.h"

#include <string.h>

static uint16_t status_of(const char *text, size_t cut)
{
	struct cgi_reply r;
	size_t n = strlen(text);

	cut = cut < n ? cut : n;
	cgi_reply_init(&r);
	cgi_reply_read(&r, (const uint8_t *)text, cut);
	cgi_reply_read(&r, (const uint8_t *)text + cut, n - cut);
	return r.status;
}

static void the_status_is_the_same_at_every_split(void **state)
{
	static const struct {
		const char *text;
		uint16_t status;
	} replies[] = {
		{ "Content-type: text/html\r\n\r\nhello", 200 },
		{ "Content-type: text/html\n\nStatus: 500\n\n", 200 },
		{ "X-Powered-By: PHP/8.2.30\r\nsTATUS:404 Not Found\r\n\r\n", 404 },
		{ "Status: \t503\r\nLocation: /x\r\n\r\n", 503 },
		{ "Location: /elsewhere\r\n\r\n", 302 },
		{ "HTTP/1.1 301 Moved\r\nStatus: 404\r\nLocation: /x\r\n\r\n", 301 },
		{ "HTTP/1.0 204\n\n", 204 },
		{ "A: b\r\nHTTP/1.1 404 x\r\n\r\n", 200 },
		{ "Status: 4040\r\n\r\n", 200 },
		{ "Status: 40\r\n\r\n", 200 },
		{ "Status: 099\r\n\r\n", 200 },
		{ "Statuses: 404\r\n\r\n", 200 },
		{ "Status: 404 Not Found", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		for (size_t cut = 0; cut <= strlen(replies[i].text); cut++)
			assert_int_equal(status_of(replies[i].text, cut), replies[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_the_same_at_every_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
