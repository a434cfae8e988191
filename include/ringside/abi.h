/*
 * abi - the records that cross from a watched process to the agent, and the counters beside them.
 *
 * Includers: shim/ (writes), agent/capture and agent/drain (read, treating every word as hostile).
 * Change:    any change of a size, an offset or a meaning raises RS_ABI_VERSION.
 * Times:     raw clock ticks of the process (rs_clock); the agent converts with its calibration.
 */
#ifndef RINGSIDE_ABI_H
#define RINGSIDE_ABI_H

#include <stdatomic.h>
#include <stdint.h>

#define RS_ABI_VERSION 3u

#define RS_SLOT_BYTES 64u
#define RS_RECORD_SLOTS 16u /* head + 15 continuation slots at most */
#define RS_SLOT_PAYLOAD 56u /* a slot less its sequence word */
#define RS_PIECE_INLINE 12u /* bytes of a header block that need no section */
#define RS_DETAIL_BYTES (15u * RS_SLOT_PAYLOAD)

/* What a record is about. The counters of struct rs_block are kept by kind. */
enum rs_kind {
	RS_KIND_NONE,
	RS_KIND_REQUEST,    /* a request that this process served */
	RS_KIND_CONNECTION, /* a connection that ended */
	RS_KIND_CALL,       /* a request that this process made: database, cache, HTTP */
	RS_KIND_HEADERS,    /* a piece of an HTTP/2 header block, in the order of its connection */
	RS_KIND_STACK,      /* a sampled allocation or its release, with its stack */
	RS_KIND_STATEMENT,  /* the text behind a statement shape, literals removed */
	RS_KIND_NOTE,       /* a label of a connection: the host that its client asked for */
	RS_KINDS = 8,
};

enum rs_clock {
	RS_CLOCK_NONE,      /* stopped: the host entered strict seccomp or PR_TSC_SIGSEGV */
	RS_CLOCK_TSC,       /* rdtsc, invariant, and the kernel's own clock source */
	RS_CLOCK_MONOTONIC, /* nanoseconds of CLOCK_MONOTONIC */
};

enum rs_protocol {
	RS_PROTOCOL_UNKNOWN,
	RS_PROTOCOL_HTTP1,
	RS_PROTOCOL_HTTP2,
	RS_PROTOCOL_GRPC,
	RS_PROTOCOL_FASTCGI,
	RS_PROTOCOL_SCGI,
	RS_PROTOCOL_UWSGI,
	RS_PROTOCOL_REDIS,
	RS_PROTOCOL_MEMCACHED,
	RS_PROTOCOL_POSTGRESQL,
	RS_PROTOCOL_MYSQL,
	RS_PROTOCOL_TLS, /* ciphertext only: times, no method, route or status */
};

enum rs_method {
	RS_METHOD_OTHER,
	RS_METHOD_GET,
	RS_METHOD_HEAD,
	RS_METHOD_POST,
	RS_METHOD_PUT,
	RS_METHOD_DELETE,
	RS_METHOD_PATCH,
	RS_METHOD_OPTIONS,
	RS_METHOD_CONNECT,
	RS_METHOD_TRACE,
	RS_METHODS,
};

/*
 * The status of protocols that have no numbers of their own: 200 answered; 302 another server has
 * it; 400 an error that the client is to blame for (no such command, a wrong type, no rights …);
 * 500 one that the server is (no memory, not ready …). In Redis the first word of the error tells.
 */

/* rs_head.flags of a request. */
enum rs_flag {
	RS_FLAG_ABORTED = 1 << 0,       /* no status line was sent */
	RS_FLAG_CUT_BY_SERVER = 1 << 1, /* the reply ended before its declared length */
	RS_FLAG_CUT_BY_CLIENT = 1 << 2, /* as above, the client closed or reset first */
	RS_FLAG_SHARED = 1 << 3,        /* other requests ran on this thread between its ends */
	RS_FLAG_PIPELINED = 1 << 4,     /* it waited behind another request of its connection */
	RS_FLAG_UPGRADED = 1 << 5,      /* answered by 101, or a CONNECT that was granted */
	RS_FLAG_DETAIL_CUT = 1 << 6,    /* a section did not fit and was left out */
	RS_FLAG_FAILED = 1 << 7,        /* by its protocol's own word: grpc-status is not 0 */
};

/*
 * A slot. Its first word is the sequence word, stored last and with release (ring.h):
 *
 *   byte 0        8        16       24       32   36 38 39 40                 64
 *        ├─seq────┼─t0─────┼─span───┼─request┼─conn┼shape┼kind┼flags┼─body─────┤   head
 *        ├─seq────┼─56 bytes of sections ──────────────────────────────────────┤   continuation
 */
struct rs_head {
	_Atomic uint64_t seq;
	uint64_t t0;         /* ticks: the first byte of the request was read */
	uint64_t span;       /* ticks: from t0 to the last byte of the response written */
	uint64_t request;    /* unique in its process, never 0 */
	uint32_t connection; /* unique in its process until it wraps, never 0 */
	uint16_t shape; /* shape table: offset / 8 of the entry; 0: none, the path is a section;
			   of an HTTP/2 request: rs_block_of */
	uint8_t kind;   /* enum rs_kind */
	uint8_t flags;  /* enum rs_flag */
	union {
		struct {
			uint64_t bytes_out;
			uint32_t bytes_in;   /* saturates; the counter block is exact */
			uint32_t first_byte; /* 256 ticks: t0 to the first byte; saturates */
			uint32_t thread;     /* tid, as the process itself sees it */
			uint16_t status;     /* 0: none */
			uint8_t method;      /* enum rs_method */
			uint8_t protocol;    /* enum rs_protocol */
		} served;                    /* RS_KIND_REQUEST */
		struct {
			uint64_t bytes_out;
			uint64_t bytes_in;
			uint32_t requests;
			uint8_t protocol;
			uint8_t how; /* 1 by the server, 2 by the client, 3 reset */
			uint16_t reserved;
		} closed; /* RS_KIND_CONNECTION */
		struct {
			uint64_t parent; /* id of the request being served; 0: unknown, shared */
			uint32_t bytes_in;
			uint32_t bytes_out;
			uint32_t thread;
			uint16_t status;
			uint8_t method;
			uint8_t protocol;
		} call; /* RS_KIND_CALL */
		struct {
			uint32_t number; /* of the piece, running by connection */
			uint32_t stream;
			uint8_t place; /* 0; or it is a whole block to be kept there: rs_block_of */
			uint8_t last;  /* the block ends with this piece */
			uint16_t length; /* of the piece: here, or in its section */
			uint8_t bytes[RS_PIECE_INLINE];
		} headers; /* RS_KIND_HEADERS */
		struct {
			uint64_t address;
			uint64_t weight; /* bytes this sample stands for */
			uint32_t size;
			uint16_t frames;
			uint8_t release; /* 1: the sampled block was freed */
			uint8_t reserved;
		} stack; /* RS_KIND_STACK */
		uint8_t body[24];
	};
};

_Static_assert(sizeof(struct rs_head) == RS_SLOT_BYTES, "a slot is one cache line");

/*
 * A header block that comes again and changes nothing for those behind it travels once, in a piece
 * with a place from 1 to RS_PLACES, and is kept there until another takes the place. A request of
 * such a block names it by the number of that piece + 1; it stands where other protocols have
 * shape and method. 0: there is none, and RS_SECTION_STREAM names the stream of its own block.
 */
#define RS_PLACES 16u
#define RS_BLOCK_MOST 0xffffffu

static inline uint32_t rs_block_of(const struct rs_head *head)
{
	return head->shape | (uint32_t)head->served.method << 16;
}

static inline void rs_block_put(struct rs_head *head, uint32_t block)
{
	head->shape = (uint16_t)block;
	head->served.method = (uint8_t)(block >> 16);
}

struct rs_continuation {
	_Atomic uint64_t seq;
	uint8_t bytes[RS_SLOT_PAYLOAD];
};

_Static_assert(sizeof(struct rs_continuation) == RS_SLOT_BYTES, "a slot is one cache line");

/*
 * The 56-byte bodies of a record's continuation slots, joined, are a list of sections:
 * {type u8, reserved u8, length u16 little endian, bytes[length], zero padding to 4}.
 * The list ends at type 0 or at the end of the record. A reader skips a type it does not know.
 */
enum rs_section {
	RS_SECTION_END,
	RS_SECTION_PATH,    /* raw bytes of the path, query removed, at most RS_PATH_BYTES */
	RS_SECTION_PARENT,  /* u64: request id of the caller in the same process */
	RS_SECTION_TRACE,   /* 16 bytes trace id, 8 bytes span id, 1 byte flags (W3C traceparent) */
	RS_SECTION_FRAMES,  /* u64 return addresses, innermost first, at most RS_FRAMES */
	RS_SECTION_HEADERS, /* a piece of an HPACK block, values masked (shim/protocol/mask.h) */
	RS_SECTION_STATEMENT, /* a statement without literals */
	RS_SECTION_MEMORY, /* i64 allocated - freed bytes of the serving thread over the request */
	RS_SECTION_LABEL,  /* "name=value": peer, database, SNI, gRPC status, captured header */
	RS_SECTION_STREAM, /* u32: stream of an HTTP/2 request, whose header blocks have its path */
};

#define RS_PATH_BYTES 128u
#define RS_FRAMES 64u

/* Why a message or a connection could not be read; rs_block.unparsed is indexed by it. */
enum rs_unparsed {
	RS_UNPARSED_GARBAGE,    /* not the protocol it seemed to be */
	RS_UNPARSED_MID_STREAM, /* the connection was first seen in its middle */
	RS_UNPARSED_RACE,       /* two threads moved bytes of one direction at once */
	RS_UNPARSED_HEAD_LIMIT, /* a head longer than the parser follows */
	RS_UNPARSED_AMBIGUOUS,  /* Content-Length and Transfer-Encoding disagree, or two lengths */
	RS_UNPARSED_DEPTH,      /* more pipelined requests than are kept */
	RS_UNPARSED_UNASKED,    /* a response without a request */
	RS_UNPARSED_FD_LIMIT,   /* a descriptor number beyond the table */
	RS_UNPARSED_NO_MEMORY,  /* no room for the state of a connection */
	RS_UNPARSED_TLS_UNLINKED, /* cipher text whose plain text was not seen */
	RS_UNPARSED_HPACK_GAP,    /* a header block was lost */
	RS_UNPARSED_UNSEEN_IO,    /* bytes moved by a call the shim does not see */
	RS_UNPARSED_UNPAIRED,     /* a request whose answer cannot be told from messages */
	RS_UNPARSED_REASONS = 16,
};

/* Why an event carried less than it could; rs_block.lost is indexed by it. */
enum rs_lost {
	RS_LOST_REENTRY,    /* a signal handler interrupted a hook: the inner event */
	RS_LOST_LONGJMP,    /* a hook was left by siglongjmp or cancellation: the outer event */
	RS_LOST_LANE_FULL,  /* folded, or dropped where its kind has no cell */
	RS_LOST_OPEN_FULL,  /* not listed in the open table; the request itself counts */
	RS_LOST_SHAPE_FULL, /* shape table full: the path travels in the record */
	RS_LOST_CELL,       /* could not be folded: no memory for a cell */
	RS_LOST_RACE,       /* an owner word was held by another thread */
	RS_LOST_REASONS = 8,
};

/* What a TLS handshake agreed on; rs_block.handshakes is indexed by it. */
enum rs_tls {
	RS_TLS_UNKNOWN,
	RS_TLS_OLDER, /* than 1.2 */
	RS_TLS_1_2,
	RS_TLS_1_3,
	RS_TLS_VERSIONS,
};

#define RS_STATUS_CLASSES 5u
#define RS_COST_EVERY 61u /* hooks, one is timed; prime: reads and writes alternate */

/*
 * The counters of one thread. Written by its owner alone with relaxed loads and stores (the shared
 * block, the last one, with relaxed adds); read by the agent at any time. A block outlives its
 * thread and never goes back: the totals of a process are the sums over its blocks.
 *
 * Truth: for each kind, counted = pushed + folded + dropped once its writer is outside a hook.
 * counted rises only for what is offered to an agent: not while rs_agent.epoch is 0, and not for a
 * request without a time (no clock); requests counts those too.
 */
struct rs_block {
	_Atomic uint64_t begun;    /* first byte was read; less requests and refused: in flight */
	_Atomic uint64_t requests; /* ended: the sum of status and aborted */
	_Atomic uint64_t status[RS_STATUS_CLASSES]; /* 1xx (101 only) … 5xx */
	_Atomic uint64_t aborted;
	_Atomic uint64_t cut_by_server;
	_Atomic uint64_t cut_by_client;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t span;         /* ticks, sum over requests */
	_Atomic uint64_t span_min;     /* ticks, 0: none yet */
	_Atomic uint64_t span_max;     /* ticks */
	_Atomic uint64_t slow_warning; /* over rs_agent.slow_warning, not over critical */
	_Atomic uint64_t slow_critical;
	_Atomic uint64_t opened; /* connections accepted, received or found */
	_Atomic uint64_t closed;
	_Atomic uint64_t allocations;
	_Atomic uint64_t frees;
	_Atomic uint64_t allocated_bytes; /* usable size */
	_Atomic uint64_t freed_bytes;     /* usable size; allocated - freed: live */
	_Atomic uint64_t cost_ticks;      /* of one in RS_COST_EVERY of the hooks … */
	_Atomic uint64_t cost_samples;    /* … of which so many ended a request */
	_Atomic uint64_t refused;         /* begun, and the server said that it took no notice */
	_Atomic uint64_t handshakes[RS_TLS_VERSIONS]; /* of TLS, complete */
	_Atomic uint64_t handshakes_failed;           /* begun, and its connection ended */
	_Atomic uint64_t handshake; /* ticks, sum: the hello's first byte to the library's word */
	_Atomic uint64_t counted[RS_KINDS];
	_Atomic uint64_t pushed[RS_KINDS];
	_Atomic uint64_t folded[RS_KINDS];
	_Atomic uint64_t dropped[RS_KINDS];
	_Atomic uint64_t unparsed[RS_UNPARSED_REASONS];
	_Atomic uint64_t lost[RS_LOST_REASONS];
	_Atomic uint32_t thread; /* tid of the owner, 0: free for the next thread */
	_Atomic uint32_t lane;   /* 1: this block's lane is mapped and populated */
	_Atomic uint64_t reserved1[31];
	_Alignas(64) _Atomic uint64_t tail; /* the agent's: positions below may be reused */
	_Atomic uint64_t reserved2[7];
};

_Static_assert(sizeof(struct rs_block) == 1024, "four blocks a page");

/*
 * Requests of one shape that found their lane full, added up instead of dropped. All fields by
 * relaxed atomic adds, from any thread; the agent takes what is there by atomic exchange with 0,
 * so that a minimum and a maximum belong to the time since it looked last.
 */
struct rs_cell {
	_Atomic uint64_t count;
	_Atomic uint64_t status[RS_STATUS_CLASSES];
	_Atomic uint64_t aborted;
	_Atomic uint64_t cut_by_server;
	_Atomic uint64_t cut_by_client;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t span;     /* ticks */
	_Atomic uint64_t span_min; /* ticks + 1, 0: none */
	_Atomic uint64_t span_max; /* ticks */
	_Atomic uint64_t slow_warning;
	_Atomic uint64_t slow_critical;
	_Atomic uint32_t buckets[1016]; /* histogram.h */
	_Atomic uint32_t
		methods; /* bit per enum rs_method that was ever folded: stays, set first */
	_Atomic uint32_t spare[7]; /* 0 */
};

_Static_assert(sizeof(struct rs_cell) == 4224, "128 bytes of sums, the buckets, and 32 of more");

/* A request in progress. connection is stored last when claimed and zeroed first when freed. */
struct rs_open {
	_Atomic uint32_t connection; /* 0: free */
	_Atomic uint16_t shape;      /* 0: its path is not known yet */
	_Atomic uint8_t method;
	_Atomic uint8_t state; /* enum rs_open_state */
	_Atomic uint64_t t0;   /* ticks */
	_Atomic uint64_t bytes_out;
	_Atomic uint32_t queued; /* requests of this connection behind it */
	_Atomic uint32_t thread; /* tid that read its first byte */
};

_Static_assert(sizeof(struct rs_open) == 32, "two a cache line");

enum rs_open_state {
	RS_OPEN_HEAD,      /* its head is being read */
	RS_OPEN_BODY,      /* its body is being read */
	RS_OPEN_WAITING,   /* read; nothing written yet */
	RS_OPEN_ANSWERING, /* the response has begun */
};

/*
 * A shape: a path whose obvious variable segments became {id}, {hex}, {uuid}, {date}. Entries are
 * appended and never change once an index word points at them; id = offset in the region / 8.
 */
struct rs_shape {
	uint32_t hash;
	uint16_t length; /* 1 … RS_PATH_BYTES */
	uint16_t cell;   /* its cell, RS_CELLS - 1: the shared one */
	uint8_t bytes[]; /* as seen, not yet in canonical form; padded to 8 */
};

#endif
