/*
 * fold - a path with its obvious variable segments replaced by {}.
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

/*
 * Whole segments of digits, of 8 and more hexadecimal digits, UUIDs and dates (2024-01-31) become
 * {}. Writes at most RS_PATH_BYTES (abi.h) to out and returns how many.
 */
size_t fold_path(const uint8_t *in, size_t n, uint8_t *out);

/* What a segment is: fold_path replaces all but the first. */
enum fold_kind { FOLD_TO_NOTHING, FOLD_TO_ID, FOLD_TO_HEX, FOLD_TO_UUID, FOLD_TO_DATE };
enum fold_kind fold_kind(const uint8_t *segment, size_t n);

/* false: fold_path would copy it as it is. */
bool fold_may_change(const uint8_t *in, size_t n);

#endif
