#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The format's own marks would cut a name in two. */
static void report_name(FILE *file, const struct graph_frame *frame)
{
	for (const char *c = frame->name; *c; c++)
		fputc(*c == ';' ? ':' : *c == '\n' ? ' ' : *c, file);
	if (frame->kernel)
		fputs("_[k]", file);
}

int report_collapsed(const struct graph *g, char **out, size_t *length)
{
	FILE *file = open_memstream(out, length);

	if (!file)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->stack_count; i++) {
		const struct graph_stack *s = &g->stacks[i];

		for (uint32_t k = 0; k < s->depth; k++) {
			if (k)
				fputc(';', file);
			report_name(file, &g->frames[g->places[s->first + k]]);
		}
		fprintf(file, "%s %" PRIu64 "\n", s->depth ? "" : "[unknown]", s->samples);
	}
	if (fclose(file)) {
		free(*out);
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void report_frames(const struct graph *g, struct json *j)
{
	json_array_begin(j, "frames");
	for (uint32_t i = 0; i < g->frame_count; i++) {
		const struct graph_frame *f = &g->frames[i];

		json_object_begin(j, NULL);
		json_string(j, "name", f->name);
		json_string(j, "module", f->module[0] ? f->module : NULL);
		json_bool(j, "kernel", f->kernel);
		json_string(j, "unnamedBecause", f->why);
		json_object_end(j);
	}
	json_array_end(j);
}

static void report_stacks(const struct graph *g, struct json *j)
{
	json_array_begin(j, "stacks");
	for (uint32_t i = 0; i < g->stack_count; i++) {
		const struct graph_stack *s = &g->stacks[i];

		json_object_begin(j, NULL);
		if (g->kind == GRAPH_OFFCPU) {
			json_uint(j, "waits", s->waits);
			json_uint(j, "waitedNs", s->samples);
			json_string(j, "cause", graph_cause(s->cause));
		} else {
			json_uint(j, "samples", s->samples);
		}
		json_array_begin(j, "frames");
		for (uint32_t k = 0; k < s->depth; k++)
			json_uint(j, NULL, g->places[s->first + k]);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

void report_json(const struct graph *g, struct json *j)
{
	bool waits = g->kind == GRAPH_OFFCPU;

	json_object_begin(j, NULL);
	json_string(j, "kind", waits ? "offcpu" : "cpu");
	json_time(j, "at", g->at_ms);
	json_uint(j, "seconds", g->seconds);
	if (!waits)
		json_uint(j, "hz", g->hz);
	json_uint(j, "processes", g->processes);
	if (waits) {
		json_uint(j, "waits", g->waits);
		json_uint(j, "waitedNs", g->samples);
		json_uint(j, "spanNs", g->span_ns);
	} else {
		json_uint(j, "samples", g->samples);
	}
	json_uint(j, "lost", g->lost);
	json_string(j, "problem", g->problem[0] ? g->problem : NULL);
	report_frames(g, j);
	report_stacks(g, j);
	json_object_end(j);
}
