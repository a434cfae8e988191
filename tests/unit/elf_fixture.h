/*
 * elf_fixture - a small program file, made byte by byte: its probes' notes and its functions.
 */
#ifndef ELF_FIXTURE_H
#define ELF_FIXTURE_H

#include "rs_test.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ELF_CODE 176u /* where its instructions are, in the file */
#define ELF_CODE_BYTES 64u
#define ELF_DATA (ELF_CODE + ELF_CODE_BYTES)
#define ELF_DATA_BYTES 16u
#define ELF_CODE_AT 0x400000u /* at which address the file begins; its data: */
#define ELF_DATA_AT 0x600000u

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#define ELF_NOP "\x90"
#else
#define ELF_MACHINE EM_AARCH64
#define ELF_NOP "\x1f\x20\x03\xd5"
#endif

struct elf_fixture {
	char notes[6144], names[1024];
	Elf64_Sym symbols[8];
	size_t notes_bytes, names_bytes, symbol_count;
	unsigned char code[ELF_CODE_BYTES];
	char bytes[10240];
	size_t length;
};

static inline void elf_init(struct elf_fixture *e)
{
	memset(e, 0, sizeof(*e));
	e->names_bytes = 1;
	e->symbol_count = 1;
	for (size_t i = 0; i + sizeof(ELF_NOP) - 1 <= ELF_CODE_BYTES; i += sizeof(ELF_NOP) - 1)
		memcpy(e->code + i, ELF_NOP, sizeof(ELF_NOP) - 1);
}

static inline void elf_word(struct elf_fixture *e, const void *bytes, size_t length)
{
	assert_true(e->notes_bytes + length <= sizeof(e->notes));
	memcpy(e->notes + e->notes_bytes, bytes, length);
	e->notes_bytes += length;
}

/* at: in the code; semaphore: in the data, -1: none. */
static inline void elf_note(struct elf_fixture *e, const char *words, size_t words_bytes,
			    unsigned int at, int semaphore)
{
	const Elf64_Nhdr head = { 8, (Elf64_Word)(24 + words_bytes), 3 };
	const uint64_t places[3] = { ELF_CODE_AT + ELF_CODE + at, 0x700000,
				     semaphore < 0 ? 0 : ELF_DATA_AT + (unsigned int)semaphore };

	elf_word(e, &head, sizeof(head));
	elf_word(e, "stapsdt", 8);
	elf_word(e, places, sizeof(places));
	elf_word(e, words, words_bytes);
	elf_word(e, "\0\0\0", -words_bytes & 3);
}

#define ELF_NOTE(e, words, at, semaphore) elf_note(e, words, sizeof(words), at, semaphore)

static inline void elf_function(struct elf_fixture *e, const char *name, unsigned int at)
{
	Elf64_Sym *s = &e->symbols[e->symbol_count++];

	assert_true(e->symbol_count <= 8);
	s->st_name = (Elf64_Word)e->names_bytes;
	s->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	s->st_shndx = 1;
	s->st_value = ELF_CODE_AT + ELF_CODE + at;
	strcpy(e->names + e->names_bytes, name);
	e->names_bytes += strlen(name) + 1;
}

static inline uint64_t elf_put(struct elf_fixture *e, const void *bytes, size_t length)
{
	size_t at = (e->length + 7) & ~(size_t)7;

	assert_true(at + length <= sizeof(e->bytes));
	memcpy(e->bytes + at, bytes, length);
	e->length = at + length;
	return at;
}

/* The whole of it, in e->bytes. */
static inline void elf_finish(struct elf_fixture *e)
{
	static const char section_names[] = "\0.note.stapsdt\0.stapsdt.base\0.dynsym\0.shstrtab";
	Elf64_Ehdr head = { .e_ident = ELFMAG,
			    .e_type = ET_DYN,
			    .e_machine = ELF_MACHINE,
			    .e_phoff = 64,
			    .e_ehsize = 64,
			    .e_phentsize = 56,
			    .e_phnum = 2,
			    .e_shentsize = 64,
			    .e_shnum = 6,
			    .e_shstrndx = 5 };
	const Elf64_Phdr segments[2] = {
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_vaddr = ELF_CODE_AT,
		  .p_filesz = ELF_DATA,
		  .p_memsz = ELF_DATA },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = ELF_DATA,
		  .p_vaddr = ELF_DATA_AT,
		  .p_filesz = ELF_DATA_BYTES,
		  .p_memsz = ELF_DATA_BYTES },
	};
	Elf64_Shdr sections[6] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_NOTE, .sh_size = e->notes_bytes },
		{ .sh_name = 15, .sh_type = SHT_PROGBITS, .sh_addr = 0x700000 },
		{ .sh_name = 29,
		  .sh_type = SHT_DYNSYM,
		  .sh_link = 4,
		  .sh_size = e->symbol_count * sizeof(Elf64_Sym) },
		{ .sh_type = SHT_STRTAB, .sh_size = e->names_bytes },
		{ .sh_name = 37, .sh_type = SHT_STRTAB, .sh_size = sizeof(section_names) },
	};

	e->length = ELF_CODE;
	memcpy(e->bytes + 64, segments, sizeof(segments));
	elf_put(e, e->code, ELF_CODE_BYTES);
	elf_put(e, "0123456789abcdef", ELF_DATA_BYTES);
	sections[1].sh_offset = elf_put(e, e->notes, e->notes_bytes);
	sections[3].sh_offset = elf_put(e, e->symbols, sections[3].sh_size);
	sections[4].sh_offset = elf_put(e, e->names, e->names_bytes);
	sections[5].sh_offset = elf_put(e, section_names, sizeof(section_names));
	head.e_ident[EI_CLASS] = ELFCLASS64;
	head.e_ident[EI_DATA] = ELFDATA2LSB;
	head.e_shoff = elf_put(e, sections, sizeof(sections));
	memcpy(e->bytes, &head, sizeof(head));
}

static inline int elf_memfd(const struct elf_fixture *e, size_t length)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, e->bytes, length), length);
	return fd;
}

/* What Python's file says. */
static inline void elf_python(struct elf_fixture *e)
{
	elf_init(e);
	ELF_NOTE(e, "python\0gc__start\0-4@$2", 8, 2);
	ELF_NOTE(e, "python\0gc__done\0-8@$0", 16, 4);
	elf_finish(e);
}

#endif
