/*
 * through_wire - a cache that is read through from one origin, of which what is sent, when, and how
 *                it ends is put by hand.
 */
#ifndef THROUGH_WIRE_H
#define THROUGH_WIRE_H

#include "origin_wire.h"
#include "through.h"

#define WIRE_AGES 60 /* seconds that a value of these lives */

static uint64_t wire_now_ns;
static uint32_t wire_woken[8], wire_wakes;

static inline uint64_t wire_ns(void)
{
	return wire_now_ns;
}

static inline int64_t wire_ms(void)
{
	return 12345;
}

static inline uint32_t wire_chance(void)
{
	return UINT32_MAX / 2;
}

static inline struct through *wire_open(const char *rule, struct cache *cache,
					struct behind *behind)
{
	static struct origin_settings settings;
	struct through_config config = {
		.cache = cache, .behind = behind, .now_ns = wire_ns, .wall_ms = wire_ms
	};
	const struct origin_config origin = { .settings = &settings,
					      .ttl_s = WIRE_AGES,
					      .most_bytes = 1000,
					      .now_ns = wire_ns,
					      .random = wire_chance };
	struct channel_error why;
	struct through *t;

	memset(&settings, 0, sizeof(settings));
	settings.count = 1;
	if (origin_rule_parse(rule, &settings.at[0].rule, &why))
		fail_msg("%s: %s", why.key, why.reason);
	wire_wakes = 0;
	assert_int_equal(origin_open(&config.origin, &origin), 0);
	assert_int_equal(through_open(&t, &config), 0);
	return t;
}

static inline void wire_wake(void *ctx, uint32_t place)
{
	assert_ptr_equal(ctx, &wire_wakes);
	wire_woken[wire_wakes++ % 8] = place;
}

static inline void wire_step(struct through *t)
{
	through_step(t, wire_wake, &wire_wakes);
}

/* One that was sent ends so. */
static inline void wire_end(struct through *t, uint32_t index, enum transfer_end how,
			    uint32_t status, const char *value)
{
	static char head[] = "Content-Type: text/plain\nSurrogate-Key: t\n", content[16];

	snprintf(content, sizeof(content), "%s", value);
	wire.ended[wire.ends++] = (struct transfer_result){ .who = wire.sent[index].who,
							    .end = how,
							    .status = status,
							    .text = "in words",
							    .head = head,
							    .content = content,
							    .content_length = strlen(content) };
	wire_step(t);
}

static inline void wire_fine(struct through *t, uint32_t index, const char *value)
{
	wire_end(t, index, TRANSFER_WHOLE, 200, value);
}

#endif
