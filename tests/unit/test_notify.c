#include "notify.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket; an abstract name begins with @. */
static int manager(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t length = strlen(path);

	memcpy(at.sun_path, path, length);
	if (*path == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
	return fd;
}

static void heard(int fd, const char *wanted)
{
	char text[64] = "";

	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(wanted));
	assert_string_equal(text, wanted);
	assert_int_equal(read(fd, text, sizeof(text)), -1); /* once */
}

static void a_manager_at_a_path_is_told(void **state)
{
	char folder[] = "/tmp/rs_notify_XXXXXX", path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/notify", folder);
	fd = manager(path);
	assert_int_equal(notify_send(path, "READY=1"), 0);
	heard(fd, "READY=1");
	close(fd);
	assert_int_equal(notify_send(path, "READY=1"), -ECONNREFUSED);
	unlink(path);
	rmdir(folder);
	assert_int_equal(notify_send(path, "READY=1"), -ENOENT);
}

static void a_manager_with_an_abstract_name_is_told(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@rs-notify-%d", getpid());
	fd = manager(name);
	assert_int_equal(notify_send(name, "STOPPING=1"), 0);
	heard(fd, "STOPPING=1");
	close(fd);
}

static void where_nobody_asked_nobody_is_told(void **state)
{
	(void)state;
	assert_int_equal(notify_send(NULL, "READY=1"), -ENOTCONN);
	assert_int_equal(notify_send("", "READY=1"), -ENOTCONN);
}

static void what_is_no_socket_name_is_refused(void **state)
{
	char path[200];

	(void)state;
	assert_int_equal(notify_send("relative", "READY=1"), -EINVAL);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(notify_send(path, "READY=1"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manager_at_a_path_is_told),
		cmocka_unit_test(a_manager_with_an_abstract_name_is_told),
		cmocka_unit_test(where_nobody_asked_nobody_is_told),
		cmocka_unit_test(what_is_no_socket_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
