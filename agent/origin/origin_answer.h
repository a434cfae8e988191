/*
 * origin_answer - what an origin's answer is worth: a value, the word that there is none, or a
 *                 fault; and whether and for how long it may be kept.
 *
 * Threads:  any; pure.
 * Memory:   a value.
 * Errors:   a fault is an answer too.
 * Source:   RFC 9111, as a shared cache, where the origin's rule honours Cache-Control: no-store,
 *           no-cache, private and Vary: * are not kept; s-maxage, else max-age, without Age, is the
 *           time to live; must-revalidate and proxy-revalidate forbid to serve what is stale.
 */
#ifndef ORIGIN_ANSWER_H
#define ORIGIN_ANSWER_H

#include "cache.h"
#include "origin_rule.h"
#include "transfer.h"

#define ORIGIN_ANSWER_TAGS (CACHE_TAGS * (CACHE_TAG + 1u))

enum origin_fault {
	ORIGIN_FINE,
	ORIGIN_AWAY,     /* nobody is there */
	ORIGIN_LATE,     /* no answer in its time */
	ORIGIN_CUT,      /* it ended before its end */
	ORIGIN_LARGE,    /* longer than a value may be */
	ORIGIN_ODD,      /* no answer that can be understood, or kept with its type */
	ORIGIN_OURS,     /* its address is one of ours */
	ORIGIN_REDIRECT, /* 3xx: none is followed */
	ORIGIN_REFUSED,  /* 4xx */
	ORIGIN_FAILING,  /* 5xx, 429 */
	ORIGIN_BROKEN,   /* its circuit opened: it was not asked */
	ORIGIN_CLOSED,   /* nobody asks any more */
	ORIGIN_FAULTS,
};

struct origin_answer {
	enum origin_fault fault;
	bool found;       /* of a fine one; false: there is no such thing, and that is known */
	bool first;       /* of those who are told the same: it is for this one to keep it */
	uint32_t status;  /* of HTTP, 0: none came */
	const char *text; /* in the words of who knows it */
	uint64_t ttl_s;   /* 0: not to be kept */
	uint64_t revalidate_s, error_s; /* as the rule has them; 0: never stale */
	struct cache_bytes value;
	const char *tags; /* parted by single blanks */
	const char *type; /* of its content */
};

/* Where the texts of an answer are. */
struct origin_words {
	char type[CACHE_TYPE + 1u];
	char tags[ORIGIN_ANSWER_TAGS];
};

/* ttl_s: where neither the rule nor the answer says. All of it borrows from result and words. */
void origin_answer_read(const struct origin_rule *rule, uint64_t ttl_s,
			const struct transfer_result *result, struct origin_words *words,
			struct origin_answer *out);

/* Does it speak against asking this origin again? Else it is there, and works. */
bool origin_fault_is_its_own(enum origin_fault fault);
const char *origin_fault_name(enum origin_fault fault);

#endif
