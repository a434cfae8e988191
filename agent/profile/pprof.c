#include "pprof.h"

#include "cause.h"

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
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STRING };
enum { MAPPING_ID = 1, MAPPING_FILE = 5, MAPPING_HAS_FUNCTIONS = 7 };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

/* The table of strings: these, the causes, then name and module of each frame. */
static const char *const pprof_strings[] = { "",       "samples",     "count",
					     "cpu",    "nanoseconds", "contentions",
					     "offcpu", "cause" };
enum {
	STRING_SAMPLES = 1,
	STRING_COUNT,
	STRING_CPU,
	STRING_NS,
	STRING_CONTENTIONS,
	STRING_OFFCPU,
	STRING_CAUSE,
	STRING_CAUSES,
	STRING_FRAMES = STRING_CAUSES + CAUSES
};

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

/* A message within another one. */
static void pprof_inner(struct pprof_message *m, unsigned int field, const struct pprof_message *in)
{
	m->length += pprof_varint(m->bytes + m->length, (uint64_t)field << 3 | PPROF_DELIMITED);
	m->length += pprof_varint(m->bytes + m->length, in->length);
	memcpy(m->bytes + m->length, in->bytes, in->length);
	m->length += in->length;
}

static void pprof_cause(struct pprof_message *m, uint32_t cause)
{
	struct pprof_message label = { .length = 0 };

	pprof_number(&label, LABEL_KEY, STRING_CAUSE);
	pprof_number(&label, LABEL_STRING, STRING_CAUSES + cause);
	pprof_inner(m, SAMPLE_LABEL, &label);
}

/* What one sample stands for; a wait is as long as it was. */
static uint64_t pprof_period_ns(const struct graph *g)
{
	return g->kind == GRAPH_OFFCPU ? 1 : 1000000000 / (g->hz ? g->hz : 1);
}

/* Innermost frame first; the location of frame i has the id i + 1. */
static void pprof_sample(FILE *file, const struct graph *g, const struct graph_stack *s)
{
	struct pprof_message m = { .length = 0 };
	bool waits = g->kind == GRAPH_OFFCPU;

	for (uint32_t k = s->depth; k; k--)
		pprof_number(&m, SAMPLE_LOCATION, g->places[s->first + k - 1] + 1);
	pprof_number(&m, SAMPLE_VALUE, waits ? s->waits : s->samples);
	pprof_number(&m, SAMPLE_VALUE, s->samples * pprof_period_ns(g));
	if (waits)
		pprof_cause(&m, s->cause);
	pprof_message(file, PROFILE_SAMPLE, &m);
}

/* Its function, its place and the mapping that it stands in: all of them have the id i + 1. */
static void pprof_frame(FILE *file, const struct graph *g, uint32_t i)
{
	struct pprof_message m = { .length = 0 }, line = { .length = 0 };

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
	pprof_inner(&m, LOCATION_LINE, &line);
	pprof_message(file, PROFILE_LOCATION, &m);
}

static void pprof_all(FILE *file, const struct graph *g)
{
	bool waits = g->kind == GRAPH_OFFCPU;
	uint32_t time = waits ? STRING_OFFCPU : STRING_CPU;

	pprof_type(file, PROFILE_SAMPLE_TYPE, waits ? STRING_CONTENTIONS : STRING_SAMPLES,
		   STRING_COUNT);
	pprof_type(file, PROFILE_SAMPLE_TYPE, time, STRING_NS);
	for (uint32_t i = 0; i < g->stack_count; i++)
		pprof_sample(file, g, &g->stacks[i]);
	for (uint32_t i = 0; i < g->frame_count; i++)
		pprof_frame(file, g, i);
	for (size_t i = 0; i < STRING_CAUSES; i++)
		pprof_bytes(file, PROFILE_STRING, pprof_strings[i], strlen(pprof_strings[i]));
	for (uint32_t i = 0; i < CAUSES; i++)
		pprof_bytes(file, PROFILE_STRING, graph_cause(i), strlen(graph_cause(i)));
	for (uint32_t i = 0; i < g->frame_count; i++) {
		pprof_bytes(file, PROFILE_STRING, g->frames[i].name, strlen(g->frames[i].name));
		pprof_bytes(file, PROFILE_STRING, g->frames[i].module, strlen(g->frames[i].module));
	}
	pprof_top_number(file, PROFILE_TIME_NS, (uint64_t)g->at_ms * 1000000);
	pprof_top_number(file, PROFILE_DURATION_NS,
			 g->span_ns ? g->span_ns : g->seconds * UINT64_C(1000000000));
	pprof_type(file, PROFILE_PERIOD_TYPE, time, STRING_NS);
	pprof_top_number(file, PROFILE_PERIOD, pprof_period_ns(g));
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
