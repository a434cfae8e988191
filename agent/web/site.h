/*
 * site - what every document is made from: the stages behind the API, and the web thread's own.
 *
 * Threads:  the web thread; what it points at looks after its own threads.
 * Memory:   all pointers are borrowed for the life of web.
 */
#ifndef WEB_SITE_H
#define WEB_SITE_H

#include "params.h"
#include "request.h"
#include "shelf.h"
#include "tally.h"
#include "web.h"

#include "json.h"

struct site {
	struct metrics *metrics;
	struct alerts *alerts;     /* NULL: turned off */
	struct dispatch *dispatch; /* with alerts */
	struct clerk *clerk;       /* NULL: nothing is profiled */
	struct clerk *unwinder;    /* of profiles that take their time; NULL with clerk */
	struct cache *cache;       /* NULL: turned off */
	struct behind *behind;     /* NULL: the memory tier serves alone */
	struct through *through;   /* NULL: no values come from origins */
	struct warmer *warmer;     /* with through */
	struct proxy *proxy;       /* NULL: none */
	struct fleet *fleet;       /* NULL: we are in none */
	struct store *store;       /* NULL: nothing is kept on disk */
	struct health *health;
	const struct config *config;
	const char *token;
	uint64_t started_ns;
	web_counters_fn counters; /* NULL: none */
	void *counters_ctx;
	struct tally tally;
	struct shelf shelf;
	struct body *openapi;  /* made at first use */
	struct events *events; /* of events.h; made for the first client */
};

/*
 * A document: writes the value of `data`. A refusal with its error; -EAGAIN: not yet, the same
 * request is to be asked again in a moment; any other negative errno is told as 503.
 */
struct question {
	struct site *site;
	const struct request *request;
	struct ask ask;
	const char *path; /* decoded */
	const struct params *params;
	struct refusal *no;
};

typedef int (*document_fn)(const struct question *q, struct json *j);

int document_performance(const struct question *q, struct json *j);
int document_timeseries(const struct question *q, struct json *j);
int document_services(const struct question *q, struct json *j);
int document_processes(const struct question *q, struct json *j);
int document_routes(const struct question *q, struct json *j);
int document_slow(const struct question *q, struct json *j);
int document_in_flight(const struct question *q, struct json *j);
int document_capture(const struct question *q, struct json *j);
int document_health(const struct question *q, struct json *j);
int document_config(const struct question *q, struct json *j);
int document_alerts(const struct question *q, struct json *j);
int document_rules(const struct question *q, struct json *j);
int document_acknowledge(const struct question *q, struct json *j);
int document_silence(const struct question *q, struct json *j);
int document_channels(const struct question *q, struct json *j);
int document_channel_test(const struct question *q, struct json *j);
int document_unsilence(const struct question *q, struct json *j);
int document_cache_stats(const struct question *q, struct json *j);
int document_cache_health(const struct question *q, struct json *j);
int document_cache_clear(const struct question *q, struct json *j);
int document_cache_invalidate(const struct question *q, struct json *j);
int document_cache_warm(const struct question *q, struct json *j);
int document_database_clear(const struct question *q, struct json *j);
int document_entry_put(const struct question *q, struct json *j);
int document_entry_delete(const struct question *q, struct json *j);
int document_entry_set(const struct question *q, struct json *j);
int document_fleet_hosts(const struct question *q, struct json *j);
int document_fleet_services(const struct question *q, struct json *j);
int document_fleet_performance(const struct question *q, struct json *j);
int document_fleet_alerts(const struct question *q, struct json *j);
int document_alive(const struct question *q, struct json *j);
int document_ready(const struct question *q, struct json *j);

/* Of one form or another, not always JSON: a reply of its own, which may be later. */
struct reply;
int document_profile(struct site *site, const struct request *r, const struct params *p,
		     struct reply *out, struct refusal *no);

/* What processes ask of disks, memory and the network, and what happens to them, added up. */
struct document_strain {
	struct metrics_strain sum;
	double read_per_s, write_per_s, wait_percent;
	struct metrics_incidents incidents;
	bool of_process; /* of a single one, by its pid */
};

void document_strain_init(struct document_strain *d);
void document_strain_add(struct document_strain *d, const struct metrics_process *process);
void document_strain_put(const struct document_strain *d, struct json *j);
void document_strain_row(const struct metrics_row *row, bool of_service, struct json *j);

/* Of a window: responseTimes, throughput, status, incomplete, capture. */
void document_window_put(const struct question *q, const struct metrics_window *window,
			 struct json *j);

/* What the documents of alerts share. */
int document_alerts_off(const struct question *q);
void document_outbox_put(const struct question *q, struct json *j);

/* What several of them share (document.c). */
#define DOCUMENT_MS(ns) ((double)(ns) / 1e6)
const char *document_method(unsigned int method);
const char *document_level(unsigned int level);
const char *document_lost(unsigned int reason);     /* of enum rs_lost; NULL: that was all */
const char *document_unparsed(unsigned int reason); /* of enum rs_unparsed */
int document_refuse(const struct question *q, int error);
void document_measure_ms(struct json *j, const char *key, double ns);
void document_range(const struct question *q, struct json *j);
/* What is sent each second to who watches. */
int document_live(struct site *site, uint64_t now_ns, int64_t wall_ms, struct json *j);
/* One alert, as a value of its own. */
struct alerts_row;
void document_alert(const struct alerts_row *row, struct json *j);
/* Of count rows those on the page asked for: [*from, *to); writes nextCursor. */
void document_page(const struct question *q, struct json *j, size_t count, size_t *from,
		   size_t *to);

#endif
