#include "status.h"

#include <string.h>

#define STATUS_FIRST_STATIC 8u /* :status is 8 … 14 of the static table, which has 61 */
#define STATUS_LAST_STATIC 14u
#define STATUS_STATIC 61u
#define STATUS_ZERO_CODE 0x07 /* '0' by Huffman, padded */
#define STATUS_SHIFT_MOST 21u /* of an integer: a length of 2^28 is nobody's */

enum status_step {
	STATUS_AT_FIELD,
	STATUS_AT_INDEX, /* in the integer that a field begins with */
	STATUS_AT_NAME_LENGTH,
	STATUS_AT_NAME_INTEGER,
	STATUS_AT_NAME,
	STATUS_AT_VALUE_LENGTH,
	STATUS_AT_VALUE_INTEGER,
	STATUS_AT_VALUE,
	STATUS_AT_BAD, /* an integer without end: nothing is known from here on */
};

/* The forms of a field, by the bits that it begins with. */
#define STATUS_INDEXED 0x80u
#define STATUS_INSERTED 0x40u
#define STATUS_RESIZED 0x20u

static const uint16_t status_static[] = { 200, 204, 206, 304, 400, 404, 500 };

void status_init(struct status *s)
{
	memset(s, 0, sizeof(*s));
}

/* Digits are codes of 5 bits (0, 1, 2) and of 6 (3 … 9, from 011001 on). */
static uint16_t status_huffman(const uint8_t *text, uint32_t length)
{
	uint32_t bits = 0, left = 8 * length, number = 0;

	for (uint32_t i = 0; i < length; i++)
		bits = bits << 8 | text[i];
	for (int i = 0; i < 3; i++) {
		uint32_t code;

		if (left < 5)
			return 0;
		code = bits >> (left - 5) & 31;
		if (code <= 2) {
			left -= 5;
			number = number * 10 + code;
			continue;
		}
		if (left < 6)
			return 0;
		left -= 6;
		code = bits >> left & 63;
		if (code < 0x19 || code > 0x1f)
			return 0;
		number = number * 10 + (code - 0x19) + 3;
	}
	return (uint16_t)number;
}

static uint16_t status_plain(const uint8_t *text, uint32_t length)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < length; i++) {
		if ((uint8_t)(text[i] - '0') > 9)
			return 0;
		number = number * 10 + (text[i] - (uint32_t)'0');
	}
	return length == STATUS_TEXT ? (uint16_t)number : 0;
}

static const struct status_known *status_dynamic(const struct status *s, uint32_t index)
{
	uint32_t back = index - STATUS_STATIC - 1;

	for (uint32_t i = 0; back < s->inserted && i < STATUS_KEPT; i++)
		if (s->known[i].number == s->inserted - back)
			return &s->known[i];
	return NULL;
}

static void status_found(struct status *s, uint8_t kind, uint16_t status)
{
	if (kind == STATUS_GRPC)
		s->said.grpc_failed = status != 0;
	else if (!s->said.status)
		s->said.status = status;
}

static void status_indexed(struct status *s, uint32_t index)
{
	const struct status_known *known;

	s->step = STATUS_AT_FIELD;
	if (index >= STATUS_FIRST_STATIC && index <= STATUS_LAST_STATIC) {
		status_found(s, STATUS_HTTP, status_static[index - STATUS_FIRST_STATIC]);
	} else if (index > STATUS_STATIC) {
		known = status_dynamic(s, index);
		if (known)
			status_found(s, known->kind, known->status);
	}
}

static uint8_t status_kind_of(const struct status *s, uint32_t index)
{
	const struct status_known *known;

	if (index <= STATUS_STATIC)
		return index >= STATUS_FIRST_STATIC && index <= STATUS_LAST_STATIC ? STATUS_HTTP
										   : STATUS_NONE;
	known = status_dynamic(s, index);
	return known ? known->kind : STATUS_NONE;
}

static void status_index(struct status *s, uint32_t index)
{
	if (s->field & STATUS_INDEXED) {
		status_indexed(s, index);
		return;
	}
	if (!(s->field & STATUS_INSERTED) && s->field & STATUS_RESIZED) {
		s->step = STATUS_AT_FIELD;
		return;
	}
	s->kind = status_kind_of(s, index);
	s->step = index ? STATUS_AT_VALUE_LENGTH : STATUS_AT_NAME_LENGTH;
}

/* 0: it is no status, or of gRPC that all went well. */
static uint16_t status_value(const struct status *s)
{
	bool whole = s->got == s->length && s->length <= STATUS_TEXT;

	if (s->kind == STATUS_GRPC)
		return s->length != 1 || s->text[0] != (s->huffman ? STATUS_ZERO_CODE : '0');
	if (s->kind == STATUS_NONE || !whole)
		return 0;
	return s->huffman ? status_huffman(s->text, s->length) : status_plain(s->text, s->length);
}

static void status_field_end(struct status *s)
{
	uint16_t status = status_value(s);

	s->step = STATUS_AT_FIELD;
	if (status || s->kind == STATUS_GRPC)
		status_found(s, s->kind, status);
	if (!(s->field & STATUS_INSERTED))
		return;
	s->inserted++;
	if (s->kind == STATUS_NONE)
		return;
	s->known[s->next++ % STATUS_KEPT] =
		(struct status_known){ .number = s->inserted, .status = status, .kind = s->kind };
}

/*
 * A name that is spelled out. The static table has :status, but gRPC's core spells out all that it
 * says of a call whose time is up.
 */
static void status_name_end(struct status *s)
{
	static const struct {
		uint8_t kind, huffman, length;
		uint8_t text[STATUS_NAME];
	} names[] = {
		{ STATUS_GRPC, 0, 11, "grpc-status" },
		{ STATUS_GRPC, 1, 8, { 0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f } },
		{ STATUS_HTTP, 0, 7, ":status" },
		{ STATUS_HTTP, 1, 5, { 0xb8, 0x84, 0x8d, 0x36, 0xa3 } },
	};

	s->kind = STATUS_NONE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (s->huffman == names[i].huffman && s->length == names[i].length &&
		    !memcmp(s->text, names[i].text, s->length))
			s->kind = names[i].kind;
	s->step = STATUS_AT_VALUE_LENGTH;
}

static void status_length(struct status *s, uint32_t length)
{
	bool name = s->step <= STATUS_AT_NAME_INTEGER;

	s->value = length;
	s->got = 0;
	s->length = length <= STATUS_NAME ? (uint8_t)length : UINT8_MAX;
	s->step = name ? STATUS_AT_NAME : STATUS_AT_VALUE;
	if (length)
		return;
	if (name)
		status_name_end(s);
	else
		status_field_end(s);
}

/* The byte that an integer begins with; where it does not hold all, step is where it goes on. */
static void status_prefix(struct status *s, uint8_t byte, uint8_t mask, uint8_t step)
{
	s->value = byte & mask;
	if (s->value == mask) {
		s->step = step;
		s->shift = 0;
	} else if (step == STATUS_AT_INDEX) {
		status_index(s, s->value);
	} else {
		status_length(s, s->value);
	}
}

static void status_field(struct status *s, uint8_t byte)
{
	uint8_t mask = 0x0f;

	if (byte & STATUS_INDEXED)
		mask = 0x7f;
	else if (byte & STATUS_INSERTED)
		mask = 0x3f;
	else if (byte & STATUS_RESIZED)
		mask = 0x1f;
	s->field = byte;
	status_prefix(s, byte, mask, STATUS_AT_INDEX);
}

static void status_integer(struct status *s, uint8_t byte)
{
	s->value += (uint32_t)(byte & 0x7f) << s->shift;
	s->shift += 7;
	if (byte & 0x80) {
		if (s->shift > STATUS_SHIFT_MOST)
			s->step = STATUS_AT_BAD;
		return;
	}
	if (s->step == STATUS_AT_INDEX)
		status_index(s, s->value);
	else
		status_length(s, s->value);
}

static size_t status_string(struct status *s, const uint8_t *at, size_t n)
{
	n = n < s->value ? n : s->value;
	for (size_t i = 0; i < n && s->got < STATUS_NAME; i++)
		s->text[s->got++] = at[i];
	s->value -= (uint32_t)n;
	if (s->value)
		return n;
	if (s->step == STATUS_AT_NAME)
		status_name_end(s);
	else
		status_field_end(s);
	return n;
}

static size_t status_step(struct status *s, const uint8_t *at, size_t n)
{
	switch (s->step) {
	case STATUS_AT_FIELD:
		status_field(s, *at);
		return 1;
	case STATUS_AT_NAME_LENGTH:
		s->huffman = *at >> 7;
		status_prefix(s, *at, 0x7f, STATUS_AT_NAME_INTEGER);
		return 1;
	case STATUS_AT_VALUE_LENGTH:
		s->huffman = *at >> 7;
		status_prefix(s, *at, 0x7f, STATUS_AT_VALUE_INTEGER);
		return 1;
	case STATUS_AT_INDEX:
	case STATUS_AT_NAME_INTEGER:
	case STATUS_AT_VALUE_INTEGER:
		status_integer(s, *at);
		return 1;
	case STATUS_AT_BAD:
		return n;
	default:
		return status_string(s, at, n);
	}
}

void status_read(struct status *s, const uint8_t *at, size_t n)
{
	while (n) {
		size_t done = status_step(s, at, n);

		at += done;
		n -= done;
	}
}

struct status_said status_end(struct status *s)
{
	static const struct status_said nothing;
	struct status_said said = s->step == STATUS_AT_BAD ? nothing : s->said;

	s->said = nothing;
	if (s->step != STATUS_AT_FIELD)
		s->step = STATUS_AT_BAD; /* a field that a block cuts: its end is not known */
	return said;
}
