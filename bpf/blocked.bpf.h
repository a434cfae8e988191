/*
 * blocked - why a thread that leaves the processor cannot go on: by the system call that it is in.
 *
 * Includers: the probes that look at sched_switch.
 */
#ifndef BPF_BLOCKED_BPF_H
#define BPF_BLOCKED_BPF_H

#include "wait_event.h"

#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_64.h>
#else
#include <asm-generic/unistd.h>
#endif

#define BLOCKED_DEAD 0xb0 /* EXIT_DEAD, EXIT_ZOMBIE, TASK_DEAD: it never comes back */
#define BLOCKED_TYPE 0170000
#define BLOCKED_SOCKET 0140000
#define BLOCKED_FILE 0100000
#define BLOCKED_DEVICE 0060000

/* What this descriptor of a thread is. */
static __always_inline __u32 blocked_descriptor(struct task_struct *task, __u64 fd)
{
	const struct fdtable *table = task->files ? task->files->fdt : 0;
	struct file *file = 0;
	__u32 type;

	if (!table || fd >= table->max_fds ||
	    bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd) || !file)
		return WAIT_OTHER;
	type = BPF_CORE_READ(file, f_inode, i_mode) & BLOCKED_TYPE;
	if (type == BLOCKED_SOCKET)
		return WAIT_SOCKET;
	return type == BLOCKED_FILE || type == BLOCKED_DEVICE ? WAIT_DISK : WAIT_OTHER;
}

static __always_inline __u32 blocked_call(struct task_struct *task, __s64 number, __u64 first)
{
	switch (number) {
#ifdef __NR_poll
	case __NR_poll:
	case __NR_select:
	case __NR_epoll_wait:
#endif
	case __NR_ppoll:
	case __NR_pselect6:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
		return WAIT_SOCKET;
	case __NR_read:
	case __NR_write:
	case __NR_readv:
	case __NR_writev:
	case __NR_sendfile:
	case __NR_splice:
		return blocked_descriptor(task, first);
	case __NR_pread64:
	case __NR_pwrite64:
	case __NR_fsync:
	case __NR_fdatasync:
		return WAIT_DISK;
	case __NR_futex:
	case __NR_flock:
	case __NR_fcntl:
		return WAIT_LOCK;
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
		return WAIT_SLEEP;
	default:
		return WAIT_OTHER;
	}
}

static __always_inline __u32 blocked_cause(struct task_struct *task)
{
	const struct pt_regs *regs;

	if (BPF_CORE_READ_BITFIELD(task, in_iowait))
		return WAIT_DISK;
	regs = (const struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
	return blocked_call(task, regs->orig_ax, regs->di);
#else
	return blocked_call(task, regs->syscallno, regs->regs[0]);
#endif
}

#endif
