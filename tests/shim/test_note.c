/*
 * Notes of an image that says where they are, rightly or not.
 */
#include "note.h"

#include "core.h"

#include <elf.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#define GUARDED 4096

/* A table of three segments and 256 bytes of notes, as a loader maps it. */
struct image {
	ElfW(Phdr) segments[3];
	alignas(8) uint8_t notes[256];
};

static size_t put(struct image *i, size_t at, size_t align, const char *name, size_t name_bytes,
		  uint32_t type, const char *content, size_t bytes)
{
	ElfW(Nhdr) head = { .n_namesz = (uint32_t)name_bytes,
			    .n_descsz = (uint32_t)bytes,
			    .n_type = type };
	size_t body = (sizeof(head) + name_bytes + align - 1) & ~(align - 1);

	memcpy(i->notes + at, &head, sizeof(head));
	memcpy(i->notes + at + sizeof(head), name, name_bytes);
	memcpy(i->notes + at + body, content, bytes);
	return at + body + ((bytes + align - 1) & ~(align - 1));
}

static struct note_image loaded(struct image *i, size_t bytes, size_t align)
{
	i->segments[0] = (ElfW(Phdr)){ .p_type = PT_PHDR, .p_vaddr = 0x1000 };
	i->segments[1] = (ElfW(Phdr)){
		.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x1000, .p_filesz = sizeof(*i)
	};
	i->segments[2] = (ElfW(Phdr)){ .p_type = PT_NOTE,
				       .p_vaddr = 0x1000 + offsetof(struct image, notes),
				       .p_filesz = bytes,
				       .p_align = align };
	return note_image_of(i->segments, 3);
}

static const char *found(const struct note_image *image, uint32_t type)
{
	static char text[64];
	size_t bytes = 0;
	const uint8_t *content = note_find(image, "Go\0", 4, type, &bytes);

	if (!content)
		return NULL;
	assert_true(bytes < sizeof(text));
	memcpy(text, content, bytes);
	text[bytes] = 0;
	return text;
}

static void a_note_is_found_by_name_and_type(void **state)
{
	struct image i = { 0 };
	size_t end = put(&i, 0, 4, "GNU", 4, 4, "wrong", 5);
	struct note_image image;

	(void)state;
	end = put(&i, end, 4, "Go\0", 4, 3, "other", 5);
	end = put(&i, end, 4, "Go\0", 4, 4, "id", 2);
	image = loaded(&i, end, 4);
	assert_string_equal(found(&image, 4), "id");
	assert_string_equal(found(&image, 3), "other");
	assert_null(found(&image, 5));
}

static void a_wide_segment_is_read_by_its_own_steps(void **state)
{
	struct image i = { 0 };
	size_t end = put(&i, 0, 8, "GNU", 4, 5, "four", 4);
	struct note_image image;

	(void)state;
	end = put(&i, end, 8, "Go\0", 4, 4, "wide", 4);
	image = loaded(&i, end, 8);
	assert_string_equal(found(&image, 4), "wide");
	i.segments[2].p_align = 4;
	assert_null(found(&image, 4));
}

static void what_is_not_in_memory_is_not_looked_at(void **state)
{
	struct image i = { 0 };
	size_t end = put(&i, 0, 4, "Go\0", 4, 4, "id", 2);
	struct note_image image = loaded(&i, end, 4);

	(void)state;
	i.segments[2].p_vaddr = 0x100000000;
	assert_null(found(&image, 4));
	i.segments[2].p_vaddr = 0xfff;
	assert_null(found(&image, 4));
	image = loaded(&i, end, 4);
	i.segments[2].p_filesz = ~UINT64_C(0);
	assert_null(found(&image, 4));
	image = loaded(&i, end, 4);
	i.segments[1].p_flags = PF_X;
	assert_null(found(&image, 4));
	image = loaded(&i, end, 4);
	assert_string_equal(found(&image, 4), "id");
	i.segments[0].p_type = PT_NULL; /* nothing says where it is */
	image = note_image_of(i.segments, 3);
	assert_null(found(&image, 4));
	image = note_image_of(NULL, 0);
	assert_null(found(&image, 4));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The last so many bytes are notes, the first of them with these lengths. */
static void cut_short(struct image *i, size_t bytes, uint32_t name_bytes, uint32_t content_bytes)
{
	const ElfW(Nhdr) head = { .n_namesz = name_bytes, .n_descsz = content_bytes, .n_type = 4 };
	uint8_t *notes = i->notes + sizeof(i->notes) - bytes;
	struct note_image image = loaded(i, bytes, bytes % 2 ? 4 : 8);
	const uint8_t *content;
	size_t found = 0;

	memset(notes, 0, bytes);
	memcpy(notes, &head, least(bytes, sizeof(head)));
	if (bytes > sizeof(head))
		memcpy(notes + sizeof(head), "Go\0", least(bytes - sizeof(head), 4));
	i->segments[2].p_vaddr += sizeof(i->notes) - bytes;
	content = note_find(&image, "Go\0", 4, 4, &found);
	if (content)
		assert_true(content >= notes && content + found <= notes + bytes);
}

/* The notes end where the page behind cannot be read. */
static void no_length_leads_beyond_the_segment(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 3, 4, 5, 0x7fffffff, 0xfffffffd, 0xffffffff };
	uint8_t *pages =
		mmap(NULL, 2 * GUARDED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct image *i;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + GUARDED, GUARDED, PROT_NONE), 0);
	i = (struct image *)(void *)(pages + GUARDED - sizeof(*i));
	for (size_t bytes = 0; bytes <= sizeof(i->notes); bytes++)
		for (size_t n = 0; n < 8; n++)
			for (size_t d = 0; d < 8; d++)
				cut_short(i, bytes, lengths[n], lengths[d]);
	munmap(pages, 2 * GUARDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_is_found_by_name_and_type),
		cmocka_unit_test(a_wide_segment_is_read_by_its_own_steps),
		cmocka_unit_test(what_is_not_in_memory_is_not_looked_at),
		cmocka_unit_test(no_length_leads_beyond_the_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
