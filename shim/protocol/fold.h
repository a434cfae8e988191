/*
 * fold - a path with its obvious variable segments replaced by what they are.
 *
 * Threads:  any; pure.
 * Memory:   the caller's.
 * Errors:   none; what does not fit is cut.
 * Cost:     about 1 ns a byte.
 */
#ifndef PROTOCOL_FOLD_H
#define PROTOCOL_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a segment is: fold_path replaces all but the first. */
enum fold_kind {
	FOLD_WORD,
	FOLD_ID,   /* digits */
	FOLD_HEX,  /* eight hexadecimal digits and more */
	FOLD_UUID, /* 8-4-4-4-12 */
	FOLD_DATE, /* 2024-01-31 */
	FOLD_KINDS,
};

extern const char fold_name[FOLD_KINDS][8]; /* "{id}" … */

enum fold_kind fold_kind(const uint8_t *segment, size_t n);

/* Writes at most RS_PATH_BYTES (abi.h) to out and returns how many. */
size_t fold_path(const uint8_t *in, size_t n, uint8_t *out);

/* false: fold_path would copy it as it is. */
bool fold_may_change(const uint8_t *in, size_t n);

#endif
