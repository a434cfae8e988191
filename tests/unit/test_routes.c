#include "routes.h"

#include "metrics_fixture.h"

#include <stdio.h>

#if defined(__SANITIZE_THREAD__) /* one thread: it learns no more of the rest */
#define MANY 200000
#else
#define MANY 1000000
#endif
#define REAL 40

static struct registry registry;
static struct series_budget budget;

static struct service *fresh(void)
{
	memset(&registry, 0, sizeof(registry));
	budget = (struct series_budget){ .limit = 1 << 24 };
	return registry_service(&registry, "shop", "test");
}

static struct route *find(struct service *service, const char *path, bool refused)
{
	const struct routes_ask ask = { path, RS_METHOD_GET, refused };

	return routes_find(&registry, service, &ask);
}

static void renamed(void *ctx, const struct route *route, const char *name)
{
	(void)route;
	(void)name;
	++*(int *)ctx;
}

static int reroute(void)
{
	int count = 0;

	registry_link(&registry);
	routes_reroute(&registry, &(struct routes_change){ &budget, renamed, &count });
	return count;
}

static int listed(const struct service *service, const char *path)
{
	int count = 0;

	for (const struct route *r = service->routes; r; r = r->next)
		count += !path || !strcmp(r->path, path);
	return count;
}

static void routes_are_told_apart_by_method_and_path(void **state)
{
	struct service *service = fresh();
	const struct routes_ask post = { "/users/{id}", RS_METHOD_POST, false };
	struct route *get = find(service, "/users/{id}", false);

	(void)state;
	assert_ptr_equal(find(service, "/users/{id}", false), get);
	assert_ptr_equal(find(service, "/users/17", false), get);
	assert_string_equal(get->path, "/users/{id}");
	assert_ptr_not_equal(routes_find(&registry, service, &post), get);
	assert_ptr_not_equal(find(service, "/users/{", false), get);
	registry_fini(&registry, &budget);
}

static void the_201st_route_is_other_and_says_so(void **state)
{
	struct service *service = fresh();
	struct route *other;
	char path[32];

	(void)state;
	for (int i = 0; i < METRICS_ROUTES; i++) {
		snprintf(path, sizeof(path), "/a%d/b%d", i / 50, i % 50);
		assert_string_equal(find(service, path, false)->path, path);
	}
	other = find(service, "/one/more", false);
	assert_string_equal(other->path, "_other");
	assert_int_equal(other->why, 1 << METRICS_OTHER_FULL);
	assert_ptr_equal(find(service, "/and/another", true), other);
	assert_string_equal(find(service, "/a0/b7", false)->path, "/a0/b7");
	assert_int_equal(service->route_count, METRICS_ROUTES);
	registry_fini(&registry, &budget);
}

static void a_path_of_128_bytes_fits_and_an_unknown_one_is_other(void **state)
{
	struct service *service = fresh();
	char path[RS_PATH_BYTES + 2];

	(void)state;
	memset(path, 'p', sizeof(path));
	path[RS_PATH_BYTES] = '\0';
	assert_string_equal(find(service, path, false)->path, path);
	assert_string_equal(find(service, "", false)->path, "_other");
	assert_string_equal(find(service, "_other", false)->path, "_other");
	path[RS_PATH_BYTES] = 'p';
	path[RS_PATH_BYTES + 1] = '\0';
	assert_string_equal(find(service, path, false)->path, "_other");
	assert_int_equal(service->other->why, 1 << METRICS_OTHER_UNKNOWN);
	registry_fini(&registry, &budget);
}

static void what_is_refused_has_half_of_the_routes_and_teaches_nothing(void **state)
{
	struct service *service = fresh();
	char path[32];

	(void)state;
	find(service, "/posts/first", false);
	for (int i = 0; i < 2 * METRICS_ROUTES; i++) {
		snprintf(path, sizeof(path), "/hole%d/x%d", i % 50, i / 50);
		find(service, path, true);
	}
	assert_int_equal(service->strays, ROUTES_STRAYS);
	assert_int_equal(service->other->why, 1 << METRICS_OTHER_REFUSED);
	for (int i = 0; i < 10 * METRICS_ROUTES; i++) {
		snprintf(path, sizeof(path), "/posts/hole-%d", i);
		find(service, path, true);
	}
	assert_string_equal(find(service, "/posts/second", false)->path, "/posts/second");
	registry_fini(&registry, &budget);
}

static void a_route_that_is_served_once_is_no_stray(void **state)
{
	struct service *service = fresh();
	struct route *route = find(service, "/late", true);

	(void)state;
	assert_true(route->stray);
	assert_ptr_equal(find(service, "/late", false), route);
	assert_false(route->stray);
	assert_int_equal(service->strays, 0);
	assert_ptr_equal(find(service, "/late", true), route);
	assert_false(route->stray);
	registry_fini(&registry, &budget);
}

static void only_refused_paths_have_templates_too(void **state)
{
	struct service *service = fresh();
	char path[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/posts/word-%d", i);
		find(service, path, true);
	}
	reroute();
	assert_int_equal(listed(service, "/posts/{name}"), 1);
	assert_int_equal(service->route_count, 1);
	registry_fini(&registry, &budget);
}

static void a_pattern_comes_before_all_that_is_learned(void **state)
{
	struct service *service = fresh();

	(void)state;
	strcpy(registry.patterns[registry.pattern_count++], "/posts/new");
	strcpy(registry.patterns[registry.pattern_count++], "/posts/{slug}");
	strcpy(registry.patterns[registry.pattern_count++], "/static/*");
	assert_string_equal(find(service, "/posts/new", false)->path, "/posts/new");
	assert_string_equal(find(service, "/posts/7", false)->path, "/posts/{slug}");
	assert_string_equal(find(service, "/posts/x", true)->path, "/posts/{slug}");
	assert_string_equal(find(service, "/static/a/7/b.js", false)->path, "/static/*");
	assert_string_equal(find(service, "/users/7", false)->path, "/users/{id}");
	assert_int_equal(service->strays, 0);
	registry_fini(&registry, &budget);
}

/* Booked into the routes themselves, by second. */
static void book(struct route *route, uint32_t second, uint32_t count)
{
	struct slot slot;

	slot_init(&slot, second);
	slot.sums.count = count;
	slot.sums.min_ns = second;
	slot.sums.max_ns = second;
	slot_bucket_add(&slot, 3, count);
	series_add(&route->account.series, &slot, &budget);
	lifetime_add(&route->account.lifetime, &slot);
}

static void nothing_is_lost_when_routes_are_united(void **state)
{
	struct service *service = fresh();
	static struct slot_window out;
	struct series_span span;
	struct route *all;
	uint16_t numbers;
	char path[32];

	(void)state;
	for (uint32_t i = 0; i <= TEMPLATE_WIDTH; i++) {
		struct route *route;

		snprintf(path, sizeof(path), "/posts/word-%u", i);
		route = find(service, path, false);
		book(route, 100 + i % 3, 1 + i);
		book(route, 200, 1);
		series_age(&route->account.series, 150 + i, &budget);
	}
	numbers = registry.route_count;
	assert_int_equal(reroute(), TEMPLATE_WIDTH); /* the last one had its name at once */
	assert_int_equal(service->route_count, 1);
	assert_int_equal(listed(service, NULL), 1);
	all = find(service, "/posts/{name}", false);
	assert_ptr_equal(service->routes, all);
	slot_window_init(&out);
	span = series_span_of(&budget, 90, 210, 210);
	series_window(&all->account.series, &span, &out);
	assert_int_equal(out.sums.count, 65 * 66 / 2 + 65);
	assert_int_equal(out.buckets[3], out.sums.count);
	assert_int_equal(out.sums.min_ns, 100);
	assert_int_equal(out.sums.max_ns, 200);
	slot_window_clear(&out);
	span = series_span_of(&budget, 0, 5000, 5000);
	series_window(&all->account.series, &span, &out);
	assert_int_equal(out.sums.count, 65 * 66 / 2 + 65);
	assert_int_equal(all->account.lifetime.sums.count, out.sums.count);
	assert_int_equal(all->account.lifetime.steps[0], out.sums.count);
	assert_int_equal(budget.given_up, 0);
	/* A new route takes the place and the number of one that is gone. */
	find(service, "/new", false);
	assert_int_equal(registry.route_count, numbers);
	assert_int_equal(reroute(), 0);
	registry_fini(&registry, &budget);
}

struct tally {
	uint64_t all, other;
	int rows;
};

static struct tally tally_of(struct fixture *f, uint64_t now_ns)
{
	const struct metrics_scope scope = { .service = "shop", .to_ns = now_ns };
	struct metrics_row *rows;
	struct tally tally = { .rows = metrics_routes(f->m, &scope, &rows) };

	for (int i = 0; i < tally.rows; i++) {
		bool other = strcmp(rows[i].route, "_other") == 0;

		assert_int_equal(rows[i].other, other ? 1 << METRICS_OTHER_FULL : 0);
		tally.all += rows[i].sums.count;
		tally.other += other ? rows[i].sums.count : 0;
	}
	free(rows);
	return tally;
}

/* What the shim sends once its table of shapes is full: raw paths. */
static void many_path(int i, char *path, size_t size)
{
	int route = i % REAL, n = i / REAL;

	if (route % 4 == 0)
		snprintf(path, size, "/api/r%d/w%d-x", route, n);
	else if (route % 4 == 1)
		snprintf(path, size, "/api/r%d/%d", route, n);
	else if (route % 4 == 2)
		snprintf(path, size, "/api/r%d/w%dx/edit", route, n);
	else
		snprintf(path, size, "/api/r%d/%08xa", route, (unsigned int)n);
}

static void a_million_paths_of_forty_routes_are_forty_templates(void **state)
{
	uint64_t now = 1000 * SECOND;
	char path[RS_PATH_BYTES + 1];
	struct tally tally;
	struct fixture f;

	(void)state;
	fixture_open(&f, now);
	for (int i = 0; i < MANY; i++) {
		struct drain_request request = { .end_ns = now,
						 .span_ns = MILLISECOND,
						 .path = path,
						 .status = 200,
						 .method = RS_METHOD_GET };

		many_path(i, path, sizeof(path));
		f.sink.request(f.sink.ctx, &f.target, &request);
		/* The totals are right at each tick, while the templates are being learned too. */
		if (i % 997 == 0 && i < 20000) {
			fixture_tick(&f, now);
			assert_int_equal(tally_of(&f, now).all, i + 1);
		}
		if (i % 10000 == 9999) {
			now += SECOND / 10;
			fixture_tick(&f, now);
		}
	}
	fixture_tick(&f, now);
	tally = tally_of(&f, now);
	assert_int_equal(tally.all, MANY);
	assert_int_equal(tally.rows, REAL + 1);
	/* What came before its place was known to be variable, and no more. */
	assert_in_range(tally.other, 1, REAL * (TEMPLATE_WIDTH + 1));
	assert_true(f.m->registry.services->served.used < TEMPLATE_NODES);
	metrics_close(f.m);
}

static void a_number_follows_the_route_of_its_path(void **state)
{
	uint64_t now = 1000 * SECOND;
	struct drain_request request = { .end_ns = now,
					 .path = "/posts/word-1",
					 .known = 1,
					 .shape = true,
					 .status = 404,
					 .method = RS_METHOD_GET };
	struct metrics_scope scope = fixture_scope("shop", 0, "/posts/{name}");
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, now);
	f.sink.request(f.sink.ctx, &f.target, &request);
	fixture_tick(&f, now);
	assert_int_equal(f.m->registry.services->strays, 1);
	request.status = 200; /* now it exists */
	f.sink.request(f.sink.ctx, &f.target, &request);
	fixture_tick(&f, now);
	assert_int_equal(f.m->registry.services->strays, 0);
	for (uint32_t i = 1; i <= TEMPLATE_WIDTH + 1; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/posts/word-%u", i);
		fixture_request_as(&f, &f.target, now, 1, path, 200, 0);
	}
	fixture_tick(&f, now);
	f.sink.request(f.sink.ctx, &f.target, &request);
	fixture_tick(&f, now);
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, TEMPLATE_WIDTH + 1 + 3);
	metrics_close(f.m);
}

static void a_slow_request_follows_its_route(void **state)
{
	const struct metrics_scope scope = { .service = "shop", .route = "/posts/{name}" };
	uint64_t now = 1000 * SECOND;
	struct metrics_slow *rows;
	struct fixture f;
	char path[32];

	(void)state;
	fixture_open(&f, now);
	for (uint32_t i = 0; i <= TEMPLATE_WIDTH; i++) {
		snprintf(path, sizeof(path), "/posts/word-%u", i);
		fixture_request_as(&f, &f.target, now, 2 * SECOND, path, 200, 0);
	}
	fixture_tick(&f, now);
	assert_int_equal(metrics_slowest(f.m, &scope, &rows), TEMPLATE_WIDTH + 1);
	assert_string_equal(rows[0].route, "/posts/{name}");
	free(rows);
	metrics_close(f.m);
}

static void a_restart_keeps_the_names(void **state)
{
	static uint8_t saved[METRICS_SAVE_BYTES];
	uint64_t now = 1000 * SECOND;
	struct metrics_window w;
	struct metrics_scope scope;
	struct fixture f;
	size_t size;

	(void)state;
	fixture_open(&f, now);
	fixture_request_as(&f, &f.target, now, SECOND, "/o/123e4567-e89b-12d3-a456-426614174000",
			   200, 0);
	fixture_request_as(&f, &f.target, now, SECOND, "/hole", 404, 0);
	fixture_tick(&f, now);
	size = metrics_save(f.m, saved, sizeof(saved));
	assert_true(size > 0);
	metrics_close(f.m);
	fixture_open(&f, now + SECOND);
	assert_int_equal(metrics_restore(f.m, saved, size, now + SECOND), 0);
	assert_int_equal(f.m->registry.services->strays, 1);
	fixture_request_as(&f, &f.target, now + SECOND, SECOND, "/o/{uuid}", 200, 0);
	fixture_tick(&f, now + 2 * SECOND);
	scope = fixture_scope("shop", 0, "/o/{uuid}");
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 2);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_are_told_apart_by_method_and_path),
		cmocka_unit_test(the_201st_route_is_other_and_says_so),
		cmocka_unit_test(a_path_of_128_bytes_fits_and_an_unknown_one_is_other),
		cmocka_unit_test(what_is_refused_has_half_of_the_routes_and_teaches_nothing),
		cmocka_unit_test(a_route_that_is_served_once_is_no_stray),
		cmocka_unit_test(only_refused_paths_have_templates_too),
		cmocka_unit_test(a_pattern_comes_before_all_that_is_learned),
		cmocka_unit_test(nothing_is_lost_when_routes_are_united),
		cmocka_unit_test(a_million_paths_of_forty_routes_are_forty_templates),
		cmocka_unit_test(a_number_follows_the_route_of_its_path),
		cmocka_unit_test(a_slow_request_follows_its_route),
		cmocka_unit_test(a_restart_keeps_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
