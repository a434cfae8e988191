/*
 * metrics - rolling aggregates per service, process and route: what was measured, by window.
 *
 * Threads:  metrics_sink's callbacks on the drain thread, which never waits: they add to a private
 *           part, merged into the shared part at tick when the lock is free. Queries and
 *           metrics_sample from any thread, under that lock for a bounded time.
 * Memory:   metrics_open allocates, metrics_close frees. Rows are copied out to the caller.
 * Errors:   0 or -errno.
 * Tiers:    1 s × 600, 10 s × 720 and 5 min × 72, by CLOCK_MONOTONIC second of a request's end.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "cause.h"
#include "event.h"
#include "runtime.h"
#include "strain.h"

#include <stddef.h>

#define METRICS_ROUTES 200 /* (method, route) pairs of a service; later ones are "_other" */
#define METRICS_PATTERNS 64
#define METRICS_SLOWEST 100
#define METRICS_BOUNDS 19      /* of the histogram that never forgets */
#define METRICS_UNKNOWN (-1.0) /* a measured value that nobody knows: rendered as null */

struct metrics;

struct metrics_limits {
	double memory_warning, memory_critical, memory_dump; /* percent: 80, 90, 95 */
	double cpu_warning, cpu_critical;                    /* percent: 70, 85 */
	uint64_t slow_warning_ns, slow_critical_ns;          /* 1 s, 5 s */
};

struct metrics_sums {
	uint64_t count, status[RS_STATUS_CLASSES], aborted, cut_by_server, cut_by_client;
	uint64_t errors; /* 5xx, cut by the server, not answered although the client stayed */
	uint64_t bytes_in, bytes_out, span_ns, slow_warning, slow_critical;
	uint64_t min_ns, max_ns; /* max_ns 0 and min_ns UINT64_MAX: nothing measured */
	uint64_t folded, dropped, unparsed, gap;
	uint64_t recorded; /* requests with a record of their own; with folded: in the histogram */
};

/* Percentile ranks are in the order of metrics_ranks. */
enum { METRICS_P50, METRICS_P90, METRICS_P95, METRICS_P99, METRICS_P999, METRICS_RANKS };

struct metrics_window {
	struct metrics_sums sums;
	double percentile_ns[METRICS_RANKS]; /* METRICS_UNKNOWN: no request */
	uint64_t buckets[RS_HIST_SLOTS];
	uint64_t span_s; /* seconds of the window that this agent has seen */
	uint64_t in_flight;
	double peak_per_minute; /* best full minute kept; METRICS_UNKNOWN: none yet */
	int64_t peak_at_ms;
};

/*
 * NULL and 0 mean any; service, route are exact names. A window holds the seconds after that of
 * from_ns up to and with that of to_ns (0: now); one longer than ten minutes begins at a multiple
 * of 10 s. Routes are kept by service, so that a pid and a route together are -ENOTSUP.
 */
struct metrics_scope {
	const char *service;
	const char *route;
	int32_t pid;
	uint64_t from_ns, to_ns; /* CLOCK_MONOTONIC; whole seconds are taken */
	bool statements;         /* of a timeline: routes alone that are statements of databases */
};

/*
 * What a process asked of memory, disks and the network in a window, or since it was watched; sums,
 * so that those of several add up. METRICS_UNKNOWN where not to be had. Faults and bytes: since it
 * began. I/O is what a disk gave back; bytes to write are those made dirty, though the kernel
 * writes them later in nobody's name.
 */
struct metrics_strain {
	double major_faults, minor_faults;
	double read_bytes, write_bytes;
	double reads, writes, read_ms, write_ms; /* block I/O that came back, and what it took */
	double wait_ms; /* that its threads waited for disks, each thread's by itself */
	double segments, retransmits; /* of TCP: with bytes; sent again, which are among them */
	double looks, trips_ms;       /* round trips of its connections, looked at each 5 s */
	double arrivals, arrival_ms;  /* reads of what had arrived; how long it lay there */
	double longest_ms;            /* of these: the most, not a sum */
	double shortest_ms;           /* of round trips: the least, not a sum */
};

/* Without a process; of a further one: what is unknown of one adds nothing. */
void metrics_strain_init(struct metrics_strain *sum);
void metrics_strain_add(struct metrics_strain *sum, const struct metrics_strain *one);

enum metrics_incident {
	METRICS_STARTS, /* of processes */
	METRICS_ENDS,
	METRICS_RESTARTS, /* of the service: see restarts.h */
	METRICS_KILLS,    /* of its processes by the kernel, for want of memory */
	METRICS_INCIDENTS,
};

/* METRICS_UNKNOWN: the kernel does not tell. */
struct metrics_incidents {
	double window[METRICS_INCIDENTS], total[METRICS_INCIDENTS];
};

/* Collections of garbage, or statements served. METRICS_UNKNOWN where its runtime tells none. */
struct metrics_stops {
	double count, full, ms, max_ms;          /* of the window; full: unknown to some runtimes */
	double total_count, total_full, total_s; /* since it was attached */
};

/* A process's means, sampled each second by metrics_sample. METRICS_UNKNOWN where not to be had. */
struct metrics_process {
	struct capture_target target;
	bool alive;
	uint64_t seen_ns, gone_ns;
	double user_ms, system_ms; /* of the window */
	double cpu_percent;        /* of what it may use: quota, cpuset */
	double core_percent;       /* of one core */
	double run_queue_ms;       /* of the window */
	double throttled_percent;  /* of the periods of its quota, in the window; of its group */
	double throttled_ms;       /* of the window, of each processor that stood still */
	uint64_t window_requests;  /* while it used user_ms and system_ms */
	double waits_ms[CAUSES];   /* of the window, of waits that ended in it; or … */
	bool waits_sampled;        /* … some of it an estimate, of waits that lasted in it */
	double window_ms;          /* the time that user_ms and its like are of */
	struct metrics_stops collected, served;
	uint32_t runtime, runtime_why;        /* enum runtime, enum runtime_why */
	double user_s, system_s, run_queue_s; /* since the process began */
	double rss, pss, heap_live, heap_limit, external, memory_limit,
		memory_percent; /* bytes, percent */
	double allocated_per_s, freed_per_s;
	double minor_faults_per_s, major_faults_per_s;
	double read_per_s, write_per_s;
	struct metrics_strain strain; /* of the window */
	struct metrics_strain whole;  /* since it was watched */
	double io_wait_percent; /* of the window, as strain.wait_ms; above 100: several at once */
	uint32_t strain_known;  /* bits of enum strain_known */
	uint64_t killed_ns;     /* when the kernel chose it for want of memory; 0: it did not */
	uint32_t threads;
	char memory_limit_by[16];        /* "cgroup", "rlimit", "machine" */
	uint8_t cpu_level, memory_level; /* enum metrics_level */
	struct drain_ledger ledger;
	struct drain_counters totals; /* since first seen */
	uint64_t shape_count;
};

#define METRICS_THREADS 16 /* of a process, the busiest */

struct metrics_thread {
	int32_t tid;
	char name[16];
	double core_percent;       /* between the last two looks; METRICS_UNKNOWN: seen once */
	double cpu_s, run_queue_s; /* since it began */
	double user_s, system_s;   /* of cpu_s, as ticks found them; METRICS_UNKNOWN: none did */
};

enum metrics_level {
	METRICS_OK,
	METRICS_WARNING,
	METRICS_CRITICAL,
	METRICS_DUMP,
	METRICS_LEVEL_UNKNOWN
};

/* Why a request belongs to no route but "_other". */
enum metrics_other {
	METRICS_OTHER_FULL,    /* the service has METRICS_ROUTES others */
	METRICS_OTHER_REFUSED, /* answered 4xx, as half of them were */
	METRICS_OTHER_UNKNOWN, /* its path is not known: it was folded, or recorded without it */
	METRICS_OTHERS,
};

struct metrics_system {
	double memory_used_percent, cpu_percent, load1;
	double pressure_cpu, pressure_memory, pressure_io; /* PSI some avg10 */
};

/* One row of /api/services, /api/processes, /api/routes; the strings live in the row. */
struct metrics_row {
	char service[72];
	char environment[40];
	char route[RS_PATH_BYTES + 1];
	uint8_t method;     /* enum rs_method, routes only */
	uint8_t other;      /* bit per enum metrics_other, of the route "_other" */
	int32_t pid;        /* processes only */
	uint32_t processes; /* that live: of a process 0 or 1 */
	struct metrics_sums sums;
	double percentile_ns[METRICS_RANKS];
	double apdex; /* T = 500 ms; METRICS_UNKNOWN: no request */
	double cpu_percent, core_percent, rss, memory_percent;
	double throttled_percent, throttled_ms; /* of the group that was the most */
	struct metrics_strain strain;
	struct metrics_incidents incidents; /* services only */
	bool killed, kills_told;            /* processes only: for want of memory */
	uint64_t in_flight;
	uint64_t span_s;
};

/* A slow or failed request. */
struct metrics_slow {
	uint64_t id;
	int64_t at_ms; /* wall clock of its end */
	uint64_t span_ns, first_byte_ns, bytes_in, bytes_out;
	int64_t memory_delta;
	char service[72];
	char path[RS_PATH_BYTES + 1];
	char route[RS_PATH_BYTES + 1];
	int32_t pid;
	uint16_t status;
	uint8_t method, flags, protocol;
	bool has_memory;
};

struct metrics_name {
	char host[RS_PATH_BYTES + 1];
	uint64_t count;
};

struct metrics_in_flight {
	char service[72];
	char environment[40];
	char path[RS_PATH_BYTES + 1];
	int32_t pid;
	uint64_t age_ns, bytes_out;
	uint32_t connection, queued, thread;
	uint8_t method, state;
};

/* /proc readings of one process that only the broker can take; METRICS_UNKNOWN where not had. */
struct metrics_reading {
	double pss, anonymous, read_bytes, write_bytes; /* totals */
	bool rings;                                     /* io_uring is in use */
};

/*
 * All that was ever booked to a service, or to a route: what a counter that never goes back is made
 * of. steps: requests up to each of metrics_bounds_s (seconds) and above the one before it; the
 * last step has no bound. A step may miss what lies within 2.2 % below its bound.
 */
struct metrics_total {
	char service[72];
	char environment[40];
	char route[RS_PATH_BYTES + 1]; /* "": the service's own row */
	uint8_t method;
	struct metrics_sums sums;
	uint64_t steps[METRICS_BOUNDS + 1];
};

extern const double metrics_bounds_s[METRICS_BOUNDS];

int metrics_open(struct metrics **out, const struct metrics_limits *limits, uint64_t now_ns);
void metrics_close(struct metrics *m);

/* A route that is not to be learned (pattern.h), before the first use. -ENOSPC, -EINVAL. */
int metrics_pattern_add(struct metrics *m, const char *pattern);
void metrics_sink(struct metrics *m, struct drain_sink *out);

/* Each second, not on the drain thread: reads /proc of every live process and the system. */
void metrics_sample(struct metrics *m, uint64_t now_ns);
/* What a process used in all, as its last threads said; before its gone. */
struct metrics_end {
	uint64_t run_ns;             /* exact */
	uint64_t user_ns, system_ns; /* shares of it */
	uint64_t major_faults;
	uint64_t read_bytes, write_bytes; /* UINT64_MAX: not known */
	struct strain strain;
};
void metrics_end_put(struct metrics *m, uint64_t key, const struct metrics_end *end,
		     uint64_t now_ns);
void metrics_waits_put(struct metrics *m, uint64_t key, const struct cause_waits *waits);
/* The shortest trip and the longest delay are those since the strain before. */
void metrics_strain_put(struct metrics *m, uint64_t key, const struct strain *strain);
void metrics_runtime_put(struct metrics *m, uint64_t key, const struct runtime_state *state);
void metrics_reading_put(struct metrics *m, uint64_t key, const struct metrics_reading *reading);

/*
 * What happens to a service: a process of it was found, with or without requests; it ended, at
 * boot_ns since boot (0: it is let go, or runs another program); it was killed for want of memory.
 */
void metrics_started(struct metrics *m, const struct capture_target *target, uint64_t now_ns);
void metrics_ended(struct metrics *m, uint64_t key, uint64_t boot_ns, uint64_t now_ns);
void metrics_killed(struct metrics *m, uint64_t key, uint64_t now_ns);

/* /proc and /sys are looked up below this folder ("" at first). Before the first use. */
int metrics_root_set(struct metrics *m, const char *root); /* -ENAMETOOLONG */

/*
 * What a restart of the agent must not lose: the newest slots of each series that fit into size.
 * Save: on the drain thread; 0 when the lock was held, keep what was saved before. Restore: once,
 * before the sink is used; -EBADMSG, -EPROTO (another version), -ESTALE (another boot).
 */
#define METRICS_SAVE_BYTES (1024 * 1024)
size_t metrics_save(struct metrics *m, void *buffer, size_t size);
int metrics_restore(struct metrics *m, const void *buffer, size_t size, uint64_t now_ns);

/* What was given up within our own limits, since the start. */
struct metrics_losses {
	uint64_t requests; /* detail that found no room */
	uint64_t slots;    /* of seconds, dropped before their time */
	uint64_t late;     /* requests that ended before all that is kept, or in the future */
	uint64_t listed;   /* slow or failed requests that came too fast for the list */
	uint64_t untaken;  /* requests that came later than their second was stored on disk */
	uint64_t bytes_used, bytes_limit;
};
void metrics_losses_get(struct metrics *m, struct metrics_losses *out);

/* What a live process has cost so far, of what it has used: for whoever keeps it in check. */
struct metrics_cost {
	uint64_t key;
	int32_t pid;
	char service[72];
	char exe[256];
	uint64_t own_ns;          /* extrapolated: of the hooks, one in RS_COST_EVERY is timed */
	uint64_t cpu_ns, time_ns; /* as sampled last, and when; 0: not yet */
	uint8_t state;            /* enum rs_state */
	struct drain_detail detail;
};
int metrics_costs(struct metrics *m, struct metrics_cost **rows); /* their number, -ENOMEM */

/* Raised whenever the shared part changed: a rendered document is good while it stands. */
uint64_t metrics_generation(const struct metrics *m);

/* -ENOENT: no such service, process or route was ever seen. */
int metrics_window_get(struct metrics *m, const struct metrics_scope *scope,
		       struct metrics_window *out);
void metrics_system_get(struct metrics *m, struct metrics_system *out);

/* Rows are allocated into *rows (free them with free); return their number or -errno. */
int metrics_services(struct metrics *m, const struct metrics_scope *scope,
		     struct metrics_row **rows);
int metrics_processes(struct metrics *m, const struct metrics_scope *scope,
		      struct metrics_row **rows);
int metrics_routes(struct metrics *m, const struct metrics_scope *scope, struct metrics_row **rows);
/* Each service's row, and those of its routes behind it, the newest first. No window: all of it. */
int metrics_totals(struct metrics *m, struct metrics_total **rows);
int metrics_process_list(struct metrics *m, const struct metrics_scope *scope,
			 struct metrics_process **rows);
/* The busiest first; how many. -ENOENT: no such process lives. */
int metrics_threads(struct metrics *m, int32_t pid, struct metrics_thread out[METRICS_THREADS]);
void metrics_incidents_get(struct metrics *m, const struct metrics_scope *scope,
			   struct metrics_incidents *out);
int metrics_slowest(struct metrics *m, const struct metrics_scope *scope,
		    struct metrics_slow **rows);
/* Hosts that clients of TLS asked the service for, the last row "_other" if there are such. */
int metrics_names(struct metrics *m, const char *service, const char *environment,
		  struct metrics_name **rows);
int metrics_open_requests(struct metrics *m, const struct metrics_scope *scope,
			  struct metrics_in_flight **rows);

#endif
