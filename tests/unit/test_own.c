#include "own.h"
#include "rs_test.h"

#include "text.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct own own;

/* Listens on this address, "127.0.0.1:0"; the port that it got. */
static int add(const char *text)
{
	struct sockaddr_storage at;
	struct sockaddr_in6 got;
	socklen_t length;
	char one[64];
	int fd;

	snprintf(one, sizeof(one), "%.*s:1", (int)(strrchr(text, ':') - text), text);
	assert_int_equal(text_address(one, &at, &length), 0);
	memset(at.__ss_padding, 0, 2); /* port 0 */
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, length)) {
		close(fd);
		return -1;
	}
	own_add(&own, fd);
	length = sizeof(got);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&got, &length), 0);
	close(fd);
	return ntohs(got.sin6_port); /* where sin_port is too */
}

static bool is(const char *host, int port)
{
	struct sockaddr_storage at;
	socklen_t length;
	char text[64];

	snprintf(text, sizeof(text), "%s:%d", host, port);
	assert_int_equal(text_address(text, &at, &length), 0);
	return own_is(&own, (struct sockaddr *)&at);
}

static int setup(void **state)
{
	(void)state;
	memset(&own, 0, sizeof(own));
	return 0;
}

static void one_address_is_that_alone(void **state)
{
	int port = add("127.0.0.1:0");

	(void)state;
	assert_true(is("127.0.0.1", port));
	assert_true(is("localhost", port));
	assert_true(is("0.0.0.0", port)); /* a connection to it is one to this machine */
	assert_true(is("[::ffff:127.0.0.1]", port));
	assert_true(is("[::]", port));
	assert_false(is("127.0.0.1", port ^ 1));
	assert_false(is("127.0.0.2", port));
	assert_false(is("192.0.2.1", port));
	assert_false(is("[::1]", port));
}

static void all_addresses_are_those_of_this_machine(void **state)
{
	int port = add("0.0.0.0:0");

	(void)state;
	assert_true(is("127.0.0.1", port));
	assert_true(is("127.9.9.9", port));
	assert_true(is("0.0.0.0", port));
	assert_true(is("[::ffff:127.0.0.1]", port));
	assert_false(is("192.0.2.1", port)); /* of documents alone */
	assert_false(is("[2001:db8::1]", port));
	assert_false(is("127.0.0.1", port ^ 1));
}

static void both_families_are_one(void **state)
{
	int port = add("[::]:0");

	(void)state;
	if (port < 0)
		skip();
	assert_true(is("127.0.0.1", port));
	assert_true(is("[::1]", port));
	assert_false(is("192.0.2.1", port));
}

static void what_has_no_port_is_left_out(void **state)
{
	const struct sockaddr path = { .sa_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	own_add(&own, fd);
	own_add(&own, -1);
	assert_int_equal(own.count, 0);
	close(fd);
	assert_false(own_is(&own, &path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_address_is_that_alone, setup),
		cmocka_unit_test_setup(all_addresses_are_those_of_this_machine, setup),
		cmocka_unit_test_setup(both_families_are_one, setup),
		cmocka_unit_test_setup(what_has_no_port_is_left_out, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
