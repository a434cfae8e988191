/*
 * emit - from a hook to the segment: counters, records, folds.
 *
 * Threads:  call inside a guard only (guard.h); the state written is this thread's own.
 * Memory:   everything passed in is borrowed until return.
 * Errors:   none: what cannot be delivered is folded or dropped, and counted.
 * Cost:     a request is about 15 ns, a counter 0.3.
 *
 * For each kind counted = pushed + folded + dropped. counted rises only while an agent listens
 * (rs_agent.epoch); with nobody there, or without a clock, only the plain counters rise.
 */
#ifndef SHIM_EMIT_H
#define SHIM_EMIT_H

#include "served.h"
#include "thread.h"

struct emit_closed {
	uint64_t t0;  /* ticks: it was opened, or first seen */
	uint64_t end; /* ticks */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint32_t connection;
	uint32_t requests;
	uint8_t protocol; /* enum rs_protocol */
	uint8_t how;      /* 1 by the server, 2 by the client, 3 reset */
};

/* A piece of the header block of a request. */
struct emit_piece {
	const uint8_t *bytes;
	uint32_t connection;
	uint32_t number; /* running by connection */
	uint32_t stream;
	uint16_t length; /* at most EMIT_PIECE_MOST */
	uint8_t place;   /* where a whole block is kept, from 1; 0: nowhere */
	bool last;       /* the block ends with it */
};

#define EMIT_PIECE_MOST (RS_DETAIL_BYTES - 4u) /* a record less the head of its section */

uint32_t emit_opened(void); /* a connection was accepted, received or found: its id, never 0 */
void emit_closed(const struct emit_closed *closed);
void emit_begun(void);
void emit_refused(void);   /* what had begun counts as never sent */
uint32_t emit_epoch(void); /* of the agent that listens; 0: nobody does */
void emit_request(const struct served *request);
bool emit_piece(const struct emit_piece *piece); /* false: it was lost, which is counted */
void emit_unparsed(enum rs_unparsed why);
void emit_lost(enum rs_lost why);
void emit_handshake(enum rs_tls version, uint64_t span); /* ticks */
void emit_handshake_failed(void);
void emit_label(uint32_t connection, const uint8_t *label, uint32_t length); /* RS_SECTION_LABEL */
void emit_unseen_fd(void);                /* a descriptor beyond the table */
void emit_unseen_way(enum rs_unseen way); /* bytes are moved where no hook sees them */

/* Fetches what is looked at when a request begins. */
static inline __attribute__((always_inline)) void emit_expect(void)
{
	__builtin_prefetch(&home.header->agent);
	__builtin_prefetch(here.block, 1);
}

/* 0 for 1xx … 4 for 5xx; a number outside counts as 5xx, as RFC 9110 15 has it for clients. */
static inline uint32_t emit_status_class(uint16_t status)
{
	return status >= 100 && status < 600 ? status / 100u - 1 : RS_STATUS_CLASSES - 1;
}

#endif
