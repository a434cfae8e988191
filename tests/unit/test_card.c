#include "card.h"

#include "redis_client.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json j;

static struct card sample(void)
{
	static struct card_alert alerts[2];
	struct card card = { .schema = CARD_SCHEMA,
			     .host = "web-1",
			     .agent = "0123456789abcdef",
			     .version = "0.1.0",
			     .at_ms = INT64_C(1700000000123),
			     .started_ms = INT64_C(1690000000000),
			     .offset_ms = -5000,
			     .base_ms = INT64_C(1689999000000),
			     .gone_after_ms = 30000,
			     .services = 3,
			     .lost = 7,
			     .slots = { { 10, 20, 15, 17 }, { 1, 2, 2, 2 } },
			     .alert_count = 2,
			     .alerts_left = 4,
			     .alerts = alerts };

	snprintf(alerts[0].rule, sizeof(alerts[0].rule), "slow \"p95\" <&>");
	snprintf(alerts[0].service, sizeof(alerts[0].service), "shop");
	snprintf(alerts[0].state, sizeof(alerts[0].state), "firing");
	alerts[0].value = 2.5;
	alerts[0].level = 2;
	alerts[0].notices = 9;
	return card;
}

static const char *text_of(const struct card *card)
{
	json_fini(&j);
	json_init(&j);
	card_put(card, &j);
	assert_int_equal(json_finish(&j), 0);
	return j.bytes;
}

static int teardown(void **state)
{
	(void)state;
	json_fini(&j);
	json_init(&j);
	return 0;
}

static void what_is_put_is_read(void **state)
{
	struct card card = sample(), got;
	const char *text = text_of(&card);

	(void)state;
	assert_null(card_read(text, strlen(text), &got));
	assert_string_equal(got.host, "web-1");
	assert_string_equal(got.agent, "0123456789abcdef");
	assert_string_equal(got.version, "0.1.0");
	assert_int_equal(got.at_ms, card.at_ms);
	assert_int_equal(got.started_ms, card.started_ms);
	assert_int_equal(got.offset_ms, -5000);
	assert_int_equal(got.base_ms, card.base_ms);
	assert_int_equal(got.gone_after_ms, 30000);
	assert_int_equal(got.services, 3);
	assert_int_equal(got.lost, 7);
	assert_memory_equal(got.slots, card.slots, sizeof(got.slots));
	assert_int_equal(got.alert_count, 2);
	assert_int_equal(got.alerts_left, 4);
	assert_string_equal(got.alerts[0].rule, "slow \"p95\" <&>");
	assert_string_equal(got.alerts[0].service, "shop");
	assert_string_equal(got.alerts[0].state, "firing");
	assert_true(got.alerts[0].value == 2.5);
	assert_int_equal(got.alerts[0].level, 2);
	assert_int_equal(got.alerts[0].notices, 9);
	assert_string_equal(got.alerts[1].rule, "");
	card_fini(&got);
}

static void another_schema_is_refused_and_known(void **state)
{
	static const char text[] = "{\"schema\":2,\"host\":\"web-1\",\"agent\":\"x\"}";
	struct card got;

	(void)state;
	assert_string_equal(card_read(text, sizeof(text) - 1, &got),
			    "its announcement is of another schema");
	assert_int_equal(got.schema, 2);
	card_fini(&got);
}

/* The text with one part of it replaced. */
static const char *refused(const char *part, const char *by)
{
	struct card card = sample(), got;
	const char *text = text_of(&card), *at = strstr(text, part), *reason;
	char changed[8192];

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, by,
		 at + strlen(part));
	reason = card_read(changed, strlen(changed), &got);
	card_fini(&got);
	return reason;
}

static void what_is_no_card_is_refused(void **state)
{
	static const struct {
		const char *part, *by;
	} cases[] = {
		{ "\"host\":\"web-1\"", "\"host\":\"\"" },
		{ "\"host\":\"web-1\"", "\"host\":5" },
		{ "\"agent\":\"0123456789abcdef\"", "\"agent\":null" },
		{ "\"at\":1700000000123", "\"at\":-1" },
		{ "\"at\":1700000000123", "\"at\":1e300" },
		{ "\"offset\":-5000", "\"offset\":1e15" },
		{ "\"goneAfter\":30000", "\"goneAfter\":0" },
		{ "\"goneAfter\":30000", "\"goneAfter\":86400001" },
		{ "\"until\":20", "\"until\":-20" },
		{ "\"until\":20", "\"until\":1e18" },
		{ "\"wide\":", "\"wild\":" },
		{ "\"lost\":7", "\"lost\":\"7\"" },
	};
	struct card got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(refused(cases[i].part, cases[i].by),
				    "its announcement is not sound");
	assert_string_equal(refused("\"schema\":1", "\"schema\":\"1\""),
			    "it is no announcement of an agent");
	assert_string_equal(card_read("[]", 2, &got), "it is no announcement of an agent");
	assert_string_equal(card_read("", 0, &got), "it is no announcement of an agent");
	assert_string_equal(card_read("{", CARD_MOST + 1, &got), "its announcement is too long");
}

static void more_alerts_than_a_card_has_are_counted(void **state)
{
	struct card card = sample(), got;
	const char *text;

	(void)state;
	card.alerts = calloc(CARD_ALERTS + 3, sizeof(*card.alerts));
	card.alert_count = CARD_ALERTS + 3;
	text = text_of(&card);
	free(card.alerts);
	assert_null(card_read(text, strlen(text), &got));
	assert_int_equal(got.alert_count, CARD_ALERTS);
	assert_int_equal(got.alerts_left, 4 + 3);
	card_fini(&got);
}

static void its_key_is_in_the_slot_of_the_parcels(void **state)
{
	char key[PARCEL_KEY], index[PARCEL_KEY];

	(void)state;
	assert_int_equal(card_key_put("web-1", key), strlen("fleet:{web-1}"));
	assert_string_equal(key, "fleet:{web-1}");
	parcel_index_put("web-1", index);
	assert_string_equal(strchr(index, '{'), strchr(key, '{'));
	card_key_put("hosts", key);
	assert_string_not_equal(key, CARD_INDEX); /* a host of that name takes no one's place */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_put_is_read, teardown),
		cmocka_unit_test(another_schema_is_refused_and_known),
		cmocka_unit_test_teardown(what_is_no_card_is_refused, teardown),
		cmocka_unit_test_teardown(more_alerts_than_a_card_has_are_counted, teardown),
		cmocka_unit_test(its_key_is_in_the_slot_of_the_parcels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
