#include "book.h"
#include "defaults.h"
#include "rs_test.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };
static struct findings findings;

static void holds(const struct book *b, const char *name, double warning, double critical)
{
	const struct spec *s = book_find(b, name);

	assert_non_null(s);
	assert_true(s->limits[SPEC_WARNING].limit == warning);
	assert_true(s->limits[SPEC_CRITICAL].limit == critical);
	assert_true(s->enabled);
}

static void the_shipped_rules_are_the_guides_thresholds(void **state)
{
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, NULL, &findings), 0);
	holds(b, "slow-average", 500, 1000);
	holds(b, "slow-p95", 2000, 5000);
	holds(b, "slow-request", 1000, 5000);
	holds(b, "memory", 80, 90);
	holds(b, "memory-dump", 0, 95);
	holds(b, "cpu", 70, 85);
	holds(b, "error-rate", 1, 5);
	holds(b, "cache-hit-rate", 80, 50);
	assert_true(book_find(b, "cache-hit-rate")->min_count == 100);
	/* a cache that is full is as it should be, but not one that gives up what is asked for */
	holds(b, "cache-memory", 20, 50);
	assert_int_equal(book_find(b, "cache-memory")->metric, METRIC_CACHE_EVICTIONS);
	holds(b, "restarts", 2, 0);
	assert_int_equal(book_find(b, "restarts")->window_ns, 600 * SECOND);
	book_close(b);
}

static void each_shipped_rule_says_what_it_is_about(void **state)
{
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, NULL, &findings), 0);
	assert_true(b->count > 20);
	for (size_t i = 0; i < b->count; i++) {
		assert_true(strlen(b->specs[i].summary) > 0);
		assert_int_equal(strncmp(b->specs[i].where, DEFAULTS_NAME ":", 8), 0);
	}
	book_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_rules_are_the_guides_thresholds),
		cmocka_unit_test(each_shipped_rule_says_what_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
