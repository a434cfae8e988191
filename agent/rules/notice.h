/*
 * notice - what somebody is told about an alert; what stage send makes words of.
 *
 * Threads:  a value.
 * Memory:   all of it in the struct.
 * Errors:   none.
 */
#ifndef RULES_NOTICE_H
#define RULES_NOTICE_H

#include "metric.h"
#include "spec.h"

#define NOTICE_SUMMARY 400
#define NOTICE_LINK 320

/* Which series; "" where it has no such label. */
struct notice_labels {
	char service[SPEC_SERVICE];
	char environment[SPEC_ENVIRONMENT];
	char route[SPEC_GLOB];
	char method[16];
};

enum notice_kind { NOTICE_FIRING, NOTICE_RECOVERED };

struct notice {
	uint64_t sequence; /* of all notices ever; a receiver that saw it needs it no more */
	uint64_t id;       /* of the alert */
	char rule[SPEC_NAME];
	struct notice_labels labels;
	enum notice_kind kind;
	enum spec_severity severity;
	uint32_t number; /* in a row */
	uint8_t level;   /* 1 … 3 */
	bool again;      /* it may have been told before the agent was killed */
	enum metric_unit unit;
	double value, peak, limit;
	int64_t at_ms, since_ms; /* wall clock */
	int64_t lasted_ns;       /* of a recovery */
	char summary[NOTICE_SUMMARY];
	char link[NOTICE_LINK];
};

#endif
