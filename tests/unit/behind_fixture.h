/*
 * behind_fixture - the tier behind a cache, and a test at the far end of the bridge.
 */
#ifndef BEHIND_FIXTURE_H
#define BEHIND_FIXTURE_H

#include "behind.h"

#include "capsule.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define WAIT (500 * MS)

static struct behind *behind;
static struct bridge *bridge;
static struct cache *cache;
static uint64_t now;
static uint32_t woken[8];
static unsigned int wakes;

static inline int set_up(void **state)
{
	static const struct cache_config config = { .max_items = 100,
						    .max_bytes = 32 << 20,
						    .max_value = 8 << 20,
						    .ttl_s = 300,
						    .cleanup_ns = 60 * S };

	(void)state;
	now = 1000 * S;
	wakes = 0;
	return cache_open(&cache, &config) || bridge_open(&bridge) ||
	       behind_open(&behind, cache, bridge, WAIT);
}

static inline int tear_down(void **state)
{
	(void)state;
	behind_close(behind);
	bridge_close(bridge);
	cache_close(cache);
	return 0;
}

static inline struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static inline void wake(void *ctx, uint32_t place)
{
	assert_ptr_equal(ctx, &wakes);
	woken[wakes++ % 8] = place;
}

static inline void hear(void)
{
	behind_hear(behind, now, wake, &wakes);
}

static inline enum behind_answer ask(const char *key, bool again, struct behind_found *out)
{
	const struct cache_bytes k = bytes(key);

	return behind_ask(behind, &(struct behind_look){ &k, now, again, false }, out);
}

/* The one letter that is there, for the caller to close. */
static inline struct letter *sent(enum letter_kind kind)
{
	struct letter *l;
	bool lost;

	l = bridge_take(&bridge->there, &lost);
	assert_non_null(l);
	assert_null(l->next);
	assert_int_equal(l->kind, kind);
	return l;
}

static inline uint64_t asked(void)
{
	struct letter *l = sent(LETTER_ASK);
	uint64_t id = l->id;

	letter_close(l);
	return id;
}

static inline void nothing_was_sent(void)
{
	bool lost;

	assert_null(bridge_take(&bridge->there, &lost));
}

/* text NULL: it is not known there. */
static inline void tell(uint64_t id, const char *text)
{
	struct letter *l = letter_open(LETTER_TOLD, &(struct cache_bytes){ NULL, 0 });
	struct cache_stored stored = { .type = "text/plain", .tags = "t", .checksum = 7 };

	l->id = id;
	if (text) {
		stored.bytes = bytes(text);
		stored.length = stored.bytes.length;
		assert_int_equal(cache_value_restore(&l->value, &stored), 0);
		l->left_ns = 10 * S;
	}
	assert_int_equal(bridge_put(&bridge->back, l), 0);
}

static inline void put(const char *key, const char *value)
{
	const struct cache_bytes tags[] = { bytes("t"), bytes("u") };
	const struct cache_put p = { .key = bytes(key),
				     .value = bytes(value),
				     .type = "a/b",
				     .tags = tags,
				     .tag_count = 2,
				     .ttl_s = 60,
				     .now_ns = now,
				     .wall_ms = 12345 };

	assert_int_equal(cache_set(cache, &p), 0);
	behind_wrote(behind, &p);
}

static inline void take_out(enum drop_kind kind, const char *text)
{
	const struct cache_bytes t = bytes(text);

	behind_drop(behind, kind, &t);
}

static inline bool has(const char *key)
{
	const struct cache_bytes k = bytes(key);
	uint64_t left_ns;
	struct cache_value *v = cache_peek(cache, &k, now, &left_ns);

	cache_value_put(v);
	return v != NULL;
}

static inline void assert_found(const char *key, bool again, const char *value)
{
	struct behind_found f;

	assert_int_equal(ask(key, again, &f), BEHIND_FOUND);
	assert_int_equal(f.value->length, strlen(value));
	assert_memory_equal(f.value->bytes, value, strlen(value));
	assert_true(f.left_ns > 0 && f.left_ns <= 60 * S);
	cache_value_put(f.value);
}

static inline struct behind_counts counts(void)
{
	struct behind_counts c;

	behind_counts_get(behind, &c);
	return c;
}

#define BEHIND_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
