#include "listen.h"

#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct place {
	char folder[32], path[64];
};

static int set_up(void **state)
{
	static struct place p;

	strcpy(p.folder, "/tmp/rs_listen_XXXXXX");
	assert_non_null(mkdtemp(p.folder));
	snprintf(p.path, sizeof(p.path), "%s/s", p.folder);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->folder);
	return 0;
}

static void is_ready(int fd)
{
	int listening = 0;
	socklen_t length = sizeof(listening);

	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
	assert_int_equal(listening, 1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static unsigned int port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	return ntohs(at.sin_port);
}

/* A port that was free just now. */
static unsigned int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int port;

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	port = port_of(fd);
	close(fd);
	return port;
}

static void a_tcp_address_is_bound_as_given(void **state)
{
	unsigned int port = free_port();
	char text[32];
	int fd;

	(void)state;
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	fd = listen_tcp(text);
	is_ready(fd);
	assert_int_equal(port_of(fd), port);
	assert_int_equal(listen_tcp(text), -EADDRINUSE);
	close(fd);
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	assert_int_equal(listen_tcp("9977"), -EINVAL);
	assert_int_equal(listen_tcp("localhost"), -EINVAL);
	assert_int_equal(listen_tcp(""), -EINVAL);
	assert_int_equal(listen_tcp("192.0.2.1:9977"), -EADDRNOTAVAIL);
}

static void a_unix_socket_is_for_everybody_to_ask(void **state)
{
	struct place *p = *state;
	struct stat st;
	int fd = listen_unix(p->path);

	is_ready(fd);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	close(fd);
}

static void a_socket_that_is_left_over_is_taken_away(void **state)
{
	struct place *p = *state;
	int fd = listen_unix(p->path);

	assert_true(fd >= 0);
	assert_int_equal(listen_unix(p->path), -EADDRINUSE);
	close(fd); /* its file stays, and nobody answers */
	fd = listen_unix(p->path);
	is_ready(fd);
	close(fd);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct place *p = *state;
	int fd = open(p->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listen_unix(p->path), -EEXIST);
	assert_int_equal(access(p->path, F_OK), 0);
}

static void a_path_must_fit_and_its_folder_exist(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(listen_unix(path), -ENAMETOOLONG);
	assert_int_equal(listen_unix(""), -ENAMETOOLONG);
	assert_int_equal(listen_unix("/nowhere/at/all"), -ENOENT);
}

static void our_end_has_the_name_that_a_host_header_gives_it(void **state)
{
	const struct place *p = *state;
	int four = listen_tcp("127.0.0.1:0"), six = listen_tcp("[::1]:0"), local;
	char name[64];

	assert_false(listen_local_name(four, name, sizeof(name)));
	assert_string_equal(name, "127.0.0.1");
	if (six >= 0) { /* a machine may have no IPv6 */
		assert_false(listen_local_name(six, name, sizeof(name)));
		assert_string_equal(name, "[::1]");
		close(six);
	}
	local = listen_unix(p->path);
	assert_true(listen_local_name(local, name, sizeof(name)));
	assert_string_equal(name, "");
	assert_false(listen_local_name(-1, name, sizeof(name)));
	close(four);
	close(local);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tcp_address_is_bound_as_given),
		cmocka_unit_test(what_is_no_address_is_refused),
		EACH(a_unix_socket_is_for_everybody_to_ask),
		EACH(a_socket_that_is_left_over_is_taken_away),
		EACH(a_file_that_is_no_socket_is_left_alone),
		EACH(a_path_must_fit_and_its_folder_exist),
		EACH(our_end_has_the_name_that_a_host_header_gives_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
