#include "core.h"
#include "kin.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define THREADS 4
#define RACED 500

static uint16_t intern(const char *path, bool *fresh)
{
	uint16_t id;

	assert_true(guard_enter());
	id = shape_intern((const uint8_t *)path, strlen(path), fresh);
	guard_leave();
	return id;
}

static const struct rs_shape *entry(uint16_t id)
{
	return (const struct rs_shape *)(const void *)(home.base + RS_SHAPES_AT + id * 8u);
}

static void a_shape_is_fresh_once(void **state)
{
	bool fresh;
	uint16_t id = intern("/a/b", &fresh);

	(void)state;
	assert_true(fresh);
	assert_int_equal(id, RS_SHAPE_FIRST / 8);
	assert_int_equal(intern("/a/b", &fresh), id);
	assert_false(fresh);
	assert_int_equal(entry(id)->length, 4);
	assert_memory_equal(entry(id)->bytes, "/a/b", 4);
	assert_int_not_equal(intern("/a/c", &fresh), id);
	assert_true(fresh);
	assert_int_equal(home.header->shapes, 2);
}

static void numbers_fold_into_one_shape(void **state)
{
	bool fresh;
	uint16_t id = intern("/users/17/cart", &fresh);

	(void)state;
	assert_int_equal(intern("/users/42/cart", &fresh), id);
	assert_false(fresh);
	assert_memory_equal(entry(id)->bytes, "/users/{id}/cart", 16);
}

static void a_name_that_is_no_path_stays_as_it_is(void **state)
{
	uint16_t id;

	(void)state;
	assert_true(guard_enter());
	assert_int_equal(shape_known((const uint8_t *)"DEADBEEF", 8), 0);
	id = shape_name((const uint8_t *)"DEADBEEF", 8);
	assert_int_not_equal(id, 0);
	assert_memory_equal(entry(id)->bytes, "DEADBEEF", 8);
	assert_int_equal(shape_known((const uint8_t *)"DEADBEEF", 8), id);
	assert_int_equal(shape_name((const uint8_t *)"DEADBEEF", 8), id);
	assert_int_equal(home.header->shapes, 1);
	guard_leave();
}

/* Names without a segment that could be folded. */
static void name(char *to, size_t bytes, int i)
{
	snprintf(to, bytes, "/%c%c%cshape/%.100s", 'g' + i / 400, 'g' + i / 20 % 20, 'g' + i % 20,
		 "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
}

static void a_full_table_says_so_and_keeps_its_entries(void **state)
{
	char path[160];
	bool fresh;
	int full = -1;
	uint16_t first;

	(void)state;
	name(path, sizeof(path), 0);
	first = intern(path, &fresh);
	for (int i = 1; i < 6000 && full < 0; i++) {
		name(path, sizeof(path), i);
		if (!intern(path, &fresh))
			full = i;
		assert_true(fresh);
	}
	assert_in_range(full, 2000, 3072);
	assert_true(here.block->lost[RS_LOST_SHAPE_FULL] > 0);
	name(path, sizeof(path), 0);
	assert_int_equal(intern(path, &fresh), first);
	assert_false(fresh);
	assert_int_equal(shape_cell(first), 0);
	name(path, sizeof(path), 300);
	assert_int_equal(shape_cell(intern(path, &fresh)), RS_OTHER_CELL);
	assert_int_equal(shape_cell(0), RS_OTHER_CELL);
}

static void a_wild_index_word_is_no_match(void **state)
{
	_Atomic uint32_t *index = (_Atomic uint32_t *)(void *)(home.base + RS_SHAPES_AT);
	bool fresh;

	(void)state;
	for (uint32_t i = 0; i < RS_SHAPE_INDEX_WORDS; i++)
		atomic_store(&index[i], 0xffffffffu - i);
	assert_int_equal(intern("/wild", &fresh), 0);
	assert_true(fresh);
}

static uint16_t raced[THREADS][RACED];
static _Atomic int begin;

static void *race(void *ids)
{
	char path[160];
	bool fresh;

	while (!begin)
		;
	for (int i = 0; i < RACED; i++) {
		name(path, sizeof(path), i);
		((uint16_t *)ids)[i] = intern(path, &fresh);
	}
	return NULL;
}

static void threads_agree_on_every_id(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, race, raced[i]);
	begin = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < THREADS; i++)
		assert_memory_equal(raced[0], raced[i], sizeof(raced[0]));
}

static struct rs_header *kin_setup(void)
{
	kin.base =
		mmap(NULL, KIN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(kin.base, MAP_FAILED);
	kin.header = (struct rs_header *)(void *)kin.base;
	kin.header->shape_end = RS_SHAPE_FIRST;
	kin.shapes = 0;
	return kin.header;
}

/* Whoever may write this process's table, does not reach into the one that it shares. */
static void a_wild_entry_is_not_handed_on_to_the_kin(void **state)
{
	struct rs_header *header = kin_setup();
	struct rs_shape *ours;
	uint16_t id;
	bool fresh;

	(void)state;
	id = intern("/handed/on", &fresh);
	assert_true(guard_enter());
	assert_int_equal(shape_cell_kin(id), 0);
	assert_int_equal(header->shapes, 1);
	ours = (struct rs_shape *)(uintptr_t)entry(id);
	ours->hash++;
	ours->length = RS_PATH_BYTES + 1;
	assert_int_equal(shape_cell_kin(id), RS_OTHER_CELL);
	assert_int_equal(shape_cell_kin(UINT16_MAX), RS_OTHER_CELL); /* beyond the region */
	assert_int_equal(shape_cell(UINT16_MAX), RS_OTHER_CELL);
	assert_int_equal(header->shapes, 1);
	guard_leave();
	munmap(kin.base, KIN_BYTES);
	kin.base = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_shape_is_fresh_once, core_setup),
		cmocka_unit_test_setup(numbers_fold_into_one_shape, core_setup),
		cmocka_unit_test_setup(a_name_that_is_no_path_stays_as_it_is, core_setup),
		cmocka_unit_test_setup(a_full_table_says_so_and_keeps_its_entries, core_setup),
		cmocka_unit_test_setup(a_wild_index_word_is_no_match, core_setup),
		cmocka_unit_test_setup(a_wild_entry_is_not_handed_on_to_the_kin, core_setup),
		cmocka_unit_test_setup(threads_agree_on_every_id, core_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
