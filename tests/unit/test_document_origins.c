#include "document_origins.h"

#include "site_origin.h"

#include <stdlib.h>

static char *stats(void)
{
	return document_text(&d, document_cache_stats, "/");
}

static void without_origins_there_is_nothing_of_them(void **state)
{
	char *text = stats();

	(void)state;
	assert_holds(text, "\"origin\":{\"fetches\":0,\"errors\":0,\"coalesced\":0,"
			   "\"absentServed\":0,\"refused\":0,\"warm\":{\"ordered\":0,\"scheduled\":"
			   "0,\"loaded\":0,\"failed\":0},\"origins\":[]}");
	free(text);
	text = document_text(&d, document_cache_health, "/");
	assert_holds(text, "{\"status\":\"healthy\"");
	assert_holds(text, "\"origin\":{\"status\":\"info\",\"origins\":[]}");
	free(text);
}

static void each_origin_is_counted_by_itself(void **state)
{
	char *text;

	(void)state;
	site_open_origin("negative_ttl=5s stale_on_error=10s");
	site_fetch("u:1", TRANSFER_WHOLE, 200);
	site_fetch("u:2", TRANSFER_WHOLE, 404);
	site_fetch("u:2", TRANSFER_WHOLE, 404); /* known */
	text = stats();
	assert_holds(text, "\"staleServed\":0,");
	assert_holds(text, "\"origin\":{\"fetches\":2,\"errors\":0,\"coalesced\":0,"
			   "\"absentServed\":1,\"refused\":0,\"warm\":{\"ordered\":0,\"scheduled\":"
			   "0,\"loaded\":0,\"failed\":0},\"origins\":[{\"prefix\":\"u:\","
			   "\"status\":\"healthy\",\"circuit\":\"closed\",\"fault\":null,"
			   "\"reason\":null,\"fetches\":2,\"errors\":0,\"faults\":[],"
			   "\"coalesced\":0,\"negative\":1,\"unkept\":0,\"absentServed\":1,"
			   "\"staleServed\":0,\"refused\":0,\"crowded\":0,\"underWay\":0,"
			   "\"queued\":0,\"latencyMs\":{\"avg\":5");
	free(text);
	wire_now_ns += WIRE_AGES * SECOND;
	for (int i = 0; i < 6; i++)
		site_fetch("u:1", TRANSFER_LATE, 0); /* the last one is not even asked */
	text = stats();
	assert_holds(text, "\"staleServed\":6,");
	assert_holds(text, "\"fetches\":7,\"errors\":5,\"coalesced\":0,\"absentServed\":1,"
			   "\"refused\":1,");
	assert_holds(text, "\"status\":\"degraded\",\"circuit\":\"open\",\"fault\":\"timeout\","
			   "\"reason\":\"in words\",");
	assert_holds(text, "\"faults\":[{\"name\":\"timeout\",\"count\":5}]");
	free(text);
	text = document_text(&d, document_cache_health, "/");
	assert_holds(text, "{\"status\":\"degraded\",\"memory\":{\"status\":\"healthy\"");
	assert_holds(text, "\"origin\":{\"status\":\"degraded\",\"origins\":[{\"prefix\":\"u:\","
			   "\"status\":\"degraded\",\"circuit\":\"open\",\"fault\":\"timeout\","
			   "\"reason\":\"in words\"}]}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORIGIN_TEST(without_origins_there_is_nothing_of_them),
		ORIGIN_TEST(each_origin_is_counted_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
