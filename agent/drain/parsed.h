/*
 * parsed - what the parsers of connections without a segment have found out, on its way to the
 *          sink: requests and losses, booked to the process whose bytes are at hand.
 *
 * Threads:  the drain thread.
 * Memory:   a value, zero at first; parsed_fini frees.
 * Errors:   a request of who was let go meanwhile is counted in nobodys.
 */
#ifndef DRAIN_PARSED_H
#define DRAIN_PARSED_H

#include "bare.h"
#include "paths.h"
#include "served.h"

#define PARSED_MISSED_MOST 65536u /* at once: a client may leave numbers out */

struct parser;

struct parsed {
	struct bare *bare; /* whose connections they are */
	const struct drain_sink *sink;
	uint64_t slow_warning_ns, slow_critical_ns;
	struct paths paths;
	uint64_t requests; /* so far: their numbers */
	uint64_t nobodys;
	/* of the event under way */
	struct parser *parser;
	uint64_t now_ns;
};

void parsed_fini(struct parsed *p);

/* Of the process that moves the bytes at hand; NULL: it was let go. */
struct drain_counters *parsed_news(const struct parsed *p);

/* A connection, by whoever moved its first bytes; by whoever moved its last. */
void parsed_opened(struct parsed *p);
void parsed_closed(struct parsed *p);

/* A request that is over; its path and protocol are the caller's to know. */
void parsed_request(struct parsed *p, const struct served *s, const char *path);

/* One that was begun, and whose end was lost; or was counted by the kernel, begin and end. */
void parsed_lost(struct parsed *p);
void parsed_elsewhere(struct parsed *p);
/* Requests of HTTP/2 of which nothing was seen: streams behind this one, up to that one. */
void parsed_missed(struct parsed *p, uint32_t from, uint32_t to);

/* For the parsers; context is a struct parsed. */
uint64_t parsed_now(void *context);
int32_t parsed_begun(void *context, uint64_t t0);
void parsed_unparsed(void *context, uint8_t why);

#endif
