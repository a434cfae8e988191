#include "host.h"

#include <stdbool.h>

static bool host_fits(uint8_t c)
{
	return (uint8_t)(c - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '-' || c == '_' ||
	       c == '.';
}

size_t host_canonical(const uint8_t *from, size_t n, uint8_t out[HOST_BYTES])
{
	n -= n && from[n - 1] == '.';
	if (n > HOST_BYTES)
		return 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t)(from[i] - 'A') < 26 ? from[i] | 0x20 : from[i];
		if (!host_fits(out[i]))
			return 0;
	}
	return n;
}
