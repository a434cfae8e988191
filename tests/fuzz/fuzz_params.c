/*
 * fuzz_params - whatever targets a request has: they come apart within their bounds or are refused
 * with a reason, and a key comes back as the bytes that it was encoded from.
 */
#include "params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_target(const char *target)
{
	struct refusal no = { .status = 0 };
	const struct request r = { .now_ns = 1, .wall_ms = 1 };
	struct params p;
	struct ask ask;

	if (params_split(target, &p, &no)) {
		if (no.status < 400 || !no.code || !no.message[0])
			abort();
		return;
	}
	if (p.count > PARAMS_COUNT || (p.key && (!p.key_length || p.key_length > PARAMS_KEY)))
		abort();
	params_ask(&p, ~0u, &r, &ask, &no);
}

static void fuzz_round(const uint8_t *key, size_t length)
{
	char target[sizeof(PARAMS_KEYED) + 3 * PARAMS_KEY] = PARAMS_KEYED;
	size_t at = sizeof(PARAMS_KEYED) - 1;
	struct refusal no = { .status = 0 };
	struct params p;

	for (size_t i = 0; i < length; i++)
		at += (size_t)snprintf(target + at, sizeof(target) - at, "%%%02x", key[i]);
	if (params_split(target, &p, &no) || p.key_length != length ||
	    memcmp(p.key, key, length) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *target = malloc(size + 1);

	memcpy(target, data, size);
	target[size] = '\0';
	fuzz_target(target);
	free(target);
	if (size && size <= PARAMS_KEY)
		fuzz_round(data, size);
	return 0;
}
