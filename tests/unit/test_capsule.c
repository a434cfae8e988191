#include "capsule.h"

#include "cache.h"
#include "rs_test.h"
#include "siphash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct capsule sample(void)
{
	return (struct capsule){ .key = { "k\0y", 3 },
				 .ttl_s = 300,
				 .value = { .bytes = { "v\0lue", 5 },
					    .type = "text/plain",
					    .tags = "a b",
					    .length = 5,
					    .checksum = UINT64_C(0xfedcba9876543210),
					    .created_ms = INT64_C(1767225600123) } };
}

static void what_went_in_comes_out(void **state)
{
	struct capsule c = sample(), out;
	size_t length;
	void *bytes;

	(void)state;
	assert_int_equal(capsule_make(&c, &bytes, &length), 0);
	assert_int_equal(length, 64 + 3 + 11 + 4 + 5);
	assert_memory_equal(bytes, "RSC\1", 4);
	assert_int_equal(capsule_read(bytes, length, &out), 0);
	assert_int_equal(out.key.length, 3);
	assert_memory_equal(out.key.at, "k\0y", 3);
	assert_int_equal(out.ttl_s, 300);
	assert_int_equal(out.value.length, 5);
	assert_int_equal(out.value.bytes.length, 5);
	assert_memory_equal(out.value.bytes.at, "v\0lue", 5);
	assert_string_equal(out.value.type, "text/plain");
	assert_string_equal(out.value.tags, "a b");
	assert_int_equal(out.value.checksum, UINT64_C(0xfedcba9876543210));
	assert_int_equal(out.value.created_ms, INT64_C(1767225600123));
	assert_false(out.value.packed);
	free(bytes);
	c.value.packed = true;
	c.value.length = 5000;
	c.value.tags = "";
	assert_int_equal(capsule_make(&c, &bytes, &length), 0);
	assert_int_equal(capsule_read(bytes, length, &out), 0);
	assert_true(out.value.packed);
	assert_int_equal(out.value.length, 5000);
	assert_string_equal(out.value.tags, "");
	free(bytes);
}

/* From a copy of its exact size, so that a look beyond its end is found. */
static int read_copy(const void *bytes, size_t length)
{
	void *copy = malloc(length ? length : 1);
	struct capsule out;
	int ret;

	memcpy(copy, bytes, length);
	ret = capsule_read(copy, length, &out);
	free(copy);
	return ret;
}

static int tags_of_copy(const void *bytes, size_t length)
{
	void *copy = malloc(length ? length : 1);
	const char *tags;
	int ret;

	memcpy(copy, bytes, length);
	ret = capsule_tags(copy, length, &tags);
	if (!ret)
		assert_string_equal(tags, "a b");
	free(copy);
	return ret;
}

/* Of the first bytes, and of no fewer. */
static void tags_are_read_without_the_value(void **state)
{
	struct capsule c = sample();
	const size_t needed = 64 + 3 + 11 + 4;
	unsigned char *bytes;
	size_t length;

	(void)state;
	assert_int_equal(capsule_make(&c, (void **)&bytes, &length), 0);
	for (size_t i = 0; i <= length; i++)
		assert_int_equal(tags_of_copy(bytes, i), i < needed ? -EBADMSG : 0);
	assert_true(needed <= CAPSULE_TAGS(3));
	bytes[64 + 3 + 11 + 1] = ','; /* which no tag has */
	assert_int_equal(tags_of_copy(bytes, length), -EBADMSG);
	bytes[64 + 3 + 11 + 1] = '\0';
	assert_int_equal(tags_of_copy(bytes, length), -EBADMSG);
	bytes[0] = 'x';
	assert_int_equal(tags_of_copy(bytes, length), -EBADMSG);
	free(bytes);
}

static void every_bit_flipped_is_found(void **state)
{
	struct capsule c = sample();
	unsigned char *bytes;
	size_t length;

	(void)state;
	assert_int_equal(capsule_make(&c, (void **)&bytes, &length), 0);
	for (size_t i = 0; i < 8 * length; i++) {
		bytes[i / 8] ^= (unsigned char)(1u << i % 8);
		assert_int_equal(read_copy(bytes, length), -EBADMSG);
		bytes[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	assert_int_equal(read_copy(bytes, length), 0);
	free(bytes);
}

static void every_cut_and_every_byte_more_is_found(void **state)
{
	struct capsule c = sample();
	unsigned char more[128];
	size_t length;
	void *bytes;

	(void)state;
	assert_int_equal(capsule_make(&c, &bytes, &length), 0);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(read_copy(bytes, i), -EBADMSG);
	memset(more, 0, sizeof(more));
	memcpy(more, bytes, length);
	for (size_t i = length + 1; i < sizeof(more); i++)
		assert_int_equal(read_copy(more, i), -EBADMSG);
	free(bytes);
}

/* With a checksum that is right all the same: somebody who knows how wrote it. */
static int forged(size_t at, const void *what, size_t size)
{
	static const uint64_t none[2] = { 0, 0 };
	struct capsule c = sample();
	unsigned char *bytes;
	uint64_t of_head[2] = { 0, 0 }, all;
	size_t length;
	int ret;

	assert_int_equal(capsule_make(&c, (void **)&bytes, &length), 0);
	memcpy(bytes + at, what, size);
	of_head[0] = siphash(none, bytes, 56);
	all = siphash(of_head, bytes + 64, length - 64);
	memcpy(bytes + 56, &all, sizeof(all)); /* the machines that we know are little endian */
	ret = read_copy(bytes, length);
	free(bytes);
	return ret;
}

static void a_good_checksum_makes_no_good_capsule(void **state)
{
	static const uint64_t huge = CAPSULE_VALUE + 1, never = CACHE_TTL_MAX_S + 1, none = 0;
	static const struct {
		size_t at;
		const void *what;
		size_t size;
	} bad[] = {
		{ 3, "\2", 1 },       /* another version */
		{ 4, "\2", 1 },       /* flags that we do not know */
		{ 4, "\1", 1 },       /* packed, and no shorter for it */
		{ 5, "\1", 1 },       /* what should be 0 */
		{ 6, "\x0b", 1 },     /* a type that is longer by one */
		{ 8, "\0", 1 },       /* no key */
		{ 12, "\x02", 1 },    /* tags that are shorter by one */
		{ 24, &huge, 8 },     /* a length that nobody would hold */
		{ 40, &never, 8 },    /* a time that is too long */
		{ 40, &none, 8 },     /* … or none */
		{ 67, "te\nt", 4 },   /* a type that would break a header */
		{ 67, "te\0t", 4 },   /* … that ends before its end */
		{ 67, "te\xe4t", 4 }, /* … that is no ASCII */
		{ 78, "a,b", 3 },     /* tags that are none */
		{ 78, " ab", 3 },     /* … */
		{ 81, "x", 1 },       /* … without an end */
	};

	(void)state;
	assert_int_equal(forged(67, "TEXT", 4), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (forged(bad[i].at, bad[i].what, bad[i].size) != -EBADMSG)
			fail_msg("%zu: it is taken", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out),
		cmocka_unit_test(tags_are_read_without_the_value),
		cmocka_unit_test(every_bit_flipped_is_found),
		cmocka_unit_test(every_cut_and_every_byte_more_is_found),
		cmocka_unit_test(a_good_checksum_makes_no_good_capsule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
