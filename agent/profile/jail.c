#include "jail.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* On any other machine every call would kill: names are missing there, nothing is let through. */
#ifdef __aarch64__
#define JAIL_ARCH AUDIT_ARCH_AARCH64
#else
#define JAIL_ARCH AUDIT_ARCH_X86_64
#endif

#define JAIL_LOAD(field)                                                                           \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offsetof(struct seccomp_data, field))
#define JAIL_ALLOW(name)                                                                           \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)SYS_##name, 0, 1),                       \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define JAIL_REFUSE(name)                                                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)SYS_##name, 0, 1),                       \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES)

/* No path is among what these take, but newfstatat's: the size of an open file is asked by it. */
static int jail_filter(void)
{
	struct sock_filter code[] = {
		JAIL_LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, JAIL_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		JAIL_LOAD(nr),
		JAIL_ALLOW(read),
		JAIL_ALLOW(pread64),
		JAIL_ALLOW(write),
		JAIL_ALLOW(lseek),
		JAIL_ALLOW(fstat),
		JAIL_ALLOW(newfstatat),
		JAIL_ALLOW(fcntl),
		JAIL_ALLOW(close),
		JAIL_ALLOW(mmap),
		JAIL_ALLOW(munmap),
		JAIL_ALLOW(mremap),
		JAIL_ALLOW(madvise),
		JAIL_ALLOW(brk),
		JAIL_ALLOW(futex),
		JAIL_ALLOW(getrandom),
		JAIL_ALLOW(sysinfo),       /* qsort asks how much memory there is */
		JAIL_ALLOW(clock_gettime), /* where the vDSO has no clock */
		JAIL_ALLOW(clock_nanosleep),
		JAIL_ALLOW(rt_sigreturn),
		JAIL_ALLOW(exit_group),
#ifdef SYS_readlink
		JAIL_REFUSE(readlink), /* libdw asks where a file lies, and goes on without */
#endif
		JAIL_REFUSE(readlinkat),
		JAIL_REFUSE(openat), /* and for what several files share (.gnu_debugaltlink) */
#ifdef SYS_open
		JAIL_REFUSE(open),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static int jail_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct nothing[2] = { { 0 } };

	return syscall(SYS_capset, &header, nothing) ? -errno : 0;
}

static int jail_limit(__rlimit_resource_t what, rlim_t most)
{
	const struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

	return setrlimit(what, &limit) ? -errno : 0;
}

int jail_enter(unsigned int cpu_s)
{
	int result =
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0) ? -errno : 0;

	if (!result)
		result = jail_drop();
	if (!result)
		result = jail_limit(RLIMIT_CORE, 0);
	if (!result)
		result = jail_limit(RLIMIT_CPU, cpu_s);
	if (!result)
		result = jail_limit(RLIMIT_AS, JAIL_MEMORY_BYTES);
	if (!result)
		result = jail_limit(RLIMIT_FSIZE, JAIL_ANSWER_BYTES);
	return result ? result : jail_filter();
}
