#include "core.h"
#include "pool.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4
#define TURNS 200000

struct object {
	_Alignas(64) uint64_t link;
	_Atomic uint32_t users;
};

static struct object first[2];
static struct pool pool = { .bytes = sizeof(struct object), .chunk = 4, .most = 10 };
static _Atomic uint32_t shared_by_two;

static void objects_are_the_callers_first_then_mapped_up_to_the_most(void **state)
{
	struct object *taken[10];

	(void)state;
	pool_add(&pool, (uint8_t *)first, 2);
	for (int i = 0; i < 10; i++) {
		taken[i] = pool_get(&pool);
		assert_non_null(taken[i]);
		assert_int_equal((uintptr_t)taken[i] % 64, 0);
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(taken[i], taken[k]);
	}
	assert_ptr_equal(taken[0], &first[0]);
	assert_ptr_equal(taken[1], &first[1]);
	assert_null(pool_get(&pool));
	pool_put(&pool, taken[5]);
	assert_ptr_equal(pool_get(&pool), taken[5]);
	assert_null(pool_get(&pool));
	for (int i = 0; i < 10; i++)
		pool_put(&pool, taken[i]);
}

static void nothing_is_mapped_in_a_sandbox(void **state)
{
	struct pool empty = { .bytes = 64, .chunk = 4, .most = 10 };

	(void)state;
	home.frozen = 1;
	assert_null(pool_get(&empty));
	home.frozen = 0;
	assert_non_null(pool_get(&empty));
}

static void *take_and_give(void *argument)
{
	(void)argument;
	for (int i = 0; i < TURNS; i++) {
		struct object *o = pool_get(&pool);

		if (!o)
			continue;
		if (atomic_fetch_add(&o->users, 1))
			atomic_fetch_add(&shared_by_two, 1);
		atomic_fetch_sub(&o->users, 1);
		pool_put(&pool, o);
	}
	return NULL;
}

static void no_object_is_given_to_two_threads(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_and_give, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared_by_two, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_the_callers_first_then_mapped_up_to_the_most),
		cmocka_unit_test(nothing_is_mapped_in_a_sandbox),
		cmocka_unit_test(no_object_is_given_to_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
