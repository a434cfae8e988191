#include "sites.h"

#include "pause_event.h"
#include "stapsdt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SITES_TABLE_BYTES (512ull << 20) /* of names or symbols; node's own have 5 MiB */
#define SITES_HITS 8
#define SITES_NAME 512 /* the longest name that is looked at, and its parameters' types */
#define SITES_COLLECTION (PAUSE_COLLECTION | PAUSE_COOKIE_COUNTS)
#define SITES_STATEMENT (PAUSE_STATEMENT | PAUSE_COOKIE_COUNTS | PAUSE_COOKIE_RESTARTS)
#define SITES_NO_ARGUMENT (-1)

#if defined(__x86_64__)
#define SITES_MACHINE EM_X86_64
#define SITES_SECOND "4@%esi"
static const unsigned char sites_nop[] = { 0x90 };
#else
#define SITES_MACHINE EM_AARCH64
#define SITES_SECOND "4@w1"
static const unsigned char sites_nop[] = { 0x1f, 0x20, 0x03, 0xd5 };
#endif

struct sites_probe {
	enum runtime runtime;
	const char *provider, *name;
	enum sites_end end;
	int argument; /* which of them says that it is of the whole heap, */
	uint8_t full; /* by this value */
	uint64_t cookie;
};

/* Ruby marks at once and sweeps in steps, each a stop of its own: they are one collection. */
static const struct sites_probe sites_probes[] = {
	{ RUNTIME_JVM, "hotspot", "gc__begin", SITES_BEGIN, 0, 1, SITES_COLLECTION },
	{ RUNTIME_JVM, "hotspot", "gc__end", SITES_END, SITES_NO_ARGUMENT, 0, SITES_COLLECTION },
	{ RUNTIME_PYTHON, "python", "gc__start", SITES_BEGIN, 0, 2, SITES_COLLECTION },
	{ RUNTIME_PYTHON, "python", "gc__done", SITES_END, SITES_NO_ARGUMENT, 0, SITES_COLLECTION },
	{ RUNTIME_RUBY, "ruby", "gc__mark__begin", SITES_BEGIN, SITES_NO_ARGUMENT, 0,
	  SITES_COLLECTION },
	{ RUNTIME_RUBY, "ruby", "gc__mark__end", SITES_END, SITES_NO_ARGUMENT, 0,
	  SITES_COLLECTION },
	{ RUNTIME_RUBY, "ruby", "gc__sweep__begin", SITES_BEGIN, SITES_NO_ARGUMENT, 0,
	  PAUSE_COLLECTION },
	{ RUNTIME_RUBY, "ruby", "gc__sweep__end", SITES_END, SITES_NO_ARGUMENT, 0,
	  PAUSE_COLLECTION },
	{ RUNTIME_POSTGRES, "postgresql", "query__start", SITES_BEGIN, SITES_NO_ARGUMENT, 0,
	  SITES_STATEMENT },
	{ RUNTIME_POSTGRES, "postgresql", "query__done", SITES_END, SITES_NO_ARGUMENT, 0,
	  SITES_STATEMENT },
};

struct sites_function {
	enum runtime runtime;
	const char *name; /* how it begins: parameters differ by version */
	bool whole;       /* it is all of it */
	const char *argument;
	uint8_t full;
};

/* Of a runtime the first that is there. V8's collector of the whole heap is 1 in every version. */
static const struct sites_function sites_functions[] = {
	{ RUNTIME_NODE, "_ZN2v88internal4Heap24PerformGarbageCollectionENS0_16GarbageCollectorE",
	  false, SITES_SECOND, 1 },
	{ RUNTIME_NODE, "_ZN2v88internal4Heap24PerformGarbageCollectionE", false, NULL, 0 },
	{ RUNTIME_NODE, "_ZN2v88internal4Heap14CollectGarbageE", false, NULL, 0 },
	{ RUNTIME_PHP, "zend_gc_collect_cycles", true, NULL, 0 },
};

struct sites_file {
	int fd;
	struct sites_room *room;
	uint32_t section_count, segment_count;
};

static int sites_pread(const struct sites_file *f, void *out, size_t bytes, uint64_t offset)
{
	size_t done = 0;

	if (offset > INT64_MAX - bytes)
		return -ENOEXEC;
	while (done < bytes) {
		ssize_t n = pread(f->fd, (char *)out + done, bytes - done, (off_t)(offset + done));

		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOEXEC; /* it is shorter than it says */
		done += (size_t)n;
	}
	return 0;
}

static int sites_heads(struct sites_file *f)
{
	Elf64_Ehdr *head = &f->room->head;
	int result = sites_pread(f, head, sizeof(*head), 0);

	if (result)
		return result;
	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64 ||
	    head->e_ident[EI_DATA] != ELFDATA2LSB || head->e_machine != SITES_MACHINE)
		return -ENOEXEC;
	if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_phentsize != sizeof(Elf64_Phdr) ||
	    head->e_shnum > SITES_SECTIONS || head->e_phnum > SITES_SEGMENTS ||
	    head->e_shstrndx >= head->e_shnum)
		return -ENOEXEC;
	f->section_count = head->e_shnum;
	f->segment_count = head->e_phnum;
	result = sites_pread(f, f->room->sections, f->section_count * sizeof(Elf64_Shdr),
			     head->e_shoff);
	if (result)
		return result;
	return sites_pread(f, f->room->segments, f->segment_count * sizeof(Elf64_Phdr),
			   head->e_phoff);
}

/* The file's place of what is loaded at this address, with these rights; 0: there is none. */
static uint64_t sites_offset(const struct sites_file *f, uint64_t address, uint32_t rights)
{
	for (uint32_t i = 0; i < f->segment_count; i++) {
		const Elf64_Phdr *p = &f->room->segments[i];

		if (p->p_type == PT_LOAD && (p->p_flags & rights) == rights &&
		    address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz)
			return address - p->p_vaddr + p->p_offset;
	}
	return 0;
}

/* The section of this name; NULL: there is none. Names are short: their first bytes are enough. */
static const Elf64_Shdr *sites_section(const struct sites_file *f, const char *name)
{
	const Elf64_Shdr *names = &f->room->sections[f->room->head.e_shstrndx];
	size_t length = strlen(name) + 1;
	char text[32];

	for (uint32_t i = 0; i < f->section_count; i++) {
		const Elf64_Shdr *s = &f->room->sections[i];

		if (s->sh_name < names->sh_size && length <= names->sh_size - s->sh_name &&
		    !sites_pread(f, text, length, names->sh_offset + s->sh_name) &&
		    memcmp(text, name, length) == 0)
			return s;
	}
	return NULL;
}

static uint64_t sites_argument(const char *arguments, unsigned int index, uint8_t full)
{
	static const uint64_t operands[] = { [STAPSDT_CONSTANT] = PAUSE_CONSTANT,
					     [STAPSDT_REGISTER] = PAUSE_REGISTER,
					     [STAPSDT_MEMORY] = PAUSE_MEMORY };
	struct stapsdt_argument a;

	if (stapsdt_argument(arguments, index, &a))
		return 0;
	return operands[a.operand] << PAUSE_COOKIE_OPERAND |
	       (uint64_t)a.bytes << PAUSE_COOKIE_BYTES |
	       (uint64_t)a.place << PAUSE_COOKIE_REGISTER | (uint64_t)full << PAUSE_COOKIE_FULL |
	       (uint64_t)(uint32_t)a.number << PAUSE_COOKIE_NUMBER;
}

static void sites_add(struct sites *out, const struct site *site)
{
	if (out->count < SITES)
		out->at[out->count++] = *site;
	else
		out->why = RUNTIME_UNREADABLE; /* half of them would miscount */
}

/* A probe's instruction is the nop that its note speaks of, or the note is not believed. */
static bool sites_is_nop(const struct sites_file *f, uint64_t offset)
{
	unsigned char bytes[sizeof(sites_nop)];

	return offset && !sites_pread(f, bytes, sizeof(bytes), offset) &&
	       memcmp(bytes, sites_nop, sizeof(bytes)) == 0;
}

/* A counter of two bytes, in the file too: the kernel raises it in whoever maps that. */
static bool sites_is_semaphore(const struct sites_file *f, uint64_t offset)
{
	char bytes[2];

	return offset && !(offset & 1) && !sites_pread(f, bytes, sizeof(bytes), offset);
}

static void sites_note(const struct sites_file *f, const struct sites_probe *probe,
		       const struct stapsdt_note *note, uint64_t moved, struct sites *out)
{
	struct site site = { .cookie = probe->cookie, .end = (uint32_t)probe->end };

	site.offset = sites_offset(f, note->place + moved, PF_X);
	if (note->semaphore)
		site.semaphore = sites_offset(f, note->semaphore + moved, PF_W);
	if (!sites_is_nop(f, site.offset) ||
	    (note->semaphore && !sites_is_semaphore(f, site.semaphore))) {
		out->why = RUNTIME_UNREADABLE;
		return;
	}
	if (probe->argument >= 0)
		site.cookie |=
			sites_argument(note->arguments, (unsigned int)probe->argument, probe->full);
	sites_add(out, &site);
}

static const struct sites_probe *sites_probe(enum runtime runtime, const struct stapsdt_note *note)
{
	for (size_t i = 0; i < sizeof(sites_probes) / sizeof(sites_probes[0]); i++)
		if (sites_probes[i].runtime == runtime &&
		    strcmp(sites_probes[i].provider, note->provider) == 0 &&
		    strcmp(sites_probes[i].name, note->name) == 0)
			return &sites_probes[i];
	return NULL;
}

static void sites_notes(const struct sites_file *f, enum runtime runtime, struct sites *out)
{
	const Elf64_Shdr *section = sites_section(f, STAPSDT_SECTION);
	const Elf64_Shdr *base = sites_section(f, STAPSDT_BASE);
	struct stapsdt_note note;
	size_t at = 0;

	if (!section)
		return;
	if (section->sh_size > SITES_ROOM_BYTES ||
	    sites_pread(f, f->room->bytes, section->sh_size, section->sh_offset)) {
		out->why = RUNTIME_UNREADABLE;
		return;
	}
	while (stapsdt_next(f->room->bytes, section->sh_size, &at, &note)) {
		const struct sites_probe *probe = sites_probe(runtime, &note);

		if (probe) /* prelink moves all of a file alike */
			sites_note(f, probe, &note, base ? base->sh_addr - note.base : 0, out);
	}
}

/* Where names begin that are this function's. */
struct sites_hits {
	const struct sites_function *function;
	uint32_t count;
	uint64_t at[SITES_HITS]; /* in the table of names */
};

/* Is what stands here, behind a NUL, such a name? One with a dot is a part of a function. */
static bool sites_is_name(const struct sites_function *function, const char *text, size_t bytes)
{
	size_t length = strlen(function->name);
	const char *end = memchr(text, '\0', bytes);

	if (!end || text[-1])
		return false;
	return function->whole ? end == text + length : !memchr(text, '.', (size_t)(end - text));
}

/* In a piece of the table that begins at offset; names begin behind its first byte. */
static void sites_names_piece(struct sites_hits *hits, const char *bytes, size_t length,
			      uint64_t offset)
{
	size_t name = strlen(hits->function->name);
	const char *at = bytes + 1, *end = bytes + length;

	while ((at = memmem(at, (size_t)(end - at), hits->function->name, name))) {
		uint64_t place = offset + (uint64_t)(at - bytes);
		bool known = hits->count && hits->at[hits->count - 1] >= place;

		if (sites_is_name(hits->function, at, (size_t)(end - at)) && !known &&
		    hits->count < SITES_HITS)
			hits->at[hits->count++] = place;
		at++;
	}
}

/* Pieces overlap: a name that one cuts is whole in the next. */
static void sites_names(const struct sites_file *f, const Elf64_Shdr *names,
			struct sites_hits *hits)
{
	uint64_t done = 0;

	while (names->sh_size <= SITES_TABLE_BYTES && done < names->sh_size) {
		uint64_t left = names->sh_size - done;
		size_t bytes = left < SITES_ROOM_BYTES ? (size_t)left : SITES_ROOM_BYTES;

		if (sites_pread(f, f->room->bytes, bytes, names->sh_offset + done))
			return;
		sites_names_piece(hits, f->room->bytes, bytes, done);
		done += bytes == left ? bytes : bytes - SITES_NAME;
	}
}

static bool sites_hit(const struct sites_hits *hits, const Elf64_Sym *symbol)
{
	for (uint32_t i = 0; i < hits->count; i++)
		if (hits->at[i] == symbol->st_name)
			return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
			       symbol->st_shndx != SHN_UNDEF && symbol->st_value;
	return false;
}

/* The one address of these names; 0: none, or several: which would be meant? */
static uint64_t sites_symbol(const struct sites_file *f, const Elf64_Shdr *table,
			     const struct sites_hits *hits)
{
	const size_t most = SITES_ROOM_BYTES / sizeof(Elf64_Sym);
	uint64_t count = table->sh_size / sizeof(Elf64_Sym), found = 0;

	for (uint64_t done = 0; table->sh_size <= SITES_TABLE_BYTES && done < count;) {
		size_t n = count - done < most ? (size_t)(count - done) : most;

		if (sites_pread(f, f->room->bytes, n * sizeof(Elf64_Sym),
				table->sh_offset + done * sizeof(Elf64_Sym)))
			return 0;
		for (size_t i = 0; i < n; i++) {
			Elf64_Sym symbol;

			memcpy(&symbol, f->room->bytes + i * sizeof(symbol), sizeof(symbol));
			if (!sites_hit(hits, &symbol) || symbol.st_value == found)
				continue;
			if (found)
				return 0;
			found = symbol.st_value;
		}
		done += n;
	}
	return found;
}

/* What is exported first: that table is the smaller one. */
static uint64_t sites_function_find(const struct sites_file *f,
				    const struct sites_function *function)
{
	static const uint32_t tables[] = { SHT_DYNSYM, SHT_SYMTAB };

	for (size_t k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < f->section_count; i++) {
			const Elf64_Shdr *s = &f->room->sections[i];
			struct sites_hits hits = { .function = function };
			uint64_t address = 0;

			if (s->sh_type != tables[k] || s->sh_link >= f->section_count)
				continue;
			sites_names(f, &f->room->sections[s->sh_link], &hits);
			if (hits.count)
				address = sites_symbol(f, s, &hits);
			if (address)
				return address;
		}
	}
	return 0;
}

/* A probe on a nop of five bytes is put there in a way that can harm. */
static bool sites_is_safe_entry(const struct sites_file *f, uint64_t offset)
{
	static const unsigned char long_nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	unsigned char bytes[sizeof(long_nop)];

	return offset && !sites_pread(f, bytes, sizeof(bytes), offset) &&
	       memcmp(bytes, long_nop, sizeof(bytes)) != 0;
}

static void sites_functions_read(const struct sites_file *f, enum runtime runtime,
				 struct sites *out)
{
	for (size_t i = 0; i < sizeof(sites_functions) / sizeof(sites_functions[0]); i++) {
		const struct sites_function *function = &sites_functions[i];
		struct site site = { .cookie = SITES_COLLECTION, .end = SITES_BEGIN };

		if (function->runtime != runtime || out->count)
			continue;
		site.offset = sites_offset(f, sites_function_find(f, function), PF_X);
		if (!sites_is_safe_entry(f, site.offset))
			continue;
		if (function->argument)
			site.cookie |= sites_argument(function->argument, 0, function->full);
		sites_add(out, &site);
		site.cookie = SITES_COLLECTION;
		site.end = SITES_RETURN;
		sites_add(out, &site);
	}
}

/* Of this kind: bit 0 some begin, 1 some end; 2 some begin does not say whether it is full. */
static unsigned int sites_ends(const struct sites *s, uint64_t kind)
{
	unsigned int ends = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		bool says = s->at[i].cookie >> PAUSE_COOKIE_OPERAND & 3;

		if ((s->at[i].cookie & 15) != kind || !(s->at[i].cookie & PAUSE_COOKIE_COUNTS))
			continue;
		ends |= s->at[i].end == SITES_BEGIN ? 1 : 2;
		ends |= s->at[i].end == SITES_BEGIN && !says ? 4 : 0;
	}
	return ends;
}

static void sites_sum_up(struct sites *s)
{
	unsigned int collections = sites_ends(s, PAUSE_COLLECTION);

	s->collections = (collections & 3) == 3;
	s->full = s->collections && !(collections & 4);
	s->statements = (sites_ends(s, PAUSE_STATEMENT) & 3) == 3;
	for (uint32_t i = 0; i < s->count; i++)
		s->returns = s->returns || s->at[i].end == SITES_RETURN;
	if (s->why == RUNTIME_ATTACHED && !s->collections && !s->statements)
		s->why = RUNTIME_BARE;
	if (s->why != RUNTIME_ATTACHED)
		s->count = 0;
}

void sites_read(int fd, enum runtime runtime, struct sites_room *room, struct sites *out)
{
	struct sites_file f = { .fd = fd, .room = room };

	memset(out, 0, sizeof(*out));
	out->why = RUNTIME_ATTACHED;
	if (sites_heads(&f)) {
		out->why = RUNTIME_UNREADABLE;
		return;
	}
	sites_notes(&f, runtime, out);
	sites_functions_read(&f, runtime, out);
	sites_sum_up(out);
}

bool sites_sane(const struct sites *s)
{
	if (s->why >= RUNTIME_WHYS || s->count > SITES ||
	    (s->why == RUNTIME_ATTACHED) != (s->count > 0))
		return false;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->at[i].end > SITES_RETURN || (s->at[i].cookie & 15) >= PAUSE_KINDS ||
		    !s->at[i].offset || s->at[i].offset > INT64_MAX ||
		    s->at[i].semaphore > INT64_MAX)
			return false;
	return true;
}
