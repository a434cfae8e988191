/*
 * cage - a seccomp filter is run by hand, for each of our own calls.
 *
 * Threads:  see cage.h.
 * Memory:   see cage.h.
 * Errors:   see cage.h.
 * Cost:     see cage.h.
 */
#include "cage.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define CAGE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CAGE_ARCH AUDIT_ARCH_AARCH64
#endif

/* What is asked for behind the start: a child's segment and its greeting, a thread's lane. */
static const uint16_t cage_ours[] = {
	SYS_memfd_create, SYS_ftruncate, SYS_fcntl,      SYS_mmap,          SYS_munmap,
	SYS_mremap,       SYS_madvise,   SYS_close,      SYS_openat,        SYS_read,
	SYS_socket,       SYS_sendto,    SYS_getsockopt, SYS_getpid,        SYS_gettid,
	SYS_tgkill,       SYS_prlimit64, SYS_prctl,      SYS_clock_gettime,
};

/* The word of struct seccomp_data that is loaded; false: an argument, which may be anything. */
static bool cage_load(uint32_t offset, uint32_t number, uint32_t *word)
{
	if (offset == offsetof(struct seccomp_data, nr))
		*word = number;
	else if (offset == offsetof(struct seccomp_data, arch))
		*word = CAGE_ARCH;
	else
		return false;
	return true;
}

/* How many instructions a jump leaves out; UINT32_MAX: it compares with no constant. */
static uint32_t cage_jump(const struct sock_filter *step, uint32_t word)
{
	bool holds;

	switch (step->code) {
	case BPF_JMP | BPF_JA:
		return step->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		holds = word == step->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		holds = word > step->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		holds = word >= step->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		holds = word & step->k;
		break;
	default:
		return UINT32_MAX;
	}
	return holds ? step->jt : step->jf;
}

static bool cage_allows(const struct sock_fprog *program, uint32_t number)
{
	uint32_t word = 0;

	for (uint32_t at = 0; at < program->len; at++) {
		const struct sock_filter *step = &program->filter[at];
		uint32_t jump;

		if (step->code == (BPF_RET | BPF_K))
			return (step->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
		if (step->code == (BPF_LD | BPF_W | BPF_ABS)) {
			if (!cage_load(step->k, number, &word))
				return false;
			continue;
		}
		jump = cage_jump(step, word);
		if (jump >= program->len)
			return false;
		at += jump;
	}
	return false;
}

bool cage_permits(const struct sock_fprog *program)
{
	for (size_t i = 0; i < sizeof(cage_ours) / sizeof(cage_ours[0]); i++) {
		if (!cage_allows(program, cage_ours[i]))
			return false;
	}
	return true;
}
