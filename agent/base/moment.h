/*
 * moment - what time it is, and its form as text. The only file of the agent's base with a clock.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   -EINVAL.
 */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdint.h>

#define MOMENT_TEXT 32

uint64_t moment_monotonic_ns(void);
uint64_t moment_boot_ns(void); /* since boot, suspended time included */
int64_t moment_wall_ms(void);

/* "2026-01-15T10:30:00.000Z" */
void moment_format(int64_t wall_ms, char out[MOMENT_TEXT]);
/* ISO 8601 with Z or an offset (seconds and fraction may be left out), or unix seconds. */
int moment_parse(const char *text, int64_t *wall_ms);

#endif
