#include "glob.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GLOB_WORDS (GLOB_BYTES / 64 + 1)

/* State i: the first i elements have been met. An element takes one byte; stars are no elements. */
struct glob {
	size_t elements, words;
	uint64_t stays[GLOB_WORDS];      /* states with a star behind them */
	uint64_t takes[256][GLOB_WORDS]; /* of a byte: the states whose next element takes it */
};

static void glob_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void glob_compile(struct glob *g, const unsigned char *pattern, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (pattern[i] == '*') {
			glob_set(g->stays, g->elements);
			continue;
		}
		if (pattern[i] == '?') {
			for (size_t byte = 0; byte < 256; byte++)
				glob_set(g->takes[byte], g->elements);
		} else {
			i += pattern[i] == '\\' && i + 1 < length;
			glob_set(g->takes[pattern[i]], g->elements);
		}
		g->elements++;
	}
	g->words = g->elements / 64 + 1;
}

int glob_open(struct glob **out, const void *pattern, size_t length)
{
	struct glob *g;

	if (!length || length > GLOB_BYTES)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	glob_compile(g, pattern, length);
	*out = g;
	return 0;
}

void glob_close(struct glob *g)
{
	free(g);
}

/* One byte; false: no state is left, and none can come back. */
static bool glob_step(const struct glob *g, uint64_t *states, unsigned char byte)
{
	uint64_t carry = 0, any = 0;

	for (size_t i = 0; i < g->words; i++) {
		uint64_t taken = states[i] & g->takes[byte][i];

		states[i] = taken << 1 | carry | (states[i] & g->stays[i]);
		carry = taken >> 63;
		any |= states[i];
	}
	return any;
}

bool glob_matches(const struct glob *g, const void *key, size_t length)
{
	const unsigned char *at = key;
	uint64_t states[GLOB_WORDS] = { 1 };

	for (size_t i = 0; i < length; i++) {
		if (!glob_step(g, states, at[i]))
			return false;
	}
	return states[g->elements / 64] >> g->elements % 64 & 1;
}
