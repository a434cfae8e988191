#include "../../agent/transfer/transfer_mail.c" /* white box: what a server says */
#include "rs_test.h"

static void says(struct transfer *one, bool server, const char *line)
{
	char bytes[400];

	snprintf(bytes, sizeof(bytes), "%s\r\n", line);
	transfer_watch(NULL, server ? CURLINFO_HEADER_IN : CURLINFO_HEADER_OUT, bytes,
		       strlen(bytes), one);
}

static void who_may_take_a_mail_later_is_named(void **state)
{
	static struct transfer one;

	(void)state;
	says(&one, true, "450 nobody was asked for");
	says(&one, false, "MAIL FROM:<a@b>");
	says(&one, true, "451 nor here");
	says(&one, false, "RCPT TO:<c@d>");
	says(&one, true, "250 fine");
	says(&one, false, "RCPT TO:<e@f> NOTIFY=NEVER");
	says(&one, true, "450-busy,");
	says(&one, true, "450 as it says");
	says(&one, true, "450 twice");
	says(&one, false, "RCPT TO:<g@h>");
	says(&one, true, "421 too");
	says(&one, false, "RCPT TO:<i@j>");
	says(&one, true, "550 is no more");
	assert_string_equal(one.later, "e@f,g@h");
	assert_memory_equal(one.refused, "i@j: 550 is no more", 19);
	says(&one, false, "RCPT TO:<k@l");
	says(&one, true, "450 cut off");
	assert_string_equal(one.later, "e@f,g@h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_take_a_mail_later_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
