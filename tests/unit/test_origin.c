/* The transfers are the test's: what is sent, when, and how it ends is put by hand. */
#include "origin.h"
#include "origin_wire.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t now_ns;
static struct origin *origin;
static struct origin_settings settings;

static uint64_t clock_ns(void)
{
	return now_ns;
}

static uint32_t chance(void)
{
	return UINT32_MAX / 2;
}

/* One that was sent ends so. */
static void end(uint32_t index, enum transfer_end how, uint32_t status)
{
	static char head[] = "Content-Type: text/plain\n", content[] = "v";

	wire.ended[wire.ends++] = (struct transfer_result){ .who = wire.sent[index].who,
							    .end = how,
							    .status = status,
							    .text = "in words",
							    .head = head,
							    .content = content,
							    .content_length = 1 };
}

static void open_it(const char *const *texts, size_t count)
{
	const struct origin_config config = { .settings = &settings,
					      .ttl_s = 300,
					      .most_bytes = 1000,
					      .now_ns = clock_ns,
					      .random = chance };
	struct channel_error why;

	memset(&settings, 0, sizeof(settings));
	for (size_t i = 0; i < count; i++)
		if (origin_rule_parse(texts[i], &settings.at[i].rule, &why))
			fail_msg("%s: %s", why.key, why.reason);
	settings.count = (uint32_t)count;
	now_ns = 1000 * MS;
	assert_int_equal(origin_open(&origin, &config), 0);
}

static void open_one(const char *more)
{
	char text[256];
	const char *texts[] = { text };

	snprintf(text, sizeof(text), "prefix=u: url=http://h/{rest} timeout=1s %s", more);
	open_it(texts, 1);
}

/* Who is told, and what. */
struct told {
	uint32_t times;
	enum origin_fault fault;
	bool found, first;
	uint64_t ttl_s;
	char value[8], text[64];
};

static void tell(void *ctx, const struct origin_answer *a)
{
	struct told *t = ctx;

	t->times++;
	t->fault = a->fault;
	t->found = a->found;
	t->first = a->first;
	t->ttl_s = a->ttl_s;
	snprintf(t->value, sizeof(t->value), "%.*s", (int)a->value.length,
		 a->value.at ? (const char *)a->value.at : "");
	snprintf(t->text, sizeof(t->text), "%s", a->text);
}

static int fetch(const char *text, struct told *t)
{
	const struct cache_bytes key = { text, strlen(text) };
	const struct origin_then then = { tell, t };

	return origin_fetch(origin, &key, &then);
}

static struct origin_state state_of(uint32_t index)
{
	struct origin_state s;

	origin_state_get(origin, index, &s);
	return s;
}

static void a_key_is_fetched_from_its_origin(void **state)
{
	static const char *const texts[] = {
		"prefix=u: url=http://h/{rest} timeout=1s headers=X:1",
		"prefix=u:a: url=http://i/{rest} headers=User-Agent:me",
	};
	struct told one = { 0 }, two = { 0 };

	(void)state;
	open_it(texts, 2);
	assert_int_equal(origin_fd(origin), 77);
	assert_int_equal(origin_due_ns(origin), 9000000 * MS);
	assert_int_equal(fetch("u:1", &one), 0);
	assert_int_equal(fetch("u:a:1", &two), 0);
	assert_int_equal(fetch("v:1", &one), -ENOENT);
	assert_int_equal(fetch("u", &one), -ENOENT);
	assert_int_equal(origin_due_ns(origin), 0);
	assert_int_equal(wire.count, 0); /* only a step does anything */
	origin_step(origin);
	assert_int_equal(wire.count, 2);
	assert_string_equal(wire.sent[0].url, "http://h/1");
	assert_string_equal(wire.sent[1].url, "http://i/1");
	assert_int_equal(wire.sent[0].most, 1000);
	assert_in_range(wire.sent[0].timeout_ms, 1000, 1001);
	assert_string_equal(wire.sent[0].headers[0], "Accept-Encoding: identity");
	assert_string_equal(wire.sent[0].headers[1], "X: 1");
	assert_memory_equal(wire.sent[0].headers[2], "User-Agent: ringside/", 21);
	assert_string_equal(wire.sent[1].headers[1], "User-Agent: me");
	assert_string_equal(wire.sent[1].headers[2], "");
	now_ns += 5 * MS;
	end(0, TRANSFER_WHOLE, 200);
	end(1, TRANSFER_WHOLE, 404);
	origin_step(origin);
	assert_int_equal(one.times, 1);
	assert_int_equal(one.fault, ORIGIN_FINE);
	assert_true(one.found);
	assert_int_equal(one.ttl_s, 300);
	assert_string_equal(one.value, "v");
	assert_int_equal(two.times, 1);
	assert_int_equal(two.fault, ORIGIN_FINE);
	assert_false(two.found);
	assert_int_equal(state_of(0).fetches, 1);
	assert_int_equal(state_of(0).took_ns, 5 * MS);
	assert_int_equal(state_of(0).unkept, 0);
	assert_int_equal(state_of(1).negative, 1);
	assert_int_equal(state_of(1).unkept, 1);
	assert_int_equal(state_of(1).under_way, 0);
	assert_string_equal(state_of(1).prefix, "u:a:");
	origin_close(origin);
	assert_true(wire.closed);
}

static void who_asks_for_the_same_waits_for_the_same(void **state)
{
	struct told told[200];

	(void)state;
	memset(told, 0, sizeof(told));
	open_one("");
	for (int i = 0; i < 100; i++)
		assert_int_equal(fetch("u:1", &told[i]), 0);
	origin_step(origin);
	for (int i = 100; i < 200; i++)
		assert_int_equal(fetch("u:1", &told[i]), 0);
	origin_step(origin);
	assert_int_equal(wire.count, 1);
	end(0, TRANSFER_WHOLE, 200);
	origin_step(origin);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(told[i].times, 1);
		assert_string_equal(told[i].value, "v");
		assert_int_equal(told[i].first, i == 0);
	}
	assert_int_equal(state_of(0).fetches, 1);
	assert_int_equal(state_of(0).coalesced, 199);
	assert_int_equal(fetch("u:1", &told[0]), 0); /* another time it is another fetch */
	origin_step(origin);
	assert_int_equal(wire.count, 2);
	origin_close(origin);
	assert_int_equal(told[0].fault, ORIGIN_CLOSED);
	assert_int_equal(told[0].times, 2);
}

static void no_more_are_under_way_than_may(void **state)
{
	struct told told[6] = { { 0 } };
	char key[] = "u:0";

	(void)state;
	open_one("concurrency=2 queue=3");
	for (int i = 0; i < 3; i++, key[2]++)
		assert_int_equal(fetch(key, &told[i]), 0);
	assert_int_equal(fetch(key, &told[3]), -ENOBUFS);
	assert_int_equal(state_of(0).crowded, 1);
	origin_step(origin);
	assert_int_equal(wire.count, 2);
	assert_int_equal(state_of(0).queued, 1);
	assert_int_equal(origin_due_ns(origin), 2000 * MS); /* the one that waits */
	assert_int_equal(fetch(key, &told[3]), 0);
	key[2]++;
	assert_int_equal(fetch(key, &told[4]), 0);
	key[2]++;
	assert_int_equal(fetch(key, &told[5]), -ENOBUFS);
	now_ns += 400 * MS;
	end(1, TRANSFER_WHOLE, 200);
	origin_step(origin);
	assert_int_equal(wire.count, 3);
	assert_string_equal(wire.sent[2].url, "http://h/2"); /* the oldest */
	assert_in_range(wire.sent[2].timeout_ms, 600, 601);  /* it waited that long */
	assert_int_equal(told[5].times, 0);
	now_ns += 600 * MS;
	origin_step(origin); /* the others' time is over */
	assert_int_equal(told[3].fault, ORIGIN_LATE);
	assert_int_equal(told[4].times, 1);
	assert_int_equal(state_of(0).queued, 0);
	assert_int_equal(state_of(0).faults[ORIGIN_LATE], 2);
	assert_int_equal(state_of(0).circuit, BREAKER_CLOSED);
	end(0, TRANSFER_LATE, 0);
	end(2, TRANSFER_LATE, 0);
	origin_step(origin);
	assert_int_equal(told[0].fault, ORIGIN_LATE);
	assert_int_equal(state_of(0).under_way, 0);
	origin_close(origin);
}

/* Five keys that are fetched, and end so. */
static void fail_five(enum transfer_end how, uint32_t status)
{
	static struct told told;
	char key[16];

	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "u:%d", i);
		assert_int_equal(fetch(key, &told), 0);
		origin_step(origin);
		end(wire.count - 1, how, status);
		origin_step(origin);
	}
}

static void an_origin_that_fails_is_left_alone(void **state)
{
	struct told told = { 0 }, probe = { 0 };

	(void)state;
	open_one("");
	fail_five(TRANSFER_WHOLE, 503);
	assert_int_equal(state_of(0).circuit, BREAKER_OPEN);
	assert_int_equal(state_of(0).fault, ORIGIN_FAILING);
	assert_string_equal(state_of(0).text, "in words");
	assert_int_equal(state_of(0).faults[ORIGIN_FAILING], 5);
	assert_int_equal(fetch("u:9", &told), -EHOSTDOWN);
	assert_int_equal(state_of(0).refused, 1);
	now_ns += 500 * MS;
	assert_int_equal(fetch("u:9", &probe), 0);
	assert_int_equal(fetch("u:9", &told), 0);          /* who joins it is no second one */
	assert_int_equal(fetch("u:8", &told), -EHOSTDOWN); /* another key is */
	origin_step(origin);
	end(wire.count - 1, TRANSFER_AWAY, 0);
	origin_step(origin);
	assert_int_equal(probe.fault, ORIGIN_AWAY);
	assert_int_equal(state_of(0).fault, ORIGIN_AWAY);
	now_ns += 999 * MS;
	assert_int_equal(fetch("u:9", &told), -EHOSTDOWN);
	now_ns += 2 * MS;
	assert_int_equal(fetch("u:9", &probe), 0);
	origin_step(origin);
	end(wire.count - 1, TRANSFER_WHOLE, 404); /* it works */
	origin_step(origin);
	assert_int_equal(state_of(0).circuit, BREAKER_CLOSED);
	assert_int_equal(state_of(0).fault, ORIGIN_FINE);
	assert_int_equal(fetch("u:8", &told), 0);
	assert_int_equal(fetch("u:7", &told), 0);
	origin_close(origin);
}

static void what_is_about_its_key_alone_opens_nothing(void **state)
{
	struct origin_state s;

	(void)state;
	open_one("");
	for (int i = 0; i < 3; i++) {
		fail_five(TRANSFER_WHOLE, 403);
		fail_five(TRANSFER_WHOLE, 302);
		fail_five(TRANSFER_LARGE, 200);
	}
	assert_int_equal(state_of(0).circuit, BREAKER_CLOSED);
	assert_int_equal(state_of(0).faults[ORIGIN_LARGE], 15);
	s = state_of(0);
	assert_int_equal(origin_errors(&s), 45);
	origin_close(origin);
}

static void those_that_wait_are_not_sent_to_one_that_fails(void **state)
{
	struct told told[8] = { { 0 } };
	char key[] = "u:0";

	(void)state;
	open_one("concurrency=5");
	for (int i = 0; i < 8; i++, key[2]++)
		assert_int_equal(fetch(key, &told[i]), 0);
	origin_step(origin);
	for (uint32_t i = 0; i < 5; i++)
		end(i, TRANSFER_CUT, 200);
	origin_step(origin);
	assert_int_equal(wire.count, 5);
	assert_int_equal(told[4].fault, ORIGIN_CUT);
	for (int i = 5; i < 8; i++) {
		assert_int_equal(told[i].times, 1);
		assert_int_equal(told[i].fault, ORIGIN_BROKEN);
	}
	assert_int_equal(state_of(0).circuit, BREAKER_OPEN);
	origin_close(origin);
}

/* A probe that never gets through must not keep the circuit half open for good. */
static void a_probe_that_cannot_go_is_one_that_failed(void **state)
{
	struct told told = { 0 };

	(void)state;
	open_one("");
	fail_five(TRANSFER_ODD, 0);
	now_ns += 500 * MS;
	assert_int_equal(fetch("u:9", &told), 0);
	wire.full = true;
	origin_step(origin);
	assert_int_equal(told.times, 1);
	assert_string_equal(told.text, "out of memory");
	assert_int_equal(state_of(0).circuit, BREAKER_OPEN);
	now_ns += 1001 * MS;
	assert_int_equal(fetch("u:9", &told), 0);
	now_ns += 1000 * MS; /* nobody stepped in its time */
	origin_step(origin);
	assert_int_equal(told.fault, ORIGIN_LATE);
	assert_int_equal(state_of(0).circuit, BREAKER_OPEN);
	origin_close(origin);
}

static void a_key_without_a_url_is_refused(void **state)
{
	struct told told = { 0 };
	char *longer = malloc(9001);

	(void)state;
	open_one("");
	assert_int_equal(fetch("u:..", &told), -EINVAL);
	memset(longer, 'a', 9000);
	memcpy(longer, "u:", 2);
	longer[9000] = '\0';
	assert_int_equal(fetch(longer, &told), -ENAMETOOLONG);
	free(longer);
	assert_int_equal(state_of(0).queued, 0);
	origin_close(origin);
}

static void one_without_its_secret_is_not_asked(void **state)
{
	const struct origin_config config = { .settings = &settings,
					      .now_ns = clock_ns,
					      .random = chance };
	struct told told = { 0 };

	(void)state;
	open_one("");
	origin_close(origin);
	snprintf(settings.at[0].fault, sizeof(settings.at[0].fault), "no such file");
	assert_int_equal(origin_open(&origin, &config), 0);
	assert_int_equal(fetch("u:1", &told), -EHOSTDOWN);
	assert_int_equal(state_of(0).fault, ORIGIN_AWAY);
	assert_string_equal(state_of(0).text, "no such file");
	origin_close(origin);
}

static void what_was_served_stale_is_counted(void **state)
{
	const struct cache_bytes mine = { "u:1", 3 }, other = { "v:1", 3 };

	(void)state;
	open_one("key=u:{rest}:x");
	origin_note(origin, &mine, ORIGIN_STALE);
	origin_note(origin, &other, ORIGIN_STALE);
	origin_note(origin, &other, ORIGIN_ABSENT);
	assert_int_equal(state_of(0).stale, 1);
	assert_int_equal(origin_count(origin), 1);
	assert_string_equal(origin_rule_of(origin, &mine)->key, "u:{rest}:x");
	assert_null(origin_rule_of(origin, &other));
	origin_close(origin);
}

/* Who is told may ask again at once, for the same key too. */
static void again(void *ctx, const struct origin_answer *a)
{
	struct told *t = ctx;

	(void)a;
	if (++t->times < 3)
		assert_int_equal(fetch("u:1", t), 0);
}

static void who_is_told_may_ask_again(void **state)
{
	const struct cache_bytes key = { "u:1", 3 };
	struct told told = { 0 };
	const struct origin_then then = { again, &told };

	(void)state;
	open_one("");
	assert_int_equal(origin_fetch(origin, &key, &then), 0);
	origin_step(origin);
	end(0, TRANSFER_WHOLE, 200);
	origin_step(origin);
	assert_int_equal(wire.count, 2);
	end(1, TRANSFER_WHOLE, 200);
	origin_step(origin);
	assert_int_equal(told.times, 2); /* the second by tell() */
	origin_close(origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_fetched_from_its_origin),
		cmocka_unit_test(who_asks_for_the_same_waits_for_the_same),
		cmocka_unit_test(no_more_are_under_way_than_may),
		cmocka_unit_test(an_origin_that_fails_is_left_alone),
		cmocka_unit_test(what_is_about_its_key_alone_opens_nothing),
		cmocka_unit_test(those_that_wait_are_not_sent_to_one_that_fails),
		cmocka_unit_test(a_probe_that_cannot_go_is_one_that_failed),
		cmocka_unit_test(a_key_without_a_url_is_refused),
		cmocka_unit_test(one_without_its_secret_is_not_asked),
		cmocka_unit_test(what_was_served_stale_is_counted),
		cmocka_unit_test(who_is_told_may_ask_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
