/*
 * test_cache_model - random calls to the cache and to a model of it that is nothing but a table by
 *                    key: the answers are the same. 10 million of them with RINGSIDE_TEST_FULL.
 */
#include "cache.h"

#include "rs_test.h"

#include "glob.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define KEYS 600u
#define TAGS 8u

struct row {
	char key[16], value[24], tag[4]; /* tag "": none */
	size_t length;                   /* of the value as it was set: by repeating it */
	uint64_t expires_ns;             /* 0: it is not there */
};

static struct row rows[KEYS];
static struct cache *c;
static uint64_t now_ns = 5000 * S, hits, misses, sets, deletes, invalidations;
static uint64_t random_state = 1;

static uint32_t dice(uint32_t sides)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % sides;
}

static bool lives(const struct row *r)
{
	return r->expires_ns > now_ns;
}

static void fill(const struct row *r, char *out)
{
	size_t n = strlen(r->value);

	for (size_t i = 0; i < r->length; i++)
		out[i] = r->value[i % n];
}

static struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static void set(struct row *r)
{
	static char value[4096];
	uint64_t ttl_s = dice(2) ? 1 + dice(100) : 0;
	struct cache_bytes tag;
	struct cache_put put = {
		.key = bytes(r->key), .type = "t", .tags = &tag, .now_ns = now_ns
	};

	snprintf(r->value, sizeof(r->value), "%u", dice(1000000));
	r->tag[0] = (char)(dice(2) ? 'a' + dice(TAGS) : 0);
	tag = bytes(r->tag);
	r->length = dice(20) ? strlen(r->value) : dice(sizeof(value));
	fill(r, value);
	put.value = (struct cache_bytes){ value, r->length };
	put.tag_count = r->tag[0] != '\0';
	put.ttl_s = ttl_s;
	assert_int_equal(cache_set(c, &put), 0);
	r->expires_ns = now_ns + (ttl_s ? ttl_s : 30) * S;
	sets++;
}

static void get(const struct row *r)
{
	static char wanted[4096];
	const struct cache_bytes key = bytes(r->key);
	uint64_t left_ns;
	struct cache_value *v = cache_get(c, &key, now_ns, &left_ns);
	void *expanded = NULL;

	*(lives(r) ? &hits : &misses) += 1;
	assert_int_equal(v != NULL, lives(r));
	if (!v)
		return;
	assert_int_equal(left_ns, r->expires_ns - now_ns);
	assert_int_equal(v->length, r->length);
	if (v->packed)
		assert_int_equal(cache_expand(c, v, &expanded), 0);
	fill(r, wanted);
	assert_memory_equal(v->packed ? expanded : v->bytes, wanted, r->length);
	assert_string_equal(v->tags, r->tag);
	free(expanded);
	cache_value_put(v);
}

static void delete (struct row *r)
{
	const struct cache_bytes key = bytes(r->key);

	assert_int_equal(cache_delete(c, &key, now_ns), lives(r));
	deletes += lives(r);
	r->expires_ns = 0;
}

/* Of all that live, those that the caller's words choose. */
static uint64_t expect(const char *pattern, const char *tag)
{
	uint64_t count = 0;

	for (struct row *r = rows; r < rows + KEYS; r++) {
		if (pattern ? !text_glob(pattern, r->key) : !tag || strcmp(tag, r->tag) != 0)
			continue;
		count += lives(r);
		r->expires_ns = 0;
	}
	invalidations += count;
	return count;
}

static void clear(void)
{
	static const char *const ends[][2] = {
		{ "k", ":*" }, { "*:", "" }, { "k?:", "" }, { "k", ":?" }, { "\\k", ":1*" }
	};
	const char *const *form = ends[dice(5)];
	char pattern[16];
	struct glob *g;

	snprintf(pattern, sizeof(pattern), "%s%u%s", form[0], dice(20), form[1]);
	assert_int_equal(glob_open(&g, pattern, strlen(pattern)), 0);
	assert_int_equal(cache_clear(c, g, now_ns), expect(pattern, NULL));
	glob_close(g);
}

static void invalidate(void)
{
	char text[16];
	struct cache_bytes what = { text, 0 };

	if (dice(2)) {
		snprintf(text, sizeof(text), "%c", 'a' + (int)dice(TAGS));
		what.length = strlen(text);
		assert_int_equal(cache_invalidate_tag(c, &what, now_ns), expect(NULL, text));
	} else {
		snprintf(text, sizeof(text), "k%u", dice(20));
		what.length = strlen(text);
		strcat(text, "*"); /* NOLINT: there is room */
		assert_int_equal(cache_invalidate_prefix(c, &what, now_ns), expect(text, NULL));
	}
}

static void counts_agree(void)
{
	struct cache_counts counts;
	uint64_t living = 0;

	now_ns += 60 * S; /* a whole look for what is over */
	cache_run(c, now_ns);
	for (struct row *r = rows; r < rows + KEYS; r++)
		living += lives(r);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.items, living);
	assert_int_equal(counts.hits, hits);
	assert_int_equal(counts.misses, misses);
	assert_int_equal(counts.sets, sets);
	assert_int_equal(counts.deletes, deletes);
	assert_int_equal(counts.invalidations, invalidations);
	assert_int_equal(counts.evictions, 0);
}

static void random_calls_have_the_answers_of_a_plain_table(void **state)
{
	const struct cache_config config = { .max_items = 1000,
					     .max_bytes = 64 << 20,
					     .max_value = 1 << 20,
					     .ttl_s = 30,
					     .cleanup_ns = 60 * S,
					     .compression = true,
					     .compression_from = 1025,
					     .compression_level = 1 };
	const char *full = getenv("RINGSIDE_TEST_FULL"); /* NOLINT: one thread */
	int calls = full && *full ? 10000000 : 500000;   /* tools/test sets it, empty for no */

	(void)state;
	assert_int_equal(cache_open(&c, &config), 0);
	for (uint32_t i = 0; i < KEYS; i++)
		snprintf(rows[i].key, sizeof(rows[i].key), "k%u:%u", i % 20, i / 20);
	for (int i = 0; i < calls; i++) {
		struct row *r = &rows[dice(KEYS)];
		uint32_t what = dice(1000);

		now_ns += dice(20) * S / 1000;
		if (what < 600)
			get(r);
		else if (what < 900)
			set(r);
		else if (what < 990)
			delete (r);
		else if (what < 994)
			clear();
		else if (what < 998)
			invalidate();
		else
			cache_run(c, now_ns);
	}
	counts_agree();
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_have_the_answers_of_a_plain_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
