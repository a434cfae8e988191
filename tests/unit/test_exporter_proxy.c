#include "exporter.h"

#include "proxy_rig.h"

#include <stdlib.h>

static char *told(struct proxy *p)
{
	struct site site = { .proxy = p };
	struct exposition e;
	size_t length;
	char *text;

	exposition_init(&e, false);
	exporter_put_proxy(&e, &site);
	assert_int_equal(exposition_finish(&e, &text, &length), 0);
	return text;
}

static void every_count_is_told(void **state)
{
	char *text;

	(void)state;
	rig_open("rule match=* ttl=60s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	rig_ask(RIG_GET("/a"));
	rig_exchange(RIG_GET("/b"), RIG_OK("Cache-Control: private\r\nContent-Length: 1\r\n", "x"));
	text = told(rig.p);
	assert_has(text, "# TYPE ringside_proxy_hits_total counter\nringside_proxy_hits_total 1\n");
	assert_has(text, "ringside_proxy_misses_total 2\n");
	assert_has(text, "ringside_proxy_requests_total 3\n");
	assert_has(text, "ringside_proxy_unkept_forbidden_total 1\n");
	assert_has(text, "ringside_proxy_unkept_status_total 0\n");
	assert_has(text, "# TYPE ringside_proxy_connections_open gauge\n"
			 "ringside_proxy_connections_open 0\n");
	assert_has(text, "ringside_proxy_items 1\n");
	assert_has(text, "ringside_proxy_no_memory_total 0\n");
	free(text);
}

static void without_a_proxy_there_is_nothing(void **state)
{
	char *text = told(NULL);

	(void)state;
	assert_true(!text || !*text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(every_count_is_told),
		cmocka_unit_test(without_a_proxy_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
