#include "../../agent/web/document_state.c" /* white box: processes in a bad state by hand */
#include "document_fixture.h"

static void it_is_alive_for_as_long_as_it_runs(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	text = document_text(&d, document_alive, "/x");
	assert_string_equal(text, "{\"status\":\"alive\",\"uptime\":600}");
	free(text);
	document_close(&d);
}

static void it_is_not_ready_with_a_reason_until_it_is(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	assert_null(document_text(&d, document_ready, "/x"));
	assert_int_equal(d.no.status, 503);
	assert_string_equal(d.no.code, "not_ready");
	assert_string_equal(d.no.message, "starting");
	health_ready_put(d.site.health, false, "BPF is loading: 50 %");
	assert_null(document_text(&d, document_ready, "/x"));
	assert_string_equal(d.no.message, "BPF is loading: 50 %");
	health_ready_put(d.site.health, true, "");
	text = document_text(&d, document_ready, "/x");
	assert_string_equal(text, "{\"status\":\"ready\"}");
	free(text);
	document_close(&d);
}

static void health_lists_parts_and_is_503_only_when_unhealthy(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_tick(&d.f, NOW);
	health_put(d.site.health, "clock", HEALTH_HEALTHY, "", NOW_MS);
	health_put(d.site.health, "probes", HEALTH_DEGRADED, "no \"BTF\"", NOW_MS);
	text = document_text(&d, document_health, "/x");
	assert_int_equal(d.no.status, 0);
	assert_holds(text, "{\"status\":\"degraded\",\"parts\":[{\"name\":\"clock\","
			   "\"status\":\"healthy\",\"since\":\"2026-01-01T00:00:00.000Z\","
			   "\"reason\":null},{\"name\":\"probes\",\"status\":\"degraded\",");
	assert_holds(text, "\"reason\":\"no \\\"BTF\\\"\"}]");
	assert_holds(text, "\"services\":[{\"service\":\"shop\",\"status\":\"healthy\","
			   "\"reasons\":[]}]");
	free(text);
	health_put(d.site.health, "probes", HEALTH_UNHEALTHY, "gone", NOW_MS);
	text = document_text(&d, document_health, "/x");
	assert_non_null(text);
	assert_int_equal(d.no.status, 503);
	free(text);
	document_close(&d);
}

static void health_lists_what_the_kernel_gives_and_refuses(void **state)
{
	struct facility loaded = { .set = "life",
				   .name = "exec",
				   .state = FACILITY_LOADED,
				   .runs = 7,
				   .run_ns = 1500000,
				   .dropped = 2 };
	struct facility refused = { .set = "wait",
				    .name = "switch",
				    .state = FACILITY_REFUSED,
				    .error = 1,
				    .runs = FACILITY_UNKNOWN,
				    .run_ns = FACILITY_UNKNOWN };
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	health_facility_put(d.site.health, &loaded);
	health_facility_put(d.site.health, &refused);
	text = document_text(&d, document_health, "/x");
	assert_holds(text, "\"facilities\":[{\"set\":\"life\",\"name\":\"exec\","
			   "\"state\":\"loaded\",\"errno\":null,\"reason\":null,\"runs\":7,"
			   "\"runMs\":1.5,\"dropped\":2},");
	assert_holds(text, "\"state\":\"refused\",\"errno\":\"EPERM\",\"reason\":\"CAP_BPF");
	assert_holds(text, "\"runs\":null,\"runMs\":null,\"dropped\":0}]");
	free(text);
	document_close(&d);
}

static void a_process_that_is_badly_off_makes_its_service_so(void **state)
{
	struct metrics_process rows[3] = { { .alive = true },
					   { .alive = true },
					   { .alive = false } };
	struct json j;

	(void)state;
	for (int i = 0; i < 3; i++) {
		strcpy(rows[i].target.service, "shop");
		rows[i].target.pid = i + 1;
		rows[i].memory_level = rows[i].cpu_level = METRICS_OK;
	}
	rows[2].memory_level = METRICS_DUMP; /* it has ended */
	assert_string_equal(state_of_service(rows, 3, "shop"), "healthy");
	rows[1].cpu_level = METRICS_WARNING;
	rows[1].cpu_percent = 71.25;
	assert_string_equal(state_of_service(rows, 3, "shop"), "degraded");
	rows[0].memory_level = METRICS_CRITICAL;
	rows[0].memory_percent = 92;
	assert_string_equal(state_of_service(rows, 3, "shop"), "unhealthy");
	assert_string_equal(state_of_service(rows, 3, "another"), "healthy");
	assert_true(state_is_first(rows, 0));
	assert_false(state_is_first(rows, 1));
	assert_false(state_is_first(rows, 2));
	json_init(&j);
	json_object_begin(&j, NULL);
	state_put_reasons(rows, 3, "shop", &j);
	json_object_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_string_equal(j.bytes, "{\"reasons\":[\"pid 1 uses 92.0 % of its memory limit\","
				     "\"pid 2 uses 71.2 % of its CPU\"]}");
	json_fini(&j);
}

static void secrets_are_masked_and_sources_are_told(void **state)
{
	static const char file[] = "{\"http\":{\"read_token\":\"geheim\","
				   "\"listen\":[\"127.0.0.1:1\",\"127.0.0.1:2\"]},"
				   "\"redis\":{\"url\":\"redis://ich:geheim@[::1]:7000/2\"},"
				   "\"cache\":{\"origins\":[{\"prefix\":\"a:\","
				   "\"url\":\"http://h/{rest}?k=geheim\","
				   "\"headers\":{\"X-Key\":\"geheim\"}}]}}";
	struct document_fixture d;
	struct config_error error;
	char *text;

	(void)state;
	document_open(&d);
	assert_int_equal(config_read(d.config, "r.json", file, strlen(file), &error), 0);
	text = document_text(&d, document_config, "/x");
	assert_lacks(text, "geheim");
	assert_holds(text, "\"value\":\"********\",\"source\":\"file\",\"where\":\"r.json");
	assert_holds(text, "\"value\":[\"127.0.0.1:1\",\"127.0.0.1:2\"],\"source\":\"file\"");
	assert_holds(text, "\"key\":\"redis.url\",\"type\":\"redis\","
			   "\"value\":[\"redis://[::1]:7000\"],\"source\":\"file\"");
	assert_holds(text, "\"type\":\"origins\",\"value\":[\"prefix=a: url=http://h/{rest}?…"
			   " headers=X-Key: ********\"]");
	assert_holds(text, "\"key\":\"run_dir\",\"type\":\"path\",\"value\":\"/run/ringside\","
			   "\"source\":\"default\"");
	assert_holds(text, "\"environment\":\"RINGSIDE_RUN_DIR\",\"flag\":\"run-dir\","
			   "\"unit\":null,");
	free(text);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_alive_for_as_long_as_it_runs),
		cmocka_unit_test(it_is_not_ready_with_a_reason_until_it_is),
		cmocka_unit_test(health_lists_what_the_kernel_gives_and_refuses),
		cmocka_unit_test(health_lists_parts_and_is_503_only_when_unhealthy),
		cmocka_unit_test(a_process_that_is_badly_off_makes_its_service_so),
		cmocka_unit_test(secrets_are_masked_and_sources_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
