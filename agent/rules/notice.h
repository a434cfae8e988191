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
#define NOTICE_LINK 400 /* the longest base, and a service of which each byte is %XX */

/* Which series; "" where it has no such label. */
struct notice_labels {
	char service[SPEC_SERVICE];
	char environment[SPEC_ENVIRONMENT];
	char route[SPEC_GLOB];
	char method[16];
};

/* What explains most of it, where that is known: culprit.h has the words. */
enum notice_cause_kind {
	NOTICE_CAUSE_UNKNOWN,
	NOTICE_CAUSE_TIME,    /* a route's share of the time of all */
	NOTICE_CAUSE_SLOWEST, /* the route of the slowest request */
	NOTICE_CAUSE_ERRORS,  /* a route's share of the errors */
	NOTICE_CAUSE_OPEN,    /* a route's share of those in progress */
	NOTICE_CAUSE_OLDEST,  /* the request that is in progress for longest */
	NOTICE_CAUSE_SHARE,   /* a process's share of the sum */
	NOTICE_CAUSE_WORST,   /* the process that is worst off, and where it is */
	NOTICE_CAUSES,
};

struct notice_cause {
	enum notice_cause_kind kind;
	int32_t pid;  /* 0: of none */
	double share; /* percent; NAN: of nothing */
	char name[SPEC_GLOB + 24];
};

enum notice_kind { NOTICE_FIRING, NOTICE_RECOVERED };

struct notice {
	uint64_t sequence; /* of all notices ever; a receiver that saw it needs it no more */
	uint64_t id;       /* of the alert */
	char rule[SPEC_NAME];
	struct notice_labels labels;
	struct spec_labels given; /* by its rule */
	enum notice_kind kind;
	enum spec_severity severity;
	uint32_t number; /* in a row */
	uint8_t level;   /* 1 … 3 */
	bool again;      /* it may have been told before the agent was killed */
	bool turned;     /* what was told of the alert before was the other severity */
	enum metric_unit unit;
	double value, peak, limit;
	int64_t at_ms, since_ms; /* wall clock */
	int64_t lasted_ns;       /* of a recovery */
	struct notice_cause cause;
	char summary[NOTICE_SUMMARY]; /* its cause included */
	char link[NOTICE_LINK];
};

#endif
