/*
 * note - the notes of an image, one by one, and never a byte beyond what its loader mapped.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   a length that does not fit ends the segment.
 */
#include "note.h"

#include "hot.h"
#include "mem.h"

#include <elf.h>
#include <stdbool.h>

#define NOTE_ALIGN 4u
#define NOTE_ALIGN_WIDE 8u

START struct note_image note_image_of(const ElfW(Phdr) * segments, size_t count)
{
	struct note_image image = { .segments = segments };

	for (size_t i = 0; i < count; i++) {
		if (segments[i].p_type != PT_PHDR)
			continue;
		image.base = (uintptr_t)segments - segments[i].p_vaddr;
		image.count = count;
	}
	return image;
}

/* A program may have been packed or stripped so that its notes are not in memory. */
static bool note_mapped(const struct note_image *image, const ElfW(Phdr) * note)
{
	for (size_t i = 0; i < image->count; i++) {
		const ElfW(Phdr) *load = &image->segments[i];

		if (load->p_type == PT_LOAD && load->p_flags & PF_R &&
		    note->p_vaddr >= load->p_vaddr &&
		    note->p_vaddr - load->p_vaddr <= load->p_filesz &&
		    note->p_filesz <= load->p_filesz - (note->p_vaddr - load->p_vaddr))
			return true;
	}
	return false;
}

static size_t note_round(size_t bytes, size_t align)
{
	return (bytes + align - 1) & ~(align - 1);
}

static START const uint8_t *note_in(const uint8_t *at, size_t left, size_t align, const char *name,
				    size_t name_bytes, uint32_t type, size_t *bytes)
{
	ElfW(Nhdr) head;

	while (left >= sizeof(head)) {
		size_t content, next;

		memcpy(&head, at, sizeof(head));
		content = note_round(sizeof(head) + head.n_namesz, align);
		next = content + note_round(head.n_descsz, align);
		if (content > left || head.n_descsz > left - content)
			return NULL;
		if (head.n_type == type && head.n_namesz == name_bytes &&
		    !memcmp(at + sizeof(head), name, name_bytes)) {
			*bytes = head.n_descsz;
			return at + content;
		}
		if (next >= left)
			return NULL;
		at += next;
		left -= next;
	}
	return NULL;
}

START const uint8_t *note_find(const struct note_image *image, const char *name, size_t name_bytes,
			       uint32_t type, size_t *bytes)
{
	for (size_t i = 0; i < image->count; i++) {
		const ElfW(Phdr) *note = &image->segments[i];
		const uint8_t *found;

		if (note->p_type != PT_NOTE || !note_mapped(image, note))
			continue;
		found = note_in((const uint8_t *)image->base + note->p_vaddr, note->p_filesz,
				note->p_align == NOTE_ALIGN_WIDE ? NOTE_ALIGN_WIDE : NOTE_ALIGN,
				name, name_bytes, type, bytes);
		if (found)
			return found;
	}
	return NULL;
}
