#include "link.h"
#include "rs_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2]; /* broker's, worker's */

static int link_setup(void **state)
{
	(void)state;
	return link_open(ends);
}

static int link_teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static size_t descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* One datagram of any bytes, with count copies of a descriptor. */
static void send_raw(int fd, const void *bytes, size_t length, const int *passed, size_t count)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec io = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (count) {
		struct cmsghdr *c;

		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = &control.align;
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), passed, count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &header, MSG_NOSIGNAL), length);
}

static void a_message_arrives_as_it_was_sent(void **state)
{
	struct link_message sent = { .kind = LINK_READING, .key = 7 }, got;
	int passed = 99;

	(void)state;
	sent.usage.pss = 4.5;
	assert_int_equal(link_send(ends[0], &sent, -1), 0);
	assert_int_equal(link_receive(ends[1], &got, &passed), 1);
	assert_int_equal(passed, -1);
	assert_int_equal(got.kind, LINK_READING);
	assert_int_equal(got.key, 7);
	assert_true(got.usage.pss == 4.5);
	assert_int_equal(link_receive(ends[1], &got, &passed), -EAGAIN);
}

static void what_is_peeked_at_stays(void **state)
{
	struct link_message sent = { .kind = LINK_RELOAD }, got;
	int fd = memfd_create("x", MFD_CLOEXEC), passed[2];
	size_t before = descriptors();

	(void)state;
	assert_int_equal(link_peek(ends[1], &got, &passed[0]), -EAGAIN);
	assert_int_equal(link_send(ends[0], &sent, fd), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(link_peek(ends[1], &got, &passed[i]), 1);
		assert_int_equal(got.kind, LINK_RELOAD);
	}
	assert_true(passed[0] >= 0 && passed[1] >= 0 && passed[0] != passed[1]);
	close(passed[0]);
	close(passed[1]);
	assert_int_equal(link_receive(ends[1], &got, &passed[0]), 1);
	close(passed[0]);
	assert_int_equal(descriptors(), before);
	assert_int_equal(link_receive(ends[1], &got, &passed[0]), -EAGAIN);
	close(fd);
}

static void a_descriptor_comes_along_with_a_target(void **state)
{
	struct link_message sent = { .kind = LINK_TARGET }, got;
	struct stat mine, theirs;
	int passed, fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(link_send(ends[0], &sent, fd), 0);
	assert_int_equal(fstat(fd, &mine), 0);
	close(fd);
	assert_int_equal(link_receive(ends[1], &got, &passed), 1);
	assert_true(passed >= 0);
	assert_int_equal(fstat(passed, &theirs), 0);
	assert_int_equal(theirs.st_rdev, mine.st_rdev);
	assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
	close(passed);
}

static void a_full_link_is_eagain_and_loses_nothing(void **state)
{
	struct link_message message = { .kind = LINK_DIED }, got;
	uint64_t sent = 0, seen = 0;
	int passed;

	(void)state;
	for (message.key = 0; link_send(ends[0], &message, -1) == 0; message.key++)
		sent++;
	assert_true(sent > 50);
	assert_int_equal(link_send(ends[0], &message, -1), -EAGAIN);
	while (link_receive(ends[1], &got, &passed) == 1)
		assert_int_equal(got.key, seen++);
	assert_int_equal(seen, sent);
	assert_int_equal(link_send(ends[0], &message, -1), 0);
}

static void what_is_no_message_is_ebadmsg_and_the_next_one_comes(void **state)
{
	struct link_message message = { .kind = LINK_HELLO }, got;
	char longer[sizeof(message) + 1];
	size_t before = descriptors();
	int passed, fd = open("/dev/null", O_RDONLY | O_CLOEXEC), two[2] = { fd, fd };

	(void)state;
	memcpy(longer, &message, sizeof(message));
	longer[sizeof(message)] = 0;
	send_raw(ends[0], &message, sizeof(message) - 1, NULL, 0);
	send_raw(ends[0], longer, sizeof(longer), NULL, 0);
	send_raw(ends[0], &message, sizeof(message), two, 1); /* a hello carries nothing */
	message.kind = LINK_TARGET;
	send_raw(ends[0], &message, sizeof(message), NULL, 0); /* a target without its segment */
	send_raw(ends[0], &message, sizeof(message), two, 2);
	message.kind = 0;
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	message.kind = LINK_KINDS;
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	message.kind = LINK_SERVING;
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(link_receive(ends[1], &got, &passed), -EBADMSG);
		assert_int_equal(passed, -1);
	}
	assert_int_equal(link_receive(ends[1], &got, &passed), 1);
	assert_int_equal(got.kind, LINK_SERVING);
	close(fd);
	assert_int_equal(descriptors(), before);
}

static void the_broker_takes_no_descriptor_in(void **state)
{
	struct link_message message = { .kind = LINK_TARGET }, got;
	size_t before = descriptors();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), four[4] = { fd, fd, fd, fd };

	(void)state;
	send_raw(ends[1], &message, sizeof(message), four, 1);
	message.kind = LINK_HELLO;
	send_raw(ends[1], &message, sizeof(message), four, 4);
	send_raw(ends[1], &message, sizeof(message), NULL, 0);
	close(fd);
	assert_int_equal(link_receive(ends[0], &got, NULL), -EBADMSG);
	assert_int_equal(link_receive(ends[0], &got, NULL), -EBADMSG);
	assert_int_equal(link_receive(ends[0], &got, NULL), 1);
	assert_int_equal(got.kind, LINK_HELLO);
	assert_int_equal(descriptors(), before);
}

static void the_other_sides_end_is_told(void **state)
{
	struct link_message message = { .kind = LINK_HELLO }, got;
	int passed;

	(void)state;
	assert_int_equal(link_send(ends[0], &message, -1), 0);
	close(ends[0]);
	assert_int_equal(link_receive(ends[1], &got, &passed), 1); /* what was sent before it */
	assert_int_equal(link_receive(ends[1], &got, &passed), 0);
	assert_int_equal(link_send(ends[1], &message, -1), -EPIPE); /* and no signal */
	ends[0] = dup(ends[1]);
}

static void both_ends_close_at_exec_and_never_block(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(ends[i], F_GETFL) & O_NONBLOCK);
	}
}

#define LINK_TEST(fact) cmocka_unit_test_setup_teardown(fact, link_setup, link_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(a_message_arrives_as_it_was_sent),
		LINK_TEST(what_is_peeked_at_stays),
		LINK_TEST(a_descriptor_comes_along_with_a_target),
		LINK_TEST(a_full_link_is_eagain_and_loses_nothing),
		LINK_TEST(what_is_no_message_is_ebadmsg_and_the_next_one_comes),
		LINK_TEST(the_broker_takes_no_descriptor_in),
		LINK_TEST(the_other_sides_end_is_told),
		LINK_TEST(both_ends_close_at_exec_and_never_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
