#include "peer.h"

#include "rs_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener(int family, struct sockaddr_storage *at, socklen_t *length)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(at, 0, sizeof(*at));
	at->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = in6addr_loopback;
	*length = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	if (fd < 0 || bind(fd, (struct sockaddr *)at, *length) || listen(fd, 1))
		return -1;
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, length), 0);
	return fd;
}

/* A client of that user, which waits, or has left again: is it root? */
static bool asked_of(int family, uid_t uid, bool leaves)
{
	struct sockaddr_storage at;
	socklen_t length;
	int listening = listener(family, &at, &length), fd;
	bool root;
	pid_t pid;

	if (listening < 0)
		rs_skip("there is no such loopback address");
	pid = fork();
	if (!pid) {
		int client = -1;

		if (!uid || !setuid(uid))
			client = socket(family, SOCK_STREAM, 0);
		if (client < 0 || connect(client, (struct sockaddr *)&at, length))
			_exit(1);
		while (!leaves)
			pause();
		_exit(0);
	}
	fd = accept(listening, NULL, NULL);
	assert_true(fd >= 0);
	if (leaves)
		waitpid(pid, NULL, 0);
	root = peer_is_root(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	close(listening);
	return root;
}

static void roots_connection_is_known(void **state)
{
	(void)state;
	if (geteuid() != 0)
		rs_skip("needs root");
	assert_true(asked_of(AF_INET, 0, false));
	assert_true(asked_of(AF_INET6, 0, false));
}

static void nobody_elses_is(void **state)
{
	(void)state;
	if (geteuid() != 0)
		rs_skip("needs root");
	assert_false(asked_of(AF_INET, 65534, false));
	assert_false(asked_of(AF_INET, 65534, true));
	assert_false(asked_of(AF_INET, 0, true)); /* it left: there is no inode to go by */
}

static void what_is_no_loopback_connection_is_not(void **state)
{
	struct sockaddr_storage at;
	socklen_t length;
	int pair[2], listening = listener(AF_INET, &at, &length), client, fd;

	(void)state;
	assert_false(peer_is_root(-1));
	assert_false(peer_is_root(listening));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_false(peer_is_root(pair[0]));
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, length), 0);
	fd = accept(listening, NULL, NULL);
	assert_false(peer_is_root(fd)); /* both ends are this process's own */
	close(fd);
	close(client);
	close(listening);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_connection_is_known),
		cmocka_unit_test(nobody_elses_is),
		cmocka_unit_test(what_is_no_loopback_connection_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
