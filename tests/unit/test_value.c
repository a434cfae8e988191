#include "value.h"

#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct pack pack = { .on = true, .from = 1025, .level = 3 };

static struct cache_value *make(const char *bytes, size_t length, const char *type)
{
	const struct cache_parts parts = { { bytes, length }, type, "a b", 7, 1234 };
	struct cache_value *v;

	assert_int_equal(cache_value_open(&v, &pack, &parts), 0);
	return v;
}

static void a_short_one_is_kept_as_it_came(void **state)
{
	struct cache_value *v = make("x\0y", 3, "text/plain");

	(void)state;
	assert_false(v->packed);
	assert_int_equal(v->length, 3);
	assert_int_equal(v->stored, 3);
	assert_memory_equal(v->bytes, "x\0y", 3);
	assert_string_equal(v->type, "text/plain");
	assert_string_equal(v->tags, "a b");
	assert_int_equal(v->version, 7);
	assert_int_equal(v->created_ms, 1234);
	assert_int_equal(cache_value_size(v), sizeof(*v) + 3 + 11 + 4);
	cache_value_put(v);
	cache_value_put(NULL);
}

static void a_long_one_is_packed_and_comes_out_again(void **state)
{
	static char text[5000];
	struct cache_value *v;
	void *out;

	(void)state;
	memset(text, 'x', sizeof(text));
	v = make(text, sizeof(text), "a/b");
	assert_true(v->packed);
	assert_true(v->stored < 100);
	assert_int_equal(v->length, sizeof(text));
	assert_string_equal(v->type, "a/b");
	assert_int_equal(cache_value_expand(v, &pack, &out), 0);
	assert_memory_equal(out, text, sizeof(text));
	free(out);
	memset(v->bytes, 0, v->stored);
	assert_int_equal(cache_value_expand(v, &pack, &out), -EBADMSG);
	assert_null(out);
	cache_value_put(v);
}

static void the_checksum_is_of_bytes_and_type(void **state)
{
	struct cache_value *v[4] = { make("x", 1, "a"), make("x", 1, "a"), make("y", 1, "a"),
				     make("x", 1, "b") };

	(void)state;
	assert_int_equal(v[0]->checksum, v[1]->checksum);
	assert_int_not_equal(v[0]->checksum, v[2]->checksum);
	assert_int_not_equal(v[0]->checksum, v[3]->checksum);
	for (int i = 0; i < 4; i++)
		cache_value_put(v[i]);
}

static void the_last_reference_frees_it(void **state)
{
	struct cache_value *v = make("", 0, "a");

	(void)state;
	assert_ptr_equal(cache_value_get(v), v);
	cache_value_put(v);
	assert_int_equal(v->references, 1);
	assert_int_equal(v->length, 0);
	cache_value_put(v);
}

static void one_of_another_agent_is_as_it_was_there(void **state)
{
	static char text[5000];
	struct cache_value *v, *other;
	struct pack pack_there = { .on = false };
	void *out;

	(void)state;
	memset(text, 'x', sizeof(text));
	v = make(text, sizeof(text), "a/b");
	assert_int_equal(cache_value_restore(
				 &other, &(struct cache_stored){ .bytes = { v->bytes, v->stored },
								 .type = v->type,
								 .tags = v->tags,
								 .length = v->length,
								 .packed = v->packed,
								 .checksum = v->checksum,
								 .created_ms = v->created_ms }),
			 0);
	assert_int_equal(cache_value_expand(other, &pack_there, &out),
			 0); /* though it packs none */
	assert_memory_equal(out, text, sizeof(text));
	free(out);
	pack_close(&pack_there);
	assert_int_equal(other->checksum, v->checksum);
	assert_int_equal(other->created_ms, 1234);
	assert_string_equal(other->type, "a/b");
	assert_string_equal(other->tags, "a b");
	assert_int_equal(cache_value_size(other), cache_value_size(v));
	cache_value_put(other);
	cache_value_put(v);
}

static int tear_down(void **state)
{
	(void)state;
	pack_close(&pack);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_one_is_kept_as_it_came),
		cmocka_unit_test(a_long_one_is_packed_and_comes_out_again),
		cmocka_unit_test(the_checksum_is_of_bytes_and_type),
		cmocka_unit_test(the_last_reference_frees_it),
		cmocka_unit_test(one_of_another_agent_is_as_it_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
