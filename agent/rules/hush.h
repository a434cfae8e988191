/*
 * hush - silences: for a while nobody is told of the alerts that they match.
 *
 * Threads:  one owner.
 * Memory:   a value of at most HUSH_MAX.
 * Errors:   -EINVAL with the reason and the key at fault; -ENOSPC; -ENOENT.
 */
#ifndef RULES_HUSH_H
#define RULES_HUSH_H

#include "notice.h"
#include "tree.h"

#define HUSH_MAX 64
#define HUSH_COMMENT 128
#define HUSH_LONGEST_NS (INT64_C(30) * 86400 * 1000000000)

struct hush {
	uint64_t id;
	char rule[SPEC_GLOB], service[SPEC_GLOB], environment[SPEC_GLOB],
		route[SPEC_GLOB]; /* globs */
	char comment[HUSH_COMMENT];
	int64_t until_ns;           /* CLOCK_MONOTONIC */
	int64_t since_ms, until_ms; /* wall clock, for people */
};

struct hushes {
	struct hush rows[HUSH_MAX];
	size_t count;
	uint64_t last; /* id */
};

struct hush_error {
	const char *key; /* "": the whole */
	char reason[160];
};

/* {"rule": …, "service": …, "duration": "1h", "comment": …}: at least one matcher, and how long. */
int hush_add(struct hushes *all, const struct tree *what, int64_t now_ns, int64_t wall_ms,
	     struct hush_error *error);
int hush_remove(struct hushes *all, uint64_t id);
bool hush_expire(struct hushes *all, int64_t now_ns); /* did one end? */

/* The id of the first that matches; 0: none does. */
uint64_t hush_find(const struct hushes *all, const char *rule, const struct notice_labels *labels);

#endif
