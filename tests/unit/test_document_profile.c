#include "../../agent/web/document_profile.c" /* the graph is the test's own */
#include "graph_fixture.h"

static int graph_result;
static const struct clerk *graph_clerk; /* who was asked */
static struct profile_scope graph_scope;

int clerk_ask(struct clerk *c, const void *who, const struct profile_scope *scope, uint64_t now_ns,
	      struct graph **out)
{
	graph_clerk = c;
	(void)who;
	(void)now_ns;
	graph_scope = *scope;
	*out = graph_result ? NULL : graph_fixture();
	return graph_result;
}

static bool graph_busy;

bool clerk_is_busy(const struct clerk *c, const void *who)
{
	(void)c;
	(void)who;
	return graph_busy;
}

struct asked {
	struct reply reply;
	struct refusal no;
	int result;
};

static void ask(struct asked *a, const char *target)
{
	const struct request r = { .method = "GET", .target = target, .wall_ms = 1000 };
	struct site site = { .clerk = (struct clerk *)(uintptr_t)8,
			     .unwinder = (struct clerk *)(uintptr_t)16 };
	struct params params;

	memset(a, 0, sizeof(*a));
	assert_int_equal(params_split(target, &params, &a->no), 0);
	a->result = document_profile(&site, &r, &params, &a->reply, &a->no);
}

static void each_format_has_its_type(void **state)
{
	static const char *const expected[][3] = {
		{ "/api/profile/cpu", "application/octet-stream", "\x1f\x8b" },
		{ "/api/profile/cpu?format=pprof", "application/octet-stream", "\x1f\x8b" },
		{ "/api/profile/cpu?format=collapsed", "text/plain; charset=utf-8", "main;" },
		{ "/api/profile/cpu?format=svg", "image/svg+xml", "<?xml" },
		{ "/api/profile/cpu?format=json", REPLY_JSON,
		  "{\"success\":true,\"data\":{\"kind\":\"cpu\"," },
	};
	struct asked a;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		ask(&a, expected[i][0]);
		assert_int_equal(a.result, 0);
		assert_int_equal(a.reply.status, 200);
		assert_string_equal(a.reply.type, expected[i][1]);
		assert_memory_equal(a.reply.body->bytes, expected[i][2], strlen(expected[i][2]));
		reply_fini(&a.reply);
	}
}

static void the_scope_is_what_was_asked_for(void **state)
{
	struct asked a;

	(void)state;
	ask(&a, "/api/profile/cpu?pid=70&seconds=300&format=collapsed");
	assert_int_equal(graph_scope.pid, 70);
	assert_int_equal(graph_scope.seconds, 300);
	assert_null(graph_scope.service);
	reply_fini(&a.reply);
	assert_false(graph_scope.unwind);
	assert_int_equal((uintptr_t)graph_clerk, 8);
	ask(&a, "/api/profile/cpu?pid=70&unwind=1&format=collapsed");
	assert_true(graph_scope.unwind); /* by the one who has time */
	assert_int_equal((uintptr_t)graph_clerk, 16);
	reply_fini(&a.reply);
	ask(&a, "/api/profile/offcpu?pid=70&format=collapsed");
	assert_true(graph_scope.offcpu && !graph_scope.unwind);
	assert_int_equal((uintptr_t)graph_clerk, 16);
	reply_fini(&a.reply);
	ask(&a, "/debug/pprof/profile");
	assert_false(graph_scope.offcpu);
	assert_int_equal(graph_scope.pid, 0);
	assert_int_equal(graph_scope.seconds, 30);
	reply_fini(&a.reply);
}

static void wrong_questions_name_their_parameter(void **state)
{
	static const char *const wrong[][2] = {
		{ "/x?pid=0", "pid" },
		{ "/x?pid=a", "pid" },
		{ "/x?seconds=0", "seconds" },
		{ "/x?seconds=301", "seconds" },
		{ "/x?format=pdf", "format" },
		{ "/x?window=5m", "window" },
		{ "/x?pid=1&pid=2", "pid" },
		{ "/x?seconds=", "seconds" },
		{ "/x?pid=99999999999", "pid" },
		{ "/x?pid=1&unwind=2", "unwind" },
		{ "/x?unwind=1", "unwind" },
		{ "/x?pid=1&service=a&unwind=1", "unwind" },
		{ "/api/profile/offcpu", "pid" },
		{ "/api/profile/offcpu?pid=1&service=a", "pid" },
		{ "/api/profile/offcpu?pid=1&unwind=1", "unwind" },
	};
	struct asked a;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask(&a, wrong[i][0]);
		assert_int_equal(a.result, -EINVAL);
		assert_int_equal(a.no.status, 400);
		assert_string_equal(a.no.field, wrong[i][1]);
	}
}

static void nobody_and_nothing_have_their_status(void **state)
{
	struct asked a;

	(void)state;
	graph_busy = true;
	ask(&a, "/x?pid=5&unwind=1");
	assert_int_equal(a.no.status, 503);
	assert_string_equal(a.no.code, "busy");
	graph_busy = false;
	graph_result = -ENOENT;
	ask(&a, "/x?pid=5");
	assert_int_equal(a.no.status, 404);
	ask(&a, "/x?pid=5&unwind=1");
	assert_int_equal(a.no.status, 404);
	graph_result = -ELIBACC;
	ask(&a, "/x?pid=5&unwind=1");
	assert_int_equal(a.no.status, 503);
	assert_non_null(strstr(a.no.message, "libdw1"));
	graph_result = -EPERM;
	ask(&a, "/x?pid=5&unwind=1");
	assert_int_equal(a.no.status, 503);
	assert_non_null(strstr(a.no.message, "EPERM"));
	ask(&a, "/api/profile/offcpu?pid=5");
	assert_int_equal(a.no.status, 503);
	assert_non_null(strstr(a.no.message, "EPERM"));
	graph_result = -ENOTSUP;
	ask(&a, "/x?pid=5");
	assert_int_equal(a.no.status, 503);
	graph_result = -EAGAIN;
	ask(&a, "/x?pid=5");
	assert_int_equal(a.result, 0);
	assert_true(a.reply.later);
	graph_result = -ENOMEM;
	ask(&a, "/x?pid=5");
	assert_int_equal(a.result, -ENOMEM);
	assert_int_equal(a.no.status, 0);
	graph_result = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_has_its_type),
		cmocka_unit_test(the_scope_is_what_was_asked_for),
		cmocka_unit_test(wrong_questions_name_their_parameter),
		cmocka_unit_test(nobody_and_nothing_have_their_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
