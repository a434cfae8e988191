/*
 * column - a run of numbers in few bits: the first, then differences; or what exceeds the least.
 *
 * Threads:  pure functions.
 * Memory:   the caller's. Format: a byte, width of a number in bits | 0x80 where it exceeds the
 *           least; LEB128 of the first or of the least; then the numbers, low bits first, ended
 *           with a byte. Differences are folded: 0, -1, 1, -2 … Patched, 65 is added to the width
 *           and behind the numbers stand, of those that are wider: how many, then distance from the
 *           one before and what lies above the width, LEB128 each. The shortest form is written.
 *           After PFOR and PFOR-DELTA of Zukowski, Héman, Nes and Boncz, Super-Scalar RAM-CPU Cache
 *           Compression, ICDE 2006; LEB128 is that of DWARF 5, section 7.6.
 * Errors:   is_bad for bytes that column_put did not write.
 */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COLUMN_COUNT 127u /* numbers; so that their patches have places of a byte */
#define COLUMN_MAX(count) (1 + 10 + (size_t)(count)*8 + 1)

struct column_reader {
	const uint8_t *at, *end;
	bool is_bad;
};

/* count: 1 to COLUMN_COUNT. */
size_t column_put(uint8_t *out, const uint64_t *values, uint32_t count);
/* Where a few jump, as levels do. What is not gauges goes without: earlier agents read it too. */
size_t column_put_patched(uint8_t *out, const uint64_t *values, uint32_t count);
void column_get(struct column_reader *reader, uint64_t *values, uint32_t count);

/* LEB128; 0 and is_bad: there is none. */
size_t column_number_put(uint8_t *out, uint64_t value);
uint64_t column_number_get(struct column_reader *reader);

#endif
