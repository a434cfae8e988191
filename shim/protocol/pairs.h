/*
 * pairs - requests of a connection whose answers come in their order: which one is answered next.
 *
 * Threads:  one reader and one writer at a time, which may be two threads; the owner of both for
 *           init, adopt and close. Runs pass from reader to writer by a queue.
 * Memory:   PAIRS_RUNS runs inside, more in blocks that the caller lends. Beyond PAIRS_MOST runs
 *           requests are counted only: RS_UNPARSED_DEPTH each, without name and time.
 * Errors:   by the unparsed callback.
 * Cost:     equal requests of one read are one run; its name is looked up once. A run that finds
 *           the queue empty takes the first place again, so that little memory is passed through.
 *
 * A request runs from its first byte read to the last byte of its answer written, and is known of
 * when it was read whole. A name is told when its answer shows that the server knows it.
 */
#ifndef PROTOCOL_PAIRS_H
#define PROTOCOL_PAIRS_H

#include "served.h"

#include <ringside/abi.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define PAIRS_RUNS 4u /* of a block */
#define PAIRS_MOST 16384u
#define PAIRS_UNKNOWN "_unknown" /* what the server did not know either */

/* In a mark: no request, only a place in the order; t0 and name are its protocol's own. */
#define PAIRS_ASIDE 0x40u

/* What protocols without a status number are shown as. */
#define PAIRS_OK 200u
#define PAIRS_ELSEWHERE 302u /* another server has it */
#define PAIRS_REFUSED 400u   /* the client is to blame */
#define PAIRS_FAILED 500u    /* the server is */

struct pairs_run {
	uint64_t t0;
	uint32_t bytes_in; /* of each */
	uint32_t count;
	int32_t open;   /* the caller's handle, -1: none; the writer's, once it waits */
	uint16_t shape; /* the writer's, once it is named */
	uint8_t flags;  /* enum rs_flag */
	uint8_t mark;   /* its protocol's own */
	bool begun;     /* the caller was told */
	bool named;
	uint8_t name_length; /* 0: it has none that may be told */
	uint8_t name[RS_PATH_BYTES];
};

/* A request whose answer said that its result will come later. */
struct pairs_later {
	uint64_t span;
	uint32_t bytes_in;
	uint32_t bytes_out;
	uint16_t shape;
	bool begun;
};

/* What a protocol keeps of a name: its hash, 0: free, and its shape. */
struct pairs_name {
	uint64_t hash;
	uint16_t shape;
};

#define PAIRS_NAMES (PAIRS_RUNS * sizeof(struct pairs_run) / sizeof(struct pairs_name))
#define PAIRS_LATERS (PAIRS_RUNS * sizeof(struct pairs_run) / sizeof(struct pairs_later))

struct pairs_block {
	struct pairs_block *_Atomic next;
	union {
		struct pairs_run runs[PAIRS_RUNS];
		struct pairs_later laters[PAIRS_LATERS];
		struct pairs_name names[PAIRS_NAMES];
	};
};

/* What the program does about it; context is that of the call. */
struct pairs_ops {
	uint64_t (*now)(void *context);
	void (*begun)(void *context, uint64_t t0, uint32_t requests);
	void (*dropped)(void *context, uint64_t requests); /* begun, and not to be counted */
	int32_t (*open)(void *context, uint64_t t0, uint16_t shape); /* a handle, or -1 */
	void (*shut)(void *context, int32_t open);                   /* -1 is allowed */
	/* Its shape. sure: the server knows it; else 0 if no server ever knew it here. */
	uint16_t (*name)(void *context, const uint8_t *name, size_t length, bool sure);
	void (*done)(void *context,
		     struct served *request);         /* connection, protocol: the caller's */
	void (*unparsed)(void *context, uint8_t why); /* enum rs_unparsed */
	struct pairs_block *(*lend)(void *context);   /* NULL: no */
	void (*give_back)(void *context, struct pairs_block *block);
};

/* One for all connections, defined by its user: so the shim, linked as one, calls it directly. */
extern const struct pairs_ops pairs_ops;

/* One call of the host: its clock is read once, and only when a time is wanted. */
struct pairs_call {
	void *context;
	uint64_t now; /* 0: not read yet */
};

/* A request, read whole. */
struct pairs_ask {
	uint64_t t0;
	uint64_t bytes_in;
	const uint8_t *name;
	uint8_t name_length;
	uint8_t mark;
};

struct pairs_answer {
	uint64_t first_byte;
	uint64_t bytes_out;
	uint16_t status;
	uint8_t flags;
	bool unknown; /* the server does not know it by its name */
	bool shaped;  /* it has this shape instead of its run's name */
	uint16_t shape;
	uint64_t bytes_in; /* beside those of its run */
};

/* Where one of the two is in the blocks. */
struct pairs_end {
	struct pairs_block *block;
	uint32_t at; /* the next run */
};

struct pairs {
	_Atomic bool confirmed;  /* an answer came that fits: from here on it is told of */
	_Atomic bool lost;       /* what is answered next is not known any more */
	bool encrypted;          /* TLS follows: the connection begins again */
	uint32_t answered;       /* of the front run */
	uint32_t asked;          /* requests in the queue so far, asides left out */
	_Atomic uint32_t over;   /* of those */
	_Atomic uint64_t head;   /* runs answered, the writer's */
	_Atomic uint64_t tail;   /* runs read, the reader's */
	_Atomic uint64_t turned; /* the reader's: this run lies at the beginning of first again */
	_Atomic uint64_t beyond; /* requests that found no room and are not answered yet */
	struct pairs_end reading;
	struct pairs_end answering;
	struct pairs_run *fresh; /* written, not yet in the queue */
	struct pairs_block first;
	struct pairs_run nameless; /* stands for those beyond */
};

void pairs_init(struct pairs *p);

static inline uint64_t pairs_now(struct pairs_call *call)
{
	if (!call->now)
		call->now = pairs_ops.now(call->context);
	return call->now;
}

static inline bool pairs_is_lost(const struct pairs *p)
{
	return atomic_load_explicit(&p->lost, memory_order_relaxed);
}

static inline bool pairs_is_confirmed(const struct pairs *p)
{
	return atomic_load_explicit(&p->confirmed, memory_order_relaxed);
}

/* The reader's; pairs_flush ends what one call has read. */
void pairs_ask(struct pairs *p, struct pairs_call *call, const struct pairs_ask *ask);

/* Of what was asked last, if it is one request of that mark which no writer knows of yet. */
bool pairs_mark(struct pairs *p, uint8_t from, uint8_t to);
void pairs_flush(struct pairs *p, struct pairs_call *call);

/* One that gets no answer: it is over with what is read. */
void pairs_unanswered(struct pairs *p, struct pairs_call *call, const struct pairs_ask *ask);

/* The writer's: what is answered next; NULL: nothing was asked for. */
struct pairs_run *pairs_front(struct pairs *p, struct pairs_call *call);
void pairs_confirm(struct pairs *p);
void pairs_answer(struct pairs *p, struct pairs_call *call, const struct pairs_answer *a);
/* The next one is passed over: an aside, or a request that did not happen. */
void pairs_skip(struct pairs *p, struct pairs_call *call);
void pairs_written(struct pairs *p, struct pairs_call *call); /* ends a call */

/* As pairs_answer, but it is not over: *out is to be told in the end, or dropped. */
void pairs_postpone(struct pairs *p, struct pairs_call *call, const struct pairs_answer *a,
		    struct pairs_later *out);
void pairs_tell(struct pairs_call *call, const struct pairs_later *later, uint16_t status);

/*
 * A place for a new name in blocks of names, the newest in front; placed: how many were so far.
 * Beyond so many blocks the oldest gives way. NULL: no memory.
 */
struct pairs_name *pairs_name_place(struct pairs_block **front, uint32_t *placed, uint32_t blocks,
				    struct pairs_call *call);

/* Either's; false. why is told if it was confirmed. */
bool pairs_lose(struct pairs *p, struct pairs_call *call, uint8_t why);

uint32_t pairs_waiting(const struct pairs *p);
uint32_t pairs_adopt(struct pairs *p); /* in a fork child: the requests that had begun */
void pairs_close(struct pairs *p, struct pairs_call *call, bool client_gone);

#endif
