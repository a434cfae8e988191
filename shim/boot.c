/*
 * boot - the constructor: may we, and under which name.
 *
 * Threads:  one; it runs ahead of every other constructor (-z initfirst).
 * Memory:   none.
 * Errors:   any doubt leaves every hook a plain passage to the real function.
 * Cost:     some twenty system calls, 0.1 ms.
 */
#include "clock.h"
#include "fork.h"
#include "hooks.h"
#include "mem.h"
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

#pragma weak dlsym
#pragma weak getauxval
#pragma weak environ

const char *gnu_get_libc_version(void);
#pragma weak gnu_get_libc_version

#define BOOT_RUN_DIR "/run/ringside"

/* The exported name finds the first copy of this library, the static one is always our own. */
static const char boot_self[] = "ringside";
extern __attribute__((alias("boot_self"))) EXPORT const char ringside_shim[sizeof(boot_self)];

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct boot_names {
	const char *asked;      /* RINGSIDE */
	const char *monitoring; /* PERFORMANCE_MONITORING_ENABLED */
	const char *run_dir;    /* RINGSIDE_RUN_DIR */
	const char *service;    /* RINGSIDE_SERVICE */
	const char *otel_name;  /* OTEL_SERVICE_NAME */
	const char *attributes; /* OTEL_RESOURCE_ATTRIBUTES */
	const char *node;       /* NODE_ENV */
	const char *preload;    /* LD_PRELOAD */
};

static const struct {
	const char *name;
	size_t offset;
} boot_variables[] = {
	{ "RINGSIDE=", offsetof(struct boot_names, asked) },
	{ "PERFORMANCE_MONITORING_ENABLED=", offsetof(struct boot_names, monitoring) },
	{ "RINGSIDE_RUN_DIR=", offsetof(struct boot_names, run_dir) },
	{ "RINGSIDE_SERVICE=", offsetof(struct boot_names, service) },
	{ "OTEL_SERVICE_NAME=", offsetof(struct boot_names, otel_name) },
	{ "OTEL_RESOURCE_ATTRIBUTES=", offsetof(struct boot_names, attributes) },
	{ "NODE_ENV=", offsetof(struct boot_names, node) },
	{ "LD_PRELOAD=", offsetof(struct boot_names, preload) },
};

/* What follows prefix in text, NULL where text does not begin with it. */
static const char *boot_after(const char *text, const char *prefix)
{
	for (; *prefix; prefix++, text++) {
		if (*text != *prefix)
			return NULL;
	}
	return text;
}

static bool boot_same(const char *a, const char *b)
{
	const char *rest = a ? boot_after(a, b) : NULL;

	return rest && !*rest;
}

static void boot_read_names(char **environment, struct boot_names *names)
{
	for (; environment && *environment; environment++) {
		for (size_t i = 0; i < sizeof(boot_variables) / sizeof(boot_variables[0]); i++) {
			const char *value = boot_after(*environment, boot_variables[i].name);

			if (value)
				*(const char **)((uint8_t *)names + boot_variables[i].offset) =
					value;
		}
	}
}

/* The value of key in "k=v,k=v": copied up to the comma; false: absent or empty. */
static bool boot_attribute(const char *list, const char *key, char *to, size_t bytes)
{
	while (list && *list) {
		const char *value = boot_after(list, key);
		size_t n = 0;

		if (value) {
			for (; value[n] && value[n] != ',' && n + 1 < bytes; n++)
				to[n] = value[n];
			to[n] = 0;
			return n > 0;
		}
		while (*list && *list != ',')
			list++;
		while (*list == ',' || *list == ' ')
			list++;
	}
	return false;
}

static void boot_claim_names(const struct boot_names *names)
{
	struct home_claims *c = &home_claims;

	c->named_run_dir = names->run_dir && names->run_dir[0];
	mem_copy_text(c->run_dir, sizeof(c->run_dir),
		      c->named_run_dir ? names->run_dir : BOOT_RUN_DIR);
	if (names->service && names->service[0]) {
		mem_copy_text(c->service, sizeof(c->service), names->service);
		c->service_from = RS_SERVICE_RINGSIDE;
	} else if (names->otel_name && names->otel_name[0]) {
		mem_copy_text(c->service, sizeof(c->service), names->otel_name);
		c->service_from = RS_SERVICE_OTEL_NAME;
	} else if (boot_attribute(names->attributes, "service.name=", c->service,
				  sizeof(c->service))) {
		c->service_from = RS_SERVICE_OTEL_ATTRIBUTES;
	}
	if (!boot_attribute(names->attributes, "deployment.environment.name=", c->environment,
			    sizeof(c->environment)) &&
	    !boot_attribute(names->attributes, "deployment.environment=", c->environment,
			    sizeof(c->environment)) &&
	    names->node)
		mem_copy_text(c->environment, sizeof(c->environment), names->node);
}

static bool boot_refused(const struct boot_names *names)
{
	if (boot_same(names->asked, "disabled") || boot_same(names->monitoring, "false"))
		return true;
	return refuse_everywhere(names->preload, RS_LIST_ALLOW, home_claims.service) ||
	       refuse_off(home_claims.run_dir, home_claims.service);
}

static void boot_read_note(const ElfW(Phdr) * segment)
{
	const uint8_t *at = (const uint8_t *)&__ehdr_start + segment->p_vaddr;
	const uint8_t *end = at + segment->p_memsz;

	while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		const uint8_t *text = at + sizeof(*note) + ((note->n_namesz + 3u) & ~3u);

		if (note->n_type == NT_GNU_BUILD_ID &&
		    note->n_descsz == sizeof(home_claims.build_id))
			memcpy(home_claims.build_id, text, sizeof(home_claims.build_id));
		at = text + ((note->n_descsz + 3u) & ~3u);
	}
}

static void boot_read_build_id(void)
{
	const ElfW(Phdr) *segments =
		(const void *)((const uint8_t *)&__ehdr_start + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++) {
		if (segments[i].p_type == PT_NOTE)
			boot_read_note(&segments[i]);
	}
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
static char **boot_environment(char **arguments)
{
	if (gnu_get_libc_version)
		return arguments;
	return &environ ? environ : NULL;
}

__attribute__((constructor)) static void boot(int argc, char **argv, char **envp)
{
	struct boot_names names = { 0 };

	(void)argc;
	(void)argv;
	if (!real_find() || !boot_may())
		return;
	boot_read_names(boot_environment(envp), &names);
	boot_claim_names(&names);
	if (boot_refused(&names) ||
	    sys_call(SYS_madvise, &control, sizeof(control), MADV_WIPEONFORK))
		return;
	boot_read_build_id();
	home_claims.allocator = hook_alloc_choose() ? boot_allocator() : RS_ALLOCATOR_HIDDEN;
	home.clock = clock_choose();
	thread_watch_ends();
	if (!home_make())
		return;
	fork_watch();
}
