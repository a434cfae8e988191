/*
 * go_fixture - a file with the table that a Go program has of its functions, made word by word.
 *
 * Its text is at GO_TEXT, in the file at GO_CODE; behind that come names of sections and the table.
 */
#ifndef GO_FIXTURE_H
#define GO_FIXTURE_H

#include "gotable.h"
#include "rs_test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GO_TEXT 0x401000u
#define GO_CODE 64u /* where it is in the file */
#define GO_TEXT_BYTES 448u
#define GO_NAMES 512u /* of sections */
#define GO_TABLE 768u
#define GO_FUNCTIONS 4u
#define GO_RECORD 44u /* bytes, as of Go 1.19 */

struct go_fixture {
	struct image image;
	char bytes[2048];
	size_t length;
};

static inline void go_word(struct go_fixture *g, const void *bytes, size_t length)
{
	assert_true(g->length + length <= sizeof(g->bytes));
	memcpy(g->bytes + g->length, bytes, length);
	g->length += length;
}

static inline void go_number(struct go_fixture *g, uint32_t number)
{
	go_word(g, &number, sizeof(number));
}

/* Functions of 32, 64, 96 and 128 bytes. */
static inline void go_table(struct go_fixture *g, uint32_t magic, uint64_t text)
{
	static const char names[] = "\0runtime.text\0_rt0_amd64_linux\0"
				    "_rt0_arm64_linux\0crypto/tls.(*Conn).Read";
	static const char *const of[GO_FUNCTIONS] = { "runtime.text", "_rt0_amd64_linux",
						      "_rt0_arm64_linux", "crypto" };
	const uint64_t at = (72 + sizeof(names) + 7) & ~7ull;
	const uint64_t words[8] = { GO_FUNCTIONS, 1, text, 72, 72, 72, 72, at };
	const char zeros[GO_RECORD] = "";
	uint32_t place = 0;

	g->length = GO_TABLE;
	go_number(g, magic);
	go_word(g, "\0\0\x01\x08", 4);
	go_word(g, words, sizeof(words));
	go_word(g, names, sizeof(names));
	go_word(g, zeros, at - 72 - sizeof(names));
	for (uint32_t i = 0; i <= GO_FUNCTIONS; i++, place += 32 * i) {
		go_number(g, place);
		go_number(g, GO_FUNCTIONS * 8 + 8 + i * GO_RECORD);
	}
	place = 0;
	for (uint32_t i = 0; i < GO_FUNCTIONS; i++, place += 32 * i) {
		const char *name = memmem(names, sizeof(names), of[i], strlen(of[i]));

		go_number(g, place);
		go_number(g, (uint32_t)(name - names));
		go_word(g, zeros, GO_RECORD - 8);
	}
}

/* One that runs its text at GO_TEXT and begins at the second function. */
static inline void go_image(struct go_fixture *g)
{
	struct image *i = &g->image;

	i->section_count = 0;
	i->segment_count = 2;
	i->segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				       .p_flags = PF_R | PF_X,
				       .p_offset = GO_CODE,
				       .p_vaddr = GO_TEXT,
				       .p_filesz = GO_TEXT_BYTES };
	i->segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				       .p_flags = PF_R,
				       .p_offset = GO_NAMES,
				       .p_vaddr = GO_TEXT + GO_TEXT_BYTES,
				       .p_filesz = g->length - GO_NAMES };
#if defined(__x86_64__)
	i->head.e_entry = GO_TEXT + 32;
#else
	i->head.e_entry = GO_TEXT + 32 + 64;
#endif
}

static inline void go_section(struct go_fixture *g, const char *name, uint64_t address,
			      uint64_t offset, uint64_t bytes)
{
	struct image *i = &g->image;
	size_t at = GO_NAMES;

	while (g->bytes[at])
		at += strlen(g->bytes + at) + 1;
	strcpy(g->bytes + at, name);
	if (!i->section_count)
		i->sections[i->section_count++] = (Elf64_Shdr){ .sh_name = GO_TABLE - GO_NAMES - 1,
								.sh_offset = GO_NAMES,
								.sh_size = GO_TABLE - GO_NAMES };
	i->sections[i->section_count++] = (Elf64_Shdr){ .sh_name = (uint32_t)(at - GO_NAMES),
							.sh_addr = address,
							.sh_offset = offset,
							.sh_size = bytes };
}

/* The first of its bytes are the file. */
static inline void go_file(struct go_fixture *g, size_t length)
{
	g->image.fd = memfd_create("go", MFD_CLOEXEC);
	assert_true(g->image.fd >= 0);
	assert_int_equal(write(g->image.fd, g->bytes, length), length);
}

#endif
