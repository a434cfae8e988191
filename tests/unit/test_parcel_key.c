#include "parcel_key.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static void a_slot_of_a_service_has_one_key(void **state)
{
	struct parcel_label label = {
		.step = SERIES_COARSE, .host = "web-1", .service = "shop", .environment = "live"
	};
	char out[PARCEL_KEY];
	size_t n = parcel_key_put(&label, 170000000, out);

	(void)state;
	assert_int_equal(n, strlen(out));
	assert_string_equal(out, "agg:{web-1}:shop:live:10:170000000");
	label.step = SERIES_WIDE;
	label.environment[0] = '\0';
	memcpy(label.service, "a b:{c}*%", 10);
	parcel_key_put(&label, -1, out);
	assert_string_equal(out, "agg:{web-1}:a%20b%3A%7Bc%7D%2A%25::300:-1");
	assert_int_equal(parcel_index_put("web-1", out), 11);
	assert_string_equal(out, "agg:{web-1}");
}

static void the_longest_names_find_room(void **state)
{
	struct parcel_label label = { .step = SERIES_WIDE };
	char out[PARCEL_KEY];
	size_t n;

	(void)state;
	memset(label.host, '/', sizeof(label.host) - 1);
	memset(label.service, '/', sizeof(label.service) - 1);
	memset(label.environment, '/', sizeof(label.environment) - 1);
	n = parcel_key_put(&label, INT64_MIN / 300000, out);
	assert_int_equal(n, strlen(out));
	assert_non_null(strstr(out, ":300:-30744573456182"));
}

static void a_member_comes_back(void **state)
{
	static const char *const bad[] = { "",      "shop", ":live", "a b:",  "a%2:",    "a%2",
					   "a%2a:", "%41:", "%0A:",  "%7F:",  "a:b:c",   "a:%",
					   "a:%3",  "a/b:", "%FF:x", "%00:x", "a:%25%2", ":" };
	struct parcel_label label, back;
	char out[PARCEL_MEMBER];
	size_t length;

	(void)state;
	length = parcel_member_put("a b:c%", "", out);
	assert_string_equal(out, "a%20b%3Ac%25:");
	assert_int_equal(parcel_member_get(out, length, &back), 0);
	assert_string_equal(back.service, "a b:c%");
	assert_string_equal(back.environment, "");
	memset(label.service, '~', sizeof(label.service));
	memset(label.environment, '~', sizeof(label.environment));
	label.service[sizeof(label.service) - 1] = '\0';
	label.environment[sizeof(label.environment) - 1] = '\0';
	length = parcel_member_put(label.service, label.environment, out);
	assert_int_equal(parcel_member_get(out, length, &back), 0);
	assert_string_equal(back.service, label.service);
	assert_string_equal(back.environment, label.environment);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parcel_member_get(bad[i], strlen(bad[i]), &back), -EBADMSG);
	memset(out, 'a', sizeof(out)); /* longer than any of ours */
	out[PARCEL_SERVICE] = ':';
	assert_int_equal(parcel_member_get(out, PARCEL_SERVICE + 1, &back), -EBADMSG);
	out[PARCEL_SERVICE - 1] = ':';
	assert_int_equal(parcel_member_get(out, PARCEL_SERVICE, &back), 0);
}

/* Slots in a row have numbers in a row, wherever the wall clock stands to them. */
static void numbers_are_those_of_the_wall_clock(void **state)
{
	(void)state;
	for (int64_t offset_ms = -20000; offset_ms < 20000; offset_ms += 777)
		for (uint32_t s = 30000; s < 30100; s += 10)
			assert_int_equal(parcel_number(SERIES_COARSE, s + 10, offset_ms),
					 parcel_number(SERIES_COARSE, s, offset_ms) + 1);
	assert_int_equal(parcel_number(SERIES_COARSE, 0, 1700000009999), 170000000);
	assert_int_equal(parcel_number(SERIES_COARSE, 0, 1700000010000), 170000001);
	assert_int_equal(parcel_number_at(SERIES_WIDE, 299999), 0);
	assert_int_equal(parcel_number_at(SERIES_WIDE, -1), -1);
	assert_int_equal(parcel_number_ms(SERIES_WIDE, 2), 600000);
}

static void a_host_has_a_plain_name(void **state)
{
	char out[PARCEL_HOST], name[100];

	(void)state;
	parcel_host("web-1.example.org", out);
	assert_string_equal(out, "web-1.example.org");
	parcel_host("a b{c}", out);
	assert_string_equal(out, "a_b_c_");
	parcel_host("", out);
	assert_string_equal(out, "localhost");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	parcel_host(name, out);
	assert_int_equal(strlen(out), PARCEL_HOST - 1);
}

static const char *found(uint32_t second, int64_t offset_ms, int64_t number)
{
	struct parcel_label label = { .step = SERIES_COARSE,
				      .second = second,
				      .wall_offset_ms = offset_ms,
				      .host = "web-1",
				      .service = "shop",
				      .environment = "live" };

	return parcel_key_check(&label, &label, number);
}

static void what_is_at_a_place_has_to_belong_there(void **state)
{
	static const char others[] = "it is another one's", late[] = "it is of another time";
	const struct parcel_label wanted = {
		.step = SERIES_COARSE, .host = "web-1", .service = "shop", .environment = "live"
	};
	struct parcel_label label = wanted;

	(void)state;
	assert_null(parcel_key_check(&label, &wanted, 0));
	label.step = SERIES_WIDE;
	assert_string_equal(parcel_key_check(&label, &wanted, 0), others);
	label = wanted;
	label.host[0] = 'x';
	assert_string_equal(parcel_key_check(&label, &wanted, 0), others);
	label = wanted;
	label.service[0] = 'x';
	assert_string_equal(parcel_key_check(&label, &wanted, 0), others);
	label = wanted;
	label.environment[0] = 'x';
	assert_string_equal(parcel_key_check(&label, &wanted, 0), others);
	/* it may have been told two seconds beside, by a clock that was read a moment apart */
	assert_null(found(30, 0, 3));
	assert_null(found(30, 11999, 3));
	assert_string_equal(found(30, 12000, 3), late);
	assert_null(found(30, -2000, 3));
	assert_string_equal(found(30, -2001, 3), late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_of_a_service_has_one_key),
		cmocka_unit_test(the_longest_names_find_room),
		cmocka_unit_test(a_member_comes_back),
		cmocka_unit_test(numbers_are_those_of_the_wall_clock),
		cmocka_unit_test(a_host_has_a_plain_name),
		cmocka_unit_test(what_is_at_a_place_has_to_belong_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
