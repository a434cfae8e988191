#include "fold.h"

#include "hot.h"

#include <ringside/abi.h>

#include <string.h>

#define FOLD_IS_DIGIT 1u
#define FOLD_IS_HEX 2u
#define FOLD_IS_DASHED 4u /* may stand in a UUID or a date */
#define FOLD_HEX_LEAST 8u
#define FOLD_UUID_BYTES 36u
#define FOLD_DATE_BYTES 10u

const char fold_name[FOLD_KINDS][8] = {
	[FOLD_ID] = "{id}",
	[FOLD_HEX] = "{hex}",
	[FOLD_UUID] = "{uuid}",
	[FOLD_DATE] = "{date}",
};

static const HOT_TABLE uint8_t fold_class[256] = {
	['0' ... '9'] = FOLD_IS_DIGIT | FOLD_IS_HEX | FOLD_IS_DASHED,
	['a' ... 'f'] = FOLD_IS_HEX | FOLD_IS_DASHED,
	['A' ... 'F'] = FOLD_IS_HEX | FOLD_IS_DASHED,
	['-'] = FOLD_IS_DASHED,
};

static bool fold_fits(const uint8_t *segment, size_t n, const char *pattern)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t wanted = pattern[i] == 'x' ? FOLD_IS_HEX : FOLD_IS_DIGIT;

		if (pattern[i] == '-' ? segment[i] != '-' : !(fold_class[segment[i]] & wanted))
			return false;
	}
	return true;
}

enum fold_kind fold_kind(const uint8_t *segment, size_t n)
{
	uint8_t classes = n ? 0xff : 0; /* what all its bytes have in common */

	for (size_t i = 0; i < n; i++)
		classes &= fold_class[segment[i]];
	if (classes & FOLD_IS_DIGIT)
		return FOLD_ID;
	if ((classes & FOLD_IS_HEX) && n >= FOLD_HEX_LEAST)
		return FOLD_HEX;
	if (!(classes & FOLD_IS_DASHED))
		return FOLD_WORD;
	if (n == FOLD_UUID_BYTES && fold_fits(segment, n, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
		return FOLD_UUID;
	if (n == FOLD_DATE_BYTES && fold_fits(segment, n, "dddd-dd-dd"))
		return FOLD_DATE;
	return FOLD_WORD;
}

static size_t fold_put(uint8_t *out, size_t done, uint8_t c)
{
	if (done < RS_PATH_BYTES)
		out[done++] = c;
	return done;
}

/* One segment, n bytes; its place in out begins at done. */
static size_t fold_segment(const uint8_t *in, size_t n, uint8_t *out, size_t done)
{
	const char *name = fold_name[fold_kind(in, n)];

	for (size_t i = 0; *name && name[i]; i++)
		done = fold_put(out, done, (uint8_t)name[i]);
	for (size_t i = 0; !*name && i < n; i++)
		done = fold_put(out, done, in[i]);
	return done;
}

static inline bool fold_begins_variable(const uint8_t *in, size_t at, size_t n)
{
	return at < n && (fold_class[in[at]] & FOLD_IS_DASHED);
}

/* 0x80 in each byte of the word that is a slash. */
static inline uint64_t fold_slashes(const uint8_t *at)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	word ^= UINT64_C(0x2f2f2f2f2f2f2f2f);
	return ~(((word & low) + low) | word | low);
}

/* A segment that is variable begins with a byte that may stand in one. What is no whole word is
 * looked at with bytes before it. */
bool fold_may_change(const uint8_t *in, size_t n)
{
	size_t at = 0;

	if (n > RS_PATH_BYTES || fold_begins_variable(in, 0, n))
		return true;
	while (n - at >= 8) {
		for (uint64_t slashes = fold_slashes(in + at); slashes; slashes &= slashes - 1) {
			size_t slash = at + (size_t)__builtin_ctzll(slashes) / 8;

			if (fold_begins_variable(in, slash + 1, n))
				return true;
		}
		at = n - at > 8 && n - at < 16 ? n - 8 : at + 8;
	}
	for (; at < n; at++) {
		if (in[at] == '/' && fold_begins_variable(in, at + 1, n))
			return true;
	}
	return false;
}

size_t fold_path(const uint8_t *in, size_t n, uint8_t *out)
{
	size_t done = 0;
	size_t from = 0;

	while (from < n && done < RS_PATH_BYTES) {
		size_t to = from;

		while (to < n && in[to] != '/')
			to++;
		done = fold_segment(in + from, to - from, out, done);
		if (to < n)
			done = fold_put(out, done, '/');
		from = to + 1;
	}
	return done;
}
