#define KNOCKED_PID 4711

#include "core.h"
#include "knock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/ringside-knock-XXXXXX";

static int listen_there(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s" KNOCK_SOCKET, folder);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void a_knock_is_eight_bytes_and_credentials(void **state)
{
	_Alignas(struct cmsghdr) char control_room[256];
	struct knock message[2];
	struct iovec part = { message, sizeof(message) };
	struct msghdr about = { .msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control_room,
				.msg_controllen = sizeof(control_room) };
	struct cmsghdr *c;
	int fd = listen_there();

	(void)state;
	knock(folder, KNOCKED_PID);
	assert_int_equal(recvmsg(fd, &about, MSG_DONTWAIT), 8);
	assert_int_equal(message[0].abi, RS_ABI_VERSION);
	assert_int_equal(message[0].pid, KNOCKED_PID);
	c = CMSG_FIRSTHDR(&about);
	assert_true(c && c->cmsg_type == SCM_CREDENTIALS);
	assert_int_equal(about.msg_controllen, CMSG_SPACE(sizeof(struct ucred)));
	close(fd);
}

static void nobody_at_home_is_no_error_and_leaves_no_descriptor(void **state)
{
	char nowhere[300];
	int before = dup(0);
	int after;

	(void)state;
	close(before);
	memset(nowhere, 'x', sizeof(nowhere));
	nowhere[sizeof(nowhere) - 1] = 0;
	knock("/nonexistent", 1);
	knock(folder, 1); /* a stale socket */
	knock(nowhere, 1);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void a_full_queue_never_blocks(void **state)
{
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s" KNOCK_SOCKET, folder);
	unlink(path);
	fd = listen_there();
	for (int i = 0; i < 5000; i++)
		knock(folder, 1);
	close(fd);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_knock_is_eight_bytes_and_credentials),
		cmocka_unit_test(nobody_at_home_is_no_error_and_leaves_no_descriptor),
		cmocka_unit_test(a_full_queue_never_blocks),
	};

	return mkdtemp(folder) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
