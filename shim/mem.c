/*
 * mem - memcpy and its relatives for a library that links no libc.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   none.
 * Cost:     eight bytes a step.
 */
#include "mem.h"

#include "hot.h"

#include <stdbool.h>
#include <stdint.h>

/* Without it the compiler turns these loops into calls of the very functions that they are. */
#define MEM_STAY_A_LOOP() __asm__ volatile("" : : : "memory")

HOT_IN(all) void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	for (; bytes >= 8; bytes -= 8, t += 8, f += 8) {
		MEM_STAY_A_LOOP();
		__builtin_memcpy(t, f, 8);
	}
	for (; bytes; bytes--) {
		MEM_STAY_A_LOOP();
		*t++ = *f++;
	}
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)to - (uintptr_t)from >= bytes)
		return memcpy(to, from, bytes);
	while (bytes) {
		MEM_STAY_A_LOOP();
		bytes--;
		t[bytes] = f[bytes];
	}
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	uint64_t word = UINT64_C(0x0101010101010101) * (uint8_t)value;
	uint8_t *t = to;

	for (; bytes >= 8; bytes -= 8, t += 8) {
		MEM_STAY_A_LOOP();
		__builtin_memcpy(t, &word, 8);
	}
	for (; bytes; bytes--) {
		MEM_STAY_A_LOOP();
		*t++ = (uint8_t)value;
	}
	return to;
}

static inline bool mem_same_word(const uint8_t *x, const uint8_t *y)
{
	uint64_t p, q;

	__builtin_memcpy(&p, x, 8);
	__builtin_memcpy(&q, y, 8);
	return p == q;
}

/* The last bytes are looked at with those before them, where there are eight. */
HOT_IN(all) int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	if (bytes >= 8) {
		for (; bytes > 8 && mem_same_word(x, y); bytes -= 8) {
			x += 8;
			y += 8;
		}
		if (bytes <= 8 && mem_same_word(x + bytes - 8, y + bytes - 8))
			return 0;
	}
	for (; bytes; bytes--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n]) {
		MEM_STAY_A_LOOP();
		n++;
	}
	return n;
}

size_t mem_copy_text(char *to, size_t bytes, const char *from)
{
	size_t n = 0;

	for (; n + 1 < bytes && from[n]; n++)
		to[n] = from[n];
	to[n] = 0;
	return n;
}
