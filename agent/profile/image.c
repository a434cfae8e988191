#include "image.h"

#include "file.h"

#include <errno.h>
#include <string.h>

#define IMAGE_TABLE_BYTES (512ull << 20) /* of names or symbols; node's own have 5 MiB */
#define IMAGE_HITS 128u
#define IMAGE_NAME 512 /* the longest name that is looked at, and its parameters' types */

#if defined(__x86_64__)
#define IMAGE_MACHINE EM_X86_64
#else
#define IMAGE_MACHINE EM_AARCH64
#endif

int image_read(const struct image *file, void *out, size_t bytes, uint64_t offset)
{
	ssize_t n =
		offset > INT64_MAX - bytes ? -ENOEXEC : file_read_at(file->fd, out, bytes, offset);

	if (n < 0)
		return (int)n;
	return n == (ssize_t)bytes ? 0 : -ENOEXEC; /* it is shorter than it says */
}

int image_open(struct image *file, int fd)
{
	Elf64_Ehdr *head = &file->head;
	int result;

	file->fd = fd;
	result = image_read(file, head, sizeof(*head), 0);
	if (result)
		return result;
	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64 ||
	    head->e_ident[EI_DATA] != ELFDATA2LSB || head->e_machine != IMAGE_MACHINE)
		return -ENOEXEC;
	if (head->e_phentsize != sizeof(Elf64_Phdr) || head->e_shnum > IMAGE_SECTIONS ||
	    head->e_phnum > IMAGE_SEGMENTS)
		return -ENOEXEC;
	if (head->e_shnum &&
	    (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shstrndx >= head->e_shnum))
		return -ENOEXEC;
	file->section_count = head->e_shnum;
	file->segment_count = head->e_phnum;
	result = image_read(file, file->sections, file->section_count * sizeof(Elf64_Shdr),
			    head->e_shoff);
	if (result)
		return result;
	return image_read(file, file->segments, file->segment_count * sizeof(Elf64_Phdr),
			  head->e_phoff);
}

/* What the heads say of a place is nothing that a probe may go by: the file may end before it. */
static uint64_t image_place(const struct image *file, uint64_t segment, uint64_t at)
{
	uint64_t offset;
	char byte;

	if (__builtin_add_overflow(segment, at, &offset) ||
	    image_read(file, &byte, sizeof(byte), offset))
		return 0;
	return offset;
}

uint64_t image_offset(const struct image *file, uint64_t address, uint32_t rights)
{
	for (uint32_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *p = &file->segments[i];

		if (p->p_type == PT_LOAD && (p->p_flags & rights) == rights &&
		    address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz)
			return image_place(file, p->p_offset, address - p->p_vaddr);
	}
	return 0;
}

const Elf64_Shdr *image_section(const struct image *file, const char *name)
{
	const uint32_t names_at = file->section_count ? file->head.e_shstrndx : 0;
	const Elf64_Shdr *names = &file->sections[names_at];
	size_t length = strlen(name) + 1;
	char text[32];

	for (uint32_t i = 0; i < file->section_count; i++) {
		const Elf64_Shdr *s = &file->sections[i];

		if (s->sh_name < names->sh_size && length <= names->sh_size - s->sh_name &&
		    !image_read(file, text, length, names->sh_offset + s->sh_name) &&
		    memcmp(text, name, length) == 0)
			return s;
	}
	return NULL;
}

/* Where one of the names begins, in the table of names. */
struct image_hit {
	const struct image_name *name;
	uint64_t at;
};

struct image_search {
	struct image *file;
	const struct image_name *names;
	uint32_t count, hit_count, found;
	image_fn each;
	void *ctx;
	struct image_hit hits[IMAGE_HITS];
};

/* What stands ahead of it does not matter: names that end alike may share their end. */
static bool image_is_name(const struct image_name *name, const char *text, size_t bytes)
{
	const char *end = memchr(text, '\0', bytes);
	size_t length = strlen(name->text);

	if (!end)
		return false;
	return name->begins ? !memchr(text, '.', (size_t)(end - text)) : end == text + length;
}

/* In a piece of the table that begins at offset. */
static void image_names_piece(struct image_search *s, const struct image_name *name, size_t length,
			      uint64_t offset)
{
	const char *bytes = s->file->bytes, *end = bytes + length, *at = bytes;
	size_t wanted = strlen(name->text);

	while ((at = memmem(at, (size_t)(end - at), name->text, wanted))) {
		const struct image_hit *last = s->hit_count ? &s->hits[s->hit_count - 1] : NULL;
		uint64_t place = offset + (uint64_t)(at - bytes);
		bool known = last && last->name == name && last->at >= place;

		if (image_is_name(name, at, (size_t)(end - at)) && !known &&
		    s->hit_count < IMAGE_HITS)
			s->hits[s->hit_count++] = (struct image_hit){ name, place };
		at++;
	}
}

/* Pieces overlap: a name that one cuts is whole in the next. */
static void image_names(struct image_search *s, const Elf64_Shdr *names,
			const struct image_name *name)
{
	uint64_t done = 0;

	while (names->sh_size <= IMAGE_TABLE_BYTES && done < names->sh_size) {
		uint64_t left = names->sh_size - done;
		size_t bytes = left < IMAGE_ROOM ? (size_t)left : IMAGE_ROOM;

		if (image_read(s->file, s->file->bytes, bytes, names->sh_offset + done))
			return;
		image_names_piece(s, name, bytes, done);
		done += bytes == left ? bytes : bytes - IMAGE_NAME;
	}
}

static void image_match(struct image_search *s, const Elf64_Sym *symbol)
{
	uint64_t offset;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
		return;
	for (uint32_t i = 0; i < s->hit_count; i++) {
		if (s->hits[i].at != symbol->st_name)
			continue;
		offset = image_offset(s->file, symbol->st_value, PF_X);
		if (!offset)
			continue;
		s->found++;
		s->each(s->ctx, s->hits[i].name, offset, symbol->st_size);
	}
}

static void image_symbols(struct image_search *s, const Elf64_Shdr *table)
{
	const size_t most = IMAGE_ROOM / sizeof(Elf64_Sym);
	uint64_t count = table->sh_size / sizeof(Elf64_Sym);

	for (uint64_t done = 0; table->sh_size <= IMAGE_TABLE_BYTES && done < count;) {
		size_t n = count - done < most ? (size_t)(count - done) : most;

		if (image_read(s->file, s->file->bytes, n * sizeof(Elf64_Sym),
			       table->sh_offset + done * sizeof(Elf64_Sym)))
			return;
		for (size_t i = 0; i < n; i++) {
			Elf64_Sym symbol;

			memcpy(&symbol, s->file->bytes + i * sizeof(symbol), sizeof(symbol));
			image_match(s, &symbol);
		}
		done += n;
	}
}

static void image_table(struct image_search *s, uint32_t type)
{
	const struct image *file = s->file;

	for (uint32_t i = 0; i < file->section_count; i++) {
		const Elf64_Shdr *table = &file->sections[i];

		if (table->sh_type != type || table->sh_link >= file->section_count)
			continue;
		s->hit_count = 0;
		for (uint32_t k = 0; k < s->count; k++)
			image_names(s, &file->sections[table->sh_link], &s->names[k]);
		if (s->hit_count)
			image_symbols(s, table);
	}
}

int image_look_up(struct image *file, const struct image_name *names, uint32_t count, image_fn each,
		  void *ctx)
{
	struct image_search s = {
		.file = file, .names = names, .count = count, .each = each, .ctx = ctx
	};

	image_table(&s, SHT_DYNSYM);
	if (!s.found)
		image_table(&s, SHT_SYMTAB);
	return s.found ? 0 : -ENODATA;
}
