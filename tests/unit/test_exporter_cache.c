#include "exporter.h"

#include "cache_fixture.h"

#include <stdlib.h>

static char *told(void)
{
	struct exposition e;
	size_t length;
	char *text;

	exposition_init(&e, false);
	exporter_put_cache(&e, &d.site);
	assert_int_equal(exposition_finish(&e, &text, &length), 0);
	return text;
}

static void every_count_is_told(void **state)
{
	char *text;

	(void)state;
	cache_keep("a", "x");
	text = told();
	assert_holds(text,
		     "# TYPE ringside_cache_hits_total counter\nringside_cache_hits_total 0\n");
	assert_holds(text, "ringside_cache_sets_total 1\n");
	assert_holds(text, "# TYPE ringside_cache_items gauge\nringside_cache_items 1\n");
	assert_holds(text, "ringside_cache_limit_items 100\n");
	assert_holds(text, "ringside_cache_limit_bytes 4194304\n");
	assert_holds(text, "ringside_cache_compressed_bytes 0\n");
	free(text);
}

static void what_is_behind_has_counts_of_its_own(void **state)
{
	struct bridge_state s;
	char *text = told();

	(void)state;
	assert_lacks(text, "ringside_cache_redis_");
	free(text);
	cache_put_behind();
	bridge_state_get(cache_bridge, &s);
	s.lost_drops = 4;
	bridge_state_put(cache_bridge, &s);
	bridge_progress_put(cache_bridge, &(struct bridge_progress){ .pending = 3 });
	text = told();
	assert_holds(text, "ringside_cache_redis_hits_total 0\n");
	assert_holds(text, "# TYPE ringside_cache_redis_pending_writes gauge\n"
			   "ringside_cache_redis_pending_writes 3\n");
	assert_holds(text, "ringside_cache_redis_lost_removals_total 4\n");
	free(text);
}

static void without_a_cache_there_is_nothing(void **state)
{
	struct cache *kept = d.site.cache;
	char *text;

	(void)state;
	d.site.cache = NULL;
	text = told();
	assert_true(!text || !*text);
	free(text);
	d.site.cache = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(every_count_is_told),
		CACHE_TEST(what_is_behind_has_counts_of_its_own),
		CACHE_TEST(without_a_cache_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
