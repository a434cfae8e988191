/*
 * registry - the services, processes and routes that were seen, and who may touch what of them.
 *
 * Threads:  "drain": the drain thread's own. "shared": under the lock. The drain thread makes
 *           objects without the lock and links them into the shared lists with it.
 * Memory:   services and routes live as long as metrics; a process until its last slot is too old.
 * Errors:   NULL: no memory.
 */
#ifndef METRICS_REGISTRY_H
#define METRICS_REGISTRY_H

#include "errors.h"
#include "incidents.h"
#include "leaf.h"
#include "means.h"
#include "names.h"
#include "procfs.h"
#include "slowest.h"
#include "template.h"
#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>

#define REGISTRY_SERVICES 256u    /* later ones are "_other" */
#define REGISTRY_GONE 512u        /* processes that ended and are still listed */
#define REGISTRY_OPEN_ROWS 256u   /* requests in progress listed for a process: the oldest */
#define REGISTRY_ENDS 256u        /* of processes that ended before they were known */
#define REGISTRY_PENDING 256u     /* requests for the slow list between two merges */
#define REGISTRY_ROUTE_TABLE 256u /* power of two */
#define REGISTRY_PROCESS_TABLE 1024u
#define REGISTRY_BUDGET (64u * 1024 * 1024)

#define REGISTRY_OTHER "_other"

#define METRICS_REFUSED 3     /* status[3]: 4xx */
#define METRICS_ERROR_CLASS 4 /* status[4]: 5xx */

struct route {
	struct account account;
	struct route *chain; /* drain: of the table, or of those at rest */
	struct route *fresh; /* drain: not linked yet */
	struct route *next;  /* shared */
	struct service *service;
	uint64_t hash;
	uint32_t length;
	uint16_t number;           /* no other has it */
	bool stray;                /* drain: all its requests were answered 4xx */
	_Atomic uint8_t why;       /* bit per enum metrics_other: what of "_other" */
	_Atomic bool is_statement; /* of a database, by its protocol; drain sets it */
	uint8_t method;
	char path[RS_PATH_BYTES + 1];
};

struct service {
	struct account account;
	struct service *known;                     /* drain */
	struct service *fresh;                     /* drain */
	struct service *next;                      /* shared */
	struct route *table[REGISTRY_ROUTE_TABLE]; /* drain */
	struct route *other;                       /* drain */
	uint32_t route_count;                      /* drain: without the other one */
	uint32_t strays;                           /* drain: of them */
	struct template served, refused;           /* drain: learned from */
	uint64_t rerouted;                         /* drain: the lessons that the routes follow */
	struct route *routes;                      /* shared */
	struct names *_Atomic names;               /* anybody's; NULL: nobody asked by one */
	char name[72];
	char environment[40];
};

/* A request list as the open callback gave it; age_ns holds t0 until it is asked for. */
struct registry_open {
	uint32_t count;
	struct metrics_in_flight rows[];
};

/* What drain tells of a process: written by the drain thread, copied under the lock at a merge. */
struct registry_news {
	struct capture_target target;
	struct drain_ledger ledger;
	struct drain_counters totals;
	uint64_t seen_ns, gone_ns; /* gone_ns 0: alive */
};

struct process {
	struct account account;
	struct process *chain; /* drain: of the table, or of those restored */
	struct process *dirty; /* drain: news to be copied */
	struct process *next;  /* shared */
	struct service *service;
	struct registry_news news;        /* drain */
	struct registry_open *fresh_open; /* drain */
	struct errors errors;             /* drain */
	bool is_dirty, is_linked;         /* drain */
	struct registry_news now;         /* shared, from here on */
	struct registry_open *open;
	struct means means;
	struct metrics_reading reading;
	struct strain strain;         /* newest; its shortest trip since the last sample */
	uint64_t killed_ns;           /* for want of memory; 0: not */
	struct cause_waits waits;     /* newest, of one watch */
	uint64_t waits_ns[CAUSES];    /* totals of all watches, … */
	uint64_t waits_sampled_ns;    /* … of them what was estimated, … */
	uint64_t each_disk_ns;        /* … for disks, without it, … */
	bool waits_known;             /* … if the kernel was asked for any */
	struct runtime_state runtime; /* newest totals; max_ns: the longest since the last sample */
	struct procfs_threads *threads; /* NULL while a sample is being taken */
	struct threads busiest;
};

struct registry {
	struct service *known;                         /* drain */
	uint32_t service_count;                        /* drain */
	struct process *table[REGISTRY_PROCESS_TABLE]; /* drain */
	struct process *restored;                      /* drain */
	struct service *fresh_services;                /* drain */
	struct route *fresh_routes;                    /* drain */
	uint16_t route_count;                          /* drain: numbers given */
	struct route *spare_routes;                    /* drain: united with others */
	uint32_t pattern_count;                        /* constant */
	char patterns[METRICS_PATTERNS][RS_PATH_BYTES + 1];
	struct process *dirty_processes; /* drain */
	struct service *services;        /* shared */
	struct process *processes;       /* shared */
};

/* What a process used in all, until it is booked. */
struct sample_end {
	struct metrics_end end;
	uint64_t key, now_ns;
	uint32_t looks; /* that did not find it */
};

#define REGISTRY_NAMED 256u /* power of two */

/* The route of a number that drain gave to a path, which spares its name. */
struct registry_named {
	uint64_t key; /* 0: free */
	struct route *route;
};

struct metrics {
	struct metrics_limits limits;
	char root[128];
	/* drain */
	struct account_book book;
	struct leaves leaves;
	struct registry_named named[REGISTRY_NAMED];
	struct registry registry; /* says by field */
	const struct capture_target *last_target;
	struct process *last_process;
	uint64_t request_number; /* ids of the slow list */
	uint64_t floor_ns;       /* what is worth a place in the slow list */
	uint64_t drain_ns;       /* the newest time that drain told */
	uint64_t lost_requests, late_requests, lost_listed;
	uint32_t pending_count;
	uint32_t horizon; /* of the next save */
	struct slowest_entry pending[REGISTRY_PENDING];
	/* shared */
	pthread_mutex_t lock;
	struct series_budget budget;
	struct metrics_losses losses;
	struct slowest slowest;
	struct metrics_system system;
	struct incidents incidents;
	struct sample_end ends[REGISTRY_ENDS];
	uint32_t end_count;
	uint64_t now_ns;
	uint32_t start_s;   /* the first second that was watched */
	uint32_t sampled_s; /* the first second that was sampled; 0: none yet */
	uint32_t aged_s;
	int64_t wall_offset_ms;
	void *sampler; /* the sampling thread's, see sample.c */
	_Atomic uint64_t generation;
};

/* A service is its name and its environment: staging and production of one name are two. */
struct service *registry_service(struct registry *registry, const char *name,
				 const char *environment);
struct process *registry_process_new(struct registry *registry,
				     const struct capture_target *target);
struct process *registry_process_find(struct registry *registry, uint64_t key);
struct process *registry_linked(const struct registry *registry, uint64_t key); /* shared; NULL */
void registry_process_forget(struct registry *registry,
			     struct process *process); /* drain's table */
void registry_process_touch(struct registry *registry, struct process *process);

/* Under the lock, on the drain thread. */
void registry_link(struct registry *registry);
void registry_age(struct registry *registry, uint32_t now, struct series_budget *budget);
/* begin: the first second watched. False: nothing could be spared. */
bool registry_shed(struct registry *registry, uint32_t now, uint32_t begin,
		   struct series_budget *budget);

void registry_fini(struct registry *registry, struct series_budget *budget);

static inline uint32_t registry_second(uint64_t ns)
{
	return (uint32_t)(ns / UINT64_C(1000000000));
}

/* Drain thread. NULL: not one that was seen. */
static inline struct process *metrics_process_of(struct metrics *m,
						 const struct capture_target *target)
{
	if (target != m->last_target) {
		m->last_process = registry_process_find(&m->registry, target->key);
		m->last_target = target;
	}
	return m->last_process;
}

/* sample.c: the only one here that reads a clock; a wall clock is a label. */
int64_t metrics_wall_offset_ms(void);

/* sample.c: hundredths of a second since boot, as starts of processes are known. */
uint64_t metrics_boot_ticks(void);

/* sample.c; NULL is fine. */
void metrics_sampler_free(void *sampler);

/* metrics.c: under the lock, on the drain thread. */
void metrics_merge(struct metrics *m);

#endif
