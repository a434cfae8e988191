#include "explain.h"

#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

#define RULE(state, value)                                                                         \
	"{\"name\":\"slow\",\"source\":\"a.json:3\",\"state\":\"" state "\",\"waitingFor\":null,"  \
	"\"metric\":\"requests.duration\",\"function\":\"p95\",\"unit\":\"ms\",\"value\":" value   \
	",\"series\":2,\"lookedAt\":\"T\",\"warning\":{\"above\":2000,\"clear\":1600},"            \
	"\"critical\":null,\"windowMs\":300000,\"intervalMs\":30000,\"forMs\":0,"                  \
	"\"for\":\"1 of 1\",\"cooldownMs\":300000}"
#define ALERT                                                                                      \
	"{\"id\":\"7\",\"rule\":\"slow\",\"state\":\"firing\",\"severity\":\"warning\","           \
	"\"since\":\"S\",\"labels\":{\"service\":\"shop\"},\"value\":2500,\"unit\":\"ms\","        \
	"\"notices\":3,\"level\":2,\"silencedBy\":\"4\",\"summary\":\"it is slow\","               \
	"\"cause\":{\"summary\":\"GET /a takes 90 % of the time\"}}"

static void says(const char *rule, const char *alerts, const char *what)
{
	struct envelope_error error;
	struct envelope *e;
	char document[2048], *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	snprintf(document, sizeof(document),
		 "{\"success\":true,\"data\":{\"rule\":%s,\"alerts\":[%s]}}", rule, alerts);
	assert_int_equal(envelope_open(&e, document, strlen(document), &error), 0);
	explain_rule(envelope_member(envelope_data(e), "rule"),
		     envelope_member(envelope_data(e), "alerts"), out);
	fclose(out);
	if (!strstr(text, what))
		fail_msg("'%s' is not in %s", what, text);
	free(text);
	envelope_close(e);
}

static void why_it_does_not_fire_is_said(void **state)
{
	(void)state;
	says(RULE("ok", "500"), "", "slow (a.json:3): ok: all is within its limits\n");
	says(RULE("ok", "500"), "", "warning   above 2000 ms, until 1600: not passed\n");
	says(RULE("ok", "null"), "", "ok: there is no data");
	says(RULE("ok", "null"), "", "warning   above 2000 ms, until 1600: not known\n");
	says(RULE("pending", "2500"), "", "pending: a limit is passed, but not for long enough");
	says(RULE("off", "null"), "", "off: it is switched off");
	says("{}", "", "unknown (unknown): unknown: it was not looked at yet");
}

static void why_it_fires_is_said_with_its_alerts(void **state)
{
	(void)state;
	says(RULE("firing", "2500"), ALERT, "saw       2500 ms, the worst of 2 series, at T\n");
	says(RULE("firing", "2500"), ALERT, "until 1600: passed\n");
	says(RULE("firing", "2500"), ALERT,
	     "alert 7  firing, warning, since S, shop: 2500 ms; 3 notices, level 2; nobody is "
	     "told: "
	     "silence 4\n            it is slow\n            cause: GET /a takes 90 % of the "
	     "time\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why_it_does_not_fire_is_said),
		cmocka_unit_test(why_it_fires_is_said_with_its_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
