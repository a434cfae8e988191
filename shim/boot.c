/*
 * boot - the constructor: may we, and under which name.
 *
 * Threads:  one; it runs ahead of every other constructor (-z initfirst).
 * Memory:   none.
 * Errors:   any doubt leaves every hook a plain passage to the real function.
 * Cost:     some twenty-five system calls, and one for each of the first descriptors, 0.1 ms.
 */
#include "claims.h"
#include "clock.h"
#include "fdtable.h"
#include "fork.h"
#include "hooks.h"
#include "mem.h"
#include "note.h"
#include "real.h"
#include "refuse.h"
#include "sys.h"
#include "thread.h"

#include <ringside/list.h>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define BOOT_GNU "GNU"
#define BOOT_GO "Go\0"   /* four bytes with its last NUL */
#define NT_GO_BUILD_ID 4 /* cmd/link: ELF_NOTE_GOBUILDID_TAG */

#pragma weak dlsym
#pragma weak getauxval
#pragma weak environ

const char *gnu_get_libc_version(void);
#pragma weak gnu_get_libc_version

/* The exported name finds the first copy of this library, the static one is always our own. */
static const char boot_self[] = "ringside";
extern __attribute__((alias("boot_self"))) EXPORT const char ringside_shim[sizeof(boot_self)];

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool boot_refused(const struct claims_found *found)
{
	if (claims_refuse(found))
		return true;
	return refuse_everywhere(found->preload, RS_LIST_ALLOW, &home_claims) ||
	       refuse_off(&home_claims);
}

static void boot_read_build_id(void)
{
	struct note_image own = {
		.segments = (const void *)((const uint8_t *)&__ehdr_start + __ehdr_start.e_phoff),
		.count = __ehdr_start.e_phnum,
		.base = (uintptr_t)&__ehdr_start,
	};
	size_t bytes;
	const uint8_t *id = note_find(&own, BOOT_GNU, sizeof(BOOT_GNU), NT_GNU_BUILD_ID, &bytes);

	if (id && bytes == sizeof(home_claims.build_id))
		memcpy(home_claims.build_id, id, bytes);
}

/* Go's own packages call the kernel themselves, also in a program that has a C library. */
static uint32_t boot_unseen(void)
{
	struct note_image program =
		note_image_of((const ElfW(Phdr) *)getauxval(AT_PHDR), getauxval(AT_PHNUM));
	size_t bytes;

	if (note_find(&program, BOOT_GO, sizeof(BOOT_GO), NT_GO_BUILD_ID, &bytes))
		return RS_UNSEEN_SYSTEM_CALLS;
	return 0;
}

/* An allocator in the executable itself comes ahead of any preload, ours included. */
static uint8_t boot_allocator(void)
{
	void *(*first)(size_t);

	*(void **)&first = dlsym(RTLD_DEFAULT, "malloc");
	if (first != malloc)
		return RS_ALLOCATOR_HIDDEN;
	return RS_ALLOCATOR_SEEN;
}

static bool boot_may(void)
{
	if (!getauxval || getauxval(AT_SECURE) || getauxval(AT_PAGESZ) != RS_PAGE)
		return false;
	if (dlsym(RTLD_DEFAULT, "ringside_shim") != (const void *)boot_self)
		return false; /* a second copy */
	return true;
}

/* The C library's own environ is not set yet when we are the first constructor of all. */
static const char *const *boot_environment(char **arguments)
{
	if (gnu_get_libc_version)
		return (const char *const *)arguments;
	return &environ ? (const char *const *)environ : NULL;
}

static START __attribute__((constructor)) void boot(int argc, char **argv, char **envp)
{
	struct claims_found found;

	(void)argc;
	if (!real_find() || !boot_may())
		return;
	claims_find(boot_environment(envp), &found);
	claims_take(&found, &home_claims);
	if (gnu_get_libc_version) /* any other hands over none */
		claims_arguments((const char *const *)argv, home_claims.arguments,
				 sizeof(home_claims.arguments));
	if (boot_refused(&found) ||
	    sys_call(SYS_madvise, &control, sizeof(control), MADV_WIPEONFORK))
		return;
	boot_read_build_id();
	home_claims.unseen = boot_unseen();
	home_claims.allocator = hook_alloc_choose() ? boot_allocator() : RS_ALLOCATOR_HIDDEN;
	home.clock = clock_choose();
	thread_watch_ends();
	if (!home_make())
		return;
	fdtable_inherit();
	fork_watch();
}
