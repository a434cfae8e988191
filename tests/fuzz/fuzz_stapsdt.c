/*
 * fuzz_stapsdt - notes of any bytes: what is told of one lies within them, and is of known kinds.
 */
#include "stapsdt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void argument_try(const char *text)
{
	struct stapsdt_argument a;

	for (unsigned int i = 0; i < 12; i++) {
		if (stapsdt_argument(text, i, &a))
			continue;
		if (a.operand > STAPSDT_MEMORY || a.place > 31 ||
		    (a.bytes != 1 && a.bytes != 2 && a.bytes != 4 && a.bytes != 8))
			abort();
	}
}

/* On the heap: a byte too much is found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	struct stapsdt_note note;
	size_t at = 0, before = 0;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	argument_try(bytes);
	free(bytes);
	bytes = malloc(size ? size : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	while (stapsdt_next(bytes, size, &at, &note)) {
		if (at <= before || at > size || note.provider < bytes ||
		    note.arguments + strlen(note.arguments) >= bytes + size)
			abort();
		before = at;
		argument_try(note.arguments);
	}
	free(bytes);
	return 0;
}
