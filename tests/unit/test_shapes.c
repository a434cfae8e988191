#include "drain_fixture.h"
#include "shapes.h"

#include <stdlib.h>

struct bench {
	struct fixture f;
	struct segment *segment;
	struct shapes_budget budget;
	struct shapes *shapes;
};

static void bench_open(struct bench *b)
{
	struct rs_header claims;

	memset(b, 0, sizeof(*b));
	fixture_open(&b->f);
	assert_int_equal(segment_open(&b->segment, b->f.fd, &claims), 0);
	b->shapes = malloc(sizeof(*b->shapes));
	shapes_init(b->shapes, &b->budget);
}

static void bench_close(struct bench *b)
{
	shapes_fini(b->shapes);
	assert_int_equal(b->budget.used, 0);
	free(b->shapes);
	segment_close(b->segment);
	fixture_close(&b->f);
}

static void a_path_is_canonical_and_stays_where_it_is(void **state)
{
	const char *path;
	struct bench b;
	uint16_t id;

	(void)state;
	bench_open(&b);
	id = fixture_shape(&b.f, 0, 0, "/a b/\x80");
	path = shapes_path(b.shapes, b.segment, id);
	assert_string_equal(path, "/a%20b/%80");
	fixture_shape(&b.f, 0, 0, "/other"); /* an entry never changes: this one lies */
	assert_ptr_equal(shapes_path(b.shapes, b.segment, id), path);
	assert_string_equal(path, "/a%20b/%80");
	bench_close(&b);
}

static void an_id_that_could_not_be_has_no_path(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_null(shapes_path(b.shapes, b.segment, 0));
	assert_null(shapes_path(b.shapes, b.segment, 1));
	assert_null(shapes_path(b.shapes, b.segment, RS_SHAPES_BYTES / 8 - 1));
	assert_null(shapes_path(b.shapes, b.segment, UINT16_MAX));
	assert_null(shapes_path(b.shapes, b.segment, RS_SHAPE_FIRST / 8)); /* not written yet */
	assert_int_equal(b.budget.used, 0);
	bench_close(&b);
}

static void a_cell_has_the_path_of_the_shape_that_names_it(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_shape(&b.f, 0, 3, "/three");
	fixture_shape(&b.f, 1, 4, "/four");
	fixture_shape(&b.f, 2, RS_OTHER_CELL, "/beyond");
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 4), "/four");
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), "/three");
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, RS_OTHER_CELL), SHAPES_OTHER);
	bench_close(&b);
}

static void the_index_is_read_once_until_the_caller_asks_again(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), SHAPES_OTHER);
	fixture_shape(&b.f, 0, 3, "/three");
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), SHAPES_OTHER);
	b.shapes->listed = false;
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), "/three");
	bench_close(&b);
}

static void of_two_shapes_with_one_cell_the_first_counts(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_shape(&b.f, 0, 3, "/first");
	fixture_shape(&b.f, 1, 3, "/second");
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), "/first");
	bench_close(&b);
}

static void without_room_there_is_no_path_and_it_is_counted(void **state)
{
	struct bench b;
	uint16_t id;

	(void)state;
	bench_open(&b);
	id = fixture_shape(&b.f, 0, 3, "/three");
	b.budget.used = SHAPES_BYTES;
	assert_null(shapes_path(b.shapes, b.segment, id));
	assert_string_equal(shapes_cell_path(b.shapes, b.segment, 3), SHAPES_OTHER);
	assert_int_equal(b.budget.lost, 2);
	b.budget.used = 0;
	assert_string_equal(shapes_path(b.shapes, b.segment, id), "/three");
	bench_close(&b);
}

/* Every id there is, each a path of its own: the budget holds. */
static void a_hostile_table_costs_no_more_than_the_budget(void **state)
{
	uint64_t found = 0;
	struct bench b;

	(void)state;
	bench_open(&b);
	memset(b.f.base + RS_SHAPES_AT, 1, RS_SHAPES_BYTES);
	for (uint32_t at = RS_SHAPE_FIRST; at < RS_SHAPES_BYTES; at += 8)
		((struct rs_shape *)(void *)(b.f.base + RS_SHAPES_AT + at))->length = 128;
	for (uint32_t id = 0; id <= UINT16_MAX; id++)
		found += shapes_path(b.shapes, b.segment, (uint16_t)id) != NULL;
	assert_true(found > 20000);
	assert_true(b.budget.used <= SHAPES_BYTES);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_canonical_and_stays_where_it_is),
		cmocka_unit_test(an_id_that_could_not_be_has_no_path),
		cmocka_unit_test(a_cell_has_the_path_of_the_shape_that_names_it),
		cmocka_unit_test(the_index_is_read_once_until_the_caller_asks_again),
		cmocka_unit_test(of_two_shapes_with_one_cell_the_first_counts),
		cmocka_unit_test(without_room_there_is_no_path_and_it_is_counted),
		cmocka_unit_test(a_hostile_table_costs_no_more_than_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
