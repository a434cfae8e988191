#include "uprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of include/uapi/linux/bpf.h, kernels from 6.6: our headers are older. */
#define UPROBE_LINK_CREATE 28
#define UPROBE_TRACE_MULTI 48
#define UPROBE_MULTI_RETURN 1u

struct uprobe_link_create {
	uint32_t program, target, attach_type, flags;
	uint64_t path, offsets, ref_counters, cookies;
	uint32_t count, multi_flags, pid, rest;
};

int uprobe_attach(const struct uprobe *u)
{
	char path[32];
	struct uprobe_link_create create = {
		.program = (uint32_t)u->program,
		.attach_type = UPROBE_TRACE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)u->offsets,
		.cookies = (uintptr_t)u->cookies,
		.count = u->count,
		.multi_flags = u->at_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (uint32_t)u->pid,
	};
	long link;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", u->file);
	link = syscall(SYS_bpf, UPROBE_LINK_CREATE, &create, sizeof(create));
	if (link < 0)
		return -errno;
	/* bpf() makes them so already, as far as we know */
	fcntl((int)link, F_SETFD, FD_CLOEXEC);
	return (int)link;
}
