/*
 * test_cache_model - random calls to the cache and to a model of it that is nothing but a table by
 *                    key: the answers are the same. 10 million of them with RINGSIDE_TEST_FULL.
 *                    With more keys than are looked at in a piece also while clears are under way,
 *                    which the model does at once.
 */
#include "cache.h"

#include "rs_test.h"

#include "glob.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define KEYS_MOST 8000u
#define CLEARS 4u

struct row {
	char key[16], value[24], tag[4]; /* tag "": none */
	size_t length;                   /* of the value as it was set: by repeating it */
	uint64_t expires_ns;             /* 0: it is not there */
};

/* A clear that is under way, and how many it will say. */
struct begun {
	bool on;
	uint64_t count;
};

static struct row rows[KEYS_MOST];
static uint32_t keys, tags;
static struct begun clears[CLEARS];
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
	r->tag[0] = (char)(dice(2) ? 'a' + dice(tags) : 0);
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

	for (struct row *r = rows; r < rows + keys; r++) {
		if (pattern ? !text_glob(pattern, r->key) : !tag || strcmp(tag, r->tag) != 0)
			continue;
		count += lives(r);
		r->expires_ns = 0;
	}
	invalidations += count;
	return count;
}

/* What is done now is told. */
static void tell(void)
{
	for (struct begun *b = clears; b < clears + CLEARS; b++) {
		uint64_t count = 0;
		int ret = b->on ? cache_cleared(c, b, &count) : -EAGAIN;

		if (ret == -EAGAIN)
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(count, b->count);
		b->on = false;
	}
}

static struct begun *begin(void)
{
	for (struct begun *b = clears; b < clears + CLEARS; b++)
		if (!b->on)
			return b;
	return NULL;
}

static void clear(struct begun *b)
{
	static const char *const ends[][2] = {
		{ "k", ":*" }, { "*:", "" }, { "k?:", "" }, { "k", ":?" }, { "\\k", ":1*" }
	};
	const char *const *form = ends[dice(5)];
	struct cache_clear what = { .who = b, .now_ns = now_ns };
	char pattern[16];

	snprintf(pattern, sizeof(pattern), "%s%u%s", form[0], dice(20), form[1]);
	assert_int_equal(glob_open(&what.pattern, pattern, strlen(pattern)), 0);
	b->on = true;
	b->count = expect(pattern, NULL);
	assert_int_equal(cache_clear(c, &what), 0);
}

static void invalidate(struct begun *b)
{
	char text[16], pattern[17];
	const bool by_tag = dice(2);
	struct cache_bytes name;
	struct cache_clear what = { .who = b, .now_ns = now_ns };

	snprintf(text, sizeof(text), by_tag ? "%c" : "k%u", by_tag ? 'a' + dice(tags) : dice(20));
	snprintf(pattern, sizeof(pattern), "%s*", text);
	name = bytes(text);
	if (by_tag) {
		what.tags = &name;
		what.tag_count = 1;
	} else {
		what.prefix = name;
	}
	b->on = true;
	b->count = expect(by_tag ? NULL : pattern, text);
	assert_int_equal(cache_clear(c, &what), 0);
}

static void counts_agree(void)
{
	struct cache_counts counts;
	uint64_t living = 0;

	now_ns += 60 * S; /* a whole look for what is over */
	for (int wait_ms = 0; wait_ms == 0 || wait_ms == 1;)
		wait_ms = cache_run(c, now_ns);
	tell();
	for (struct begun *b = clears; b < clears + CLEARS; b++)
		assert_false(b->on);
	for (struct row *r = rows; r < rows + keys; r++)
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

static void call(void)
{
	struct row *r = &rows[dice(keys)];
	uint32_t what = dice(1000);
	struct begun *b = begin();

	if (what < 600)
		get(r);
	else if (what < 900)
		set(r);
	else if (what < 990)
		delete (r);
	else if (what < 994 && b)
		clear(b);
	else if (what < 998 && b)
		invalidate(b);
	else
		cache_run(c, now_ns);
	tell();
}

static void play(uint32_t max_items, int calls, uint64_t step_ns)
{
	const struct cache_config config = { .max_items = max_items,
					     .max_bytes = 64 << 20,
					     .max_value = 1 << 20,
					     .ttl_s = 30,
					     .cleanup_ns = 60 * S,
					     .compression = true,
					     .compression_from = 1025,
					     .compression_level = 1 };

	hits = misses = sets = deletes = invalidations = 0;
	memset(rows, 0, sizeof(rows));
	for (uint32_t i = 0; i < keys; i++)
		snprintf(rows[i].key, sizeof(rows[i].key), "k%u:%u", i % 20, i / 20);
	assert_int_equal(cache_open(&c, &config), 0);
	for (int i = 0; i < calls; i++) {
		now_ns += dice(20) * step_ns;
		call();
	}
	counts_agree();
	cache_close(c);
}

static void random_calls_have_the_answers_of_a_plain_table(void **state)
{
	const char *full = getenv("RINGSIDE_TEST_FULL"); /* NOLINT: one thread */
	bool all = full && *full;                        /* tools/test sets it, empty for no */

	(void)state;
	keys = 600;
	tags = 8;
	play(1000, all ? 10000000 : 500000, S / 1000);
}

static void they_have_them_while_clears_are_under_way(void **state)
{
	(void)state;
	keys = KEYS_MOST;
	tags = 1;
	play(10000, 100000, S / 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_have_the_answers_of_a_plain_table),
		cmocka_unit_test(they_have_them_while_clears_are_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
