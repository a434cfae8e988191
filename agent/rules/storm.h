/*
 * storm - alerts that come too many at once are told as one: how many of which rule, and the worst.
 *
 * Threads:  a value of one owner.
 * Memory:   none; what is told is made of the instances as they are.
 * Errors:   none.
 * A storm is told like an alert of the rule STORM_RULE: it begins, it grows, it is over when all in
 * it are. An alert in a storm that was told by itself before is told by itself when it ends.
 */
#ifndef RULES_STORM_H
#define RULES_STORM_H

#include "book.h"
#include "instances.h"

#define STORM_RULE "alert-storm"
#define STORM_ALONE 20u /* alerts of STORM_PAUSE_NS that are told by themselves */
#define STORM_PAUSE_NS (INT64_C(60) * 1000000000)

struct storm {
	uint64_t id; /* of it as an alert; 0: there is none */
	int64_t since_ns, since_ms, notice_ns;
	int64_t window_ns;           /* since when alone counts; 0: it does not yet */
	uint32_t alone;              /* alerts told by themselves since then, however often each */
	uint32_t notices;            /* of the storm */
	uint32_t news;               /* notices in it that were not told of yet */
	uint32_t ended;              /* alerts in it that ended, since it was told of last */
	uint32_t peak;               /* alerts at once */
	uint8_t level;               /* the highest of those in it */
	enum spec_severity severity; /* the worst of those in it */
	uint8_t told;                /* the bit of the severity that was told last; 0: none */
	/* of one look at all that is due: */
	bool is_full;
	size_t first; /* notice of the outbox that it brought */
};

/* Begins a look. posted: how many notices there are already. */
void storm_look(struct storm *s, int64_t now_ns, size_t posted);

/* One more notice of an alert: are there too many alerts? */
bool storm_takes(struct storm *s, struct instance *i);

/* It is one of the storm from now on. */
void storm_add(struct storm *s, struct instance *i);

/* Alerts in it that fire. */
uint32_t storm_size(const struct instances *all);

/* A notice of it as it stands, all but its sequence and what it lasted. base: of links. */
void storm_describe(const struct storm *s, const struct instances *all, const struct book *book,
		    const char *base, struct notice *out);

#endif
