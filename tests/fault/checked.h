/*
 * checked - requests of which each field follows from a number, so that a record tells whether its
 * fields belong together.
 */
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include "lane.h"

#include <stddef.h>

struct checked {
	char path[RS_PATH_BYTES + 1];
	char request[512];
	char response[512];
	size_t request_bytes;
	size_t response_bytes;
	uint16_t status;
	uint8_t method; /* enum rs_method */
};

void checked_make(struct checked *c, uint32_t number);

/* NULL: all of it belongs together; else what does not. */
const char *checked_fault(const struct lane_record *record);

#endif
