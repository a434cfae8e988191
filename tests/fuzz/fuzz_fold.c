/*
 * fuzz_fold - a shape has its bounds, and folding it again changes nothing.
 */
#include "fold.h"

#include <ringside/abi.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *out = malloc(RS_PATH_BYTES); /* on the heap: a byte too much is found */
	uint8_t again[RS_PATH_BYTES];
	size_t n;

	if (!out)
		return 0;
	n = fold_path(data, size, out);
	if (n > RS_PATH_BYTES)
		abort();
	if (!fold_may_change(data, size) && (n != size || memcmp(out, data, n) != 0))
		abort();
	/* At the limit the last segment was cut, and what is left of it may fold. */
	if (n < RS_PATH_BYTES && (fold_path(out, n, again) != n || memcmp(out, again, n) != 0))
		abort();
	free(out);
	return 0;
}
