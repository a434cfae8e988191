/*
 * source - what rules are about, read from the live aggregates.
 *
 * Threads:  one owner; metrics looks after itself.
 * Memory:   rows that several rules ask for are kept from source_begin to source_end.
 * Errors:   -ENODATA: nobody delivers this yet; -ENOMEM.
 */
#ifndef RULES_SOURCE_H
#define RULES_SOURCE_H

#include "engine.h"

#define SOURCE_KEPT 8

struct metrics;
struct metrics_row;
struct metrics_process;

/* What the agent's cache did in a window, and how full it is. */
struct source_cache {
	double looks, hits, evictions;
	double memory_percent; /* of its limit */
};

/* What the agent knows of itself; NAN: not yet. */
struct source_agent {
	double cpu_percent; /* of a core */
	double memory;      /* bytes */
	/* NULL: there is no cache */
	void (*cache)(void *ctx, uint64_t from_ns, struct source_cache *out);
	void *cache_ctx;
	double redis_failures; /* of its Redis, in a row; NAN: it has none */
};

struct source_rows {
	struct metrics_row *rows;
	int count;
	uint64_t from_ns;
	bool by_route;
};

struct source {
	struct metrics *metrics;
	struct source_agent agent;
	int64_t now_ns;
	struct source_rows kept[SOURCE_KEPT];
	size_t kept_count;
};

void source_begin(struct source *s, int64_t now_ns);
void source_end(struct source *s);

/* The rows of a window that ends now, kept until source_end or until a rule is read. */
int source_rows_get(struct source *s, int64_t span_ns, bool by_route,
		    const struct source_rows **out);
struct metrics_scope source_scope(const struct source *s, int64_t span_ns);

/* As a label of a route has it: "GET"; "_OTHER". */
const char *source_method(uint8_t method);

/* An engine_read_fn, and its engine_label_fn. */
int source_read(void *source, const struct spec *spec, struct engine_reading **rows);
void source_label(void *source, const struct spec *spec, const void *of, struct notice_labels *out);

#endif
