/*
 * cache_fixture - a site with a cache, and requests about it.
 */
#ifndef CACHE_FIXTURE_H
#define CACHE_FIXTURE_H

#include "behind.h"
#include "document_fixture.h"

static struct document_fixture d;

static inline int cache_set_up(void **state)
{
	const struct cache_config config = { .max_items = 100,
					     .max_bytes = 4 << 20,
					     .max_value = 10000,
					     .ttl_s = 300,
					     .cleanup_ns = 60 * SECOND,
					     .compression = true,
					     .compression_from = 1025,
					     .compression_level = 3 };

	(void)state;
	document_open(&d);
	d.request.local = d.request.member = true;
	d.request.fd = -1;
	d.request.who = &d;
	return cache_open(&d.site.cache, &config);
}

static struct bridge *cache_bridge; /* NULL: nothing is behind it */

static inline void cache_put_behind(void)
{
	assert_int_equal(bridge_open(&cache_bridge), 0);
	assert_int_equal(behind_open(&d.site.behind, d.site.cache, cache_bridge, SECOND / 2), 0);
}

/* What went there last; the caller closes it. NULL: nothing did. */
static inline struct letter *cache_letter(void)
{
	bool lost;
	struct letter *l = bridge_take(&cache_bridge->there, &lost);

	while (l && l->next) {
		struct letter *next = l->next;

		letter_close(l);
		l = next;
	}
	return l;
}

/* The same, where there has to be one. */
static inline struct letter *cache_letter_sent(void)
{
	struct letter *l = cache_letter();

	if (!l)
		abort();
	return l;
}

static inline int cache_tear_down(void **state)
{
	(void)state;
	behind_close(d.site.behind);
	bridge_close(cache_bridge);
	cache_bridge = NULL;
	cache_close(d.site.cache);
	document_close(&d);
	return 0;
}

static inline void cache_body(const char *text)
{
	d.request.body = text;
	d.request.body_length = strlen(text);
}

static inline void cache_keep(const char *key, const char *value)
{
	const struct cache_put put = { .key = { key, strlen(key) },
				       .value = { value, strlen(value) },
				       .type = "text/plain",
				       .now_ns = NOW };

	assert_int_equal(cache_set(d.site.cache, &put), 0);
}

/* What a document about the cache answers to this body; "": it refuses. */
static inline void assert_answer(document_fn make, const char *body, const char *answer)
{
	char *text;

	cache_body(body);
	text = document_text(&d, make, "/");
	assert_string_equal(text ? text : "", answer);
	free(text);
}

static inline void assert_refused(document_fn make, const char *body, const char *code)
{
	assert_answer(make, body, "");
	assert_string_equal(d.no.code, code);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, cache_tear_down)

#endif
