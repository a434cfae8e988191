#include "../../agent/send/courier.c" /* white box: what arrived before is put by hand */
#include "rs_test.h"

#include <sys/wait.h>

static struct config_alerts alerts;
static struct board *board;
static struct courier courier;

static void open_it(int link)
{
	if (!board)
		assert_int_equal(board_open(&board), 0);
	board_put(board, &alerts);
	courier_init(&courier, board, link);
}

/* A channel of this text, at 2. */
static void configure(const char *text)
{
	struct channel_error why;

	memset(&alerts, 0, sizeof(alerts));
	alerts.count = 3;
	alerts.channels[1].type = CHANNEL_EMAIL;
	assert_int_equal(channel_parse(text, &alerts.channels[2], &why), 0);
}

static struct courier_order order(uint64_t sequence)
{
	return (struct courier_order){ .sum = channel_sum(&alerts.channels[2]),
				       .notice = {
					       .sequence = sequence, .at_ms = 5, .rule = "r" } };
}

static struct courier_word heard(int link)
{
	struct courier_word word = { .outcome = 99 };
	struct pollfd fd = { .fd = link, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_int_equal(courier_hear(link, &word), 1);
	return word;
}

static int receiver(int *port)
{
	struct sockaddr_storage at;
	struct timeval patience = { .tv_sec = 5 };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(text_address("127.0.0.1:1", &at, &length), 0);
	memset(at.__ss_padding, 0, 2); /* port 0 */
	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	*port = (unsigned char)at.__ss_padding[0] << 8 | (unsigned char)at.__ss_padding[1];
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void it_carries_in_a_process_of_its_own(void **state)
{
	char text[64], datagram[2048];
	struct courier_word word;
	struct courier_order o;
	int port, fd = receiver(&port), links[2], status;
	pid_t pid;

	(void)state;
	snprintf(text, sizeof(text), "d type=dogstatsd address=127.0.0.1:%d", port);
	configure(text);
	o = order(3);
	assert_int_equal(courier_link(links), 0);
	open_it(links[1]);
	pid = fork();
	if (pid == 0) {
		close(links[0]);
		close(fd);
		_exit(courier_run(&courier));
	}
	close(links[1]);
	word = heard(links[0]);
	assert_int_equal(word.outcome, COURIER_HELLO);
	assert_int_equal(word.pid, pid);
	for (int i = 0; i < 2; i++) { /* ordered again it is not sent again */
		assert_int_equal(courier_order(links[0], &o), 0);
		word = heard(links[0]);
		assert_int_equal(word.outcome, COURIER_ARRIVED);
		assert_int_equal(word.sequence, 3);
		assert_int_equal(word.at_ms, 5);
	}
	assert_true(recv(fd, datagram, sizeof(datagram), 0) > 0);
	assert_memory_equal(datagram, "_e{", 3);
	assert_int_equal(recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT), -1);
	o.sum = channel_sum(
		&alerts.channels[0]); /* the log is not its business, nor what it has not */
	assert_int_equal(courier_order(links[0], &o), 0);
	assert_string_equal(heard(links[0]).text, "the runner has not this channel as it is");
	o.sum = 77;
	assert_int_equal(courier_order(links[0], &o), 0);
	word = heard(links[0]);
	assert_int_equal(word.outcome, COURIER_LATER);
	assert_int_equal(word.sum, 77);
	o = order(4);
	assert_int_equal(courier_order(links[0], &o), 0);
	assert_int_equal(heard(links[0]).sequence, 4);
	close(fd);
	o = order(5);
	assert_int_equal(courier_order(links[0], &o), 0);
	word = heard(links[0]);
	assert_int_equal(word.outcome, COURIER_LATER);
	assert_string_equal(word.text, "Connection refused");
	close(links[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void what_can_never_be_taken_is_refused(void **state)
{
	(void)state;
	assert_true(courier_is_refused(400, CHANNEL_WEBHOOK));
	assert_true(courier_is_refused(422, CHANNEL_ALERTMANAGER));
	assert_false(courier_is_refused(404, CHANNEL_WEBHOOK)); /* the address may be put right */
	assert_false(courier_is_refused(401, CHANNEL_WEBHOOK));
	assert_false(courier_is_refused(429, CHANNEL_SLACK));
	assert_false(courier_is_refused(503, CHANNEL_SLACK));
	assert_true(courier_is_refused(410, CHANNEL_SLACK));
	assert_true(courier_is_refused(405, CHANNEL_WEBHOOK));
	assert_false(courier_is_refused(307, CHANNEL_WEBHOOK));
	assert_false(courier_is_refused(0, CHANNEL_SLACK));
}

static void the_signature_is_over_time_and_body(void **state)
{
	char header[160];
	struct json j;

	(void)state;
	configure("w type=webhook url=http://x/ secret=k");
	json_init(&j);
	json_string(&j, NULL, "b");
	assert_int_equal(json_finish(&j), 0);
	assert_int_equal(courier_sign(&alerts.channels[2], &j, 7999, header, sizeof(header)), 0);
	/* printf '7."b"' | openssl dgst -sha256 -hmac k */
	assert_string_equal(
		header, "Ringside-Signature: "
			"t=7,v1=3ae6fabeff7aecdedf1ecc34c56677fa2e13dcfd6b1b120b0c1ae939086d42de");
	json_fini(&j);
}

static void alertmanager_is_known_by_its_address(void **state)
{
	char url[CHANNEL_VALUE + 32];

	(void)state;
	configure("a type=alertmanager url=http://x:9093/am/");
	courier_url(&alerts.channels[2], url, sizeof(url));
	assert_string_equal(url, "http://x:9093/am/api/v2/alerts");
	configure("w type=webhook url=http://x/");
	courier_url(&alerts.channels[2], url, sizeof(url));
	assert_string_equal(url, "http://x/");
}

static void held_alerts_of_one_moment_are_not_the_same(void **state)
{
	struct courier_job job = { .busy = true, .at = 2, .order = order(0) };
	struct courier_order other = order(0);

	(void)state;
	job.order.notice.id = 1;
	other.notice.id = 2;
	assert_true(courier_is(&job, 2, &job.order));
	assert_false(courier_is(&job, 1, &job.order));
	assert_false(courier_is(&job, 2, &other));
}

static void what_is_known_of_a_channel_goes_on_under_its_name(void **state)
{
	static struct courier_round r;
	struct channel_error why;

	(void)state;
	configure("ops type=webhook url=http://x/");
	open_it(-1);
	r.courier = &courier;
	r.arrived[2].sequence = 7;
	strcpy(r.rests[2].to, "a@b");
	r.jobs[0] = (struct courier_job){ .busy = true, .at = 2, .order = order(8) };
	courier_look(&r); /* nothing was put up */
	assert_int_equal(r.jobs[0].at, 2);
	alerts.channels[3] = alerts.channels[2];
	alerts.count = 4;
	assert_int_equal(channel_parse("ops type=webhook url=http://y/", &alerts.channels[3], &why),
			 0);
	assert_int_equal(channel_parse("new type=webhook url=http://x/", &alerts.channels[2], &why),
			 0);
	board_put(board, &alerts);
	courier_look(&r);
	assert_int_equal(r.jobs[0].at, 3);
	assert_int_equal(r.arrived[3].sequence, 7);
	assert_string_equal(r.rests[3].to, "a@b");
	assert_int_equal(r.arrived[2].sequence, 0);
	assert_string_equal(courier.set.channels[3].values[CHANNEL_URL], "http://y/");
	alerts.count = 3;
	board_put(board, &alerts);
	courier_look(&r);
	assert_int_equal(r.jobs[0].at, -ENOENT);
	memset(&r, 0, sizeof(r));
}

static void an_order_that_would_be_read_beyond_its_end_is_not_taken(void **state)
{
	struct courier_order o = order(1);

	(void)state;
	memset(o.notice.summary, 'x', sizeof(o.notice.summary));
	assert_true(courier_is_sound(&o));
	assert_int_equal(strlen(o.notice.summary), sizeof(o.notice.summary) - 1);
	o.notice.unit = METRIC_UNIT_NUMBER + 1;
	assert_false(courier_is_sound(&o));
	o = order(1);
	o.notice.cause.kind = NOTICE_CAUSES;
	assert_false(courier_is_sound(&o));
	o = order(1);
	o.notice.given.count = SPEC_LABELS + 1;
	assert_false(courier_is_sound(&o));
}

static void who_has_a_mail_gets_it_once(void **state)
{
	static struct courier_round r;
	struct courier_job job = { .at = 2, .order = order(7) };

	(void)state;
	assert_string_equal(courier_to(&r, &job, "a@b,c@d"), "a@b,c@d");
	courier_keep_rest(&r, &job, "c@d");
	assert_string_equal(courier_to(&r, &job, "a@b,c@d"), "c@d");
	job.order.kind = FORMAT_TEST; /* is for all, and changes nothing */
	assert_string_equal(courier_to(&r, &job, "a@b,c@d"), "a@b,c@d");
	courier_keep_rest(&r, &job, "e@f");
	job.order = order(8);
	assert_string_equal(courier_to(&r, &job, "a@b,c@d"), "a@b,c@d");
	job.order = order(7);
	assert_string_equal(courier_to(&r, &job, "a@b,c@d"), "c@d");
}

static void a_mail_is_refused_for_good_but_for_who_we_are(void **state)
{
	(void)state;
	assert_true(courier_is_refused(552, CHANNEL_EMAIL));
	assert_true(courier_is_refused(550, CHANNEL_EMAIL));
	assert_true(courier_is_refused(501, CHANNEL_EMAIL));
	assert_false(courier_is_refused(450, CHANNEL_EMAIL));
	assert_false(courier_is_refused(421, CHANNEL_EMAIL));
	assert_false(courier_is_refused(530, CHANNEL_EMAIL));
	assert_false(courier_is_refused(535, CHANNEL_EMAIL));
	assert_true(courier_is_refused(400, CHANNEL_WEBHOOK));
	assert_false(courier_is_refused(503, CHANNEL_WEBHOOK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_carries_in_a_process_of_its_own),
		cmocka_unit_test(what_is_known_of_a_channel_goes_on_under_its_name),
		cmocka_unit_test(what_can_never_be_taken_is_refused),
		cmocka_unit_test(the_signature_is_over_time_and_body),
		cmocka_unit_test(alertmanager_is_known_by_its_address),
		cmocka_unit_test(held_alerts_of_one_moment_are_not_the_same),
		cmocka_unit_test(an_order_that_would_be_read_beyond_its_end_is_not_taken),
		cmocka_unit_test(who_has_a_mail_gets_it_once),
		cmocka_unit_test(a_mail_is_refused_for_good_but_for_who_we_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
