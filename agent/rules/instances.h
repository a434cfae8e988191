/*
 * instances - the alarms of all rules, one for each series that is or was bad.
 *
 * Threads:  one owner.
 * Memory:   one allocation each, at most INSTANCES_MAX; instances_fini frees.
 * Errors:   NULL: no room; counted.
 */
#ifndef RULES_INSTANCES_H
#define RULES_INSTANCES_H

#include "alarm.h"
#include "notice.h"

#define INSTANCES_MAX 10000u
#define INSTANCES_BUCKETS 1024u

struct instance {
	char rule[SPEC_NAME];
	struct notice_labels labels;
	struct alarm alarm;
	struct notice_cause cause;    /* as it was when somebody was told last */
	uint64_t id;                  /* of this time that it is bad */
	uint64_t look;                /* the last one in which its series was there */
	bool inhibited;               /* its target is gone */
	uint64_t silence;             /* the one that it is silenced by; 0: none */
	bool alone;                   /* it was told by itself, this time that it fires */
	bool stormy;                  /* it was told as one of a storm */
	int64_t counted_ns;           /* the window in which it was counted for a storm; 0: none */
	struct instance *next, *same; /* of all; of its bucket */
};

struct instances {
	struct instance *first, *buckets[INSTANCES_BUCKETS];
	uint32_t count, max;
	uint64_t refused; /* that found no room, since the start */
};

void instances_init(struct instances *all);
void instances_fini(struct instances *all);
struct instance *instances_find(const struct instances *all, const char *rule,
				const struct notice_labels *labels);
bool instances_has(const struct instances *all, const char *rule); /* any of it */
struct instance *instances_add(struct instances *all, const char *rule,
			       const struct notice_labels *labels);

/* Forgets those for which the callback says so. */
void instances_prune(struct instances *all, bool (*over)(void *ctx, const struct instance *i),
		     void *ctx);

#endif
