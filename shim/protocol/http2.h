/*
 * http2 - one HTTP/2 connection of a server: its streams, and when a request is over.
 *
 * Threads:  one reader and one writer at a time, which may be two threads; the owner of both for
 *           init, adopt and close. The reader gives out places for streams, either side ends them.
 * Memory:   16 KiB: places for HTTP2_STREAMS open streams, nothing else grows.
 * Errors:   by the unparsed callback: a direction that makes no sense ends there, a stream without
 *           a place is RS_UNPARSED_DEPTH, a header block without end RS_UNPARSED_HEAD_LIMIT.
 * Cost:     by frames; blocks of requests are handed on as they came, of those of responses nothing
 *           is looked at but :status and grpc-status.
 *
 * A request runs from the first byte of its HEADERS read to the last byte of its response written,
 * also when that comes before the end of its body; if it opens a tunnel (RFC 9113 8.5, WebSocket by
 * RFC 8441), to the end of the head that says so. What the server pushes is no request, nor what
 * it says that it did not take up (REFUSED_STREAM, streams beyond its GOAWAY): clients send it
 * again.
 */
#ifndef PROTOCOL_HTTP2_H
#define PROTOCOL_HTTP2_H

#include "frame.h"
#include "served.h"
#include "status.h"

#include <stdatomic.h>

#define HTTP2_STREAMS 256u /* a power of two; servers allow 100 or 128 by themselves */
#define HTTP2_BLOCK_MOST 262144u

enum http2_way_of {
	HTTP2_READ,
	HTTP2_WRITE,
};

enum http2_state {
	HTTP2_FREE,
	HTTP2_OPEN,
	HTTP2_ENDED, /* by the reader, while the writer may have it in its hands */
};

enum http2_mark {
	HTTP2_FAILED = 0x1, /* by its grpc-status */
	HTTP2_TUNNEL = 0x2, /* it asks for one */
};

struct http2_stream {
	_Atomic uint32_t id;   /* 0: none */
	_Atomic uint8_t state; /* enum http2_state */
	_Atomic uint8_t marks; /* enum http2_mark */
	_Atomic uint16_t status;
	int32_t open;          /* the caller's handle, -1: none */
	_Atomic uint32_t kept; /* what the caller said of its header block; 0: nothing */
	uint64_t t0;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t first_byte; /* of the response; 0: none */
};

struct http2_done {
	struct served request; /* with its stream; connection is the caller's to know */
	int32_t open;
	uint32_t kept;
	bool refused; /* it counts as never sent */
};

/* A piece of a request's header block, in the order of all of them. */
struct http2_piece {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t stream;
	bool first;  /* the block begins with it */
	bool last;   /* the block ends with it */
	bool opens;  /* the stream begins with it: what piece returns is remembered */
	bool tunnel; /* said by piece: the block asks for one */
};

/* What the program does about it; context is that of the call. */
struct http2_ops {
	uint64_t (*now)(void *context);
	int32_t (*begun)(void *context, uint64_t t0);
	void (*step)(void *context, const struct http2_stream *s, uint8_t state); /* rs_open */
	void (*done)(void *context, struct http2_done *done);
	void (*unparsed)(void *context, uint8_t why); /* enum rs_unparsed */
	uint32_t (*piece)(void *context, struct http2_piece *piece);
	void (*lost)(void *context, uint32_t stream); /* pieces are left out */
};

/* One for all connections, defined by its user: so the shim, linked as one, calls it directly. */
extern const struct http2_ops http2_ops;

struct http2_call {
	void *context;
	uint64_t now; /* 0: not read yet */
};

struct http2_way {
	struct frame frame;
	uint64_t began; /* the frame whose head is cut; 0: it is not */
	uint32_t block; /* bytes of the header block so far */
};

struct http2 {
	struct http2_way way[2];
	struct status status;
	_Atomic uint8_t writing;
	_Atomic uint16_t far;        /* places behind its own that a stream may lie in, from 1 */
	_Atomic uint32_t most;       /* by the server's GOAWAY: the last stream that it takes up */
	uint32_t last;               /* stream that the client opened */
	struct http2_stream *opened; /* whose first header block is being read; NULL: none's */
	struct http2_stream streams[HTTP2_STREAMS];
};

/* skip: bytes of the client's preface that were read as something else. */
void http2_init(struct http2 *x, uint8_t skip);

/* Of HTTP/1.1, by an upgrade: the request that was read becomes the first stream. */
void http2_upgrade(struct http2 *x, const struct served *request, int32_t open);

/* false: nothing of this direction is of interest any more. */
bool http2_read(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n);
bool http2_write(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n);

/*
 * Ahead of http2_write: a server that does not speak it says so by HTTP/1.x, ahead of any frame.
 * true: nothing that was asked for by HTTP/2 is answered.
 */
bool http2_declines(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n);

/* As above, of bytes that were moved unseen. */
bool http2_unseen(struct http2 *x, struct http2_call *call, enum http2_way_of way, uint64_t n);

/* What moves from here on is not to be understood. */
void http2_lose(struct http2 *x, enum http2_way_of way);

void http2_close(struct http2 *x, struct http2_call *call, bool client_gone);

/* In a fork child: what the parent has open is not ours. Returns how many requests there are. */
uint32_t http2_adopt(struct http2 *x);

uint32_t http2_open_streams(const struct http2 *x);

#endif
