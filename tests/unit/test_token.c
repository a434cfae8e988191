#include "token.h"

#include "rs_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char path[32];
	int fd;
};

static int set_up(void **state)
{
	static struct place p;

	strcpy(p.path, "/tmp/rs_token_XXXXXX");
	assert_non_null(mkdtemp(p.path));
	p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p.fd >= 0);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlinkat(p->fd, TOKEN_FILE, 0);
	unlinkat(p->fd, TOKEN_FILE ".new", 0);
	close(p->fd);
	rmdir(p->path);
	return 0;
}

static void a_token_is_stored_for_its_group_alone(void **state)
{
	struct place *p = *state;
	char token[TOKEN_TEXT], text[TOKEN_TEXT + 8] = "";
	struct stat st;
	int fd;

	umask(0);
	assert_int_equal(token_make(p->fd, getgid(), token), 0);
	assert_int_equal(strlen(token), 64);
	assert_int_equal(strspn(token, "0123456789abcdef"), 64);
	assert_int_equal(fstatat(p->fd, TOKEN_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_gid, getgid());
	fd = openat(p->fd, TOKEN_FILE, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 65);
	close(fd);
	assert_memory_equal(text, token, 64);
	assert_int_equal(text[64], '\n');
}

static void each_start_makes_another_and_leaves_nothing_beside_it(void **state)
{
	struct place *p = *state;
	char first[TOKEN_TEXT], second[TOKEN_TEXT];

	assert_int_equal(symlinkat("/etc/passwd", p->fd, TOKEN_FILE ".new"), 0);
	assert_int_equal(token_make(p->fd, (gid_t)-1, first), 0);
	assert_int_equal(token_make(p->fd, (gid_t)-1, second), 0);
	assert_string_not_equal(first, second);
	assert_int_not_equal(faccessat(p->fd, TOKEN_FILE ".new", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

static void a_token_that_could_not_be_stored_is_none(void **state)
{
	char token[TOKEN_TEXT];

	(void)state;
	assert_true(token_make(-1, (gid_t)-1, token) < 0);
	assert_string_equal(token, "");
	assert_false(token_matches(token, ""));
}

static void only_the_whole_token_matches(void **state)
{
	(void)state;
	assert_true(token_matches("abc", "abc"));
	assert_false(token_matches("abc", "ab"));
	assert_false(token_matches("abc", "abcabc"));
	assert_false(token_matches("abc", "abd"));
	assert_false(token_matches("abc", ""));
	assert_false(token_matches("", ""));
	assert_false(token_matches("", "abc"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(a_token_is_stored_for_its_group_alone),
		EACH(each_start_makes_another_and_leaves_nothing_beside_it),
		EACH(a_token_that_could_not_be_stored_is_none),
		cmocka_unit_test(only_the_whole_token_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
