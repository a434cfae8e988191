#include "../../agent/victims.c" /* with a finder of its own: two targets */
#include "rs_test.h"

#include <errno.h>
#include <unistd.h>

struct finder {
	uint32_t count;
	struct finder_target targets[2];
};

uint32_t finder_size(const struct finder *f)
{
	return f->count;
}

struct finder_target *finder_at(struct finder *f, uint32_t i)
{
	return &f->targets[i];
}

static struct finder living = { .count = 2,
				.targets = { { .target = { .key = 1, .pid = 100 } },
					     { .target = { .key = 2, .pid = 200 } } } };

static void a_victim_is_told_by_its_key(void **state)
{
	struct link_message message;
	struct victims v = { 0 };
	int link[2];

	(void)state;
	assert_int_equal(link_open(link), 0);
	victims_kill(&v, &living, 300); /* somebody else's */
	assert_int_equal(victims_send(&v, link[0]), 0);
	assert_int_equal(link_receive(link[1], &message, NULL), -EAGAIN);
	victims_kill(&v, &living, 200);
	assert_int_equal(victims_send(&v, link[0]), 0);
	assert_int_equal(link_receive(link[1], &message, NULL), 1);
	assert_int_equal(message.kind, LINK_KILLED);
	assert_int_equal(message.key, 2);
	assert_int_equal(victims_send(&v, link[0]), 0); /* once */
	assert_int_equal(link_receive(link[1], &message, NULL), -EAGAIN);
	close(link[0]);
	close(link[1]);
}

static void one_that_has_ended_is_known_still(void **state)
{
	struct victims v = { 0 };

	(void)state;
	victims_over(&v, 300, 3);
	victims_over(&v, 300, 4); /* the same number again */
	victims_kill(&v, &living, 300);
	assert_int_equal(v.pending_count, 1);
	assert_int_equal(v.pending[0], 4);
	victims_over(&v, 100, 5); /* one that lives has that number now */
	victims_kill(&v, &living, 100);
	assert_int_equal(v.pending[1], 1);
	for (uint32_t i = 0; i < VICTIMS_OVER; i++)
		victims_over(&v, 1000 + (int32_t)i, 1000 + i);
	victims_kill(&v, &living, 300);
	assert_int_equal(v.pending_count, 2);
	victims_kill(&v, &living, 1000);
	assert_int_equal(v.pending[2], 1000);
}

static void what_cannot_be_sent_waits_and_what_has_no_room_is_counted(void **state)
{
	struct victims v = { 0 };

	(void)state;
	for (uint32_t i = 0; i < VICTIMS_PENDING + 2; i++)
		victims_kill(&v, &living, 100);
	assert_int_equal(v.pending_count, VICTIMS_PENDING);
	assert_int_equal(v.lost, 2);
	assert_true(victims_send(&v, -1) < 0);
	assert_int_equal(v.pending_count, VICTIMS_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_victim_is_told_by_its_key),
		cmocka_unit_test(one_that_has_ended_is_known_still),
		cmocka_unit_test(what_cannot_be_sent_waits_and_what_has_no_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
