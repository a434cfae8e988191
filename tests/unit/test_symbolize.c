#include "../../agent/profile/symbolize.c"
#include "rs_test.h"

#include <fcntl.h>
#include <sys/mman.h>

static int text_file(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

/* What is answered to this question, outside of the jail. */
static char *answer(struct symbolize *s)
{
	size_t length;
	char *text = NULL;

	s->binaries = calloc(s->head.file_count + 1, sizeof(*s->binaries));
	s->out = open_memstream(&text, &length);
	assert_non_null(s->out);
	symbolize_answer(s);
	fclose(s->out);
	for (uint32_t i = 0; i < s->head.file_count; i++)
		binary_fini(&s->binaries[i]);
	symtab_fini(&s->kernel);
	symtab_fini(&s->perf);
	free(s->binaries);
	return text;
}

static void files_and_addresses_are_answered_in_order(void **state)
{
	int map = text_file("5000 100 jitted code\n");
	int kernel = text_file("ffffffff81000000 T start\n");
	struct symbolize_file files[] = {
		{ .fd = map, .debug = -1 },
		{ .start = 0x1000, .end = 0x2000, .fd = -1, .debug = -1 },
	};
	uint64_t addresses[] = { 0x1500, 0x5050, 0x6000, 0xffffffff81000010 };
	struct symbolize s = { .head = { 2, 4, kernel, 0 },
			       .files = files,
			       .addresses = addresses };
	char *text = answer(&s);

	(void)state;
	assert_string_equal(text, "none\nnone\n\njitted code\n\nstart\n");
	free(text);
	close(map);
	close(kernel);
}

static void the_kernels_names_are_read_only_where_they_are_asked_for(void **state)
{
	uint64_t address = 0x1000;
	struct symbolize s = { .head = { 0, 1, -1, 0 }, .addresses = &address };
	char *text = answer(&s);

	(void)state;
	assert_string_equal(text, "\n");
	free(text);
}

static void a_name_cannot_break_its_line(void **state)
{
	int map = text_file("5000 100 a\tb\x01\x7f\n");
	struct symbolize_file file = { .fd = map, .debug = -1 };
	uint64_t address = 0x5000;
	struct symbolize s = { .head = { 1, 1, -1, 0 }, .files = &file, .addresses = &address };
	char *text = answer(&s);

	(void)state;
	assert_string_equal(text, "none\na?b??\n");
	free(text);
	close(map);
}

static void a_program_is_whole_and_has_its_build_id(void **state)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct symbolize_file file = { .start = 1, .end = 2, .fd = self, .debug = -1 };
	struct symbolize s = { .head = { 1, 0, -1, 0 }, .files = &file };
	char *text = answer(&s);

	(void)state;
	assert_int_equal(strncmp(text, "whole ", 6), 0);
	assert_int_equal(strlen(text), 6 + 40 + 1);
	free(text);
	close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_addresses_are_answered_in_order),
		cmocka_unit_test(the_kernels_names_are_read_only_where_they_are_asked_for),
		cmocka_unit_test(a_name_cannot_break_its_line),
		cmocka_unit_test(a_program_is_whole_and_has_its_build_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
