#include "gotable.h"

#include <errno.h>
#include <string.h>

#define GOTABLE_GO_1_18 0xfffffff0u
#define GOTABLE_GO_1_20 0xfffffff1u
#define GOTABLE_ALIGNED 8u
#define GOTABLE_SEARCHED (256ull << 20)    /* bytes of a file that are searched for a table */
#define GOTABLE_BUILD_INFO ".go.buildinfo" /* every Go program has it */

#if defined(__x86_64__)
#define GOTABLE_START "_rt0_amd64_linux"
#else
#define GOTABLE_START "_rt0_arm64_linux"
#endif

struct gotable_header {
	uint32_t magic;
	uint8_t zero[2], instruction_bytes, pointer_bytes;
	uint64_t functions, files, text; /* text: 0 since 1.26 */
	uint64_t names_at, units_at, files_at, counters_at, functions_at;
};

struct gotable_place {
	uint32_t text, record;
};

/* As many bytes of the table, from what was read before or anew; NULL: they are not in it. */
static const void *gotable_bytes(struct gotable *t, int part, uint64_t at, size_t bytes)
{
	struct gotable_window *w = &t->windows[part];
	uint64_t left = at < t->bytes ? t->bytes - at : 0;

	if (bytes > left)
		return NULL;
	if (at >= w->at && at - w->at <= w->bytes && bytes <= w->bytes - (at - w->at))
		return w->room + (at - w->at);
	w->at = at;
	w->bytes = left < sizeof(w->room) ? (size_t)left : sizeof(w->room);
	if (!image_read(t->file, w->room, w->bytes, t->offset + at))
		return w->room;
	w->bytes = 0;
	return NULL;
}

static bool gotable_header_is_sane(const struct gotable_header *h, uint64_t bytes)
{
	if ((h->magic != GOTABLE_GO_1_18 && h->magic != GOTABLE_GO_1_20) || h->zero[0] ||
	    h->zero[1] || h->pointer_bytes != sizeof(uint64_t))
		return false;
	if (h->instruction_bytes != 1 && h->instruction_bytes != 4)
		return false;
	if (!h->functions || h->functions > GOTABLE_FUNCTIONS || h->names_at < sizeof(*h) ||
	    h->names_at >= h->functions_at || h->functions_at >= bytes)
		return false;
	return bytes - h->functions_at >=
	       h->functions * sizeof(struct gotable_place) + sizeof(uint32_t);
}

/* What begins here, of a file's part that goes on for as many bytes. */
static bool gotable_take(struct gotable *t, const struct gotable_header *h, uint64_t offset,
			 uint64_t bytes)
{
	if (!gotable_header_is_sane(h, bytes))
		return false;
	t->offset = offset;
	t->bytes = bytes;
	t->text = h->text;
	t->names = h->names_at;
	t->functions = h->functions_at;
	t->count = (uint32_t)h->functions;
	return true;
}

/* In bytes of the file that are in file->bytes, of which more follow. */
static bool gotable_find_here(struct gotable *t, size_t bytes, uint64_t offset, uint64_t left)
{
	struct gotable_header h;

	for (size_t at = 0; at + sizeof(h) <= bytes; at += GOTABLE_ALIGNED) {
		memcpy(&h, t->file->bytes + at, sizeof(h));
		if (gotable_take(t, &h, offset + at, left - at))
			return true;
	}
	return false;
}

/* Pieces overlap by a header. */
static int gotable_find(struct gotable *t, struct image *file, uint64_t offset, uint64_t left)
{
	const size_t overlap = (sizeof(struct gotable_header) + GOTABLE_ALIGNED - 1) &
			       ~(size_t)(GOTABLE_ALIGNED - 1);
	size_t bytes = IMAGE_ROOM;

	if (offset % GOTABLE_ALIGNED)
		return -ENODATA;
	for (uint64_t done = 0; bytes == IMAGE_ROOM && done < GOTABLE_SEARCHED;) {
		bytes = left - done < IMAGE_ROOM ? (size_t)(left - done) : IMAGE_ROOM;
		if (image_read(file, file->bytes, bytes, offset + done))
			return -ENODATA;
		if (gotable_find_here(t, bytes, offset + done, left - done))
			return 0;
		done += bytes - overlap;
	}
	return -ENODATA;
}

/* In a file without sections. */
static int gotable_find_loaded(struct gotable *t, struct image *file)
{
	int result = -ENODATA;

	for (uint32_t i = 0; i < file->segment_count && result; i++) {
		const Elf64_Phdr *p = &file->segments[i];

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_X))
			result = gotable_find(t, file, p->p_offset, p->p_filesz);
	}
	return result;
}

static int gotable_find_any(struct gotable *t, struct image *file)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	const Elf64_Shdr *section = NULL;
	struct gotable_header h;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !section; i++)
		section = image_section(file, names[i]);
	if (section && !image_read(file, &h, sizeof(h), section->sh_offset))
		return gotable_take(t, &h, section->sh_offset, section->sh_size) ? 0 : -ENODATA;
	if (!file->section_count)
		return gotable_find_loaded(t, file);
	/* where another linker put it; programs that are none of Go's are not searched */
	section = image_section(file, GOTABLE_BUILD_INFO) ? image_section(file, ".data.rel.ro")
							  : NULL;
	return section ? gotable_find(t, file, section->sh_offset, section->sh_size) : -ENODATA;
}

static int gotable_starts(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	const struct gotable *t = ctx;

	(void)size;
	return strcmp(name, GOTABLE_START) == 0 && address == t->file->head.e_entry;
}

/*
 * Where the table does not say where the text begins, it is the section's begin, if that puts the
 * program's start where the file has it: a probe beside a function's begin would break the program.
 */
static int gotable_text_find(struct gotable *t, struct image *file)
{
	const Elf64_Shdr *section = t->text ? NULL : image_section(file, ".text");

	if (section) {
		t->text = section->sh_addr;
		if (!gotable_each(t, gotable_starts, t))
			return -ENODATA;
	}
	return image_offset(file, t->text, PF_X) ? 0 : -ENODATA;
}

int gotable_open(struct gotable *t, struct image *file)
{
	int result;

	t->file = file;
	for (int i = 0; i < GOTABLE_PARTS; i++)
		t->windows[i].at = t->windows[i].bytes = 0;
	result = gotable_find_any(t, file);
	return result ? result : gotable_text_find(t, file);
}

/* NULL: it has none that we can read. */
static const char *gotable_name(struct gotable *t, uint64_t at)
{
	uint64_t left = at < t->bytes ? t->bytes - at : 0;
	size_t bytes = left < GOTABLE_NAME ? (size_t)left : GOTABLE_NAME;
	const char *name = bytes ? gotable_bytes(t, GOTABLE_NAMES, at, bytes) : NULL;

	return name && *name && memchr(name, '\0', bytes) ? name : NULL;
}

/* One that is odd is left out. */
static int gotable_one(struct gotable *t, uint32_t i, gotable_fn each, void *ctx)
{
	const uint64_t at = t->functions + i * sizeof(struct gotable_place);
	struct gotable_place here, next = { 0 };
	uint32_t record[2];
	const void *bytes = gotable_bytes(t, GOTABLE_PLACES, at, sizeof(here) + sizeof(next.text));
	const char *name;

	if (!bytes)
		return 0;
	memcpy(&here, bytes, sizeof(here));
	memcpy(&next.text, (const char *)bytes + sizeof(here), sizeof(next.text));
	bytes = gotable_bytes(t, GOTABLE_RECORDS, t->functions + here.record, sizeof(record));
	if (!bytes)
		return 0;
	memcpy(record, bytes, sizeof(record));
	name = record[0] == here.text && next.text > here.text
		       ? gotable_name(t, t->names + record[1])
		       : NULL;
	return name ? each(ctx, name, t->text + here.text, next.text - here.text) : 0;
}

int gotable_each(struct gotable *t, gotable_fn each, void *ctx)
{
	int result = 0;

	for (uint32_t i = 0; i < t->count && !result; i++)
		result = gotable_one(t, i, each, ctx);
	return result;
}

struct gotable_search {
	const struct image *file;
	const struct image_name *names;
	uint32_t count, found;
	image_fn each;
	void *ctx;
};

static int gotable_match(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	struct gotable_search *s = ctx;
	uint64_t offset;
	uint32_t i = 0;

	while (i < s->count && strcmp(s->names[i].text, name) != 0)
		i++;
	offset = i < s->count ? image_offset(s->file, address, PF_X) : 0;
	if (!offset)
		return 0;
	s->found++;
	s->each(s->ctx, &s->names[i], offset, size);
	return 0;
}

int gotable_look_up(struct gotable *t, const struct image_name *names, uint32_t count,
		    image_fn each, void *ctx)
{
	struct gotable_search s = {
		.file = t->file, .names = names, .count = count, .each = each, .ctx = ctx
	};

	gotable_each(t, gotable_match, &s);
	return s.found ? 0 : -ENODATA;
}
