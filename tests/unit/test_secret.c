#include "rs_test.h"
#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/rs_secret_XXXXXX";
static char text[16];
static int fd;

static int setup(void **state)
{
	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	return unlink(path);
}

static void put(const char *what)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, what, strlen(what), 0), (ssize_t)strlen(what));
}

static void it_is_the_first_line(void **state)
{
	(void)state;
	put("s3cret\r\nsecond\n");
	assert_int_equal(secret_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "s3cret");
	put("0123456789abcde");
	assert_int_equal(secret_read(path, text, sizeof(text)), 0);
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

static void one_that_is_none_says_why(void **state)
{
	(void)state;
	put("");
	assert_int_equal(secret_read(path, text, sizeof(text)), -ENODATA);
	put("\nsecond");
	assert_int_equal(secret_read(path, text, sizeof(text)), -ENODATA);
	put("0123456789abcdef");
	assert_int_equal(secret_read(path, text, sizeof(text)), -EFBIG);
	assert_string_equal(text, "");
	assert_int_equal(secret_read("/nonexistent/file", text, sizeof(text)), -ENOENT);
	assert_string_equal(secret_error_text(-ENOENT), "No such file or directory");
}

static void one_that_others_may_write_is_refused(void **state)
{
	(void)state;
	put("s3cret");
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(secret_read(path, text, sizeof(text)), 0);
	assert_int_equal(fchmod(fd, 0620), 0);
	assert_int_equal(secret_read(path, text, sizeof(text)), -EPERM);
	assert_string_equal(text, "");
	assert_int_equal(fchmod(fd, 0602), 0);
	assert_int_equal(secret_read(path, text, sizeof(text)), -EPERM);
	assert_int_equal(fchmod(fd, 0600), 0);
	if (geteuid())
		return;
	assert_int_equal(fchown(fd, 65533, 0), 0); /* its owner may */
	assert_int_equal(secret_read(path, text, sizeof(text)), -EPERM);
	assert_string_equal(secret_error_text(-EPERM), "others than root may write it");
}

static void it_is_handed_on_with_its_fault(void **state)
{
	char fault[64];
	struct secret s;

	(void)state;
	put("s3cret\n");
	secret_load(&s, "a.key", path);
	assert_string_equal(s.text, "s3cret");
	assert_string_equal(s.fault, "");
	put("");
	secret_load(&s, "a.key", path);
	snprintf(fault, sizeof(fault), "a.key: %s: No data available", path);
	assert_string_equal(s.fault, fault);
	assert_string_equal(s.text, "");
	secret_load(&s, "a.key", "none");
	assert_string_equal(s.fault, "");
	secret_load(&s, "a.key", "");
	assert_string_equal(s.fault, "");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(it_is_the_first_line),
		WITH(one_that_is_none_says_why),
		WITH(one_that_others_may_write_is_refused),
		WITH(it_is_handed_on_with_its_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
