#include "rs_test.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static void bytes_outside_the_printable_become_percent_xx(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(text_canonical("a b\n~\x7f\xff", 7, out, sizeof(out)), 15);
	assert_string_equal(out, "a%20b%0A~%7F%FF");
	assert_int_equal(text_canonical("a\0b", 3, out, sizeof(out)), 5);
	assert_string_equal(out, "a%00b");
}

static void a_cut_name_never_ends_inside_a_percent_xx(void **state)
{
	static const char *const wanted[] = {
		"", "x", "x", "x", "x%0A", "x%0Ay", "x%0Ay", "x%0Ay"
	};
	char out[8];

	(void)state;
	for (size_t size = 1; size <= sizeof(out); size++) {
		memset(out, '#', sizeof(out));
		assert_int_equal(text_canonical("x\ny", 3, out, size), strlen(wanted[size - 1]));
		assert_string_equal(out, wanted[size - 1]);
	}
	assert_int_equal(text_canonical("x", 1, out, 0), 0);
}

static void a_value_of_a_query_is_nothing_else(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(text_query("aZ09-._~", out, sizeof(out)), 8);
	assert_string_equal(out, "aZ09-._~");
	text_query("a&b=c#d%20+?/\" \xc3\xa4", out, sizeof(out));
	assert_string_equal(out, "a%26b%3Dc%23d%2520%2B%3F%2F%22%20%C3%A4");
	assert_int_equal(text_query("ab&", out, 5), 2); /* never cut inside one */
	assert_string_equal(out, "ab");
}

static void spans_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "250ms", 250000000 },
		{ "30s", 30000000000 },
		{ "1.5h", 5400000000000 },
		{ "5m", 300000000000 },
		{ "5min", 300000000000 },
		{ "1d", 86400000000000 },
		{ "7us", 7000 },
		{ "9ns", 9 },
		{ "0s", 0 },
		{ "0.0000005ms", 1 },
		{ "100000d", 8640000000000000000 },
	};
	static const char *const bad[] = { "",   "1",   "s",    "1 s",  "-1s", "1.2.3s", "1S",
					   "1x", "1ss", "infs", "0x1s", ".s",  "1e3s",   "1s " };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(text_span_ns(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_span_ns(bad[i], &ns), -EINVAL);
}

static void a_span_too_long_to_be_told_is_out_of_range(void **state)
{
	uint64_t ns = 7;

	(void)state;
	assert_int_equal(text_span_ns("106752d", &ns), -ERANGE);
	assert_int_equal(text_span_ns("9999999999999999999999h", &ns), -ERANGE);
	assert_int_equal(text_span_ns("99999999999999999999999999999999h", &ns), -EINVAL);
	assert_int_equal(ns, 7);
}

static void sizes_may_go_without_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "512", 512 },        { "512B", 512 },          { "1k", 1000 },
		{ "2kB", 2000 },       { "2KB", 2000 },          { "64MiB", 64 << 20 },
		{ "1.5KiB", 1536 },    { "3MB", 3000000 },       { "1GiB", 1 << 30 },
		{ "2GB", 2000000000 }, { "1TB", 1000000000000 }, { "1TiB", UINT64_C(1) << 40 },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(text_size_bytes(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	assert_int_equal(text_size_bytes("", &bytes), -EINVAL);
	assert_int_equal(text_size_bytes("1kb", &bytes), -EINVAL);
	assert_int_equal(text_size_bytes("-1", &bytes), -EINVAL);
	assert_int_equal(text_size_bytes("10000000TiB", &bytes), -ERANGE);
}

static void distance_counts_single_edits_and_swaps(void **state)
{
	char far[80];

	(void)state;
	assert_int_equal(text_distance("listen", "listen"), 0);
	assert_int_equal(text_distance("listen", "lisen"), 1);
	assert_int_equal(text_distance("listen", "lisstten"), 2);
	assert_int_equal(text_distance("listen", "lisetn"), 1);
	assert_int_equal(text_distance("ab", "ba"), 1);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	memset(far, 'a', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	assert_int_equal(text_distance(far, "a"), sizeof(far) - 1);
	far[64] = '\0';
	assert_int_equal(text_distance(far, "a"), 63);
}

static void addresses_are_numbers_and_a_port(void **state)
{
	struct sockaddr_storage at;
	const struct sockaddr_in *v4 = (const void *)&at;
	const struct sockaddr_in6 *v6 = (const void *)&at;
	socklen_t length;

	(void)state;
	assert_int_equal(text_address("127.0.0.1:9977", &at, &length), 0);
	assert_int_equal(at.ss_family, AF_INET);
	assert_int_equal(length, sizeof(*v4));
	assert_int_equal(ntohs(v4->sin_port), 9977);
	assert_int_equal(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(text_address("localhost:80", &at, &length), 0);
	assert_int_equal(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(text_address("[::1]:0", &at, &length), 0);
	assert_int_equal(at.ss_family, AF_INET6);
	assert_int_equal(length, sizeof(*v6));
	assert_true(IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr));
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		":80",
		"127.0.0.1:80x",
		"127.0.0.1:-1",
		"::1:80",
		"[::1:80",
		"[]:80",
		"example.org:80",
		"127.0.0.1: 80",
		"[127.0.0.1]:80",
		"[::1]80",
		"1.2.3.4.5:80",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
	};
	struct sockaddr_storage at;
	socklen_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_address(bad[i], &at, &length), -EINVAL);
}

static void numbers_are_finite_and_decimal(void **state)
{
	static const char *const bad[] = { "",   "nan",   "inf", "0x10", " 1",
					   "1 ", "1e999", "1,5", "-",    "e" };
	double value;

	(void)state;
	assert_int_equal(text_number("-12.5e1", &value), 0);
	assert_true(value == -125.0);
	assert_int_equal(text_number("80", &value), 0);
	assert_true(value == 80.0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_number(bad[i], &value), -EINVAL);
}

static void a_glob_means_all_of_a_text(void **state)
{
	static const char *const yes[][2] = {
		{ "", "" },           { "*", "" },
		{ "*", "a/b" },       { "**", "x" },
		{ "a*", "a" },        { "a*c", "abbc" },
		{ "*a*b", "xaabab" }, { "a?c", "abc" },
		{ "?", "?" },         { "/usr/*/nginx", "/usr/local/sbin/nginx" },
		{ "a\\*", "a*" },     { "\\?*", "?x" },
		{ "\\\\", "\\" },     { "a\\", "a\\" }, /* nothing follows to be quoted */
		{ "*\\*b", "a*b*b" },
	};
	static const char *const no[][2] = {
		{ "", "a" },      { "a", "" },    { "a", "ab" },      { "ab", "a" },
		{ "?", "" },      { "?", "ab" },  { "a*c", "acb" },   { "*a*b", "ba" },
		{ "a\\*", "ab" }, { "\\?", "a" }, { "a\\b", "a\\b" }, { "*?", "" },
	};
	char pattern[256], text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(text_glob(yes[i][0], yes[i][1]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(text_glob(no[i][0], no[i][1]));
	/* stars that could make it try everything */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "*a", 2);
	strcpy(pattern + sizeof(pattern) - 2, "b");
	assert_false(text_glob(pattern, text));
}

static void words_keep_their_blanks(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(text_words("SELECT ?\n", 9, out, sizeof(out)), 11);
	assert_string_equal(out, "SELECT ?%0A");
	assert_int_equal(text_canonical("a b", 3, out, sizeof(out)), 5);
	assert_string_equal(out, "a%20b");
}

static void a_name_has_a_twin_in_camel_case(void **state)
{
	(void)state;
	assert_true(text_is_name("min_count", "min_count"));
	assert_true(text_is_name("min_count", "minCount"));
	assert_true(text_is_name("service_impacting", "serviceImpacting"));
	assert_false(text_is_name("min_count", "mincount"));
	assert_false(text_is_name("min_count", "minCounts"));
	assert_false(text_is_name("min_count", "minC"));
	assert_false(text_is_name("window", "Window"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_a_twin_in_camel_case),
		cmocka_unit_test(words_keep_their_blanks),
		cmocka_unit_test(bytes_outside_the_printable_become_percent_xx),
		cmocka_unit_test(a_cut_name_never_ends_inside_a_percent_xx),
		cmocka_unit_test(a_value_of_a_query_is_nothing_else),
		cmocka_unit_test(spans_have_a_unit),
		cmocka_unit_test(a_span_too_long_to_be_told_is_out_of_range),
		cmocka_unit_test(sizes_may_go_without_a_unit),
		cmocka_unit_test(distance_counts_single_edits_and_swaps),
		cmocka_unit_test(a_glob_means_all_of_a_text),
		cmocka_unit_test(addresses_are_numbers_and_a_port),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(numbers_are_finite_and_decimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
