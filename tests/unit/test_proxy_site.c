#include "proxy_site.h"

#include "rs_test.h"

#include "channel.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

#define PLACE "listen=127.0.0.1:8080 upstream=127.0.0.1:3000"

static struct channel_error error;

static struct proxy_site *site(const char *text)
{
	struct proxy_site *s = NULL;

	if (proxy_site_open(&s, text, &error))
		fail_msg("%s: %s: %s", text, error.key, error.reason);
	return s;
}

static void what_is_not_said_has_its_default(void **state)
{
	struct proxy_site *s = site(PLACE " rule match=*");

	(void)state;
	assert_string_equal(s->listen, "127.0.0.1:8080");
	assert_string_equal(s->upstream, "127.0.0.1:3000");
	assert_int_equal(s->forwarded, PROXY_FORWARDED_NONE);
	assert_null(s->via);
	assert_int_equal(s->connections, 10000);
	assert_int_equal(s->connect_ns, 5000000000);
	assert_int_equal(s->timeout_ns, 60000000000);
	assert_int_equal(s->idle_ns, 75000000000);
	assert_int_equal(s->rule_count, 1);
	assert_string_equal(s->rules[0].name, "proxy");
	assert_string_equal(s->rules[0].match, "*");
	assert_true(s->rules[0].every_query);
	assert_false(s->rules[0].without_cookies);
	assert_int_equal(s->rules[0].ttl_s, 0);
	proxy_site_close(s);
	proxy_site_close(NULL);
}

static void all_members_are_read(void **state)
{
	struct proxy_site *s = site(
		PLACE " via=edge forwarded=forwarded connections=7 connect_timeout=1s timeout=2s "
		      "idle_timeout=3s rule name=leads match=/a* ttl=5m stale_while_revalidate=10s "
		      "stale_if_error=1h query=page|sort headers=X-Tenant unless_query=search "
		      "unless_headers=X-No|X-Not unless_cookies=session cookies=ignore "
		      "rule match=/b query=none");
	const struct proxy_rule *rule = &s->rules[0];

	(void)state;
	assert_string_equal(s->via, "edge");
	assert_int_equal(s->forwarded, PROXY_FORWARDED_RFC);
	assert_int_equal(s->connections, 7);
	assert_int_equal(s->connect_ns, 1000000000);
	assert_int_equal(s->timeout_ns, 2000000000);
	assert_int_equal(s->idle_ns, 3000000000);
	assert_int_equal(s->rule_count, 2);
	assert_string_equal(rule->name, "leads");
	assert_int_equal(rule->ttl_s, 300);
	assert_int_equal(rule->stale_s, 10);
	assert_int_equal(rule->fallback_s, 3600);
	assert_false(rule->every_query);
	assert_int_equal(rule->query.count, 2);
	assert_string_equal(rule->query.at[1], "sort");
	assert_string_equal(rule->headers.at[0], "X-Tenant");
	assert_string_equal(rule->unless_query.at[0], "search");
	assert_string_equal(rule->unless_headers.at[1], "X-Not");
	assert_string_equal(rule->unless_cookies.at[0], "session");
	assert_true(rule->without_cookies);
	assert_false(s->rules[1].every_query);
	assert_int_equal(s->rules[1].query.count, 0);
	proxy_site_close(s);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *key;
	} bad[] = {
		{ "upstream=127.0.0.1:1", "listen" },
		{ "listen=127.0.0.1:1", "upstream" },
		{ "listen=127.0.0.1:1 upstream=127.0.0.1:1", "upstream" },
		{ "listen=8080 upstream=127.0.0.1:1", "listen" },
		{ "listen=127.0.0.1:1 upstream=example.org:1", "upstream" },
		{ PLACE " colour=red", "colour" },
		{ PLACE " ttl=3s", "ttl" },
		{ PLACE " listen", "listen" },
		{ PLACE " via=a/b", "via" },
		{ PLACE " forwarded=yes", "forwarded" },
		{ PLACE " connections=0", "connections" },
		{ PLACE " connections=30001", "connections" },
		{ PLACE " connections=1.5", "connections" },
		{ PLACE " timeout=0s", "timeout" },
		{ PLACE " timeout=2h", "timeout" },
		{ PLACE " connect_timeout=5", "connect_timeout" },
		{ PLACE " idle_timeout=10ms", "idle_timeout" },
		{ PLACE " rule ttl=3s", "rules[0].match" },
		{ PLACE " rule match=/a rule ttl=3s", "rules[1].match" },
		{ PLACE " rule ttl=3s rule match=/a", "rules[0].match" },
		{ PLACE " rule match=api", "rules[0].match" },
		{ PLACE " rule match=/a via=x", "rules[0].via" },
		{ PLACE " rule match=/a name=a|b", "rules[0].name" },
		{ PLACE " rule match=/a ttl=1500ms", "rules[0].ttl" },
		{ PLACE " rule match=/a ttl=366d", "rules[0].ttl" },
		{ PLACE " rule match=/a stale_if_error=x", "rules[0].stale_if_error" },
		{ PLACE " rule match=/a query=", "rules[0].query" },
		{ PLACE " rule match=/a query=a|b|c|d|e|f|g|h|i", "rules[0].query" },
		{ PLACE " rule match=/a headers=X:Y", "rules[0].headers" },
		{ PLACE " rule match=/a cookies=perhaps", "rules[0].cookies" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proxy_site *s = NULL;

		if (!proxy_site_open(&s, bad[i].text, &error))
			fail_msg("it takes %s", bad[i].text);
		assert_string_equal(error.key, bad[i].key);
		assert_true(*error.reason);
	}
}

static void there_are_at_most_32_rules(void **state)
{
	char text[1024] = PLACE;
	struct proxy_site *s = NULL;

	(void)state;
	for (unsigned int i = 0; i < PROXY_RULES; i++)
		strcat(text, " rule match=/a");
	proxy_site_close(site(text));
	strcat(text, " rule match=/a");
	assert_int_not_equal(proxy_site_open(&s, text, &error), 0);
}

static int read_file(const char *proxies, struct config_error *why, struct config **out)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "{\n\"cache\": {\n\"proxy\": %s}}", proxies);

	why->text[0] = '\0';
	assert_int_equal(config_open(out), 0);
	return config_read(*out, "r.json", text, (size_t)n, why);
}

static void a_file_says_it_by_objects(void **state)
{
	struct config_error why;
	struct proxy_site *s;
	struct config *c;

	(void)state;
	assert_int_equal(
		read_file("[{\"listen\": \"127.0.0.1:1\", \"upstream\": \"127.0.0.1:2\", "
			  "\"connections\": 9, \"rules\": [{\"match\": \"/a;x=1\", \"query\": "
			  "[\"p\", \"q\"]}, {\"match\": \"/b\", \"ttl\": \"3s\"}]}]",
			  &why, &c),
		0);
	assert_int_equal(config_count(c, CONFIG_CACHE_PROXY), 1);
	s = site(config_item(c, CONFIG_CACHE_PROXY, 0));
	assert_int_equal(s->connections, 9);
	assert_string_equal(s->rules[0].match, "/a;x=1");
	assert_string_equal(s->rules[0].query.at[1], "q");
	assert_int_equal(s->rules[1].ttl_s, 3);
	proxy_site_close(s);
	config_close(c);
}

static void a_file_is_told_where_it_is_wrong(void **state)
{
	static const struct {
		const char *proxies, *told;
	} bad[] = {
		{ "{}", "r.json:3: cache.proxy: must be a list" },
		{ "[1]", "r.json:3: cache.proxy[0]: must be an object" },
		{ "[{}]", "cache.proxy[0].listen: is missing" },
		{ "[{\"listen\": true}]", "cache.proxy[0].listen: must be a text" },
		{ "[{\"listen\": \"a b\"}]", "cache.proxy[0].listen: must be a text" },
		{ "[{\"listen\": \"127.0.0.1:1\", \"upstream\": \"127.0.0.1:2\", \"rules\": 3}]",
		  "cache.proxy[0].rules: must be a list" },
		{ "[{\"listen\": \"127.0.0.1:1\", \"upstream\": \"127.0.0.1:2\", \"rules\": "
		  "[{\"match\": \"/a\", \"tll\": \"3s\"}]}]",
		  "cache.proxy[0].rules[0].tll: unknown key" },
		{ "[{\"listen\": \"127.0.0.1:1\", \"upstream\": \"127.0.0.1:2\", \"rules\": [3]}]",
		  "cache.proxy[0].rules[0]: must be an object" },
	};
	struct config_error why;
	struct config *c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(read_file(bad[i].proxies, &why, &c), 0);
		if (!strstr(why.text, bad[i].told))
			fail_msg("%s: %s", bad[i].proxies, why.text);
		config_close(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(all_members_are_read),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(there_are_at_most_32_rules),
		cmocka_unit_test(a_file_says_it_by_objects),
		cmocka_unit_test(a_file_is_told_where_it_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
