#include "site_origin.h"
#include "warmer.h"

#include <stdlib.h>

static void open_warmer(void)
{
	site_open_origin("warm_rate=1000");
	assert_int_equal(warmer_open(&d.site.warmer, d.site.through, wire_now_ns, wire_chance), 0);
}

static int tear_down(void **state)
{
	int ret = site_tear_down(state);

	warmer_close(d.site.warmer);
	return ret;
}

static void run(void)
{
	wire_now_ns += SECOND;
	warmer_step(d.site.warmer, wire_now_ns);
	wire_step(d.site.through);
}

static void what_makes_no_order_is_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"keys\":[],\"prefix\":\"a\"}",
		"{\"keys\":\"a\"}",
		"{\"keys\":[1]}",
		"{\"keys\":[\"\"]}",
		"{\"keys\":[],\"ttl\":0}",
		"{\"keys\":[],\"ttl\":1.5}",
		"{\"prefix\":\"\"}",
		"{\"prefix\":\"u:\",\"top\":1001}",
	};

	(void)state;
	open_warmer();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(document_cache_warm, bad[i], "bad_member");
	assert_refused(document_cache_warm, "{\"key\":1}", "unknown_member");
}

static void an_order_is_answered_when_it_is_done(void **state)
{
	(void)state;
	open_warmer();
	assert_answer(document_cache_warm, "{\"keys\":[]}", "{\"loaded\":0,\"failed\":[]}");
	assert_answer(document_cache_warm, "{\"keys\":[\"u:1\",\"v:1\"],\"ttl\":9}", "");
	run();
	wire_fine(d.site.through, 0, "made");
	assert_answer(document_cache_warm, "",
		      "{\"loaded\":1,\"failed\":[{\"key\":\"v:1\",\"reason\":"
		      "\"no origin has such keys\"}]}");
}

static void the_hottest_of_a_prefix_are_loaded(void **state)
{
	const struct cache_bytes keys[] = { { "u:1", 3 }, { "u:2", 3 } };

	(void)state;
	open_warmer();
	warmer_asked(d.site.warmer, &keys[0]);
	warmer_asked(d.site.warmer, &keys[1]);
	warmer_asked(d.site.warmer, &keys[1]);
	assert_answer(document_cache_warm, "{\"prefix\":\"u:\",\"top\":1}", "");
	run();
	assert_int_equal(wire.count, 1);
	assert_string_equal(wire.sent[0].url, "http://h/2");
	wire_fine(d.site.through, 0, "made");
	assert_answer(document_cache_warm, "", "{\"loaded\":1,\"failed\":[]}");
}

#define WARM_TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WARM_TEST(what_makes_no_order_is_refused),
		WARM_TEST(an_order_is_answered_when_it_is_done),
		WARM_TEST(the_hottest_of_a_prefix_are_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
