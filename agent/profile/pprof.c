#include "pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_TIME_NS = 9,
	PROFILE_DURATION_NS,
	PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD
};
enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE };
enum { MAPPING_ID = 1, MAPPING_FILE = 5, MAPPING_HAS_FUNCTIONS = 7 };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

/* The table of strings: these, then name and module of each frame. */
static const char *const pprof_strings[] = { "", "samples", "count", "cpu", "nanoseconds" };
enum { STRING_SAMPLES = 1, STRING_COUNT, STRING_CPU, STRING_NS, STRING_FRAMES };

#define PPROF_DELIMITED 2u
#define PPROF_MESSAGE (GRAPH_DEPTH * 10 + 64) /* of a sample, the longest */

struct pprof_message {
	unsigned char bytes[PPROF_MESSAGE];
	size_t length;
};

static size_t pprof_varint(unsigned char *out, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		out[n++] = (unsigned char)(value | 0x80);
	out[n++] = (unsigned char)value;
	return n;
}

static void pprof_number(struct pprof_message *m, unsigned int field, uint64_t value)
{
	m->length += pprof_varint(m->bytes + m->length, (uint64_t)field << 3);
	m->length += pprof_varint(m->bytes + m->length, value);
}

static void pprof_bytes(FILE *file, unsigned int field, const void *bytes, size_t length)
{
	unsigned char head[20];
	size_t n = pprof_varint(head, (uint64_t)field << 3 | PPROF_DELIMITED);

	n += pprof_varint(head + n, length);
	fwrite(head, 1, n, file);
	fwrite(bytes, 1, length, file);
}

static void pprof_message(FILE *file, unsigned int field, const struct pprof_message *m)
{
	pprof_bytes(file, field, m->bytes, m->length);
}

static void pprof_top_number(FILE *file, unsigned int field, uint64_t value)
{
	struct pprof_message m = { .length = 0 };

	pprof_number(&m, field, value);
	fwrite(m.bytes, 1, m.length, file);
}

static void pprof_type(FILE *file, unsigned int field, uint64_t type, uint64_t unit)
{
	struct pprof_message m = { .length = 0 };

	pprof_number(&m, TYPE_TYPE, type);
	pprof_number(&m, TYPE_UNIT, unit);
	pprof_message(file, field, &m);
}

/* Innermost frame first; the location of frame i has the id i + 1. */
static void pprof_sample(FILE *file, const struct graph *g, const struct graph_stack *s)
{
	struct pprof_message m = { .length = 0 };
	uint64_t period_ns = 1000000000 / (g->hz ? g->hz : 1);

	for (uint32_t k = s->depth; k; k--)
		pprof_number(&m, SAMPLE_LOCATION, g->places[s->first + k - 1] + 1);
	pprof_number(&m, SAMPLE_VALUE, s->samples);
	pprof_number(&m, SAMPLE_VALUE, s->samples * period_ns);
	pprof_message(file, PROFILE_SAMPLE, &m);
}

/* Its function, its place and the mapping that it stands in: all of them have the id i + 1. */
static void pprof_frame(FILE *file, const struct graph *g, uint32_t i)
{
	struct pprof_message m = { .length = 0 }, line = { .length = 0 };
	unsigned char head[20];
	size_t n;

	pprof_number(&m, MAPPING_ID, i + 1);
	pprof_number(&m, MAPPING_FILE, STRING_FRAMES + 2 * i + 1);
	pprof_number(&m, MAPPING_HAS_FUNCTIONS, 1);
	pprof_message(file, PROFILE_MAPPING, &m);
	m.length = 0;
	pprof_number(&m, FUNCTION_ID, i + 1);
	pprof_number(&m, FUNCTION_NAME, STRING_FRAMES + 2 * i);
	pprof_number(&m, FUNCTION_SYSTEM_NAME, STRING_FRAMES + 2 * i);
	pprof_number(&m, FUNCTION_FILE, g->frames[i].module[0] ? STRING_FRAMES + 2 * i + 1 : 0);
	pprof_message(file, PROFILE_FUNCTION, &m);
	m.length = 0;
	pprof_number(&m, LOCATION_ID, i + 1);
	pprof_number(&m, LOCATION_MAPPING, i + 1);
	pprof_number(&line, LINE_FUNCTION, i + 1);
	n = pprof_varint(head, LOCATION_LINE << 3 | PPROF_DELIMITED);
	n += pprof_varint(head + n, line.length);
	memcpy(m.bytes + m.length, head, n);
	memcpy(m.bytes + m.length + n, line.bytes, line.length);
	m.length += n + line.length;
	pprof_message(file, PROFILE_LOCATION, &m);
}

static void pprof_all(FILE *file, const struct graph *g)
{
	pprof_type(file, PROFILE_SAMPLE_TYPE, STRING_SAMPLES, STRING_COUNT);
	pprof_type(file, PROFILE_SAMPLE_TYPE, STRING_CPU, STRING_NS);
	for (uint32_t i = 0; i < g->stack_count; i++)
		pprof_sample(file, g, &g->stacks[i]);
	for (uint32_t i = 0; i < g->frame_count; i++)
		pprof_frame(file, g, i);
	for (size_t i = 0; i < STRING_FRAMES; i++)
		pprof_bytes(file, PROFILE_STRING, pprof_strings[i], strlen(pprof_strings[i]));
	for (uint32_t i = 0; i < g->frame_count; i++) {
		pprof_bytes(file, PROFILE_STRING, g->frames[i].name, strlen(g->frames[i].name));
		pprof_bytes(file, PROFILE_STRING, g->frames[i].module, strlen(g->frames[i].module));
	}
	pprof_top_number(file, PROFILE_TIME_NS, (uint64_t)g->at_ms * 1000000);
	pprof_top_number(file, PROFILE_DURATION_NS, g->seconds * UINT64_C(1000000000));
	pprof_type(file, PROFILE_PERIOD_TYPE, STRING_CPU, STRING_NS);
	pprof_top_number(file, PROFILE_PERIOD, 1000000000 / (g->hz ? g->hz : 1));
}

int pprof_write(const struct graph *g, char **out, size_t *length)
{
	FILE *file = open_memstream(out, length);

	if (!file)
		return -ENOMEM;
	pprof_all(file, g);
	if (fclose(file)) {
		free(*out);
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}
