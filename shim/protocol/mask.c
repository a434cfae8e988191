#include "mask.h"

#include <string.h>

#define MASK_STATIC 61u         /* entries of the static table */
#define MASK_SHIFT_MOST 21u     /* of an integer: a length of 2^28 is nobody's */
#define MASK_STRING_MOST 65536u /* what the agent's reader takes */
#define MASK_WORD 16u           /* the longest of our words */
#define MASK_CODE 5u            /* bits of the filler's code */

/* The forms of a field, by the bits that it begins with. */
#define MASK_INDEXED 0x80u
#define MASK_INSERTED 0x40u
#define MASK_RESIZED 0x20u

enum mask_step {
	MASK_AT_FIELD,
	MASK_AT_INDEX, /* in the integer that a field begins with */
	MASK_AT_NAME_LENGTH,
	MASK_AT_NAME_INTEGER,
	MASK_AT_NAME,
	MASK_AT_VALUE_LENGTH,
	MASK_AT_VALUE_INTEGER,
	MASK_AT_VALUE,
	MASK_AT_BAD,
};

/* What a string is; the first four are also what a field is called. */
enum mask_kind {
	MASK_OTHER,
	MASK_PATH,
	MASK_METHOD,
	MASK_TYPE,
	MASK_NAME,
};

/* What is kept if it is just that, or of a media type if it begins so. */
static const struct {
	uint8_t kind;
	uint8_t means; /* of a name what it calls, of a method 1: CONNECT */
	uint8_t length;
	char text[MASK_WORD];
} mask_words[] = {
	{ MASK_NAME, MASK_PATH, 5, ":path" },
	{ MASK_NAME, MASK_METHOD, 7, ":method" },
	{ MASK_NAME, MASK_TYPE, 12, "content-type" },
	{ MASK_METHOD, 0, 3, "GET" },
	{ MASK_METHOD, 0, 4, "HEAD" },
	{ MASK_METHOD, 0, 4, "POST" },
	{ MASK_METHOD, 0, 3, "PUT" },
	{ MASK_METHOD, 0, 6, "DELETE" },
	{ MASK_METHOD, 0, 5, "PATCH" },
	{ MASK_METHOD, 0, 7, "OPTIONS" },
	{ MASK_METHOD, 1, 7, "CONNECT" },
	{ MASK_METHOD, 0, 5, "TRACE" },
	{ MASK_TYPE, 0, 16, "application/grpc" },
};

#define MASK_WORDS (sizeof(mask_words) / sizeof(mask_words[0]))

void mask_init(struct mask *m)
{
	memset(m, 0, sizeof(*m));
	m->put = MASK_LENGTH_MOST;
}

bool mask_is_bad(const struct mask *m)
{
	return m->step == MASK_AT_BAD;
}

bool mask_waits(const struct mask *m)
{
	return m->put < MASK_LENGTH_MOST + m->kept || m->fill;
}

/* Entries of the dynamic table are counted back from the one that came last. */
static uint8_t mask_kind_of(const struct mask *m, uint32_t index)
{
	uint32_t back = index - MASK_STATIC - 1;

	switch (index) {
	case 2:
	case 3:
		return MASK_METHOD;
	case 4:
	case 5:
		return MASK_PATH;
	case 31:
		return MASK_TYPE;
	default:
		if (index <= MASK_STATIC || back >= MASK_KNOWN)
			return MASK_OTHER;
		return (uint8_t)((m->known[0] >> back & 1) | (m->known[1] >> back & 1) << 1);
	}
}

static void mask_inserted(struct mask *m, uint8_t kind)
{
	m->connects = m->connects << 1 | m->connect;
	m->known[0] = m->known[0] << 1 | (kind & 1u);
	m->known[1] = m->known[1] << 1 | (kind >> 1 & 1u);
}

static void mask_index(struct mask *m, uint32_t index)
{
	uint32_t back = index - MASK_STATIC - 1;

	m->step = MASK_AT_FIELD;
	if (m->field & MASK_INDEXED && index > MASK_STATIC && back < MASK_KNOWN)
		m->tunnel |= m->connects >> back & 1;
	if (m->field & MASK_INDEXED || (m->field & (MASK_INSERTED | MASK_RESIZED)) == MASK_RESIZED)
		return;
	m->name = mask_kind_of(m, index);
	m->step = index ? MASK_AT_VALUE_LENGTH : MASK_AT_NAME_LENGTH;
}

/* Is it one of our words? Returns its place, MASK_WORDS: none. */
static size_t mask_word(const struct mask *m)
{
	for (size_t i = 0; i < MASK_WORDS; i++) {
		uint32_t length = mask_words[i].length;

		if (mask_words[i].kind != m->kind || m->kept < length ||
		    (m->decoded != length && m->kind != MASK_TYPE))
			continue;
		if (!memcmp(m->text + MASK_LENGTH_MOST, mask_words[i].text, length))
			return i;
	}
	return MASK_WORDS;
}

/* How much of the string stays, and what its name says of a field. */
static void mask_judge(struct mask *m)
{
	size_t word;

	m->connect = false;
	if (m->kind == MASK_OTHER || m->kind == MASK_PATH)
		return;
	word = mask_word(m);
	m->kept = word < MASK_WORDS ? mask_words[word].length : 0;
	if (m->kind == MASK_NAME)
		m->name = word < MASK_WORDS ? mask_words[word].means : MASK_OTHER;
	else
		m->connect = word < MASK_WORDS && mask_words[word].means;
	m->tunnel |= m->connect;
}

/* Ahead of the text, so that both lie in one piece. */
static void mask_length(struct mask *m, uint32_t length)
{
	uint8_t bytes[MASK_LENGTH_MOST];
	uint8_t n = 1;

	bytes[0] = (uint8_t)(length < 0x7f ? length : 0x7f);
	if (length >= 0x7f) {
		for (length -= 0x7f; length >= 0x80; length >>= 7)
			bytes[n++] = (uint8_t)(length | 0x80);
		bytes[n++] = (uint8_t)length;
	}
	m->put = (uint8_t)(MASK_LENGTH_MOST - n);
	memcpy(m->text + m->put, bytes, n);
}

/* Nothing of it is kept: packed, it is never longer than what it stands for. */
static void mask_pack(struct mask *m)
{
	uint64_t bits = (uint64_t)MASK_CODE * m->decoded;

	m->fill = (uint32_t)((bits + 7) / 8);
	m->ends = (uint8_t)((1u << (8 * (uint64_t)m->fill - bits)) - 1);
	mask_length(m, m->fill);
	m->text[m->put] |= 0x80;
}

static void mask_string_end(struct mask *m)
{
	bool name = m->step == MASK_AT_NAME;

	if (m->huffman && !huffman_ends(&m->code)) {
		m->step = MASK_AT_BAD;
		return;
	}
	mask_judge(m);
	m->filled = 0;
	m->packed = !m->kept;
	if (m->kept) {
		m->fill = m->decoded - m->kept;
		mask_length(m, m->decoded);
	} else {
		mask_pack(m);
	}
	m->step = name ? MASK_AT_VALUE_LENGTH : MASK_AT_FIELD;
	if (!name && m->field & MASK_INSERTED)
		mask_inserted(m, m->name);
}

static void mask_keep(struct mask *m, uint8_t c)
{
	m->text[MASK_LENGTH_MOST + m->kept++] = c;
	if (m->kind == MASK_PATH)
		m->keeping = c != '?' && c != '#' && m->kept < RS_PATH_BYTES;
	else
		m->keeping = m->kept < MASK_WORD;
}

static void mask_string(struct mask *m, uint32_t length)
{
	bool name = m->step <= MASK_AT_NAME_INTEGER;

	if (length > MASK_STRING_MOST) {
		m->step = MASK_AT_BAD;
		return;
	}
	m->kind = name ? MASK_NAME : m->name;
	m->keeping = m->kind != MASK_OTHER;
	m->value = length;
	m->decoded = 0;
	m->kept = 0;
	m->put = sizeof(m->text); /* nothing until its end */
	m->code.count = 0;
	m->step = name ? MASK_AT_NAME : MASK_AT_VALUE;
	if (!length)
		mask_string_end(m);
}

static void mask_integer_end(struct mask *m)
{
	if (m->step == MASK_AT_FIELD || m->step == MASK_AT_INDEX)
		mask_index(m, m->value);
	else
		mask_string(m, m->value);
}

/* The byte that an integer begins with. */
static void mask_prefix(struct mask *m, uint8_t byte, uint8_t mask)
{
	m->value = byte & mask;
	m->shift = 0;
	if (m->value == mask)
		m->step++; /* where it goes on */
	else
		mask_integer_end(m);
}

static void mask_integer(struct mask *m, uint8_t byte)
{
	m->value += (uint32_t)(byte & 0x7f) << m->shift;
	m->shift += 7;
	if (!(byte & 0x80))
		mask_integer_end(m);
	else if (m->shift > MASK_SHIFT_MOST)
		m->step = MASK_AT_BAD;
}

static void mask_field(struct mask *m, uint8_t byte)
{
	uint8_t mask = 0x0f;

	if (byte & MASK_INDEXED)
		mask = 0x7f;
	else if (byte & MASK_INSERTED)
		mask = 0x3f;
	else if (byte & MASK_RESIZED)
		mask = 0x1f;
	m->field = byte;
	mask_prefix(m, byte, mask);
}

/* Plain bytes: beyond what is kept they are only counted. */
static void mask_plain(struct mask *m, const uint8_t *at, size_t n)
{
	m->decoded += (uint32_t)n;
	while (n-- && m->keeping)
		mask_keep(m, *at++);
}

static void mask_packed(struct mask *m, const uint8_t *at, size_t n)
{
	int symbol;

	for (; n; n--) {
		huffman_put(&m->code, *at++);
		while ((symbol = huffman_next(&m->code)) >= 0) {
			m->decoded++;
			if (m->keeping)
				mask_keep(m, (uint8_t)symbol);
		}
		if (symbol == HUFFMAN_BAD) {
			m->step = MASK_AT_BAD;
			return;
		}
	}
}

static size_t mask_bytes(struct mask *m, const uint8_t *at, size_t n)
{
	n = n < m->value ? n : m->value;
	if (m->huffman)
		mask_packed(m, at, n);
	else
		mask_plain(m, at, n);
	m->value -= (uint32_t)n;
	if (!m->value && m->step != MASK_AT_BAD)
		mask_string_end(m);
	return n;
}

/* Returns what was read. What a field begins with is put as it is; there is room for a byte. */
static size_t mask_step(struct mask *m, const uint8_t *at, size_t n, uint8_t **out)
{
	switch (m->step) {
	case MASK_AT_FIELD:
		*(*out)++ = *at;
		mask_field(m, *at);
		return 1;
	case MASK_AT_INDEX:
		*(*out)++ = *at;
		mask_integer(m, *at);
		return 1;
	case MASK_AT_NAME_LENGTH:
	case MASK_AT_VALUE_LENGTH:
		m->huffman = *at >> 7;
		mask_prefix(m, *at, 0x7f);
		return 1;
	case MASK_AT_NAME_INTEGER:
	case MASK_AT_VALUE_INTEGER:
		mask_integer(m, *at);
		return 1;
	case MASK_AT_BAD:
		return n;
	default:
		return mask_bytes(m, at, n);
	}
}

/* Eight of the filler's codes are five bytes. */
static uint8_t mask_filler(const struct mask *m)
{
	static const uint8_t codes[] = { 0x18, 0xc6, 0x31, 0x8c, 0x63 };

	if (!m->packed)
		return MASK_FILLER;
	return codes[m->filled % sizeof(codes)] | (m->fill == 1 ? m->ends : 0);
}

static void mask_put(struct mask *m, uint8_t **out, const uint8_t *end)
{
	while (*out < end && m->put < MASK_LENGTH_MOST + m->kept)
		*(*out)++ = m->text[m->put++];
	for (; *out < end && m->fill; m->fill--, m->filled++)
		*(*out)++ = mask_filler(m);
}

size_t mask_read(struct mask *m, const uint8_t **at, const uint8_t *end, uint8_t *out, size_t room)
{
	uint8_t *to = out;

	while (to < out + room) {
		if (mask_waits(m))
			mask_put(m, &to, out + room);
		else if (*at < end)
			*at += mask_step(m, *at, (size_t)(end - *at), &to);
		else
			break;
	}
	return (size_t)(to - out);
}

bool mask_end(struct mask *m)
{
	bool tunnel = m->tunnel;

	m->tunnel = false;
	if (m->step != MASK_AT_FIELD)
		m->step = MASK_AT_BAD;
	return tunnel;
}
