#include "indexing.h"

#define INDEXING_SHIFT_MOST 21u /* of an integer: a length of 2^28 is nobody's */

/* The forms of a field, by the bits that it begins with. */
#define INDEXING_INDEXED 0x80u
#define INDEXING_INSERTED 0x40u
#define INDEXING_RESIZED 0x20u

struct indexing {
	const uint8_t *at;
	const uint8_t *end;
};

static bool indexing_integer(struct indexing *x, uint8_t mask, uint32_t *value)
{
	uint32_t shift = 0;
	uint8_t byte;

	if (x->at == x->end)
		return false;
	*value = *x->at++ & mask;
	if (*value != mask)
		return true;
	do {
		if (x->at == x->end || shift > INDEXING_SHIFT_MOST)
			return false;
		byte = *x->at++;
		*value += (uint32_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return true;
}

static bool indexing_string(struct indexing *x)
{
	uint32_t length;

	if (!indexing_integer(x, 0x7f, &length) || length > (size_t)(x->end - x->at))
		return false;
	x->at += length;
	return true;
}

/* false: it changes the table, or makes no sense. */
static bool indexing_field(struct indexing *x)
{
	uint8_t form = *x->at;
	uint32_t index;

	if (form & INDEXING_INDEXED)
		return indexing_integer(x, 0x7f, &index);
	if (form & (INDEXING_INSERTED | INDEXING_RESIZED))
		return false;
	if (!indexing_integer(x, 0x0f, &index))
		return false;
	return (index || indexing_string(x)) && indexing_string(x);
}

bool indexing_changes(const uint8_t *at, size_t n)
{
	struct indexing x = { .at = at, .end = at + n };

	while (x.at < x.end)
		if (!indexing_field(&x))
			return true;
	return false;
}
