#include "column.h"

#define COLUMN_LEAST 0x80u
#define COLUMN_PATCHED 65u /* added to the width, which is 0 to … */
#define COLUMN_PATCHED_MOST 62u

struct column_bits {
	uint8_t *at;
	unsigned int used; /* bits of *at */
};

size_t column_number_put(uint8_t *out, uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	return n;
}

uint64_t column_number_get(struct column_reader *reader)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->is_bad = true;
	return 0;
}

static unsigned int column_width(uint64_t value)
{
	return value ? 64 - (unsigned int)__builtin_clzll(value) : 0;
}

/* Small numbers of either sign become small numbers. */
static uint64_t column_fold(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t column_unfold(uint64_t folded)
{
	return folded >> 1 ^ (0 - (folded & 1));
}

static void column_bits_put(struct column_bits *b, uint64_t value, unsigned int width)
{
	while (width) {
		unsigned int room = 8 - b->used, part = width < room ? width : room;

		if (!b->used)
			*b->at = 0;
		*b->at |= (uint8_t)((value & ((1u << part) - 1)) << b->used);
		value >>= part;
		width -= part;
		b->used += part;
		if (b->used == 8) {
			b->at++;
			b->used = 0;
		}
	}
}

/* How the numbers are to be written, and what that takes. */
struct column_form {
	bool by_least;
	unsigned int width;
	bool is_patched; /* some do not fit into the width */
	uint64_t base, bits;
};

static uint32_t column_first(const struct column_form *form)
{
	return form->by_least ? 0 : 1;
}

static uint64_t column_number(const struct column_form *form, const uint64_t *values, uint32_t i)
{
	return form->by_least ? values[i] - form->base : column_fold(values[i] - values[i - 1]);
}

/* A number that is too wide: how far from the one before it, and what lies above the width. */
static uint64_t column_patch_bits(unsigned int width, unsigned int over)
{
	return 8 * (1 + (width - over + 6) / 7);
}

/* The width that takes the least, in best where it is less than that. */
static void column_weigh(const uint64_t *values, uint32_t count, struct column_form form,
			 bool may_patch, struct column_form *best)
{
	uint32_t numbers = count - column_first(&form), of_width[65] = { 0 };
	unsigned int most = 0;

	for (uint32_t i = column_first(&form); i < count; i++) {
		unsigned int width = column_width(column_number(&form, values, i));

		of_width[width]++;
		most = width > most ? width : most;
	}
	for (form.width = most;; form.width--) {
		form.is_patched = form.width < most;
		form.bits = (uint64_t)form.width * numbers + (form.is_patched ? 8 : 0);
		for (unsigned int width = form.width + 1; width <= most; width++)
			form.bits += of_width[width] * column_patch_bits(width, form.width);
		if (form.bits < best->bits &&
		    (!form.is_patched || form.width <= COLUMN_PATCHED_MOST))
			*best = form;
		if (!may_patch || !form.width)
			return;
	}
}

static struct column_form column_form(const uint64_t *values, uint32_t count, bool may_patch)
{
	const struct column_form by_difference = { .base = values[0] };
	struct column_form by_least = { .by_least = true, .base = values[0] };
	struct column_form best = { .bits = UINT64_MAX };

	for (uint32_t i = 1; i < count; i++)
		by_least.base = values[i] < by_least.base ? values[i] : by_least.base;
	column_weigh(values, count, by_difference, may_patch, &best);
	column_weigh(values, count, by_least, may_patch, &best);
	return best;
}

static uint8_t *column_patches_put(uint8_t *out, const struct column_form *form,
				   const uint64_t *values, uint32_t count)
{
	uint32_t last = column_first(form);
	uint8_t *patches = out++; /* their number, which a byte holds */

	*patches = 0;
	for (uint32_t i = last; i < count; i++) {
		uint64_t above = column_number(form, values, i) >> form->width;

		if (!above)
			continue;
		out += column_number_put(out, i - last);
		out += column_number_put(out, above);
		last = i;
		++*patches;
	}
	return out;
}

static size_t column_write(uint8_t *out, const struct column_form *form, const uint64_t *values,
			   uint32_t count)
{
	struct column_bits bits = { 0 };
	uint8_t *end;

	out[0] = (uint8_t)(form->width + (form->is_patched ? COLUMN_PATCHED : 0));
	out[0] |= form->by_least ? COLUMN_LEAST : 0;
	bits.at = out + 1 + column_number_put(out + 1, form->base);
	for (uint32_t i = column_first(form); i < count; i++)
		column_bits_put(&bits, column_number(form, values, i), form->width);
	end = bits.at + (bits.used != 0);
	if (form->is_patched)
		end = column_patches_put(end, form, values, count);
	return (size_t)(end - out);
}

size_t column_put(uint8_t *out, const uint64_t *values, uint32_t count)
{
	const struct column_form form = column_form(values, count, false);

	return column_write(out, &form, values, count);
}

size_t column_put_patched(uint8_t *out, const uint64_t *values, uint32_t count)
{
	const struct column_form form = column_form(values, count, true);

	return column_write(out, &form, values, count);
}

static uint64_t column_bits_get(const uint8_t *bytes, uint64_t from, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int done = 0; done < width;) {
		unsigned int at = (unsigned int)(from + done) % 8, room = 8 - at;
		unsigned int part = width - done < room ? width - done : room;

		value |= (uint64_t)(bytes[(from + done) / 8] >> at & ((1u << part) - 1)) << done;
		done += part;
	}
	return value;
}

/* To those of the numbers that were too wide. */
static void column_patches_get(struct column_reader *reader, unsigned int width, uint64_t *numbers,
			       uint64_t count)
{
	uint64_t patches = column_number_get(reader), at = 0;

	for (uint64_t i = 0; i < patches && !reader->is_bad; i++) {
		uint64_t gap = column_number_get(reader), above = column_number_get(reader);

		if (gap >= count - at)
			reader->is_bad = true;
		else
			numbers[at += gap] |= above << width;
	}
}

static void column_numbers_get(struct column_reader *reader, uint8_t head, uint64_t *numbers,
			       uint64_t count)
{
	bool is_patched = (head & (COLUMN_LEAST - 1)) >= COLUMN_PATCHED;
	unsigned int width = (head & (COLUMN_LEAST - 1)) - (is_patched ? COLUMN_PATCHED : 0);
	size_t bytes = (size_t)(count * width + 7) / 8;

	if (reader->is_bad || bytes > (size_t)(reader->end - reader->at)) {
		reader->is_bad = true;
		return;
	}
	for (uint64_t i = 0; i < count; i++)
		numbers[i] = column_bits_get(reader->at, i * width, width);
	reader->at += bytes;
	if (is_patched)
		column_patches_get(reader, width, numbers, count);
}

void column_get(struct column_reader *reader, uint64_t *values, uint32_t count)
{
	uint8_t head = reader->at < reader->end ? *reader->at++ : 0;
	bool by_least = head & COLUMN_LEAST;
	uint64_t base = column_number_get(reader); /* where there was no head, there is none */

	values[0] = base;
	column_numbers_get(reader, head, values + !by_least, count - !by_least);
	if (reader->is_bad) {
		for (uint32_t i = 0; i < count; i++)
			values[i] = 0;
		return;
	}
	for (uint32_t i = !by_least; i < count; i++)
		values[i] = by_least ? base + values[i] : values[i - 1] + column_unfold(values[i]);
}
