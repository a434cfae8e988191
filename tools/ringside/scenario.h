/*
 * scenario - a test of rules as somebody wrote it: series, for how long, and what is to come of it.
 *
 * Threads:  one.
 * Memory:   scenario_open allocates, scenario_close frees; the text is borrowed.
 * Errors:   -EINVAL with "file:line: path: reason"; -ENOMEM.
 * Format:   {"rules": [RULE, …], "begin": "2026-01-15T10:00:00Z", "lasts": "10m",
 *            "series": [{"service": …, "route": …, "samples":
 *              [{"from": "0s", "to": "60s", "rate": 5, "duration": "90ms", "status": 200}]},
 *              {"service": …, "metric": "cpu.percent", "samples": [{"to": "2m", "value": 50}]}],
 *            "expect": [{"at": "31s", "within": "1s", "rule": …, "service": …, "state": "firing",
 *              "severity": "warning", "level": 1}]}
 */
#ifndef RINGSIDE_SCENARIO_H
#define RINGSIDE_SCENARIO_H

#include "config_file.h"
#include "replay.h"
#include "tree.h"

#define SCENARIO_ROWS 4096u /* samples of all series; expectations */

enum scenario_state { SCENARIO_PENDING, SCENARIO_FIRING, SCENARIO_NOTICE, SCENARIO_RESOLVED };

/* What an alert does, or is to do; of the latter what was not written is not compared. */
struct scenario_turn {
	uint32_t at_s, within_s;
	char rule[SPEC_NAME];
	struct notice_labels labels;
	enum scenario_state state;
	int severity, level; /* -1: not written */
	double value;
	enum metric_unit unit;
};

struct scenario {
	const struct config_text *text;
	struct tree *root;
	const struct tree *rules; /* NULL: it has none of its own */
	int64_t begin_ms;
	uint32_t lasts_s;
	struct replay_load *loads;
	size_t load_count;
	struct replay_value *values;
	size_t value_count;
	bool is_expecting;
	struct scenario_turn *expected;
	size_t expected_count;
};

struct scenario_error {
	char text[512];
};

int scenario_open(struct scenario *s, const struct config_text *text, struct scenario_error *error);
void scenario_close(struct scenario *s);

const char *scenario_state_name(enum scenario_state state);

#endif
