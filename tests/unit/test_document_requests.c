#include "document_fixture.h"

static void slow_requests_come_with_all_that_is_known(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_request_as(&d.f, &d.f.target, NOW, 2 * SECOND, "/a", 200, 0);
	fixture_request_as(&d.f, &d.f.target, NOW, 1000, "/b", 0,
			   RS_FLAG_ABORTED | RS_FLAG_CUT_BY_SERVER);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_slow, "/x");
	assert_holds(text, "\"nextCursor\":null,\"requests\":[{\"id\":1,"
			   "\"at\":");
	assert_holds(text, "\"service\":\"shop\",\"pid\":70,\"method\":\"GET\",\"route\":\"/a\","
			   "\"path\":\"/a\",\"status\":200,\"durationMs\":2000,"
			   "\"firstByteMs\":null,\"bytesIn\":40,\"bytesOut\":600,"
			   "\"memoryDelta\":null,\"aborted\":false,\"cutByServer\":false,"
			   "\"cutByClient\":false,\"traceId\":null,\"breakdown\":null,"
			   "\"calls\":null}");
	assert_holds(text, "\"status\":null,\"durationMs\":0.001,");
	assert_holds(text, "\"aborted\":true,\"cutByServer\":true,\"cutByClient\":false,");
	free(text);
	document_close(&d);
}

static void slow_requests_come_in_pages(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	for (uint64_t i = 0; i < 3; i++)
		fixture_request(&d.f, NOW, (2 + i) * SECOND);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_slow, "/x?limit=2");
	assert_holds(text, "\"nextCursor\":\"2\"");
	assert_holds(text, "\"durationMs\":4000");
	assert_lacks(text, "\"durationMs\":2000");
	free(text);
	text = document_text(&d, document_slow, "/x?limit=2&cursor=2");
	assert_holds(text, "\"nextCursor\":null");
	assert_holds(text, "\"durationMs\":2000");
	assert_lacks(text, "\"durationMs\":4000");
	free(text);
	text = document_text(&d, document_slow, "/x?service=nobody");
	assert_holds(text, "\"requests\":[]}");
	free(text);
	document_close(&d);
}

static void open_requests_come_oldest_first(void **state)
{
	struct drain_open open[] = {
		{ .t0_ns = NOW - SECOND,
		  .path = "/young",
		  .method = RS_METHOD_POST,
		  .state = RS_OPEN_BODY,
		  .connection = 3 },
		{ .t0_ns = NOW - 9 * SECOND,
		  .path = "",
		  .method = RS_METHOD_GET,
		  .state = RS_OPEN_WAITING,
		  .bytes_out = 5,
		  .queued = 2,
		  .thread = 7 },
	};
	struct document_fixture d;
	const char *old, *young;
	char *text;

	(void)state;
	document_open(&d);
	d.f.sink.open(d.f.sink.ctx, &d.f.target, open, 2, NOW);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_in_flight, "/x");
	old = strstr(text, "\"method\":\"GET\",\"route\":null,\"ageMs\":9000,"
			   "\"state\":\"waiting\",\"bytesOut\":5,\"connection\":0,\"queued\":2,"
			   "\"thread\":7,\"waitsOn\":null}");
	young = strstr(text, "\"method\":\"POST\",\"route\":\"/young\",\"ageMs\":1000,"
			     "\"state\":\"body\"");
	assert_true(old && young && old < young);
	free(text);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_requests_come_with_all_that_is_known),
		cmocka_unit_test(slow_requests_come_in_pages),
		cmocka_unit_test(open_requests_come_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
