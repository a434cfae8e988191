#include "column.h"

#define COLUMN_LEAST 0x80u

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

size_t column_put(uint8_t *out, const uint64_t *values, uint32_t count)
{
	uint64_t least = values[0], exceeds = 0, differs = 0;
	struct column_bits bits = { 0 };
	unsigned int width;
	bool by_least;

	for (uint32_t i = 1; i < count; i++) {
		least = values[i] < least ? values[i] : least;
		differs |= column_fold(values[i] - values[i - 1]);
	}
	for (uint32_t i = 0; i < count; i++)
		exceeds |= values[i] - least;
	by_least = column_width(exceeds) * count < column_width(differs) * (count - 1);
	width = column_width(by_least ? exceeds : differs);
	out[0] = (uint8_t)(width | (by_least ? COLUMN_LEAST : 0));
	bits.at = out + 1 + column_number_put(out + 1, by_least ? least : values[0]);
	for (uint32_t i = by_least ? 0 : 1; i < count; i++)
		column_bits_put(&bits,
				by_least ? values[i] - least
					 : column_fold(values[i] - values[i - 1]),
				width);
	return (size_t)(bits.at - out) + (bits.used != 0);
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

void column_get(struct column_reader *reader, uint64_t *values, uint32_t count)
{
	uint8_t head = reader->at < reader->end ? *reader->at++ : 0xff;
	unsigned int width = head & (COLUMN_LEAST - 1);
	bool by_least = head & COLUMN_LEAST;
	uint64_t base = column_number_get(reader), numbers = count - (by_least ? 0 : 1);
	size_t bytes = (size_t)(numbers * width + 7) / 8;

	if (width > 64 || reader->is_bad || bytes > (size_t)(reader->end - reader->at)) {
		reader->is_bad = true;
		for (uint32_t i = 0; i < count; i++)
			values[i] = 0;
		return;
	}
	values[0] = base;
	for (uint32_t i = by_least ? 0 : 1, n = 0; i < count; i++, n++) {
		uint64_t number = column_bits_get(reader->at, (uint64_t)n * width, width);

		values[i] = by_least ? base + number : values[i - 1] + column_unfold(number);
	}
	reader->at += bytes;
}
