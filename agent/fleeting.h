/*
 * fleeting - the agent in its fleet, as the configuration wants it: what it says of itself there,
 *            and what health and metrics are told of it.
 *
 * Threads:  the worker's main thread; fleeting_counters on the web thread.
 * Memory:   fleeting_open, fleeting_close, for the caller's memory; closed behind Redis and web.
 * Errors:   none stops the worker: they are told in health, as the part "fleet".
 */
#ifndef AGENT_FLEETING_H
#define AGENT_FLEETING_H

#include "config.h"
#include "depot.h"
#include "fleet.h"

struct alerts;

struct fleeting_config {
	const struct config *config;
	struct redis *redis;       /* NULL: there is none */
	const struct depot *depot; /* what is put there */
	struct alerts *alerts;     /* NULL: turned off */
	struct health *health;
	const char *host; /* as parcel_host has it */
	uint64_t started_ns;
};

struct fleeting {
	struct fleeting_config config;
	struct fleet *fleet; /* NULL: it is in none */
	uint64_t others;     /* announcements of another agent of our name, so far */
	uint64_t others_ns;  /* when the last one was seen */
};

/* The name of this host, as the configuration and the machine have it. */
void fleeting_host(const struct config *config, char out[PARCEL_HOST]);

void fleeting_open(struct fleeting *f, const struct fleeting_config *config, int64_t wall_ms);
void fleeting_close(struct fleeting *f);
void fleeting_second(struct fleeting *f, uint64_t now_ns, int64_t wall_ms);

int fleeting_fd(const struct fleeting *f); /* -1: none */
void fleeting_step(const struct fleeting *f);

/* As a web_counters_fn; none where it is in no fleet. */
size_t fleeting_counters(const struct fleeting *f, struct web_counter *out, size_t room);

#endif
