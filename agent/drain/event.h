/*
 * event - what drain hands to the next stage: checked, private copies in nanoseconds.
 *
 * Threads:  every callback runs on the drain thread and must not block.
 * Memory:   all pointers are borrowed until the callback returns.
 * Times:    *_ns are CLOCK_MONOTONIC; a wall clock is only ever a label.
 */
#ifndef DRAIN_EVENT_H
#define DRAIN_EVENT_H

#include "target.h"

#include <ringside/abi.h>
#include <ringside/histogram.h>

#include <stdbool.h>
#include <stdint.h>

/* One served request, complete. */
struct drain_request {
	uint64_t id;
	uint64_t end_ns;
	uint64_t span_ns;
	uint64_t first_byte_ns; /* 0: nothing was written */
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t memory_delta; /* valid when has_memory */
	const char *path;     /* canonical (0x21–0x7e, %XX), NUL-terminated; "" where unknown */
	uint64_t known;       /* 0, or a number that has this path for as long as the agent lives */
	uint32_t connection;
	uint32_t thread;
	uint16_t status;  /* 0: none */
	uint8_t method;   /* enum rs_method */
	uint8_t protocol; /* enum rs_protocol */
	uint8_t flags;    /* enum rs_flag */
	bool shape;       /* path is a shape: variable segments are {id} and the like already */
	bool has_memory;
};

/* Counter differences of a process since the last call: the truth for its totals. */
struct drain_counters {
	uint64_t begun, requests, status[RS_STATUS_CLASSES], aborted, cut_by_server, cut_by_client;
	uint64_t bytes_in, bytes_out, span_ns, slow_warning, slow_critical;
	uint64_t opened, closed;
	uint64_t allocations, frees, allocated_bytes, freed_bytes;
	uint64_t cost_ns, cost_samples, refused;
	uint64_t handshakes[RS_TLS_VERSIONS], handshakes_failed, handshake_ns;
	uint64_t counted[RS_KINDS], pushed[RS_KINDS], folded[RS_KINDS], dropped[RS_KINDS];
	uint64_t unparsed[RS_UNPARSED_REASONS], lost[RS_LOST_REASONS];
};

/* Of totals: what has begun and did not end. */
static inline uint64_t drain_in_flight(const struct drain_counters *totals)
{
	uint64_t over = totals->requests + totals->refused;

	return totals->begun > over ? totals->begun - over : 0;
}

/* Requests of one shape that were folded since the last call. */
struct drain_fold {
	const char *path; /* canonical; "_other" for the shared cell */
	uint64_t count, status[RS_STATUS_CLASSES], aborted, cut_by_server, cut_by_client;
	uint64_t bytes_in, bytes_out, span_ns, min_ns, max_ns, slow_warning, slow_critical;
	const uint32_t *buckets; /* [RS_HIST_SLOTS] */
	uint8_t method;          /* of all of them; RS_METHOD_OTHER: of several, or not known */
};

/* A request in progress, as the open table shows it. */
struct drain_open {
	uint64_t t0_ns;
	uint64_t bytes_out;
	const char *path;
	uint32_t connection;
	uint32_t queued;
	uint32_t thread;
	uint8_t method;
	uint8_t state; /* enum rs_open_state */
};

enum drain_detail_level {
	DRAIN_DETAIL_ALL, /* as in rs_agent.detail */
	DRAIN_DETAIL_NO_STRINGS,
	DRAIN_DETAIL_SAMPLED,
	DRAIN_DETAIL_OFF, /* nothing any more, for good */
};

/* How much a process is to record, beside its counters, and what moved it there last. */
struct drain_detail {
	uint8_t level;     /* enum drain_detail_level */
	uint32_t sample;   /* one request in so many */
	uint64_t since_ns; /* 0: as it began */
	double share;      /* percent of its CPU time that was ours, when it was told so */
};

/* What drain knows of one process beside its requests; totals since it was first seen. */
struct drain_ledger {
	uint64_t delivered[RS_KINDS]; /* records handed on */
	uint64_t torn, bad;    /* records refused: a gap in their slots; a body out of range */
	uint64_t gap_requests; /* drained by an earlier agent, not saved: counted, no detail */
	bool overflow_lane;
	uint8_t state, why, clock, unseen; /* enum rs_state, rs_why, rs_clock, rs_unseen */
	struct drain_detail detail;        /* as it was told; level ALL and sample 0: never was */
};

/*
 * The next stage. ctx is passed through; target is the same pointer from seen to gone.
 * counters: now_ns is the second to book to; gap: the difference spans a restart of the agent.
 */
struct drain_sink {
	void *ctx;
	void (*seen)(void *ctx, const struct capture_target *target);
	void (*request)(void *ctx, const struct capture_target *target,
			const struct drain_request *request);
	void (*counters)(void *ctx, const struct capture_target *target,
			 const struct drain_counters *delta, const struct drain_ledger *ledger,
			 uint64_t now_ns, bool gap);
	void (*fold)(void *ctx, const struct capture_target *target, const struct drain_fold *fold,
		     uint64_t now_ns);
	void (*open)(void *ctx, const struct capture_target *target, const struct drain_open *open,
		     uint32_t count, uint64_t now_ns); /* once a second, the whole list */
	void (*named)(void *ctx, const struct capture_target *target, const uint8_t *host,
		      uint32_t bytes); /* a client of TLS asked for it; as the process said */
	void (*gone)(void *ctx, const struct capture_target *target, uint64_t now_ns);
	void (*tick)(void *ctx, uint64_t now_ns); /* after each round over all processes */
};

#endif
