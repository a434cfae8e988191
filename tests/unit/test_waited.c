#include "../../agent/profile/waited.c" /* the broker is the test */
#include "cause.h"
#include "rs_test.h"

#include <sys/mman.h>

static int rows_fd(const struct offcpu_head *head, const struct offcpu_row *rows, size_t count)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, head, sizeof(*head)), sizeof(*head));
	if (count)
		assert_int_equal(write(fd, rows, count * sizeof(*rows)), count * sizeof(*rows));
	return fd;
}

static int read_once(const struct offcpu_head *head, const struct offcpu_row *rows, size_t count,
		     struct waited *out)
{
	int fd = rows_fd(head, rows, count), result = waited_read(fd, 7, out);

	close(fd);
	return result;
}

static void each_cause_of_a_stack_is_one_of_its_own(void **state)
{
	const struct offcpu_head head = {
		.span_ns = 99, .no_stack = 2, .lost = 3, .row_count = 2, .asleep_unseen = 1
	};
	struct offcpu_row rows[2] = { { .kernel_count = 1, .user_count = 2 }, { .user_count = 0 } };
	struct waited w;

	(void)state;
	rows[0].addresses[2] = 0x1010;
	rows[0].ns[WAIT_SOCKET] = UINT64_C(5000000000);
	rows[0].waits[WAIT_SOCKET] = 4;
	rows[0].ns[WAIT_RUN_QUEUE] = 10;
	rows[0].waits[WAIT_RUN_QUEUE] = 1;
	rows[1].ns[WAIT_LOCK] = 20;
	assert_int_equal(read_once(&head, rows, 2, &w), 0);
	assert_int_equal(w.count, 3);
	assert_int_equal(w.stacks[0].samples, UINT64_C(5000000000));
	assert_int_equal(w.stacks[0].waits, 4);
	assert_int_equal(w.stacks[0].cause, CAUSE_SOCKET);
	assert_int_equal(w.stacks[0].key, 7);
	assert_int_equal(w.stacks[0].addresses[2], 0x1010);
	assert_int_equal(w.stacks[1].cause, CAUSE_RUN_QUEUE);
	assert_int_equal(w.stacks[1].kernel_count + w.stacks[1].user_count, 3);
	assert_int_equal(w.stacks[2].cause, CAUSE_LOCK);
	assert_int_equal(w.span_ns, 99);
	assert_int_equal(w.lost, 5);
	assert_true(w.asleep_unseen);
	waited_fini(&w);
}

static void what_is_not_whole_is_refused(void **state)
{
	struct offcpu_row row = { .ns = { 1 } };
	struct offcpu_head head = { .row_count = 2 };
	struct waited w;

	(void)state;
	assert_int_equal(read_once(&head, &row, 1, &w), -EPROTO); /* says two, has one */
	assert_null(w.stacks);
	head.row_count = UINT32_MAX;
	assert_int_equal(read_once(&head, &row, 1, &w), -EPROTO);
	head.row_count = 1;
	row.user_count = PROFILE_USER_FRAMES + 1;
	assert_int_equal(read_once(&head, &row, 1, &w), -EPROTO);
	row.user_count = 0;
	row.kernel_count = PROFILE_KERNEL_FRAMES + 1;
	assert_int_equal(read_once(&head, &row, 1, &w), -EPROTO);
	row.kernel_count = 0;
	assert_int_equal(read_once(&head, &row, 1, &w), 0);
	waited_fini(&w);
	assert_int_equal(waited_read(-1, 7, &w), -EPROTO);
}

static struct handover handover;
static atomic_bool over;
static uint32_t asked[2]; /* how often: to begin, for rows */

static int on_offcpu(void *ctx, uint64_t key, uint32_t seconds)
{
	const struct offcpu_head head = { .span_ns = 5 };

	(void)ctx;
	asked[seconds == 0]++;
	handover_rows_put(&handover, key, seconds ? -1 : rows_fd(&head, NULL, 0),
			  key == 8 ? -EPERM : 0);
	return 0;
}

static void who_leaves_ends_it_and_a_refusal_does(void **state)
{
	struct waited_question q = { .key = 7, .seconds = 300, .over = &over };
	struct waited w;

	(void)state;
	handover.offcpu = on_offcpu;
	handover_init(&handover);
	over = true;
	assert_int_equal(waited_ask(&handover, &q, &w), 0);
	assert_int_equal(w.span_ns, 5);
	assert_int_equal(asked[0], 1);
	assert_int_equal(asked[1], 1); /* the kernel is told that it is over */
	waited_fini(&w);
	q.key = 8;
	assert_int_equal(waited_ask(&handover, &q, &w), -EPERM);
	assert_int_equal(asked[1], 1);
	handover_fini(&handover);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_of_a_stack_is_one_of_its_own),
		cmocka_unit_test(what_is_not_whole_is_refused),
		cmocka_unit_test(who_leaves_ends_it_and_a_refusal_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
