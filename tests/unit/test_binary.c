#include "../../agent/profile/binary.c" /* its own program is the file that is read */
#include "rs_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where our own code lies in our own file. */
static uint64_t place_of(const void *code)
{
	unsigned long start, end, offset;
	char line[512], mode[5];
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t place = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, mode, &offset) == 4 &&
		    (uintptr_t)code >= start && (uintptr_t)code < end)
			place = (uintptr_t)code - start + offset;
	fclose(maps);
	return place;
}

static int self_open(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void our_own_functions_have_their_names(void **state)
{
	int fd = self_open();
	struct binary b;

	(void)state;
	assert_int_equal(binary_read(&b, fd), 0);
	assert_true(b.whole);
	assert_string_equal(binary_find(&b, place_of(place_of)), "place_of");
	assert_string_equal(binary_find(&b, place_of(binary_read)), "binary_read");
	assert_null(binary_find(&b, 0));
	assert_null(binary_find(&b, UINT64_MAX));
	binary_fini(&b);
	close(fd);
}

static void a_debug_file_has_to_be_of_the_same_build(void **state)
{
	int fd = self_open();
	struct binary b;

	(void)state;
	assert_int_equal(binary_read(&b, fd), 0);
	assert_int_equal(strlen(b.build_id), 40);
	symtab_fini(&b.symbols); /* as if it had been stripped */
	b.whole = false;
	assert_null(binary_find(&b, place_of(place_of)));
	assert_int_equal(binary_debug_read(&b, fd), 0);
	assert_true(b.whole);
	assert_string_equal(binary_find(&b, place_of(place_of)), "place_of");
	b.build_id[0] = b.build_id[0] == 'f' ? 'e' : 'f';
	assert_int_equal(binary_debug_read(&b, fd), -ESTALE);
	binary_fini(&b);
	close(fd);
}

static void what_is_no_elf_file_is_refused(void **state)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct binary b;

	(void)state;
	assert_int_equal(write(fd, "#!/bin/sh\nexit 0\n", 17), 17);
	assert_int_equal(binary_read(&b, fd), -ENOEXEC);
	assert_int_equal(binary_debug_read(&b, fd), -ENOEXEC);
	close(fd);
}

/* Each word of the head made absurd in turn: nothing is read outside of what is there. */
static void a_broken_file_gives_an_error_or_no_names(void **state)
{
	static const uint64_t absurd[] = { 0, 1, 0x7fffffff, UINT64_MAX, UINT64_MAX / 2 };
	char bytes[65536];
	int self = self_open();
	ssize_t n = pread(self, bytes, sizeof(bytes), 0);

	(void)state;
	assert_true(n > 4096);
	for (size_t at = 0; at < 1024; at += 8) {
		for (size_t k = 0; k < sizeof(absurd) / sizeof(absurd[0]); k++) {
			int fd = memfd_create("broken", MFD_CLOEXEC);
			struct binary b;

			assert_int_equal(pwrite(fd, bytes, (size_t)n, 0), n);
			assert_int_equal(pwrite(fd, &absurd[k], 8, (off_t)at), 8);
			if (binary_read(&b, fd) == 0)
				binary_find(&b, 4096);
			binary_fini(&b);
			close(fd);
		}
	}
	close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_functions_have_their_names),
		cmocka_unit_test(a_debug_file_has_to_be_of_the_same_build),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(a_broken_file_gives_an_error_or_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
