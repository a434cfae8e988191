#include "../../agent/inbox.c" /* with a drain of its own, which only notes what it is told */
#include "rs_test.h"

#include <fcntl.h>
#include <stdlib.h>

struct drain {
	uint64_t lost, lost_2xx, kin, added, attached, died;
	int added_count, wire_fd;
	uint32_t wire_bytes;
	int result;
};

int drain_add(struct drain *d, const struct capture_target *target, int memfd)
{
	d->added = target->key;
	d->added_count++;
	close(memfd);
	return d->result;
}

int drain_attach(struct drain *d, const struct capture_target *target)
{
	d->attached = target->key;
	return d->result;
}

int drain_kin(struct drain *d, uint64_t key, int memfd)
{
	d->kin = key;
	close(memfd);
	return d->result;
}

int drain_lost(struct drain *d, uint64_t key, const uint64_t status[RS_STATUS_CLASSES])
{
	assert_int_equal(d->died, 0); /* or nobody knows it any more */
	d->lost = key;
	d->lost_2xx = status[1];
	return d->result;
}

int drain_wire(struct drain *d, int fd, uint32_t bytes)
{
	d->wire_fd = fd;
	d->wire_bytes = bytes;
	if (fd >= 0)
		close(fd);
	return d->result;
}

int drain_died(struct drain *d, uint64_t key)
{
	d->died = key;
	return 0;
}

struct fixture {
	struct drain drain;
	struct inbox inbox;
	int broker; /* its end of the link */
	int reloads;
	char password[SECRET_TEXT];
};

static void on_reload(void *ctx, int fd)
{
	struct fixture *f = ctx;

	assert_true(fcntl(fd, F_GETFD) >= 0);
	f->reloads++;
}

static void fixture_open(struct fixture *f)
{
	const struct metrics_limits limits = { 80, 90, 95, 70, 85, 1000000000, 5000000000 };
	const struct profile_config profile = { .kallsyms = -1 };
	int link[2];

	memset(f, 0, sizeof(*f));
	assert_int_equal(link_open(link), 0);
	f->broker = link[0];
	f->inbox = (struct inbox){
		.link = link[1], .drain = &f->drain, .ctx = f, .reload = on_reload
	};
	assert_int_equal(health_open(&f->inbox.health), 0);
	assert_int_equal(metrics_open(&f->inbox.metrics, &limits, 1), 0);
	assert_int_equal(profile_open(&f->inbox.profile, &profile), 0);
}

static void fixture_close(struct fixture *f)
{
	health_close(f->inbox.health);
	metrics_close(f->inbox.metrics);
	profile_close(f->inbox.profile);
	close(f->inbox.link);
	if (f->broker >= 0)
		close(f->broker);
}

static int some_file(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void send_file(const struct fixture *f, const struct link_message *message)
{
	int fd = some_file();

	assert_int_equal(link_send(f->broker, message, fd), 0);
	close(fd);
}

static void a_target_goes_to_drain_with_its_segment(void **state)
{
	struct link_message message = { .kind = LINK_TARGET, .target = { .key = 7, .pid = 70 } };
	struct link_message died = { .kind = LINK_DIED, .key = 7 };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	send_file(&f, &message);
	assert_int_equal(link_send(f.broker, &died, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.added, 7);
	assert_int_equal(f.drain.died, 7);
	message.kind = LINK_KIN;
	message.key = 7;
	send_file(&f, &message);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.kin, 7);
	fixture_close(&f);
}

static void one_without_a_segment_goes_to_drain_without(void **state)
{
	struct link_message message = { .kind = LINK_ATTACHED, .target = { .key = 7, .pid = 70 } };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.attached, 7);
	assert_int_equal(f.drain.added_count, 0);
	fixture_close(&f);
}

static void waits_of_an_unknown_process_do_no_harm(void **state)
{
	struct link_message message = { .kind = LINK_WAITS,
					.key = 99,
					.waits = { .ns = { 1, 2, 3 } } };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	fixture_close(&f);
}

static void what_a_runtime_of_an_unknown_process_tells_does_no_harm(void **state)
{
	struct link_message message = { .kind = LINK_RUNTIME, .key = 99 };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	message.runtime.collected.count = 5;
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	fixture_close(&f);
}

static void a_target_that_is_refused_does_not_stop_the_next(void **state)
{
	struct link_message message = { .kind = LINK_TARGET, .target = { .key = 7 } };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.drain.result = -ENOMEM;
	send_file(&f, &message);
	message.target.key = 8;
	send_file(&f, &message);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.added_count, 2);
	assert_int_equal(f.drain.added, 8);
	fixture_close(&f);
}

static void a_facility_is_in_the_table_and_among_the_parts(void **state)
{
	struct link_message message = { .kind = LINK_FACILITY,
					.facility = { .set = "life",
						      .name = "sched_switch",
						      .state = FACILITY_REFUSED,
						      .error = EPERM } };
	struct health_part parts[HEALTH_PARTS];
	struct facility table[2];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(health_facilities(f.inbox.health, table, 2), 1);
	assert_memory_equal(&table[0], &message.facility, sizeof(table[0]));
	assert_int_equal(health_list(f.inbox.health, parts, HEALTH_PARTS), 1);
	assert_string_equal(parts[0].name, "ebpf.life.sched_switch");
	assert_int_equal(parts[0].status, HEALTH_INFO);
	assert_non_null(strstr(parts[0].reason, "refused: EPERM, "));
	message.facility.state = FACILITY_LOADED;
	message.facility.error = 0;
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(health_list(f.inbox.health, parts, HEALTH_PARTS), 1);
	assert_int_equal(parts[0].status, HEALTH_HEALTHY);
	assert_string_equal(parts[0].reason, "loaded");
	strcpy(message.facility.name, "life"); /* one that is its own set */
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(health_list(f.inbox.health, parts, HEALTH_PARTS), 2);
	assert_string_equal(parts[1].name, "ebpf.life");
	fixture_close(&f);
}

static void what_happens_to_a_process_is_told_of_its_service(void **state)
{
	const struct link_message target = { .kind = LINK_ATTACHED,
					     .target = { .key = 7,
							 .pid = 70,
							 .start_ticks = UINT64_C(1) << 40,
							 .service = "shop",
							 .kernel = true } };
	struct link_message strain = { .kind = LINK_STRAIN, .key = 7 };
	const struct link_message killed = { .kind = LINK_KILLED, .key = 7 };
	struct link_message died = { .kind = LINK_DIED, .key = 7 };
	const struct metrics_scope scope = { .service = "shop" };
	struct metrics_incidents incidents;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	strain.strain.known = STRAIN_KILLS;
	died.end.at_ns = (UINT64_C(1) << 40) * 10000000 + 1;
	died.end.lost[1] = 4; /* in its last second */
	died.end.waited = 1;
	assert_int_equal(link_send(f.broker, &target, -1), 0);
	assert_int_equal(link_send(f.broker, &strain, -1), 0); /* drain told nobody of it yet */
	assert_int_equal(link_send(f.broker, &killed, -1), 0);
	assert_int_equal(link_send(f.broker, &died, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.lost, 7);
	assert_int_equal(f.drain.lost_2xx, 4);
	metrics_incidents_get(f.inbox.metrics, &scope, &incidents);
	assert_true(incidents.total[METRICS_STARTS] == 1 && incidents.total[METRICS_ENDS] == 1);
	assert_true(incidents.total[METRICS_RESTARTS] == 0);
	assert_true(incidents.total[METRICS_KILLS] < 0); /* no process of it is known */
	fixture_close(&f);
}

static void the_brokers_parts_are_shown_as_it_tells_them(void **state)
{
	struct link_message message = { .kind = LINK_PART };
	struct health_part parts[HEALTH_PARTS];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	strcpy(message.part.name, "ebpf.x");
	strcpy(message.part.reason, "refused");
	message.part.status = HEALTH_INFO;
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	strcpy(message.part.name, "odd");
	message.part.status = 77; /* no such status */
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1234));
	assert_int_equal(health_list(f.inbox.health, parts, HEALTH_PARTS), 2);
	assert_string_equal(parts[0].name, "ebpf.x");
	assert_string_equal(parts[0].reason, "refused");
	assert_int_equal(parts[0].status, HEALTH_INFO);
	assert_int_equal(parts[0].since_ms, 1234);
	assert_int_equal(parts[1].status, HEALTH_UNHEALTHY);
	fixture_close(&f);
}

static void ready_is_when_the_broker_has_sent_all(void **state)
{
	struct link_message message = { .kind = LINK_COMPLETE };
	char reason[HEALTH_REASON];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_false(health_ready_get(f.inbox.health, reason));
	strcpy(message.part.reason, "no room");
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_false(health_ready_get(f.inbox.health, reason));
	assert_string_equal(reason, "no room");
	message.part.reason[0] = '\0';
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_true(health_ready_get(f.inbox.health, reason));
	fixture_close(&f);
}

static void a_configuration_comes_as_a_descriptor_and_is_closed(void **state)
{
	struct link_message message = { .kind = LINK_RELOAD };
	int before = some_file();
	struct fixture f;
	int after;

	(void)state;
	close(before);
	fixture_open(&f);
	send_file(&f, &message);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.reloads, 1);
	fixture_close(&f);
	after = some_file();
	assert_int_equal(after, before); /* none was left open */
	close(after);
}

static void on_password(void *ctx, const char *text)
{
	snprintf(((struct fixture *)ctx)->password, SECRET_TEXT, "%s", text);
}

static void a_password_is_a_text_whatever_comes(void **state)
{
	struct link_message message = { .kind = LINK_PASSWORD, .password = "s3cret" };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.inbox.password = on_password;
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_string_equal(f.password, "s3cret");
	memset(message.password, 'a', sizeof(message.password));
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(strlen(f.password), SECRET_TEXT - 1);
	fixture_close(&f);
}

static void nonsense_is_passed_over(void **state)
{
	struct link_message message = { .kind = LINK_DIED, .key = 9 };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(write(f.broker, "x", 1), 1);
	assert_int_equal(link_send(f.broker, &message, -1), 0);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.died, 9);
	fixture_close(&f);
}

static void a_flood_is_taken_in_parts(void **state)
{
	struct link_message message = { .kind = LINK_DIED };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (uint64_t i = 1; i <= INBOX_AT_ONCE + 1; i++) {
		message.key = i;
		assert_int_equal(link_send(f.broker, &message, -1), 0);
	}
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.died, INBOX_AT_ONCE);
	assert_true(inbox_read(&f.inbox, 1));
	assert_int_equal(f.drain.died, INBOX_AT_ONCE + 1);
	fixture_close(&f);
}

static void the_brokers_end_is_seen(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_true(inbox_read(&f.inbox, 1));
	close(f.broker);
	f.broker = -1;
	assert_false(inbox_read(&f.inbox, 1));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_goes_to_drain_with_its_segment),
		cmocka_unit_test(one_without_a_segment_goes_to_drain_without),
		cmocka_unit_test(waits_of_an_unknown_process_do_no_harm),
		cmocka_unit_test(what_a_runtime_of_an_unknown_process_tells_does_no_harm),
		cmocka_unit_test(a_target_that_is_refused_does_not_stop_the_next),
		cmocka_unit_test(a_facility_is_in_the_table_and_among_the_parts),
		cmocka_unit_test(what_happens_to_a_process_is_told_of_its_service),
		cmocka_unit_test(the_brokers_parts_are_shown_as_it_tells_them),
		cmocka_unit_test(ready_is_when_the_broker_has_sent_all),
		cmocka_unit_test(a_configuration_comes_as_a_descriptor_and_is_closed),
		cmocka_unit_test(a_password_is_a_text_whatever_comes),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(a_flood_is_taken_in_parts),
		cmocka_unit_test(the_brokers_end_is_seen),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
