#include "exporter.h"

#include "site_origin.h"

#include <stdlib.h>

static char *told(void)
{
	struct exposition e;
	size_t length;
	char *text;

	exposition_init(&e, false);
	exporter_put_origins(&e, &d.site);
	assert_int_equal(exposition_finish(&e, &text, &length), 0);
	return text;
}

static void every_origin_has_its_counts(void **state)
{
	char *text;

	(void)state;
	site_open_origin("negative_ttl=5s");
	site_fetch("u:1", TRANSFER_WHOLE, 200);
	site_fetch("u:2", TRANSFER_WHOLE, 404);
	site_fetch("u:2", TRANSFER_WHOLE, 404); /* known */
	for (int i = 0; i < 5; i++)
		site_fetch("u:3", TRANSFER_AWAY, 0);
	site_fetch("u:3", TRANSFER_AWAY, 0);
	text = told();
	assert_holds(text, "# TYPE ringside_cache_origin_fetches_total counter\n"
			   "ringside_cache_origin_fetches_total{prefix=\"u:\"} 7\n");
	assert_holds(text, "ringside_cache_origin_answers_total{prefix=\"u:\"} 2\n");
	assert_holds(text, "ringside_cache_origin_negative_total{prefix=\"u:\"} 1\n");
	assert_holds(text, "ringside_cache_origin_absent_total{prefix=\"u:\"} 1\n");
	assert_holds(text, "ringside_cache_origin_refused_total{prefix=\"u:\"} 1\n");
	assert_holds(text,
		     "ringside_cache_origin_faults_total{prefix=\"u:\",fault=\"not there\"} 5\n");
	assert_holds(text,
		     "ringside_cache_origin_faults_total{prefix=\"u:\",fault=\"timeout\"} 0\n");
	assert_holds(text, "# TYPE ringside_cache_origin_circuit_open gauge\n"
			   "ringside_cache_origin_circuit_open{prefix=\"u:\"} 1\n");
	assert_holds(text, "ringside_cache_origin_fetching{prefix=\"u:\"} 0\n");
	assert_holds(text, "ringside_cache_origin_seconds_total{prefix=\"u:\"} 0.01\n");
	free(text);
}

static void without_origins_there_is_nothing(void **state)
{
	char *text = told();

	(void)state;
	assert_true(!text || !*text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORIGIN_TEST(every_origin_has_its_counts),
		ORIGIN_TEST(without_origins_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
