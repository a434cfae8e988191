#include "binary.h"

#include "gotable.h"

#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

static void binary_segments(struct binary *e, Elf *file)
{
	size_t count = 0;
	GElf_Phdr p;

	if (elf_getphdrnum(file, &count))
		return;
	for (size_t i = 0; i < count && i < 4096; i++) {
		if (!gelf_getphdr(file, (int)i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_X))
			continue;
		if (e->segment_count == BINARY_SEGMENTS)
			return;
		e->segments[e->segment_count++] =
			(struct binary_segment){ p.p_offset, p.p_filesz, p.p_vaddr };
	}
}

static void binary_id_text(const unsigned char *bytes, size_t length, char out[BINARY_ID_TEXT])
{
	for (size_t i = 0; i < length && 2 * i + 2 < BINARY_ID_TEXT; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void binary_note(Elf_Data *data, char out[BINARY_ID_TEXT])
{
	size_t at = 0, name, bytes;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &bytes)) > 0) {
		const char *base = data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp(base + name, "GNU", sizeof("GNU")) != 0)
			continue;
		binary_id_text((const unsigned char *)base + bytes, note.n_descsz, out);
		return;
	}
}

static int binary_symbols(Elf *file, Elf_Scn *section, const GElf_Shdr *head, struct symtab *out)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && head->sh_entsize ? head->sh_size / head->sh_entsize : 0;
	int result = 0;

	for (size_t i = 0; i < count && i < SYMTAB_ENTRIES && !result; i++) {
		struct symtab_entry entry = { 0 };
		const char *name;
		GElf_Sym s;

		if (!gelf_getsym(data, (int)i, &s))
			break;
		if ((GELF_ST_TYPE(s.st_info) != STT_FUNC &&
		     GELF_ST_TYPE(s.st_info) != STT_GNU_IFUNC) ||
		    s.st_shndx == SHN_UNDEF)
			continue;
		name = elf_strptr(file, head->sh_link, s.st_name);
		if (!name || !*name)
			continue;
		entry.start = s.st_value;
		entry.size = s.st_size;
		result = symtab_add(out, &entry, name, strlen(name));
	}
	return result;
}

/* .symtab where there is one, else .dynsym; and the build id. */
static int binary_sections(Elf *file, struct symtab *out, bool *whole, char id[BINARY_ID_TEXT])
{
	Elf_Scn *section = NULL, *found = NULL;
	GElf_Shdr head, found_head = { 0 };

	while ((section = elf_nextscn(file, section)) != NULL) {
		if (!gelf_getshdr(section, &head))
			continue;
		if (head.sh_type == SHT_NOTE && !*id)
			binary_note(elf_getdata(section, NULL), id);
		if (head.sh_type != SHT_SYMTAB && (head.sh_type != SHT_DYNSYM || found))
			continue;
		found = section;
		found_head = head;
	}
	*whole = found && found_head.sh_type == SHT_SYMTAB;
	return found ? binary_symbols(file, found, &found_head, out) : -ENODATA;
}

static int binary_open(int fd, Elf **out)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	/* not ELF_C_READ_MMAP: a file that is cut meanwhile would kill us */
	*out = elf_begin(fd, ELF_C_READ, NULL);
	if (!*out)
		return -ENOEXEC;
	if (elf_kind(*out) == ELF_K_ELF)
		return 0;
	elf_end(*out);
	return -ENOEXEC;
}

static int binary_go_add(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	const struct symtab_entry entry = { .start = address, .size = size };

	return symtab_add(ctx, &entry, name, strlen(name));
}

/* A Go program without symbols has names all the same. */
static int binary_go(struct binary *e, int fd)
{
	static struct image image;
	static struct gotable table;
	int result = image_open(&image, fd);

	if (!result)
		result = gotable_open(&table, &image);
	return result ? result : gotable_each(&table, binary_go_add, &e->symbols);
}

int binary_read(struct binary *e, int fd)
{
	Elf *file;
	int result;

	memset(e, 0, sizeof(*e));
	result = binary_open(fd, &file);
	if (result)
		return result;
	binary_segments(e, file);
	result = binary_sections(file, &e->symbols, &e->whole, e->build_id);
	if (!e->whole && !binary_go(e, fd)) {
		e->whole = true;
		result = 0;
	}
	symtab_sort(&e->symbols);
	elf_end(file);
	return result;
}

int binary_debug_read(struct binary *e, int fd)
{
	struct symtab symbols = { 0 };
	char id[BINARY_ID_TEXT] = "";
	bool whole;
	Elf *file;
	int result = binary_open(fd, &file);

	if (result)
		return result;
	result = binary_sections(file, &symbols, &whole, id);
	elf_end(file);
	if (!result && (!*id || strcmp(id, e->build_id) != 0))
		result = -ESTALE;
	if (!result && !whole)
		result = -ENODATA;
	if (result) {
		symtab_fini(&symbols);
		return result;
	}
	symtab_fini(&e->symbols);
	e->symbols = symbols;
	e->whole = true;
	symtab_sort(&e->symbols);
	return 0;
}

void binary_fini(struct binary *e)
{
	symtab_fini(&e->symbols);
}

uint64_t binary_address(const struct binary *e, uint64_t offset)
{
	for (uint32_t i = 0; i < e->segment_count; i++) {
		const struct binary_segment *s = &e->segments[i];

		if (offset >= s->offset && offset - s->offset < s->size)
			return offset - s->offset + s->address;
	}
	return BINARY_NOWHERE;
}

const char *binary_find(const struct binary *e, uint64_t offset)
{
	uint64_t address = binary_address(e, offset);

	return address == BINARY_NOWHERE ? NULL : symtab_find(&e->symbols, address);
}
