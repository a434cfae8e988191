#include "metrics_fixture.h"

static struct metrics_window window_of(struct fixture *f, struct metrics_scope scope)
{
	struct metrics_window window;

	assert_int_equal(metrics_window_get(f->m, &scope, &window), 0);
	return window;
}

static void a_number_is_looked_at_before_its_path(void **state)
{
	struct drain_request request = { .end_ns = 1000 * SECOND,
					 .span_ns = MILLISECOND,
					 .path = "/a",
					 .known = 7 << 16 | 1,
					 .shape = true,
					 .status = 200,
					 .method = RS_METHOD_GET };
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	f.sink.request(f.sink.ctx, &f.target, &request);
	request.path = "/never/looked/at/again";
	f.sink.request(f.sink.ctx, &f.target, &request);
	request.path = "/b";
	request.known = 7 << 16 | 2;
	f.sink.request(f.sink.ctx, &f.target, &request);
	/* The same number with another method is another route of the same path. */
	request.path = "/a";
	request.known = 7 << 16 | 1;
	request.method = RS_METHOD_POST;
	f.sink.request(f.sink.ctx, &f.target, &request);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(window_of(&f, fixture_scope("shop", 0, "/a")).sums.count, 3);
	assert_int_equal(window_of(&f, fixture_scope("shop", 0, "/b")).sums.count, 1);
	metrics_close(f.m);
}

static void every_sum_of_a_route_is_that_of_its_records(void **state)
{
	static const uint64_t spans[] = { 3 * MILLISECOND, 2 * SECOND, 6 * SECOND };
	struct metrics_sums *sums;
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	for (int i = 0; i < 3; i++)
		fixture_request_as(&f, &f.target, 1000 * SECOND, spans[i], "/a",
				   (uint16_t)(200 + 100 * i), 0);
	fixture_request_as(&f, &f.target, 1000 * SECOND, 1000, "/a", 200, RS_FLAG_CUT_BY_CLIENT);
	fixture_request_as(&f, &f.target, 1000 * SECOND, 1000, "/a", 0, RS_FLAG_ABORTED);
	fixture_tick(&f, 1000 * SECOND);
	w = window_of(&f, fixture_scope("shop", 0, "/a"));
	sums = &w.sums;
	assert_int_equal(sums->count, 5);
	assert_int_equal(sums->recorded, 5);
	assert_int_equal(sums->status[1], 2);
	assert_int_equal(sums->status[2], 1);
	assert_int_equal(sums->status[3], 1);
	assert_int_equal(sums->aborted, 1);
	assert_int_equal(sums->errors, 1);
	assert_int_equal(sums->cut_by_client, 1);
	assert_int_equal(sums->cut_by_server, 0);
	assert_int_equal(sums->bytes_in, 5 * 40);
	assert_int_equal(sums->bytes_out, 5 * 600);
	assert_int_equal(sums->slow_warning, 1);
	assert_int_equal(sums->slow_critical, 1);
	assert_int_equal(sums->min_ns, 1000);
	assert_int_equal(sums->max_ns, 6 * SECOND);
	assert_int_equal(sums->span_ns, spans[0] + spans[1] + spans[2] + 2000);
	metrics_close(f.m);
}

static void an_error_is_a_5xx_a_cut_reply_or_no_reply(void **state)
{
	static const struct {
		uint16_t status;
		uint8_t flags;
		uint64_t errors;
	} cases[] = {
		{ 200, 0, 0 },
		{ 404, 0, 0 },
		{ 500, 0, 1 },
		{ 599, 0, 1 },
		{ 600, 0, 0 },
		{ 200, RS_FLAG_CUT_BY_SERVER, 1 },
		{ 503, RS_FLAG_CUT_BY_SERVER, 1 },
		{ 200, RS_FLAG_CUT_BY_CLIENT, 0 },
		{ 0, RS_FLAG_ABORTED, 1 },
		{ 0, RS_FLAG_ABORTED | RS_FLAG_CUT_BY_CLIENT, 0 },
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_open(&f, 1000 * SECOND);
		fixture_request_as(&f, &f.target, 1000 * SECOND, 1000, "/a", cases[i].status,
				   cases[i].flags);
		fixture_tick(&f, 1000 * SECOND);
		assert_int_equal(window_of(&f, fixture_scope("shop", 0, NULL)).sums.errors,
				 cases[i].errors);
		assert_int_equal(window_of(&f, fixture_scope("shop", 0, "/a")).sums.errors,
				 cases[i].errors);
		metrics_close(f.m);
	}
}

static void a_raw_path_joins_the_route_of_its_shape(void **state)
{
	struct drain_request request = { .end_ns = 1000 * SECOND,
					 .span_ns = 2 * SECOND,
					 .path = "/users/42/orders",
					 .status = 200,
					 .method = RS_METHOD_GET };
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_slow *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	f.sink.request(f.sink.ctx, &f.target, &request);
	fixture_request_as(&f, &f.target, 1000 * SECOND, MILLISECOND, "/users/{id}/orders", 200, 0);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(window_of(&f, fixture_scope("shop", 0, "/users/{id}/orders")).sums.count,
			 2);
	/* The list shows what was asked for, beside its route. */
	assert_int_equal(metrics_slowest(f.m, &scope, &rows), 2);
	assert_string_equal(rows[0].path, "/users/42/orders");
	assert_string_equal(rows[0].route, "/users/{id}/orders");
	free(rows);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_looked_at_before_its_path),
		cmocka_unit_test(every_sum_of_a_route_is_that_of_its_records),
		cmocka_unit_test(an_error_is_a_5xx_a_cut_reply_or_no_reply),
		cmocka_unit_test(a_raw_path_joins_the_route_of_its_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
