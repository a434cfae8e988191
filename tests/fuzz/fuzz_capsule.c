/*
 * fuzz_capsule - whatever lies in Redis: what is read as a value is one, is made again as it was,
 * and no other byte of it would do; what is heard as a message is one, too.
 *
 * Input: a byte; odd: the checksums of head and body are made right, so that what they guard is
 * reached. Then what is read.
 */
#include "capsule.h"
#include "drop.h"
#include "put.h"
#include "siphash.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_HEAD 64u
#define FUZZ_CHECKSUM 56u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_seal(uint8_t *bytes, size_t length)
{
	static const uint64_t none[2] = { 0, 0 };
	uint64_t key[2] = { siphash(none, bytes, FUZZ_CHECKSUM), 0 }, all;

	all = siphash(key, bytes + FUZZ_HEAD, length - FUZZ_HEAD);
	memcpy(bytes + FUZZ_CHECKSUM, &all, sizeof(all));
}

static void fuzz_capsule(const uint8_t *bytes, size_t length)
{
	const char *tags;
	struct capsule c;
	size_t made;
	void *again;
	int known = capsule_tags(bytes, length, &tags);

	if (!known && (tags <= (const char *)bytes || tags >= (const char *)bytes + length))
		abort();
	if (capsule_read(bytes, length, &c))
		return;
	if (!put_is_type(c.value.type) || !c.key.length || !c.ttl_s ||
	    c.value.bytes.length > c.value.length || known || strcmp(tags, c.value.tags) != 0)
		abort();
	if (capsule_make(&c, &again, &made) || made != length || memcmp(again, bytes, made) != 0)
		abort();
	((uint8_t *)again)[bytes[length - 1] % length] ^= 1;
	if (!capsule_read(again, made, &c))
		abort();
	free(again);
}

static void fuzz_message(const uint8_t *bytes, size_t length)
{
	uint64_t sender;
	struct drop *d;
	size_t made;
	void *again;

	if (drop_read(bytes, length, &sender, &d))
		return;
	if (drop_write(d, sender, &again, &made) || made != length ||
	    memcmp(again, bytes, made) != 0)
		abort();
	free(again);
	drop_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(size - 1);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1 && size - 1 >= FUZZ_HEAD)
		fuzz_seal(copy, size - 1);
	fuzz_capsule(copy, size - 1);
	fuzz_message(copy, size - 1);
	free(copy);
	return 0;
}
