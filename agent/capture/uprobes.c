#include "uprobes.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPROBES_LINK_CREATE 28 /* BPF_LINK_CREATE */
#define UPROBES_RETURN 1u      /* BPF_F_UPROBE_MULTI_RETURN */

/* union bpf_attr of linux/bpf.h, as far as link_create.uprobe_multi goes. */
struct uprobes_attr {
	uint32_t program, target, type, flags;
	uint64_t path, offsets, semaphores, cookies;
	uint32_t count, multi_flags, pid, reserved;
};

static uint64_t uprobes_pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int uprobes_link(const struct uprobes *u)
{
	char path[32];
	struct uprobes_attr attr = {
		.program = (uint32_t)u->program,
		.type = UPROBES_ATTACH_TYPE,
		.path = uprobes_pointer(path),
		.offsets = uprobes_pointer(u->offsets),
		.semaphores = uprobes_pointer(u->semaphores),
		.cookies = uprobes_pointer(u->cookies),
		.count = u->count,
		.multi_flags = u->returns ? UPROBES_RETURN : 0,
		.pid = (uint32_t)u->pid,
	};
	long fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", u->file);
	fd = syscall(SYS_bpf, UPROBES_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

static int uprobes_attach_here(void *ctx, const struct uprobes *u)
{
	(void)ctx;
	return uprobes_link(u);
}

static void uprobes_detach_here(void *ctx, int link)
{
	(void)ctx;
	close(link);
}

static bool uprobes_wait_here(void *ctx)
{
	(void)ctx;
	return false;
}

static const struct uprobes_maker uprobes_here = { uprobes_attach_here, uprobes_detach_here,
						   uprobes_wait_here, NULL };
static struct uprobes_maker uprobes_maker = { uprobes_attach_here, uprobes_detach_here,
					      uprobes_wait_here, NULL };

void uprobes_maker_set(const struct uprobes_maker *maker)
{
	uprobes_maker = maker ? *maker : uprobes_here;
}

int uprobes_attach(const struct uprobes *u)
{
	return uprobes_maker.attach(uprobes_maker.ctx, u);
}

void uprobes_detach(int link)
{
	uprobes_maker.detach(uprobes_maker.ctx, link);
}

bool uprobes_wait(void)
{
	return uprobes_maker.waits(uprobes_maker.ctx);
}
