#include "inlined.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char test_place[] __attribute__((visibility("hidden")));

static inline __attribute__((always_inline)) void put_inside(void)
{
	__asm__ volatile("test_place: nop\n nop\n nop" ::: "memory");
}

static inline __attribute__((always_inline)) void put_around(void)
{
	put_inside();
	__asm__ volatile("nop" ::: "memory");
}

static __attribute__((noinline)) void holds_both(void)
{
	put_around();
	__asm__ volatile("nop" ::: "memory");
}

static void add(void *ctx, const char *name)
{
	char *text = ctx;

	snprintf(text + strlen(text), 256 - strlen(text), "%s;", name);
}

static uint64_t address(const char *at)
{
	return (uint64_t)(at - __ehdr_start);
}

static void what_was_put_into_a_function_is_told_innermost_first(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), result;
	struct inlined *in;
	char text[256] = "";

	(void)state;
	holds_both();
	if (inlined_load())
		rs_skip("libdw is not installed");
	result = inlined_open(&in, fd);
	if (result == -ENODATA)
		rs_skip("this was built without debug information");
	assert_int_equal(result, 0);
	inlined_each(in, address(test_place), add, text);
	assert_string_equal(text, "put_inside;put_around;");
	text[0] = '\0';
	inlined_each(in, address((const char *)(uintptr_t)address), add, text);
	assert_string_equal(text, "");
	inlined_each(in, UINT64_MAX - 1, add, text);
	assert_string_equal(text, "");
	inlined_close(in);
	inlined_close(NULL);
	close(fd);
}

static void a_file_without_debug_information_has_none(void **state)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct inlined *in;

	(void)state;
	if (inlined_load())
		rs_skip("libdw is not installed");
	assert_int_equal(write(fd, "\177ELF and nothing more", 21), 21);
	assert_int_equal(inlined_open(&in, fd), -ENODATA);
	assert_null(in);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_into_a_function_is_told_innermost_first),
		cmocka_unit_test(a_file_without_debug_information_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
