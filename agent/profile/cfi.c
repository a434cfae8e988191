#include "cfi.h"

#include "library.h"
#include "snapshot_event.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define CFI_FILES 256u
#define CFI_THREAD 1

static struct {
	__typeof__(dwfl_begin) *begin;
	__typeof__(dwfl_end) *end;
	__typeof__(dwfl_report_begin) *report_begin;
	__typeof__(dwfl_report_module) *report_module;
	__typeof__(dwfl_report_end) *report_end;
	__typeof__(dwfl_module_info) *info;
	__typeof__(dwfl_attach_state) *attach;
	__typeof__(dwfl_getthread_frames) *frames;
	__typeof__(dwfl_frame_pc) *frame_pc;
	__typeof__(dwfl_thread_state_registers) *registers;
	__typeof__(dwfl_thread_state_register_pc) *register_pc;
} libdw;

struct cfi {
	Dwfl *dwfl;
	Elf *elves[CFI_FILES]; /* until their module has taken them */
	uint32_t elf_count;
	uint64_t end; /* of the last module */
	const struct snapshot *snapshot;
	uint64_t *places;
	uint32_t count, room;
	bool missed; /* memory that is not in the snapshot; the library takes it for the end */
};

int cfi_load(void)
{
	static const struct library_function functions[] = {
		{ "dwfl_begin", &libdw.begin },
		{ "dwfl_end", &libdw.end },
		{ "dwfl_report_begin", &libdw.report_begin },
		{ "dwfl_report_module", &libdw.report_module },
		{ "dwfl_report_end", &libdw.report_end },
		{ "dwfl_module_info", &libdw.info },
		{ "dwfl_attach_state", &libdw.attach },
		{ "dwfl_getthread_frames", &libdw.frames },
		{ "dwfl_frame_pc", &libdw.frame_pc },
		{ "dwfl_thread_state_registers", &libdw.registers },
		{ "dwfl_thread_state_register_pc", &libdw.register_pc },
	};

	return library_open("libdw.so.1", functions, sizeof(functions) / sizeof(functions[0]));
}

/* Opened already, by pread: what the library maps itself would kill us where it is cut. */
/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
static int cfi_find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			char **file, Elf **elf)
{
	Elf **held = *user;

	(void)module;
	(void)name;
	(void)base;
	(void)file;
	*elf = held ? *held : NULL;
	if (held)
		*held = NULL;
	return -1;
}

/* What has no unwind information of its own is left at that. */
/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
static int cfi_find_debug(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			  const char *file, const char *debug, GElf_Word crc, char **found)
{
	(void)module;
	(void)user;
	(void)name;
	(void)base;
	(void)file;
	(void)debug;
	(void)crc;
	(void)found;
	return -1;
}

static const Dwfl_Callbacks cfi_callbacks = {
	.find_elf = cfi_find_elf,
	.find_debuginfo = cfi_find_debug,
};

int cfi_open(struct cfi **out)
{
	struct cfi *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->dwfl = libdw.begin(&cfi_callbacks);
	if (!c->dwfl || elf_version(EV_CURRENT) == EV_NONE) {
		cfi_close(c);
		return -ENOMEM;
	}
	libdw.report_begin(c->dwfl);
	*out = c;
	return 0;
}

void cfi_close(struct cfi *c)
{
	if (!c)
		return;
	if (c->dwfl)
		libdw.end(c->dwfl);
	for (uint32_t i = 0; i < c->elf_count; i++)
		if (c->elves[i])
			elf_end(c->elves[i]);
	free(c);
}

/* What is to be added to the file's addresses, and where its first part begins by that. */
static int cfi_place(Elf *elf, const struct cfi_range *at, uint64_t *low)
{
	uint64_t first = 0, bias = 0;
	bool begun = false, found = false;
	size_t count = 0;
	GElf_Ehdr head;
	GElf_Phdr p;

	if (!gelf_getehdr(elf, &head) || (head.e_type != ET_EXEC && head.e_type != ET_DYN) ||
	    gelf_getclass(elf) != ELFCLASS64 || elf_getphdrnum(elf, &count))
		return -ENOEXEC;
	for (size_t i = 0; i < count && i < 4096 && !found; i++) {
		if (!gelf_getphdr(elf, (int)i, &p) || p.p_type != PT_LOAD)
			continue;
		if (!begun)
			first = p.p_vaddr & -p.p_align;
		begun = true;
		found = p.p_flags & PF_X && at->offset < p.p_offset + p.p_filesz &&
			at->offset + (p.p_align ? p.p_align : 1) > p.p_offset;
		bias = at->start - at->offset + p.p_offset - p.p_vaddr;
	}
	*low = first + bias;
	return found && *low <= at->start ? 0 : -ENOEXEC;
}

/* elf is closed with the rest, or at once. */
static int cfi_elf_add(struct cfi *c, const struct cfi_range *at, Elf *elf)
{
	Dwfl_Module *module = NULL;
	uint64_t low = 0;
	void **user;

	if (c->elf_count < CFI_FILES && at->start < at->end && elf && elf_kind(elf) == ELF_K_ELF &&
	    !cfi_place(elf, at, &low) && low >= c->end)
		module = libdw.report_module(c->dwfl, "", low, at->end);
	if (!module) {
		elf_end(elf); /* NULL is fine */
		return -ENOEXEC;
	}
	libdw.info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
	*user = &c->elves[c->elf_count];
	c->elves[c->elf_count++] = elf;
	c->end = at->end;
	return 0;
}

int cfi_file_add(struct cfi *c, const struct cfi_range *at, int fd)
{
	return cfi_elf_add(c, at, elf_begin(fd, ELF_C_READ, NULL));
}

int cfi_vdso_add(struct cfi *c, const struct cfi_range *at)
{
	char *image = (char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr head;
	size_t size;

	if (!image)
		return -ENOEXEC;
	memcpy(&head, image, sizeof(head));
	size = head.e_shoff + (size_t)head.e_shnum * head.e_shentsize; /* its last part */
	return cfi_elf_add(c, at, elf_memory(image, size));
}

static bool cfi_thread_get(Dwfl *dwfl, pid_t tid, void *ctx, void **thread)
{
	(void)dwfl;
	*thread = ctx;
	return tid == CFI_THREAD;
}

static pid_t cfi_thread_next(Dwfl *dwfl, void *ctx, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = ctx;
	return CFI_THREAD;
}

static bool cfi_memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *out, void *ctx)
{
	struct cfi *c = ctx;
	const struct snapshot *s = c->snapshot;
	uint64_t at = address - s->pointer;

	(void)dwfl;
	if (address < s->pointer || s->stack_bytes < sizeof(*out) ||
	    at > s->stack_bytes - sizeof(*out)) {
		c->missed = true;
		return false;
	}
	memcpy(out, s->stack + at, sizeof(*out));
	return true;
}

static bool cfi_registers_set(Dwfl_Thread *thread, void *ctx)
{
	const struct cfi *c = ctx;
	Dwarf_Word registers[SNAPSHOT_REGISTERS];

	for (uint32_t i = 0; i < c->snapshot->register_count; i++)
		registers[i] = c->snapshot->registers[i];
	if (!libdw.registers(thread, 0, c->snapshot->register_count, registers))
		return false;
	libdw.register_pc(thread, c->snapshot->place);
	return true;
}

static const Dwfl_Thread_Callbacks cfi_thread = {
	.next_thread = cfi_thread_next,
	.get_thread = cfi_thread_get,
	.memory_read = cfi_memory_read,
	.set_initial_registers = cfi_registers_set,
};

int cfi_files_end(struct cfi *c)
{
	if (libdw.report_end(c->dwfl, NULL, NULL))
		return -ENOMEM;
	return libdw.attach(c->dwfl, NULL, CFI_THREAD, &cfi_thread, c) ? 0 : -ENODATA;
}

static int cfi_frame(Dwfl_Frame *frame, void *ctx)
{
	struct cfi *c = ctx;
	Dwarf_Addr place;

	if (!libdw.frame_pc(frame, &place, NULL) || c->count == c->room)
		return DWARF_CB_ABORT;
	if (place)
		c->places[c->count++] = place;
	return DWARF_CB_OK;
}

uint32_t cfi_unwind(struct cfi *c, const struct snapshot *s, uint64_t *out, uint32_t room,
		    bool *whole)
{
	c->snapshot = s;
	c->places = out;
	c->count = 0;
	c->room = room;
	c->missed = false;
	*whole = libdw.frames(c->dwfl, CFI_THREAD, cfi_frame, c) == 0 && !c->missed;
	if (!c->count && room)
		out[c->count++] = s->place;
	return c->count;
}
