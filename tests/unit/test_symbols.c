#include "../../agent/profile/symbols.c" /* the test itself is the symbolizer that it starts */
#include "rs_test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct symbols_file map_file(const char *text)
{
	struct symbols_file file = { .fd = memfd_create("map", MFD_CLOEXEC) };

	assert_int_equal(write(file.fd, text, strlen(text)), (ssize_t)strlen(text));
	return file;
}

static void names_come_back_in_order(void **state)
{
	struct symbols_file file = map_file("5000 100 jitted\n6000 100 other\n");
	const uint64_t addresses[] = { 0x4000, 0x5010, 0x6020 };
	struct symbols_question q = { "/proc/self/exe", &file, 1, addresses, 3, -1 };
	struct symbols s;

	(void)state;
	if (SANITIZED)
		rs_skip("the jail leaves a sanitizer no room");
	assert_int_equal(symbols_ask(&q, &s), 0);
	assert_null(s.names[0]);
	assert_string_equal(s.names[1], "jitted");
	assert_string_equal(s.names[2], "other");
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC); /* it was the child's alone to keep */
	symbols_fini(&s);
	close(file.fd);
}

static void who_cannot_answer_is_an_error_and_no_name(void **state)
{
	const uint64_t addresses[] = { 1, 2 };
	struct symbols_question q = { "/bin/false", NULL, 0, addresses, 2, -1 };
	struct symbols s;

	(void)state;
	assert_int_equal(symbols_ask(&q, &s), -EPROTO);
	assert_null(s.names[0]);
	assert_null(s.names[1]);
	symbols_fini(&s);
	q.program = "/nonexistent";
	assert_int_equal(symbols_ask(&q, &s), -ENOENT);
	symbols_fini(&s);
}

static void an_answer_that_ends_early_leaves_the_rest_unnamed(void **state)
{
	struct symbols_question q = { .address_count = 3 };
	const char *names[3] = { NULL };
	struct symbols s = { .names = names };
	char text[] = "first\n\nthi";

	(void)state;
	symbols_names(&q, text, &s);
	assert_string_equal(names[0], "first");
	assert_null(names[1]);
	assert_null(names[2]);
}

static void a_build_id_is_believed_only_as_hexadecimal(void **state)
{
	(void)state;
	assert_int_equal(symbols_debug_open("../../../etc/passwd"), -1);
	assert_int_equal(symbols_debug_open("ab"), -1);
	assert_int_equal(symbols_debug_open("-"), -1);
	assert_int_equal(symbols_debug_open("00000000000000000000000000000000000000000"), -1);
}

static void what_is_said_of_files_is_kept(void **state)
{
	struct symbols_file files[3] = { 0 };
	struct symbols_question q = { .files = files, .file_count = 3 };
	int debug[3] = { -1, -1, -1 };
	char text[] = "whole aabbccdd\npart -\nnone\nname\n", *at = text;

	(void)state;
	assert_int_equal(symbols_files(&q, &at, debug), 0);
	assert_true(files[0].whole);
	assert_false(files[1].whole);
	assert_string_equal(at, "name\n");
}

static void what_comes_behind_the_names_may_end_anywhere(void **state)
{
	struct symbols_file file = { .fd = -1 };
	struct symbols_question q = { .files = &file, .file_count = 1, .address_count = 2 };
	const char *names[2], *inlined[2] = { NULL, NULL };
	struct symbols out = { .names = names, .inlined = inlined };
	char text[] = "outer\n\n0\tdeep\touter\n7\tno\nrubbish\n1\thalf";

	(void)state;
	symbols_names(&q, text, &out);
	assert_string_equal(names[0], "outer");
	assert_null(names[1]);
	assert_string_equal(inlined[0], "deep\touter");
	assert_null(inlined[1]);
	assert_true(symbols_has_names(&q, "none\na\nb\n"));
	assert_true(symbols_has_names(&q, "none\na\nb\n0\tx"));
	assert_false(symbols_has_names(&q, "none\na\nb"));
	assert_false(symbols_has_names(&q, ""));
	assert_false(symbols_has_names(&q, NULL));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back_in_order),
		cmocka_unit_test(who_cannot_answer_is_an_error_and_no_name),
		cmocka_unit_test(an_answer_that_ends_early_leaves_the_rest_unnamed),
		cmocka_unit_test(a_build_id_is_believed_only_as_hexadecimal),
		cmocka_unit_test(what_is_said_of_files_is_kept),
		cmocka_unit_test(what_comes_behind_the_names_may_end_anywhere),
	};

	if (argc == 2 && strcmp(argv[1], "--symbolize") == 0)
		return symbolize_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
