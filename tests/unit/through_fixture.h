/*
 * through_fixture - a cache with a tier behind it, read through, and who asks it.
 */
#ifndef THROUGH_FIXTURE_H
#define THROUGH_FIXTURE_H

#include "through_wire.h"

#define S (1000 * MS)

static struct cache *cache;
static struct bridge *bridge;
static struct behind *behind;
static struct through *through;

static inline struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static inline void open_through(const char *more)
{
	char rule[256];

	snprintf(rule, sizeof(rule), "prefix=u: url=http://h/{rest} timeout=1s %s", more);
	through = wire_open(rule, cache, behind);
}

static inline int set_up(void **state)
{
	static const struct cache_config config = { .max_items = 100,
						    .max_bytes = 1 << 20,
						    .max_value = 1000,
						    .ttl_s = 300,
						    .cleanup_ns = 60 * S };

	(void)state;
	wire_now_ns = 1000 * S;
	return cache_open(&cache, &config) || bridge_open(&bridge) ||
	       behind_open(&behind, cache, bridge, S);
}

static inline int tear_down(void **state)
{
	(void)state;
	through_close(through);
	assert_true(wire.closed);
	behind_close(behind);
	bridge_close(bridge);
	cache_close(cache);
	return 0;
}

static inline void step(void)
{
	wire_step(through);
}

static inline void fine(uint32_t index, const char *value)
{
	wire_fine(through, index, value);
}

static inline enum through_answer ask(const char *text, const void *who, struct through_found *out)
{
	const struct cache_bytes key = bytes(text);
	enum through_answer answer =
		through_ask(through, &(struct through_look){ &key, who, false }, out);

	step();
	return answer;
}

static inline enum through_answer told(const void *who, struct through_found *out)
{
	const struct cache_bytes key = bytes("u:1");

	return through_near(through, &(struct through_look){ &key, who, false }, out);
}

/* This one waits no more, and this is what it got. */
static inline void assert_told(const void *who, const char *value, uint64_t left_ns)
{
	struct through_found f;

	assert_int_equal(told(who, &f), THROUGH_FOUND);
	assert_int_equal(f.value->length, strlen(value));
	assert_memory_equal(f.value->bytes, value, strlen(value));
	assert_string_equal(f.value->type, "text/plain");
	assert_int_equal(f.left_ns, left_ns);
	cache_value_put(f.value);
	assert_int_equal(told(who, &f), THROUGH_NONE);
}

/* NULL: nothing. */
static inline void assert_kept(const char *text, const char *value)
{
	const struct cache_bytes key = bytes(text);
	uint64_t left_ns;
	struct cache_value *v = cache_peek(cache, &key, wire_now_ns, &left_ns);

	assert_int_equal(v != NULL, value != NULL);
	if (v && value)
		assert_memory_equal(v->bytes, value, strlen(value));
	cache_value_put(v);
}

static inline void drop(enum drop_kind kind, const char *text)
{
	const struct cache_bytes t = bytes(text);

	through_drop(through, kind, &t);
}

static inline enum through_answer near(const char *text, struct through_found *out)
{
	const struct cache_bytes key = bytes(text);
	char nobody;

	return through_near(through, &(struct through_look){ &key, &nobody, false }, out);
}

static inline struct origin_state counted(void)
{
	struct origin_state s;

	origin_state_get(through_origin(through), 0, &s);
	return s;
}

#define THROUGH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
