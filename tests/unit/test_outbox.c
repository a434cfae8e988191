#include "outbox.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A finder that has what the test says. */
static struct finder_target targets[3];
static uint32_t targets_count;

uint32_t finder_size(const struct finder *f)
{
	(void)f;
	return targets_count;
}

struct finder_target *finder_at(struct finder *f, uint32_t i)
{
	(void)f;
	return &targets[i];
}

static struct outbox outbox;
static int ends[2]; /* broker's, worker's */

static int outbox_setup(void **state)
{
	(void)state;
	if (link_open(ends))
		return -1;
	outbox_init(&outbox, ends[0]);
	memset(targets, 0, sizeof(targets));
	targets_count = 0;
	for (uint32_t i = 0; i < 3; i++) {
		targets[i].target.key = i + 1;
		targets[i].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		targets[i].kin.fd = -1;
	}
	return 0;
}

static int outbox_teardown(void **state)
{
	(void)state;
	outbox_fini(&outbox);
	for (uint32_t i = 0; i < 3; i++)
		close(targets[i].fd);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* What the worker reads, one word a message. */
static const char *worker_reads(void)
{
	static char told[512];
	struct link_message m;
	size_t n = 0;
	int passed;

	told[0] = '\0';
	while (link_receive(ends[1], &m, &passed) == 1) {
		if (passed >= 0)
			close(passed);
		if (m.kind == LINK_ATTACHED)
			n += (size_t)snprintf(told + n, sizeof(told) - n, "bare%d ",
					      (int)m.target.key);
		else if (m.kind == LINK_TARGET)
			n += (size_t)snprintf(told + n, sizeof(told) - n, "+%d ",
					      (int)m.target.key);
		else if (m.kind == LINK_KIN)
			n += (size_t)snprintf(told + n, sizeof(told) - n, "kin%d ", (int)m.key);
		else if (m.kind == LINK_DIED)
			n += (size_t)snprintf(told + n, sizeof(told) - n, "-%d ", (int)m.key);
		else
			n += (size_t)snprintf(told + n, sizeof(told) - n, "%s:%s ",
					      m.kind == LINK_PART ? m.part.name : "complete",
					      m.part.reason);
	}
	return told;
}

static void a_kin_follows_its_target_once_a_worker(void **state)
{
	(void)state;
	targets_count = 2;
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+1 +2 ");
	targets[1].kin.fd = targets[1].fd; /* found later, as it is as a rule */
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "kin2 ");
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "");
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+1 +2 kin2 ");
}

static void one_without_a_segment_is_told_as_such(void **state)
{
	int fd = targets[1].fd;

	(void)state;
	targets_count = 2;
	targets[1].fd = -1;
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+1 bare2 ");
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "");
	targets[1].fd = fd;
}

static void nothing_is_sent_before_a_hello(void **state)
{
	(void)state;
	targets_count = 2;
	outbox_part(&outbox, "a", 0, "x");
	outbox.complete = true;
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "");
	assert_int_equal(targets[0].sent, 0);
}

static const struct link_end no_end;

static void everything_is_sent_once_and_in_order(void **state)
{
	(void)state;
	targets_count = 2;
	outbox_part(&outbox, "a", 0, "x");
	outbox_part(&outbox, "b", 2, "y");
	outbox.complete = true;
	strcpy(outbox.unready, "why");
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "a:x b:y +1 +2 complete:why ");
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "");
	targets_count = 3;
	outbox_died(&outbox, 1, &no_end);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+3 -1 ");
}

static void a_new_worker_is_told_everything_again(void **state)
{
	(void)state;
	targets_count = 2;
	outbox_part(&outbox, "a", 0, "x");
	outbox.complete = true;
	outbox_hello(&outbox);
	outbox_flush(&outbox, NULL);
	worker_reads();
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "a:x +1 +2 complete: ");
}

/* Its predecessor left the target unread on the link: the new worker reads that first. */
static void a_death_is_told_to_a_new_worker_too(void **state)
{
	(void)state;
	targets_count = 1;
	outbox_hello(&outbox);
	outbox_flush(&outbox, NULL);
	targets_count = 0;
	outbox_died(&outbox, 1, &no_end);
	outbox_hello(&outbox);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+1 -1 ");
}

static void a_part_is_sent_when_it_changed(void **state)
{
	(void)state;
	outbox_hello(&outbox);
	outbox_part(&outbox, "a", 0, "x");
	outbox_flush(&outbox, NULL);
	outbox_part(&outbox, "a", 0, "x");
	outbox_flush(&outbox, NULL);
	assert_string_equal(worker_reads(), "a:x ");
	outbox_part(&outbox, "a", 0, "y");
	outbox_flush(&outbox, NULL);
	outbox_part(&outbox, "a", 1, "y");
	outbox_flush(&outbox, NULL);
	assert_string_equal(worker_reads(), "a:y a:y ");
	assert_int_equal(outbox.part_count, 1);
}

static void parts_beyond_the_room_are_left_out(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < OUTBOX_PARTS + 3; i++) {
		snprintf(name, sizeof(name), "part%d", i);
		outbox_part(&outbox, name, 0, "");
	}
	assert_int_equal(outbox.part_count, OUTBOX_PARTS);
	assert_string_equal(outbox.parts[OUTBOX_PARTS - 1].name, "part15");
}

/* Fills the link until it takes no more; how many messages that were. */
static uint32_t link_fill(void)
{
	struct link_message m = { .kind = LINK_READING };
	uint32_t count = 0;

	while (link_send(ends[0], &m, -1) == 0)
		count++;
	return count;
}

static void link_empty(uint32_t count)
{
	struct link_message m;
	int passed;

	while (count--)
		assert_int_equal(link_receive(ends[1], &m, &passed), 1);
}

static void a_facility_is_sent_when_it_changed(void **state)
{
	struct facility f = { .set = "life", .name = "x", .state = FACILITY_LOADED };
	struct link_message m;
	int passed;

	(void)state;
	outbox_hello(&outbox);
	outbox_facility(&outbox, &f);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_int_equal(link_receive(ends[1], &m, &passed), 1);
	assert_int_equal(m.kind, LINK_FACILITY);
	assert_string_equal(m.facility.name, "x");
	outbox_facility(&outbox, &f);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_int_equal(link_receive(ends[1], &m, &passed), -EAGAIN);
	f.dropped = 3;
	outbox_facility(&outbox, &f);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_int_equal(link_receive(ends[1], &m, &passed), 1);
	assert_int_equal(m.facility.dropped, 3);
	for (int i = 0; i < 2 * OUTBOX_FACILITIES; i++) {
		snprintf(f.name, sizeof(f.name), "f%d", i);
		outbox_facility(&outbox, &f);
	}
	assert_int_equal(outbox.facility_count, OUTBOX_FACILITIES);
}

static void what_it_used_goes_along_with_a_death(void **state)
{
	const struct link_end end = { .run_ns = 30, .user_ns = 20, .system_ns = 10 };
	struct link_message m;
	int passed;

	(void)state;
	outbox_hello(&outbox);
	outbox_died(&outbox, 9, &end);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_int_equal(link_receive(ends[1], &m, &passed), 1);
	assert_int_equal(m.kind, LINK_DIED);
	assert_memory_equal(&m.end, &end, sizeof(end));
}

static void a_full_link_keeps_the_rest_in_order(void **state)
{
	uint32_t filled;

	(void)state;
	targets_count = 2;
	outbox_hello(&outbox);
	for (uint64_t key = 11; key <= 13; key++)
		outbox_died(&outbox, key, &no_end);
	filled = link_fill();
	assert_int_equal(outbox_flush(&outbox, NULL), -EAGAIN);
	assert_int_equal(outbox.died_count, 3);
	assert_int_equal(targets[0].sent, 0);
	link_empty(filled);
	assert_int_equal(outbox_flush(&outbox, NULL), 0);
	assert_string_equal(worker_reads(), "+1 +2 -11 -12 -13 ");
	assert_int_equal(outbox.died_count, 0);
}

static void what_went_half_way_goes_on_where_it_stopped(void **state)
{
	struct link_message m;
	uint32_t filled;
	int passed;

	(void)state;
	outbox_hello(&outbox);
	for (uint64_t key = 1; key <= 2000; key++) /* more than the link holds */
		outbox_died(&outbox, key, &no_end);
	assert_int_equal(outbox_flush(&outbox, NULL), -EAGAIN);
	filled = 2000 - outbox.died_count;
	assert_in_range(filled, 1, 1999);
	for (uint64_t key = 1; key <= 2000; key++) {
		if (link_receive(ends[1], &m, &passed) == -EAGAIN) {
			outbox_flush(&outbox, NULL);
			assert_int_equal(link_receive(ends[1], &m, &passed), 1);
		}
		assert_int_equal(m.key, key);
	}
	assert_int_equal(outbox.died_count, 0);
}

#define OUTBOX(fact) cmocka_unit_test_setup_teardown(fact, outbox_setup, outbox_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTBOX(nothing_is_sent_before_a_hello),
		OUTBOX(one_without_a_segment_is_told_as_such),
		OUTBOX(a_kin_follows_its_target_once_a_worker),
		OUTBOX(everything_is_sent_once_and_in_order),
		OUTBOX(a_new_worker_is_told_everything_again),
		OUTBOX(a_death_is_told_to_a_new_worker_too),
		OUTBOX(a_part_is_sent_when_it_changed),
		OUTBOX(parts_beyond_the_room_are_left_out),
		OUTBOX(a_facility_is_sent_when_it_changed),
		OUTBOX(what_it_used_goes_along_with_a_death),
		OUTBOX(a_full_link_keeps_the_rest_in_order),
		OUTBOX(what_went_half_way_goes_on_where_it_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
