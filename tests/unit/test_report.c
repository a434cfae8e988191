#include "../../agent/profile/report.c"
#include "graph_fixture.h"

#include <string.h>

static void collapsed_stacks_are_a_line_each(void **state)
{
	struct graph *g = graph_fixture();
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(report_collapsed(g, &text, &length), 0);
	assert_string_equal(text, "main;work<int>:x 60\n"
				  "main;work<int>:x;do_syscall_[k] 10\n"
				  "main;[server] 30\n");
	assert_int_equal(length, strlen(text));
	free(text);
	graph_close(g);
}

static void a_stack_without_frames_is_unknown(void **state)
{
	struct graph *g = graph_fixture();
	size_t length;
	char *text;

	(void)state;
	graph_add(g, NULL, 0, 5);
	assert_int_equal(report_collapsed(g, &text, &length), 0);
	assert_non_null(strstr(text, "\n[unknown] 5\n"));
	free(text);
	graph_close(g);
}

static void json_has_frames_once_and_stacks_by_index(void **state)
{
	struct graph *g = graph_fixture();
	struct json j;

	(void)state;
	g->lost = 3;
	json_init(&j);
	report_json(g, &j);
	assert_int_equal(json_finish(&j), 0);
	assert_non_null(strstr(j.bytes, "\"samples\":100,\"lost\":3,\"problem\":null"));
	assert_non_null(strstr(j.bytes, "{\"name\":\"[server]\",\"module\":\"/usr/bin/server\","
					"\"kernel\":false,\"unnamedBecause\":\"no symbols\"}"));
	assert_non_null(strstr(j.bytes, "{\"samples\":10,\"frames\":[0,1,3]}"));
	json_fini(&j);
	graph_close(g);
}

static void waits_have_their_time_number_and_cause(void **state)
{
	struct graph *g = graph_fixture_waits();
	struct json j;
	size_t length;
	char *text;

	(void)state;
	json_init(&j);
	report_json(g, &j);
	assert_int_equal(json_finish(&j), 0);
	assert_non_null(strstr(j.bytes, "{\"kind\":\"offcpu\","));
	assert_non_null(strstr(j.bytes, "\"waits\":10,\"waitedNs\":9500000000,"
					"\"spanNs\":10000000000,"));
	assert_non_null(strstr(j.bytes, "{\"waits\":9,\"waitedNs\":500000000,\"cause\":\"sleep\","
					"\"frames\":[0,2]}"));
	assert_null(strstr(j.bytes, "hz"));
	json_fini(&j);
	assert_int_equal(report_collapsed(g, &text, &length), 0);
	assert_string_equal(text, "main;[lock] 9000000000\nmain;[sleep] 500000000\n");
	free(text);
	graph_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collapsed_stacks_are_a_line_each),
		cmocka_unit_test(a_stack_without_frames_is_unknown),
		cmocka_unit_test(json_has_frames_once_and_stacks_by_index),
		cmocka_unit_test(waits_have_their_time_number_and_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
