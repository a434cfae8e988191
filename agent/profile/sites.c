#include "sites.h"

#include "pause_event.h"
#include "stapsdt.h"
#include "tls_kind.h"

#include <string.h>

#define SITES_COLLECTION (PAUSE_COLLECTION | PAUSE_COOKIE_COUNTS)
#define SITES_STATEMENT (PAUSE_STATEMENT | PAUSE_COOKIE_COUNTS | PAUSE_COOKIE_RESTARTS)
#define SITES_NO_ARGUMENT (-1)

#if defined(__x86_64__)
#define SITES_SECOND "4@%esi"
static const unsigned char sites_nop[] = { 0x90 };
#else
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
	struct image_name name; /* parameters differ by version */
	const char *argument;
	uint8_t full;
};

/* Of a runtime the first that is there. V8's collector of the whole heap is 1 in every version. */
static const struct sites_function sites_functions[] = {
	{ RUNTIME_NODE,
	  { "_ZN2v88internal4Heap24PerformGarbageCollectionENS0_16GarbageCollectorE", true, 0 },
	  SITES_SECOND,
	  1 },
	{ RUNTIME_NODE, { "_ZN2v88internal4Heap24PerformGarbageCollectionE", true, 0 }, NULL, 0 },
	{ RUNTIME_NODE, { "_ZN2v88internal4Heap14CollectGarbageE", true, 0 }, NULL, 0 },
	{ RUNTIME_PHP, { "zend_gc_collect_cycles", false, 0 }, NULL, 0 },
};

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
static bool sites_is_nop(const struct image *f, uint64_t offset)
{
	unsigned char bytes[sizeof(sites_nop)];

	return offset && !image_read(f, bytes, sizeof(bytes), offset) &&
	       memcmp(bytes, sites_nop, sizeof(bytes)) == 0;
}

/* A counter of two bytes, in the file too: the kernel raises it in whoever maps that. */
static bool sites_is_semaphore(const struct image *f, uint64_t offset)
{
	char bytes[2];

	return offset && !(offset & 1) && !image_read(f, bytes, sizeof(bytes), offset);
}

static void sites_note(const struct image *f, const struct sites_probe *probe,
		       const struct stapsdt_note *note, uint64_t moved, struct sites *out)
{
	struct site site = { .cookie = probe->cookie, .role = (uint32_t)probe->end };

	site.offset = image_offset(f, note->place + moved, PF_X);
	if (note->semaphore)
		site.semaphore = image_offset(f, note->semaphore + moved, PF_W);
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

static void sites_notes(struct image *f, enum runtime runtime, struct sites *out)
{
	const Elf64_Shdr *section = image_section(f, STAPSDT_SECTION);
	const Elf64_Shdr *base = image_section(f, STAPSDT_BASE);
	struct stapsdt_note note;
	size_t at = 0;

	if (!section)
		return;
	if (section->sh_size > IMAGE_ROOM ||
	    image_read(f, f->bytes, section->sh_size, section->sh_offset)) {
		out->why = RUNTIME_UNREADABLE;
		return;
	}
	while (stapsdt_next(f->bytes, section->sh_size, &at, &note)) {
		const struct sites_probe *probe = sites_probe(runtime, &note);

		if (probe) /* prelink moves all of a file alike */
			sites_note(f, probe, &note, base ? base->sh_addr - note.base : 0, out);
	}
}

/* The one place of a name; 0: there is none, or there are several: which would be meant? */
struct sites_found {
	uint64_t offset;
	bool several;
};

static void sites_function_found(void *ctx, const struct image_name *name, uint64_t offset,
				 uint64_t size)
{
	struct sites_found *found = ctx;

	(void)name;
	(void)size;
	found->several = found->several || (found->offset && found->offset != offset);
	found->offset = offset;
}

static uint64_t sites_function_find(struct image *f, const struct image_name *name)
{
	struct sites_found found = { 0 };

	image_look_up(f, name, 1, sites_function_found, &found);
	return found.several ? 0 : found.offset;
}

/* A probe on a nop of five bytes is put there in a way that can harm. */
static bool sites_is_safe_entry(const struct image *f, uint64_t offset)
{
	static const unsigned char long_nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	unsigned char bytes[sizeof(long_nop)];

	return offset && !image_read(f, bytes, sizeof(bytes), offset) &&
	       memcmp(bytes, long_nop, sizeof(bytes)) != 0;
}

static void sites_functions_read(struct image *f, enum runtime runtime, struct sites *out)
{
	for (size_t i = 0; i < sizeof(sites_functions) / sizeof(sites_functions[0]); i++) {
		const struct sites_function *function = &sites_functions[i];
		struct site site = { .cookie = SITES_COLLECTION, .role = SITES_BEGIN };

		if (function->runtime != runtime || out->count)
			continue;
		site.offset = sites_function_find(f, &function->name);
		if (!sites_is_safe_entry(f, site.offset))
			continue;
		if (function->argument)
			site.cookie |= sites_argument(function->argument, 0, function->full);
		sites_add(out, &site);
		site.cookie = SITES_COLLECTION;
		site.role = SITES_RETURN;
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
		ends |= s->at[i].role == SITES_BEGIN ? 1 : 2;
		ends |= s->at[i].role == SITES_BEGIN && !says ? 4 : 0;
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
		s->returns = s->returns || s->at[i].role == SITES_RETURN;
	if (s->why == RUNTIME_ATTACHED && !s->collections && !s->statements)
		s->why = RUNTIME_BARE;
	if (s->why != RUNTIME_ATTACHED)
		s->count = 0;
}

void sites_read(struct image *file, enum runtime runtime, struct sites *out)
{
	memset(out, 0, sizeof(*out));
	out->why = RUNTIME_ATTACHED;
	sites_notes(file, runtime, out);
	sites_functions_read(file, runtime, out);
	sites_sum_up(out);
}

static bool sites_site_is_sane(const struct site *s, enum runtime of)
{
	if (!s->offset || s->offset > INT64_MAX || s->semaphore > INT64_MAX)
		return false;
	if (of == RUNTIME_NONE)
		return s->role < TLS_ROLES && s->cookie && s->cookie < TLS_KINDS && !s->semaphore;
	return s->role <= SITES_RETURN && (s->cookie & 15) < PAUSE_KINDS;
}

bool sites_are_sane(const struct sites *s, enum runtime of)
{
	if (s->why >= RUNTIME_WHYS || s->count > SITES ||
	    (s->why == RUNTIME_ATTACHED) != (s->count > 0))
		return false;
	for (uint32_t i = 0; i < s->count; i++)
		if (!sites_site_is_sane(&s->at[i], of))
			return false;
	return true;
}
