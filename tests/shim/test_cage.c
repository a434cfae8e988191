#include "cage.h"
#include "core.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define IF(test, k, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, k, yes, no)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define OTHER_ARCH 0x40000003u /* i386 */
#define PERMITS(...)                                                                               \
	permits((struct sock_filter[]){ __VA_ARGS__ },                                             \
		sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter))

static bool permits(struct sock_filter *steps, size_t count)
{
	struct sock_fprog program = { .len = (unsigned short)count, .filter = steps };

	return cage_permits(&program);
}

static void what_is_against_others_permits_us(void **state)
{
	(void)state;
	assert_true(PERMITS(ALLOW));
	assert_true(PERMITS(LOAD(0), IF(BPF_JEQ, SYS_setuid, 0, 1), REFUSE, ALLOW));
	assert_true(PERMITS(LOAD(4), IF(BPF_JEQ, OTHER_ARCH, 0, 1), REFUSE, ALLOW));
	/* the argument of a call that is none of ours */
	assert_true(PERMITS(LOAD(0), IF(BPF_JEQ, SYS_setuid, 0, 2), LOAD(16), REFUSE, ALLOW));
	assert_true(PERMITS(LOAD(0), BPF_STMT(BPF_JMP | BPF_JA, 1), REFUSE, ALLOW));
	assert_true(PERMITS(LOAD(0), IF(BPF_JGE, 0x40000000, 0, 1), REFUSE, ALLOW));
	assert_true(PERMITS(LOAD(0), IF(BPF_JGT, 0x3fffffff, 0, 1), REFUSE, ALLOW));
	assert_true(PERMITS(LOAD(0), IF(BPF_JSET, 0x40000000, 0, 1), REFUSE, ALLOW));
}

static void one_call_of_ours_is_enough(void **state)
{
	static const uint32_t ours[] = { SYS_memfd_create, SYS_mmap,   SYS_madvise,
					 SYS_mremap,       SYS_socket, SYS_sendto,
					 SYS_getpid,       SYS_openat, SYS_getsockopt };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_false(PERMITS(LOAD(0), IF(BPF_JEQ, ours[i], 0, 1), REFUSE, ALLOW));
	assert_false(PERMITS(REFUSE));
	assert_false(PERMITS(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)));
	assert_false(PERMITS(LOAD(0), IF(BPF_JGE, 0, 0, 1), REFUSE, ALLOW));
}

static void what_cannot_be_told_is_refused(void **state)
{
	(void)state;
	assert_false(PERMITS(LOAD(16), ALLOW));
	assert_false(PERMITS(LOAD(0), IF(BPF_JEQ, SYS_mmap, 0, 1), LOAD(32), ALLOW));
	assert_false(PERMITS(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), ALLOW));
	assert_false(PERMITS(BPF_STMT(BPF_RET | BPF_A, 0)));
	assert_false(PERMITS(LOAD(0)));
	assert_false(PERMITS(BPF_STMT(BPF_JMP | BPF_JA, 9), ALLOW));
	assert_false(PERMITS(BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), ALLOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_against_others_permits_us),
		cmocka_unit_test(one_call_of_ours_is_enough),
		cmocka_unit_test(what_cannot_be_told_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
