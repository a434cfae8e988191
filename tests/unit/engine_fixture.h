/*
 * engine_fixture - an engine with the rules of a text, and series that a test sets by hand.
 */
#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H

#include "engine.h"
#include "rs_test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define WALL_MS INT64_C(1767225600000)

/* The shipped rules are switched off by an engine_fixture of their own names. */
#define SLOW                                                                                       \
	"{\"name\":\"slow\",\"metric\":\"requests.duration\",\"interval\":\"10s\","                \
	"\"cooldown\":\"60s\",\"warning\":{\"above\":\"1s\",\"clear\":\"500ms\"},"                 \
	"\"critical\":{\"above\":\"5s\"},\"summary\":\"{service} {value}\"}"
#define GONE                                                                                       \
	"{\"name\":\"gone\",\"metric\":\"service.processes\",\"interval\":\"10s\","                \
	"\"critical\":{\"below\":1}}"

struct engine_series {
	struct notice_labels labels;
	double value;
};

struct engine_fixture {
	struct engine *engine;
	struct engine_series slow[8], gone[8];
	int slow_count, gone_count; /* negative: an error */
	int64_t now_s;
	int64_t wall_ms;
};

static inline int fixture_read(void *ctx, const struct spec *spec, struct engine_reading **rows)
{
	struct engine_fixture *f = ctx;
	bool gone = !strcmp(spec->name, "gone");
	const struct engine_series *from = gone ? f->gone : f->slow;
	int count = gone ? f->gone_count : f->slow_count;

	*rows = NULL;
	if (!gone && strcmp(spec->name, "slow") != 0)
		return -ENODATA;
	if (count < 0)
		return count;
	*rows = calloc((size_t)count + 1, sizeof(**rows));
	assert_non_null(*rows);
	for (int i = 0; i < count; i++)
		(*rows)[i] = (struct engine_reading){ &from[i], from[i].value };
	return count;
}

static inline void fixture_label(void *ctx, const struct spec *spec, const void *of,
				 struct notice_labels *out)
{
	(void)ctx;
	(void)spec;
	*out = ((const struct engine_series *)of)->labels;
}

static inline struct book *fixture_book(const char *rules)
{
	static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };
	static struct findings findings;
	struct bundle bundle = { .at = 0 };
	struct book *book;
	char text[2048];

	snprintf(text, sizeof(text), "0 %zu a.json\n%s", strlen(rules), rules);
	bundle.bytes = text;
	bundle.length = strlen(text);
	findings_init(&findings);
	if (book_read(&book, &defaults, &bundle, &findings))
		fail_msg("%s", findings.rows[0]);
	return book;
}

static inline void fixture_series(struct engine_series *row, const char *service, double value)
{
	memset(row, 0, sizeof(*row));
	snprintf(row->labels.service, sizeof(row->labels.service), "%s", service);
	row->value = value;
}

static inline void fixture_step(struct engine_fixture *f, int64_t after_s)
{
	f->now_s += after_s;
	f->wall_ms += after_s * 1000;
	engine_step(f->engine, f->now_s * SECOND, f->wall_ms);
}

static inline void fixture_engine(struct engine_fixture *f)
{
	const struct engine_config config = { .read = fixture_read,
					      .label = fixture_label,
					      .ctx = f,
					      .second_level = 3,
					      .third_level = 6,
					      .base = "http://x" };

	assert_int_equal(engine_open(&f->engine, &config), 0);
}

static inline void fixture_open(struct engine_fixture *f, const char *rules)
{
	memset(f, 0, sizeof(*f));
	f->now_s = 1000;
	f->wall_ms = WALL_MS;
	fixture_engine(f);
	assert_int_equal(
		engine_rules(f->engine, fixture_book(rules), f->now_s * SECOND, f->wall_ms), 0);
	f->slow_count = 1;
	fixture_series(&f->slow[0], "shop", 100);
	fixture_step(f, 1);
}

static inline const struct engine_rule *fixture_rule(const struct engine_fixture *f,
						     const char *name)
{
	return &f->engine->rules[book_find(f->engine->book, name) - f->engine->book->specs];
}

#endif
