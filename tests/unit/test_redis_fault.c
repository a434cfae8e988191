#include "redis_fault.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static enum redis_fault of(const char *text)
{
	return redis_fault_of(text, strlen(text));
}

static void refusals_are_known_by_their_first_word(void **state)
{
	(void)state;
	assert_int_equal(of("OOM command not allowed when used memory > 'maxmemory'."), REDIS_OOM);
	assert_int_equal(of("READONLY You can't write against a read only replica."),
			 REDIS_READONLY);
	assert_int_equal(of("LOADING Redis is loading the dataset in memory"), REDIS_LOADING);
	assert_int_equal(of("NOAUTH Authentication required."), REDIS_NOAUTH);
	assert_int_equal(of("WRONGPASS invalid username-password pair"), REDIS_NOAUTH);
	assert_int_equal(of("NOPERM this user has no permissions"), REDIS_NOPERM);
	assert_int_equal(of("WRONGTYPE Operation against a key"), REDIS_WRONGTYPE);
	assert_int_equal(of("CLUSTERDOWN Hash slot not served"), REDIS_CLUSTERDOWN);
	assert_int_equal(of("TRYAGAIN"), REDIS_TRYAGAIN);
	assert_int_equal(of("MISCONF Redis is configured to save"), REDIS_MISCONF);
	assert_int_equal(of("MASTERDOWN Link with MASTER is down"), REDIS_MASTERDOWN);
	assert_int_equal(of("MOVED 1 h:1"), REDIS_MOVED);
	assert_int_equal(of("ASK 1 h:1"), REDIS_ASK);
	assert_int_equal(of("ERR unknown command"), REDIS_ERROR);
	assert_int_equal(of("OOMS"), REDIS_ERROR);
	assert_int_equal(of(""), REDIS_ERROR);
}

static void each_fault_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < REDIS_FAULTS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(redis_fault_name((enum redis_fault)i),
						redis_fault_name((enum redis_fault)j));
}

static void some_pass(void **state)
{
	(void)state;
	assert_true(redis_fault_passes(REDIS_TRYAGAIN));
	assert_true(redis_fault_passes(REDIS_CLUSTERDOWN));
	assert_true(redis_fault_passes(REDIS_LOADING));
	assert_false(redis_fault_passes(REDIS_OOM));
	assert_false(redis_fault_passes(REDIS_TIMEOUT));
}

static void a_redirection_names_slot_and_place(void **state)
{
	struct redis_place p;
	uint32_t slot;

	(void)state;
	assert_int_equal(redis_fault_redirect("MOVED 3999 127.0.0.1:6381", 25, &slot, &p), 0);
	assert_int_equal(slot, 3999);
	assert_string_equal(p.host, "127.0.0.1");
	assert_int_equal(p.port, 6381);
	assert_int_equal(redis_fault_redirect("ASK 16383 ::1:65535", 19, &slot, &p), 0);
	assert_string_equal(p.host, "::1");
	assert_int_equal(redis_fault_redirect("MOVED 0 :6381", 13, &slot, &p), 0);
	assert_string_equal(p.host, "");
}

static void what_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"MOVED",
		"MOVED 1",
		"MOVED 1 h",
		"MOVED 16384 h:1",
		"MOVED -1 h:1",
		"MOVED x h:1",
		"MOVED 1 h:0",
		"MOVED 1 h:65536",
		"MOVED 1 h:1x",
		"MOVED  h:1",
		"MOVED 1 a b:1",
		"MOVED 1 h:",
		"MOVED 99999999999 h:1",
	};
	struct redis_place p;
	char text[400];
	uint32_t slot;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!redis_fault_redirect(wrong[i], strlen(wrong[i]), &slot, &p))
			fail_msg("%s was taken", wrong[i]);
	assert_int_equal(redis_fault_redirect("MOVED 1 \0:1", 11, &slot, &p), -EINVAL);
	memset(text, 'a', sizeof(text));
	memcpy(text, "MOVED 1 ", 8);
	memcpy(text + 8 + REDIS_URL_HOST, ":1", 2);
	assert_int_equal(redis_fault_redirect(text, 10 + REDIS_URL_HOST, &slot, &p), -EINVAL);
	memcpy(text + 7 + REDIS_URL_HOST, ":1", 2);
	assert_int_equal(redis_fault_redirect(text, 9 + REDIS_URL_HOST, &slot, &p), 0);
	assert_int_equal(redis_fault_redirect(text, sizeof(text), &slot, &p), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_are_known_by_their_first_word),
		cmocka_unit_test(each_fault_has_a_name_of_its_own),
		cmocka_unit_test(some_pass),
		cmocka_unit_test(a_redirection_names_slot_and_place),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
