#include "rs_test.h"
#include "wake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char folder[32], path[64];
	int fd; /* the agent's end */
};

static void place_make(struct place *p)
{
	strcpy(p->folder, "/tmp/rs_wake_XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/shim.sock", p->folder);
	assert_int_equal(wake_open(p->path, &p->fd), 0);
}

static void place_end(struct place *p)
{
	close(p->fd);
	unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0);
}

/* 0 or -errno; passed: a descriptor to send along, or -1. */
static int knock_at(const char *path, const void *body, size_t length, int passed)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec io = { .iov_base = (void *)(uintptr_t)body, .iov_len = length };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &io, .msg_iovlen = 1
	};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = 0;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (passed >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(passed));
		memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	}
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		result = -errno;
	close(fd);
	return result;
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

static void nobody_waits_at_the_start(void **state)
{
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(wake_read(p.fd), 0);
	place_end(&p);
}

static void the_kernel_says_who_knocked_not_the_message(void **state)
{
	const uint32_t claimed[2] = { 1, 1 };
	struct place p;
	pid_t child;
	int status;

	(void)state;
	place_make(&p);
	child = fork();
	if (child == 0)
		_exit(knock_at(p.path, claimed, sizeof(claimed), -1) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(wake_read(p.fd), child);
	assert_int_equal(wake_read(p.fd), 0);
	place_end(&p);
}

static void any_length_wakes(void **state)
{
	static const char body[4096] = "x";
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(knock_at(p.path, body, 0, -1), 0);
	assert_int_equal(knock_at(p.path, body, sizeof(body), -1), 0);
	assert_int_equal(wake_read(p.fd), getpid());
	assert_int_equal(wake_read(p.fd), getpid());
	assert_int_equal(wake_read(p.fd), 0);
	place_end(&p);
}

static void descriptors_that_come_along_never_become_ours(void **state)
{
	struct place p;
	size_t before;
	int ends[2];
	char byte;

	(void)state;
	place_make(&p);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	before = descriptors();
	for (int i = 0; i < 10; i++) {
		int sent = knock_at(p.path, "x", 1, ends[1]);

		/* a kernel that can refuse them has done so; another delivers the datagram alone */
		assert_true(sent == 0 || sent == -EPERM);
		assert_int_equal(wake_read(p.fd), sent == 0 ? getpid() : 0);
	}
	assert_int_equal(descriptors(), before);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody holds the other end */
	close(ends[0]);
	place_end(&p);
}

static void anybody_may_knock(void **state)
{
	struct place p;
	struct stat s;

	(void)state;
	place_make(&p);
	assert_int_equal(stat(p.path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0666);
	assert_true(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
	place_end(&p);
}

static void a_socket_left_by_a_killed_agent_is_replaced(void **state)
{
	struct place p;
	int fd;

	(void)state;
	place_make(&p);
	close(p.fd); /* its name stays */
	assert_int_equal(knock_at(p.path, "x", 1, -1), -ECONNREFUSED);
	assert_int_equal(wake_open(p.path, &fd), 0);
	assert_int_equal(knock_at(p.path, "x", 1, -1), 0);
	assert_int_equal(wake_read(fd), getpid());
	p.fd = fd;
	place_end(&p);
}

static void a_path_that_cannot_be_is_refused(void **state)
{
	char path[200];
	int fd;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(wake_open(path, &fd), -ENAMETOOLONG);
	assert_int_equal(fd, -1);
	assert_int_equal(wake_open("/tmp/no/such/folder/shim.sock", &fd), -ENOENT);
	assert_int_equal(fd, -1);
}

static void a_socket_without_credentials_is_no_wake_up(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(wake_read(ends[0]), -EBADMSG);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_at_the_start),
		cmocka_unit_test(the_kernel_says_who_knocked_not_the_message),
		cmocka_unit_test(any_length_wakes),
		cmocka_unit_test(descriptors_that_come_along_never_become_ours),
		cmocka_unit_test(anybody_may_knock),
		cmocka_unit_test(a_socket_left_by_a_killed_agent_is_replaced),
		cmocka_unit_test(a_path_that_cannot_be_is_refused),
		cmocka_unit_test(a_socket_without_credentials_is_no_wake_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
