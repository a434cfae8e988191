#include "../../agent/capture/port.c" /* white box: a list that is full */
#include "rs_test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define TAIL " 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100\n"

static void a_line_is_a_socket_and_its_state(void **state)
{
	struct port_socket got = { 0 };

	(void)state;
	assert_int_equal(port_line("   0: 0100007F:1F90 00000000:0000 0A" TAIL, &got), 1);
	assert_int_equal(got.port, 8080);
	assert_int_equal(got.inode, 4711);
	assert_int_equal(port_line("10: 00000000000000000000000001000000:0050 "
				   "00000000000000000000000000000000:0000 0A" TAIL,
				   &got),
			 1);
	assert_int_equal(got.port, 80);
	assert_int_equal(port_line("   1: 0100007F:1F90 0100007F:9999 01" TAIL, &got), 0);
}

static void what_is_no_such_line_is_told(void **state)
{
	static const char *const bad[] = {
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid "
		" "
		"timeout inode\n",
		"",
		"\n",
		"   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0",
		"   0: 0100007F 00000000 0A 0 0 0 0 0 4711\n",
	};
	struct port_socket got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(port_line(bad[i], &got), -EPROTO);
}

/* A socket that listens on a port of the kernel's choice. */
static int listening(int family, uint16_t *port)
{
	struct sockaddr_in6 at = { .sin6_family = (sa_family_t)family };
	socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(at);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) || listen(fd, 1))
		return -1;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	*port = ntohs(at.sin6_port); /* at the same place in both */
	return fd;
}

static bool has(const uint16_t *ports, size_t count, uint16_t port)
{
	size_t i = 0;

	while (i < count && ports[i] != port)
		i++;
	return i < count;
}

static void a_process_has_the_ports_of_its_own_descriptors(void **state)
{
	uint16_t four = 0, six = 0, ports[8];
	int fd4 = listening(AF_INET, &four), fd6 = listening(AF_INET6, &six);
	int twice = fcntl(fd4, F_DUPFD_CLOEXEC, 0);
	size_t count = port_read(getpid(), ports, 8);
	int status = -1;
	pid_t child;

	(void)state;
	assert_int_equal(count, 1 + (fd6 >= 0));
	assert_true(has(ports, count, four));
	assert_true(fd6 < 0 || has(ports, count, six));
	child = fork(); /* inherits them, and closes one */
	if (child == 0) {
		close(fd4);
		close(twice);
		count = port_read(getpid(), ports, 8);
		_exit(has(ports, count, four) || count != (fd6 >= 0));
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(port_read(getpid(), ports, 1), 1);
	close(twice);
	close(fd4);
	if (fd6 >= 0)
		close(fd6);
	assert_int_equal(port_read(getpid(), ports, 8), 0);
	assert_int_equal(port_read(-1, ports, 8), 0);
}

static void a_connection_is_no_port(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	uint16_t ports[8], port;
	int server = listening(AF_INET, &port), client, accepted;

	(void)state;
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at.sin_port = htons(port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	close(server);
	assert_int_equal(port_read(getpid(), ports, 8), 0);
	close(client);
	close(accepted);
}

static void a_full_list_of_sockets_ends_the_reading(void **state)
{
	struct port_socket sockets[1] = { { 0 } };
	uint16_t one, two;
	int a = listening(AF_INET, &one), b = listening(AF_INET, &two);

	(void)state;
	assert_int_equal(port_file(getpid(), "tcp", sockets, 1), 1);
	assert_int_equal(port_file(getpid(), "tcp", sockets, 0), 0);
	assert_int_equal(port_file(getpid(), "no-such-file", sockets, 1), 0);
	close(a);
	close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_socket_and_its_state),
		cmocka_unit_test(what_is_no_such_line_is_told),
		cmocka_unit_test(a_process_has_the_ports_of_its_own_descriptors),
		cmocka_unit_test(a_connection_is_no_port),
		cmocka_unit_test(a_full_list_of_sockets_ends_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
