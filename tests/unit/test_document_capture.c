#include "document_fixture.h"
#include "registry.h"

#include <ringside/segment.h>

static void tell(struct document_fixture *d)
{
	struct drain_counters delta = { .begun = 12, .requests = 10, .opened = 4, .closed = 3 };
	struct drain_ledger ledger = { .torn = 1,
				       .bad = 2,
				       .gap_requests = 3,
				       .state = RS_STATE_COUNT,
				       .why = RS_WHY_NO_TSC,
				       .clock = RS_CLOCK_MONOTONIC,
				       .unseen = RS_UNSEEN_STDIO | RS_UNSEEN_CHILDREN |
						 RS_UNSEEN_SYSTEM_CALLS };

	delta.counted[RS_KIND_REQUEST] = 10;
	delta.folded[RS_KIND_REQUEST] = 2;
	delta.dropped[RS_KIND_REQUEST] = 1;
	ledger.delivered[RS_KIND_REQUEST] = 7;
	delta.lost[RS_LOST_SHAPE_FULL] = 5;
	delta.unparsed[RS_UNPARSED_DEPTH] = 6;
	delta.handshakes[RS_TLS_1_2] = 1;
	delta.handshakes[RS_TLS_1_3] = 3;
	delta.handshakes_failed = 2;
	delta.handshake_ns = 6000000;
	delta.cost_ns = 600;
	delta.cost_samples = 30;
	ledger.detail = (struct drain_detail){ .level = DRAIN_DETAIL_SAMPLED,
					       .sample = 8,
					       .since_ns = NOW - 2 * SECOND,
					       .share = 12.5 };
	d->f.sink.counters(d->f.sink.ctx, &d->f.target, &delta, &ledger, NOW, false);
	for (int i = 0; i < 3; i++)
		d->f.sink.named(d->f.sink.ctx, &d->f.target,
				(const uint8_t *)(i ? "a.example" : "/no name"), i ? 9 : 8);
	fixture_tick(&d->f, NOW);
}

static void the_ledger_holds_every_loss_by_its_reason(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	tell(&d);
	text = document_text(&d, document_capture, "/x");
	assert_holds(text, "\"processes\":[{\"pid\":70,\"service\":\"shop\","
			   "\"serviceFrom\":\"program\",");
	assert_holds(text, "\"alive\":true,\"state\":\"countersOnly\",\"why\":\"noTsc\","
			   "\"clock\":\"monotonic\",\"allocator\":null,\"layers\":[\"preload\"],"
			   "\"unseen\":[\"stdio\",\"sandboxed_children\",\"system_calls\"],"
			   "\"seen\":10,\"recorded\":7,\"folded\":2,"
			   "\"dropped\":1,\"inFlight\":2,\"connectionsOpened\":4,"
			   "\"connectionsClosed\":3,\"tls\":{\"handshakes\":4,\"failed\":2,"
			   "\"avgMs\":1.5,\"versions\":{\"TLSv1.2\":1,\"TLSv1.3\":3}},\"kinds\":{"
			   "\"request\":{\"counted\":10,"
			   "\"delivered\":7,\"folded\":2,\"dropped\":1}},");
	assert_holds(text, "\"shapeFull\":5,");
	assert_holds(text, "\"torn\":1,\"bad\":2,\"gap\":3}");
	assert_holds(text, "\"depth\":6,");
	assert_holds(text, "\"cost\":{\"nsPerRequest\":3660,\"cpuPercent\":null,\"samples\":30},"
			   "\"detail\":{\"level\":\"sampled\",\"sample\":8,\"why\":\"budget\","
			   "\"since\":\"2025-12-31T23:59:58.000Z\",\"cpuPercent\":12.5}}]");
	assert_holds(text,
		     "\"budgetPercent\":10,\"services\":[{\"service\":\"shop\","
		     "\"environment\":null,\"processes\":1,\"reduced\":1,\"tls\":{\"handshakes\":4,"
		     "\"failed\":2,"
		     "\"avgMs\":1.5,\"versions\":{\"TLSv1.2\":1,\"TLSv1.3\":3}},\"tlsNames\":[{"
		     "\"name\":\"a.example\",\"handshakes\":2},{\"name\":\"_other\","
		     "\"handshakes\":1}],\"cost\":{"
		     "\"nsPerRequest\":3660,"
		     "\"cpuPercent\":null,\"samples\":30}}],");
	assert_holds(text, "\"aggregates\":{\"requestsLost\":0,");
	free(text);
	document_close(&d);
}

static void one_that_ended_stands_behind_those_that_live(void **state)
{
	struct capture_target other;
	struct document_fixture d;
	const char *ended, *alive;
	char *text;

	(void)state;
	document_open(&d);
	tell(&d);
	fixture_target(&other, 9, 90, "shop");
	other.named = TARGET_NAMED_UNIT;
	d.f.sink.seen(d.f.sink.ctx, &other);
	fixture_counters(&d.f, &other, 1, 1, NOW);
	d.f.sink.gone(d.f.sink.ctx, &d.f.target, NOW);
	fixture_tick(&d.f, NOW + SECOND);
	text = document_text(&d, document_capture, "/x");
	ended = strstr(text, "\"pid\":70,");
	alive = strstr(text, "\"pid\":90,\"service\":\"shop\",\"serviceFrom\":\"unit\",");
	assert_true(ended && alive && alive < ended);
	assert_holds(ended, "\"alive\":false,");
	assert_holds(ended, "\"inFlight\":0,");
	free(text);
	text = document_text(&d, document_capture, "/x?pid=90&limit=1");
	assert_lacks(text, "\"pid\":70,");
	free(text);
	document_close(&d);
}

/* As everywhere else: a service is its name and its environment. */
static void one_name_in_two_environments_is_two_services(void **state)
{
	struct capture_target other;
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	tell(&d);
	fixture_target(&other, 9, 90, "shop");
	strcpy(other.environment, "staging");
	d.f.sink.seen(d.f.sink.ctx, &other);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_capture, "/x");
	assert_holds(text, "{\"service\":\"shop\",\"environment\":null,\"processes\":1,");
	assert_holds(text, "{\"service\":\"shop\",\"environment\":\"staging\",\"processes\":1,"
			   "\"reduced\":0,\"tls\":{\"handshakes\":0,\"failed\":0,\"avgMs\":null,"
			   "\"versions\":{}},\"tlsNames\":[],");
	free(text);
	document_close(&d);
}

/* Requests of one whose time is not known are none of the time that is, nor those after it. */
static void a_services_share_is_of_processes_whose_time_is_known(void **state)
{
	struct means_sample samples[] = { { .time_ns = NOW - SECOND },
					  { .time_ns = NOW, .user_ns = 1000000, .requests = 5 } };
	struct capture_target other;
	struct document_fixture d;
	struct process *p;
	char *text;

	(void)state;
	document_open(&d);
	tell(&d);
	fixture_target(&other, 9, 90, "shop");
	d.f.sink.seen(d.f.sink.ctx, &other);
	fixture_counters(&d.f, &other, 990, 990, NOW);
	fixture_tick(&d.f, NOW);
	for (p = d.f.m->registry.processes; p->now.target.pid != 70;)
		p = p->next;
	for (int i = 0; i < 2; i++)
		means_put(&p->means, &samples[i], &d.f.m->budget);
	text = document_text(&d, document_capture, "/x");
	/* 600 ns of one hook in 61, of 1000 requests, times 5, of 1 ms */
	assert_holds(text, "\"cost\":{\"nsPerRequest\":36.6,\"cpuPercent\":0.0183,");
	free(text);
	document_close(&d);
}

static void a_state_that_nobody_knows_is_null(void **state)
{
	struct drain_counters none = { .begun = 0 };
	struct drain_ledger ledger = { .state = 200, .why = 200, .clock = 200 };
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	d.f.sink.counters(d.f.sink.ctx, &d.f.target, &none, &ledger, NOW, false);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_capture, "/x");
	assert_holds(text, "\"state\":null,\"why\":null,\"clock\":null,");
	assert_holds(text, "\"tls\":{\"handshakes\":0,\"failed\":0,\"avgMs\":null,\"versions\":{}},"
			   "\"kinds\":{},");
	assert_holds(text, "\"cost\":{\"nsPerRequest\":null,\"cpuPercent\":null,\"samples\":0},"
			   "\"detail\":{\"level\":\"all\",\"sample\":1,\"why\":null,"
			   "\"since\":null,\"cpuPercent\":null}");
	free(text);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ledger_holds_every_loss_by_its_reason),
		cmocka_unit_test(one_that_ended_stands_behind_those_that_live),
		cmocka_unit_test(one_name_in_two_environments_is_two_services),
		cmocka_unit_test(a_services_share_is_of_processes_whose_time_is_known),
		cmocka_unit_test(a_state_that_nobody_knows_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
