/*
 * site_origin - a site whose cache has an origin, and what is asked of it.
 */
#ifndef SITE_ORIGIN_H
#define SITE_ORIGIN_H

#include "cache_fixture.h"
#include "through_wire.h"

static inline void site_open_origin(const char *more)
{
	char rule[256];

	wire_now_ns = d.request.now_ns;
	snprintf(rule, sizeof(rule), "prefix=u: url=http://h/{rest} timeout=1s %s", more);
	d.site.through = wire_open(rule, d.site.cache, d.site.behind);
}

static inline int site_tear_down(void **state)
{
	through_close(d.site.through);
	return cache_tear_down(state);
}

/* One look, which the origin answers so where it is asked: it takes 5 ms for it. */
static inline void site_fetch(const char *key, enum transfer_end how, uint32_t status)
{
	const struct cache_bytes bytes = { key, strlen(key) };
	const struct through_look look = { &bytes, &d, false };
	struct through_found f;

	if (through_near(d.site.through, &look, &f) == THROUGH_NONE &&
	    through_ask(d.site.through, &look, &f) == THROUGH_LATER) {
		wire_step(d.site.through);
		wire_now_ns += 5 * MS;
		wire_end(d.site.through, wire.count - 1, how, status, "made");
		through_near(d.site.through, &look, &f);
	}
	cache_value_put(f.value);
}

#define ORIGIN_TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, site_tear_down)

#endif
