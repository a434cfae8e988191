/*
 * canonical - the one form that captured names take.
 *
 * Includers: list.h, shim/protocol/identity.c, shim/protocol/script.c, agent/base/text.c.
 * Format:    bytes outside 0x21-0x7e become %XX.
 * Bounds:    cut to fit, never inside a %XX.
 * It runs in a constructor ahead of any libc: no calls, no memory of its own.
 */
#ifndef RINGSIDE_CANONICAL_H
#define RINGSIDE_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one byte takes. blanks: these stay as they are. */
static inline size_t rs_canonical_bytes(uint8_t byte, bool blanks)
{
	return (byte >= 0x21 && byte <= 0x7e) || (blanks && byte == ' ') ? 1 : 3;
}

/* Into size bytes with the NUL at its end (0: nothing is written); returns the length. */
static inline size_t rs_canonical(const void *bytes, size_t length, bool blanks, char *out,
				  size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	const uint8_t *in = bytes;
	size_t at = 0;

	if (!size)
		return 0;
	for (size_t i = 0; i < length; i++) {
		size_t need = rs_canonical_bytes(in[i], blanks);

		if (at + need >= size)
			break;
		if (need == 1) {
			out[at++] = (char)in[i];
			continue;
		}
		out[at++] = '%';
		out[at++] = hex[in[i] >> 4];
		out[at++] = hex[in[i] & 15];
	}
	out[at] = '\0';
	return at;
}

#endif
