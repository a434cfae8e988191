#include "fetching.h"

#include "caching.h"
#include "config.h"
#include "health.h"
#include "proxying.h"
#include "rs_test.h"

#include <string.h>
#include <unistd.h>

static struct config *config;
static struct health *health;
static struct cache *cache;
static struct origin_settings *settings;
static struct fetching fetching;

static void open_with(const char *text)
{
	static const int api[] = { -1 }; /* no socket: it is left out */
	static const struct proxying_sockets proxies;
	struct fetching_config how = { .api = api, .api_count = 1, .proxies = &proxies };
	struct config_error error;

	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "c", text, strlen(text), &error), 0);
	assert_int_equal(health_open(&health), 0);
	assert_int_equal(caching_open(&cache, config), 0);
	assert_int_equal(origin_settings_open(&settings, config), 0);
	how.config = config;
	how.settings = settings;
	how.cache = cache;
	how.health = health;
	fetching_open(&fetching, &how, 1);
}

static void close_all(void)
{
	fetching_close(&fetching);
	fetching_close(&fetching);
	origin_settings_close(settings);
	cache_close(cache);
	health_close(health);
	config_close(config);
}

#define ORIGIN "\"origins\": [{\"prefix\": \"a:\", \"url\": \"http://127.0.0.1:1/{rest}\"}]"

static void origins_are_opened_where_they_are_configured(void **state)
{
	const struct cache_bytes key = { "a:1", 3 };

	(void)state;
	open_with("{\"cache\": {" ORIGIN "}}");
	assert_non_null(fetching.through);
	assert_int_equal(origin_count(through_origin(fetching.through)), 1);
	assert_non_null(origin_rule_of(through_origin(fetching.through), &key));
	close_all();
}

static void nothing_is_fetched_for_nobody(void **state)
{
	(void)state;
	open_with("{}");
	assert_null(fetching.through);
	close_all();
	open_with("{\"cache\": {\"enabled\": false, " ORIGIN "}}");
	assert_null(fetching.through);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_opened_where_they_are_configured),
		cmocka_unit_test(nothing_is_fetched_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
