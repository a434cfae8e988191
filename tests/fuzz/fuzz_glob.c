/*
 * fuzz_glob - whatever patterns and keys: the answer is that of the plainest table there is. The
 * input is a pattern, a byte 0x0a, and a key.
 */
#include "glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* row[j]: does the pattern so far match the first j bytes of the key? */
static bool fuzz_plain(const uint8_t *pattern, size_t length, const uint8_t *key, size_t count)
{
	bool *row = calloc(count + 1, sizeof(*row)), matches;

	row[0] = true;
	for (size_t i = 0; i < length; i++) {
		bool star = pattern[i] == '*', any = pattern[i] == '?';

		if (pattern[i] == '\\' && i + 1 < length)
			i++;
		if (star) {
			for (size_t j = 1; j <= count; j++)
				row[j] = row[j] || row[j - 1];
			continue;
		}
		for (size_t j = count; j > 0; j--)
			row[j] = row[j - 1] && (any || key[j - 1] == pattern[i]);
		row[0] = false;
	}
	matches = row[count];
	free(row);
	return matches;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t length = end ? (size_t)(end - data) : 0, count = end ? size - length - 1 : 0;
	struct glob *g;

	if (!length || glob_open(&g, data, length))
		return 0;
	if (glob_matches(g, end + 1, count) != fuzz_plain(data, length, end + 1, count))
		abort();
	glob_close(g);
	return 0;
}
