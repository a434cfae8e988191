/*
 * pairs_fixture - a program that hears of requests: what pairs.c tells, kept in order.
 */
#ifndef TESTS_PAIRS_FIXTURE_H
#define TESTS_PAIRS_FIXTURE_H

#include "pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARD_MOST 64
#define HEARD_NAMES 32

struct heard {
	uint64_t clock; /* one more each time it is looked at */
	uint64_t looks;
	uint64_t begun;
	uint64_t dropped;
	uint64_t done;
	uint32_t lent;
	uint32_t listed; /* entries in progress */
	uint32_t blocks; /* that may be lent */
	uint32_t unparsed[RS_UNPARSED_REASONS];
	uint32_t names;
	char name[HEARD_NAMES][RS_PATH_BYTES + 1];
	struct served served[HEARD_MOST];
};

static struct heard heard;

static uint64_t heard_now(void *context)
{
	(void)context;
	heard.looks++;
	return heard.clock;
}

static void heard_begun(void *context, uint64_t t0, uint32_t requests)
{
	(void)context;
	(void)t0;
	heard.begun += requests;
}

static void heard_dropped(void *context, uint64_t requests)
{
	(void)context;
	heard.dropped += requests;
}

static int32_t heard_open(void *context, uint64_t t0, uint16_t shape)
{
	(void)context;
	(void)t0;
	(void)shape;
	heard.listed++;
	return 7;
}

static void heard_shut(void *context, int32_t open)
{
	(void)context;
	heard.listed -= open >= 0;
}

/* Numbers from 1 on, in the order of their first mention. */
static uint16_t heard_name(void *context, const uint8_t *name, size_t length, bool sure)
{
	uint32_t i;

	(void)context;
	for (i = 0; i < heard.names; i++) {
		if (strlen(heard.name[i]) == length && !memcmp(heard.name[i], name, length))
			return (uint16_t)(i + 1);
	}
	if (!sure || i == HEARD_NAMES)
		return 0;
	memcpy(heard.name[i], name, length);
	heard.names++;
	return (uint16_t)(i + 1);
}

static void heard_done(void *context, struct served *request)
{
	(void)context;
	heard.served[heard.done++ % HEARD_MOST] = *request;
}

static void heard_unparsed(void *context, uint8_t why)
{
	(void)context;
	heard.unparsed[why]++;
}

static struct pairs_block *heard_lend(void *context)
{
	(void)context;
	if (heard.lent == heard.blocks)
		return NULL;
	heard.lent++;
	return malloc(sizeof(struct pairs_block));
}

static void heard_give_back(void *context, struct pairs_block *block)
{
	(void)context;
	heard.lent--;
	free(block);
}

const struct pairs_ops pairs_ops = {
	heard_now,  heard_begun, heard_dropped,  heard_open, heard_shut,
	heard_name, heard_done,  heard_unparsed, heard_lend, heard_give_back,
};

static inline void heard_nothing(void)
{
	memset(&heard, 0, sizeof(heard));
	heard.clock = 1000;
	heard.blocks = UINT32_MAX;
}

/* "NAME status, NAME status …" of all requests told so far. */
static inline const char *heard_story(void)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (uint64_t i = 0; i < heard.done && i < HEARD_MOST; i++) {
		const struct served *s = &heard.served[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %u", i ? ", " : "",
				      s->shape ? heard.name[s->shape - 1] : "-", s->status);
	}
	return text;
}

#endif
