#include "redis_key.h"

#include <errno.h>
#include <string.h>

static uint16_t redis_key_crc(const unsigned char *bytes, size_t length)
{
	static const uint16_t nibbles[16] = { 0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
					      0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
					      0xc18c, 0xd1ad, 0xe1ce, 0xf1ef };
	uint16_t crc = 0;

	for (size_t i = 0; i < length; i++) {
		crc = (uint16_t)(crc << 4 ^ nibbles[crc >> 12 ^ bytes[i] >> 4]);
		crc = (uint16_t)(crc << 4 ^ nibbles[crc >> 12 ^ (bytes[i] & 15)]);
	}
	return crc;
}

uint16_t redis_key_slot(const void *key, size_t length)
{
	const unsigned char *open = memchr(key, '{', length), *close, *end;

	end = (const unsigned char *)key + length;
	close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
	if (close && close > open + 1)
		return redis_key_crc(open + 1, (size_t)(close - open - 1)) % REDIS_SLOTS;
	return redis_key_crc(key, length) % REDIS_SLOTS;
}

int redis_key_pattern(const char *prefix, const void *pattern, size_t length, char *out,
		      size_t size)
{
	const char *p = pattern;
	size_t n = strlen(prefix);

	if (size < n + 2 * length)
		return -ENOSPC;
	memcpy(out, prefix, n); /* redis_prefix_check lets nothing through that a glob obeys */
	for (size_t i = 0; i < length; i++) {
		if (p[i] == '[' || p[i] == ']' || p[i] == '\\')
			out[n++] = '\\';
		if (p[i] == '\\' && i + 1 < length)
			i++;
		out[n++] = p[i];
	}
	return (int)n;
}
