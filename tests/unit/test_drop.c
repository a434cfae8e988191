#include "drop.h"

#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static struct drop *make(enum drop_kind kind, const char *text)
{
	const struct cache_bytes b = bytes(text);
	struct drop *d;

	assert_int_equal(drop_open(&d, kind, &b), 0);
	return d;
}

static bool takes(enum drop_kind kind, const char *text, const char *key, const char *tags)
{
	struct drop *d = make(kind, text);
	const struct cache_bytes b = bytes(key);
	bool taken = drop_takes(d, &b, tags);

	drop_close(d);
	return taken;
}

static void each_kind_takes_what_it_means(void **state)
{
	(void)state;
	assert_true(takes(DROP_KEY, "ab", "ab", ""));
	assert_false(takes(DROP_KEY, "ab", "abc", ""));
	assert_false(takes(DROP_KEY, "ab", "ac", ""));
	assert_true(takes(DROP_PREFIX, "ab", "abc", ""));
	assert_true(takes(DROP_PREFIX, "", "x", ""));
	assert_false(takes(DROP_PREFIX, "ab", "a", ""));
	assert_false(takes(DROP_PREFIX, "a*", "abc", ""));
	assert_true(takes(DROP_PATTERN, "a*c", "abc", ""));
	assert_false(takes(DROP_PATTERN, "a?", "abc", ""));
	assert_false(takes(DROP_PATTERN, "[a]", "a", ""));
	assert_true(takes(DROP_TAG, "t", "any", "s t u"));
	assert_true(takes(DROP_TAG, "s", "any", "s t u"));
	assert_true(takes(DROP_TAG, "u", "any", "s t u"));
	assert_false(takes(DROP_TAG, "t", "any", "st tu t1 1t"));
	assert_false(takes(DROP_TAG, "t", "any", ""));
	assert_true(takes(DROP_TAG, "t", "any", NULL));
}

static void what_means_no_entry_is_none(void **state)
{
	static char longest[CACHE_KEY_MAX + 1];
	struct cache_bytes b = { longest, 0 };
	struct drop *d;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	for (int kind = 0; kind < DROP_KINDS; kind++) {
		static const size_t most[DROP_KINDS] = { CACHE_KEY_MAX, CACHE_KEY_MAX, 1024,
							 CACHE_TAG };

		b.length = most[kind];
		assert_int_equal(drop_open(&d, (enum drop_kind)kind, &b), 0);
		drop_close(d);
		b.length++;
		assert_int_equal(drop_open(&d, (enum drop_kind)kind, &b), -EINVAL);
		assert_null(d);
		b.length = 0;
		assert_int_equal(drop_open(&d, (enum drop_kind)kind, &b),
				 kind == DROP_PREFIX ? 0 : -EINVAL);
		drop_close(d);
	}
}

static void a_message_says_the_same_to_another(void **state)
{
	static const char *const texts[DROP_KINDS] = { "key", "pre", "p*\\", "tag" };
	uint64_t sender;
	size_t length;
	void *message;

	(void)state;
	for (int kind = 0; kind < DROP_KINDS; kind++) {
		struct drop *d = make((enum drop_kind)kind, texts[kind]),
			    *other = make(DROP_KEY, "x");
		struct drop *read;

		assert_int_equal(drop_write(d, UINT64_C(0x0102030405060708), &message, &length), 0);
		assert_int_equal(length, 16 + d->length);
		assert_int_equal(((unsigned char *)message)[8], 8);
		assert_int_equal(drop_read(message, length, &sender, &read), 0);
		assert_int_equal(sender, UINT64_C(0x0102030405060708));
		assert_true(drop_is_same(d, read));
		assert_false(drop_is_same(d, other));
		drop_close(read);
		drop_close(d);
		drop_close(other);
		free(message);
	}
}

/* Each byte of the head but the sender, and each cut of it. */
static void what_is_no_message_is_none(void **state)
{
	struct drop *d = make(DROP_KEY, "k"), *read;
	unsigned char *message;
	uint64_t sender;
	size_t length;

	(void)state;
	assert_int_equal(drop_write(d, 1, (void **)&message, &length), 0);
	for (size_t i = 0; i < 8; i++) {
		message[i] ^= 0x40;
		assert_int_equal(drop_read(message, length, &sender, &read), -EBADMSG);
		assert_null(read);
		message[i] ^= 0x40;
	}
	for (size_t i = 0; i < length; i++)
		assert_int_equal(drop_read(message, i, &sender, &read), -EBADMSG);
	free(message);
	drop_close(d);
}

static void it_is_taken_out_of_memory(void **state)
{
	static const struct cache_config config = {
		.max_items = 10, .max_bytes = 1 << 20, .max_value = 10, .ttl_s = 9, .cleanup_ns = 1
	};
	static const struct {
		enum drop_kind kind;
		const char *text;
		uint64_t left;
	} steps[] = { { DROP_KEY, "a:1", 4 },
		      { DROP_PREFIX, "b:", 3 },
		      { DROP_PATTERN, "c*1", 2 },
		      { DROP_TAG, "t", 1 },
		      { DROP_PREFIX, "", 0 } };
	const struct cache_bytes tags[] = { bytes("t") };
	struct cache_counts counts;
	struct cache *cache;

	(void)state;
	assert_int_equal(cache_open(&cache, &config), 0);
	for (const char *keys[] = { "a:1", "b:1", "c:1", "d:1", "e:1" }, **at = keys; at < keys + 5;
	     at++) {
		const struct cache_put put = { .key = bytes(*at),
					       .type = "t",
					       .tags = tags,
					       .tag_count = at == keys + 3,
					       .now_ns = 1 };

		assert_int_equal(cache_set(cache, &put), 0);
	}
	for (size_t i = 0; i < 5; i++) {
		struct drop *d = make(steps[i].kind, steps[i].text);

		assert_int_equal(drop_apply(d, cache, 2), 0);
		drop_close(d);
		cache_counts_get(cache, &counts);
		assert_int_equal(counts.items, steps[i].left);
	}
	cache_close(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_takes_what_it_means),
		cmocka_unit_test(what_means_no_entry_is_none),
		cmocka_unit_test(a_message_says_the_same_to_another),
		cmocka_unit_test(what_is_no_message_is_none),
		cmocka_unit_test(it_is_taken_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
