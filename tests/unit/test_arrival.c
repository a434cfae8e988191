#include "../../agent/capture/arrival.c" /* white box: a row by hand */
#include "filter.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define SPAN_NS 30000000

static struct probe_filter *filter;
static struct arrival *arrivals; /* NULL: refused here */

struct pair {
	int listener, client;
};

static void pair_listen(struct pair *p)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->listener, 1), 0);
}

static void pair_connect(struct pair *p)
{
	struct sockaddr_in at;
	socklen_t bytes = sizeof(at);

	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &bytes), 0);
	p->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p->client, (struct sockaddr *)&at, bytes), 0);
}

/* What came lies there for a while, is accepted, looked at, and read in two parts. */
static void pair_talk(const struct pair *p)
{
	const struct timespec span = { .tv_nsec = SPAN_NS };
	char buffer[8];
	int server;

	assert_int_equal(send(p->client, "question", 8, 0), 8);
	nanosleep(&span, NULL);
	server = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(recv(server, buffer, 8, MSG_PEEK), 8);
	assert_int_equal(read(server, buffer, 4), 4);
	assert_int_equal(read(server, buffer, 4), 4);
	close(server);
}

static struct strain told(uint64_t now_ns)
{
	struct strain s = { .known = STRAIN_TCP };

	assert_int_equal(arrival_strain_add(arrivals->probe, getpid(), now_ns, &s), 0);
	assert_int_equal(s.known, STRAIN_TCP | STRAIN_ARRIVAL);
	return s;
}

static void watch(uint32_t why)
{
	assert_int_equal(probe_filter_put(filter, getpid(), why), 0);
	assert_int_equal(arrival_watch(arrivals->probe, getpid(), true), 0);
	assert_int_equal(arrival_watch(arrivals->probe, getpid(), true), 0); /* again: it goes on */
}

static void what_arrives_lies_there_until_it_is_accepted_and_read(void **state)
{
	struct strain before, now;
	struct pair p;

	(void)state;
	pair_listen(&p); /* before it is watched */
	watch(FILTER_WATCHED | FILTER_ASKED);
	assert_int_equal(arrival_find(arrivals), 0);
	before = told(0);
	pair_connect(&p);
	pair_talk(&p);
	now = told(0);
	assert_int_equal(now.arrivals - before.arrivals, 1);
	assert_in_range(now.arrival_ns - before.arrival_ns, SPAN_NS, 100 * (uint64_t)SPAN_NS);
	close(p.client);
	close(p.listener);
}

static void where_it_listens_later_is_met_then(void **state)
{
	struct strain before;
	struct pair p;

	(void)state;
	watch(FILTER_WATCHED | FILTER_ASKED);
	before = told(0);
	pair_listen(&p);
	pair_connect(&p);
	pair_talk(&p);
	assert_int_equal(told(0).arrivals - before.arrivals, 1);
	close(p.client);
	close(p.listener);
}

static void of_others_nothing_is_told(void **state)
{
	static const uint32_t others[] = { FILTER_WATCHED,
					   FILTER_WATCHED | FILTER_ASKED | FILTER_BARE };
	struct strain before, s = { 0 };
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		watch(others[i]);
		before = told(0);
		pair_listen(&p);
		assert_int_equal(arrival_find(arrivals), 0);
		pair_connect(&p);
		pair_talk(&p);
		assert_int_equal(told(0).arrivals, before.arrivals);
		close(p.client);
		close(p.listener);
	}
	arrival_watch(arrivals->probe, getpid(), false);
	assert_int_equal(arrival_strain_add(arrivals->probe, getpid(), 0, &s), -ENOENT);
	assert_int_equal(s.known, 0);
	assert_int_equal(probe_filter_put(filter, getpid(), 0), 0);
}

static void the_longest_is_that_of_the_period_before(void **state)
{
	const struct arrival_row row = { .longest_ns = { 5000, 7000 }, .periods = { 4, 3 } };
	const struct arrival_row huge = { .longest_ns = { UINT64_MAX, 0 }, .periods = { 4, 5 } };
	uint64_t period_ns = UINT64_C(1) << ARRIVAL_PERIOD;

	(void)state;
	assert_int_equal(arrival_longest_us(&row, 4 * period_ns), 7);
	assert_int_equal(arrival_longest_us(&row, 5 * period_ns - 1), 7);
	assert_int_equal(arrival_longest_us(&row, 5 * period_ns), 5);
	assert_int_equal(arrival_longest_us(&row, 6 * period_ns), 0); /* that was period 3 */
	assert_int_equal(arrival_longest_us(&huge, 5 * period_ns), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_arrives_lies_there_until_it_is_accepted_and_read),
		cmocka_unit_test(where_it_listens_later_is_met_then),
		cmocka_unit_test(of_others_nothing_is_told),
		cmocka_unit_test(the_longest_is_that_of_the_period_before),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = arrival_open(&arrivals, filter, &now);
	if (result || !probe_whole(&now)) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		arrival_close(arrivals);
		probe_filter_close(filter);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arrival_close(arrivals);
	arrival_close(NULL);
	probe_filter_close(filter);
	return failed;
}
