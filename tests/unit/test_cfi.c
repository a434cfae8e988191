#include "../../agent/profile/cfi.c" /* its own program and its own stack are what is unwound */
#include "rs_test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#define SKIPPED 77

#ifdef __SANITIZE_ADDRESS__
/* It looks for leaks in the thread-local memory of a library that was opened late, and crashes. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static struct snapshot shot;
static uint64_t callers[2]; /* where inner and middle go on */

static void registers_copy(const ucontext_t *u)
{
#ifdef __x86_64__
	static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				     REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
				     REG_R12, REG_R13, REG_R14, REG_R15 };

	for (int i = 0; i < 16; i++)
		shot.registers[i] = (uint64_t)u->uc_mcontext.gregs[order[i]];
	shot.register_count = 16;
	shot.place = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
	shot.pointer = (uint64_t)u->uc_mcontext.gregs[REG_RSP];
#else
	for (int i = 0; i < 31; i++)
		shot.registers[i] = u->uc_mcontext.regs[i];
	shot.registers[31] = u->uc_mcontext.sp;
	shot.register_count = 32;
	shot.place = u->uc_mcontext.pc;
	shot.pointer = u->uc_mcontext.sp;
#endif
}

static __attribute__((noinline)) void inner(void)
{
	struct iovec to = { shot.stack, SNAPSHOT_CHUNK }, from = { NULL, SNAPSHOT_CHUNK };
	ucontext_t u;

	callers[0] = (uint64_t)(uintptr_t)__builtin_return_address(0);
	getcontext(&u);
	registers_copy(&u);
	/* by the kernel: a sanitizer would take it for an error */
	for (shot.stack_bytes = 0; shot.stack_bytes < SNAPSHOT_STACK_BYTES;
	     shot.stack_bytes += SNAPSHOT_CHUNK) {
		to.iov_base = shot.stack + shot.stack_bytes;
		from.iov_base = (void *)(uintptr_t)(shot.pointer + shot.stack_bytes);
		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != SNAPSHOT_CHUNK)
			break;
	}
}

static __attribute__((noinline)) void middle(void)
{
	callers[1] = (uint64_t)(uintptr_t)__builtin_return_address(0);
	inner();
	__asm__ volatile(""); /* the call is not the last thing: it is not a jump */
}

static __attribute__((noinline, returns_nonnull)) struct cfi *of_ourselves(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct cfi_range at;
	char line[4096], mode[5];
	struct cfi *c;

	assert_non_null(maps);
	assert_int_equal(cfi_open(&c), 0);
	while (fgets(line, sizeof(line), maps)) {
		char *path = strchr(line, '/');
		int fd;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64, &at.start, &at.end, mode,
			   &at.offset) != 4 ||
		    mode[2] != 'x')
			continue;
		if (strstr(line, "[vdso]"))
			assert_int_equal(cfi_vdso_add(c, &at), 0);
		if (!path)
			continue;
		path[strcspn(path, "\n")] = '\0';
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) /* read later: it stays open */
			cfi_file_add(c, &at, fd);
	}
	fclose(maps);
	assert_true(c->elf_count > 1);
	assert_int_equal(cfi_files_end(c), 0);
	return c;
}

static bool among(const uint64_t *places, uint32_t count, uint64_t place)
{
	for (uint32_t i = 0; i < count; i++)
		if (places[i] == place)
			return true;
	return false;
}

static void a_stack_is_unwound_to_where_it_began(void **state)
{
	struct cfi *c = of_ourselves();
	uint64_t places[64];
	uint32_t count;
	bool whole;

	(void)state;
	middle();
	for (int i = 0; i < 2; i++) { /* the second time from what the first one found */
		count = cfi_unwind(c, &shot, places, 64, &whole);
		assert_true(count > 4);
		assert_int_equal(places[0], shot.place);
		assert_int_equal(places[1], callers[0]);
		assert_int_equal(places[2], callers[1]);
		assert_true(among(places, count, callers[1]));
	}
	assert_true(whole);
	cfi_close(c);
}

static void a_stack_that_goes_on_behind_the_snapshot_is_not_whole(void **state)
{
	struct cfi *c = of_ourselves();
	uint64_t places[64];
	bool whole;

	(void)state;
	middle();
	shot.stack_bytes = 0;
	assert_int_equal(cfi_unwind(c, &shot, places, 64, &whole), 1);
	assert_int_equal(places[0], shot.place);
	assert_false(whole);
	middle();
	assert_int_equal(cfi_unwind(c, &shot, places, 2, &whole), 2); /* no room for more */
	assert_false(whole);
	cfi_close(c);
}

static void without_files_there_is_the_innermost_place_alone(void **state)
{
	uint64_t places[64];
	struct cfi *c;
	bool whole;

	(void)state;
	middle();
	assert_int_equal(cfi_open(&c), 0);
	assert_int_equal(cfi_files_end(c), -ENODATA);
	assert_int_equal(cfi_unwind(c, &shot, places, 64, &whole), 1);
	assert_int_equal(places[0], shot.place);
	assert_false(whole);
	cfi_close(c);
}

static void what_is_no_program_is_left_out(void **state)
{
	int text = memfd_create("text", MFD_CLOEXEC), self = open("/proc/self/exe", O_RDONLY);
	const struct cfi_range good = { 0x1000, 0x2000, 0 }, backwards = { 0x2000, 0x1000, 0 },
			       nowhere = { 0x1000, 0x2000, UINT64_C(1) << 40 }, map = { 0, 0, 0 };
	struct cfi *c;

	(void)state;
	assert_int_equal(write(text, "#!/bin/sh\n", 10), 10);
	assert_int_equal(cfi_open(&c), 0);
	assert_int_equal(cfi_file_add(c, &good, text), -ENOEXEC);
	assert_int_equal(cfi_file_add(c, &backwards, self), -ENOEXEC);
	assert_int_equal(cfi_file_add(c, &nowhere, self), -ENOEXEC);
	assert_int_equal(cfi_file_add(c, &map, text), -ENOEXEC);
	assert_int_equal(c->elf_count, 0);
	cfi_close(c);
	close(text);
	close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_is_unwound_to_where_it_began),
		cmocka_unit_test(a_stack_that_goes_on_behind_the_snapshot_is_not_whole),
		cmocka_unit_test(without_files_there_is_the_innermost_place_alone),
		cmocka_unit_test(what_is_no_program_is_left_out),
	};

	if (cfi_load()) {
		print_message("skipped: libdw.so.1 is not installed\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
