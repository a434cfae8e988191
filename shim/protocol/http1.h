/*
 * http1 - the messages in one direction of an HTTP/1.x connection (RFC 9112), as events.
 *
 * Threads:  one at a time per struct http1; pure.
 * Memory:   none but the struct; path points into the input or into the struct until the next call.
 * Errors:   HTTP1_BAD, why says which; the direction is lost from there on, never guessed.
 * Cost:     heads by lines, bodies by count. 41 bytes of request and 238 of response: about 55 ns.
 *
 * Input is what was really moved, cut anywhere, from the first byte of the connection on. Only the
 * first HTTP1_KEPT bytes of a line are ever looked at (and its end), so that a line in two pieces
 * reads like a whole one.
 */
#ifndef PROTOCOL_HTTP1_H
#define PROTOCOL_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#define HTTP1_KEPT 152u         /* a method of 16 and a path of 128 fit */
#define HTTP1_TAIL 16u          /* " HTTP/1.1" and a carriage return fit */
#define HTTP1_HEAD_MOST 262144u /* servers stop at 8 to 64 KiB */

enum http1_event {
	HTTP1_MORE,    /* all input is consumed */
	HTTP1_BEGIN,   /* the first byte of a message is there, its first line is not */
	HTTP1_TARGET,  /* a request's first line: method, path and path_length are set */
	HTTP1_STATUS,  /* a response's first line: status is set */
	HTTP1_INTERIM, /* a 1xx head is complete, the response itself is still to come */
	HTTP1_END,     /* the message is complete */
	HTTP1_TUNNEL, /* as HTTP1_END, and what follows is no HTTP/1.x: 101, or a granted CONNECT */
	HTTP1_BAD,    /* why is set; nothing is read from here on */
};

enum http1_step {
	HTTP1_AT_START, /* between two messages */
	HTTP1_AT_FIRST_LINE,
	HTTP1_AT_FIELDS,
	HTTP1_AT_BODY,
	HTTP1_AT_CHUNK_SIZE,
	HTTP1_AT_CHUNK,
	HTTP1_AT_CHUNK_END, /* the line end behind its bytes */
	HTTP1_AT_TRAILERS,
	HTTP1_AT_END,
	HTTP1_AT_CLOSE,   /* the body ends with the connection */
	HTTP1_AT_CONNECT, /* behind a CONNECT that was not answered yet */
	HTTP1_AT_TUNNEL,
	HTTP1_AT_BAD,
};

struct http1 {
	uint64_t left;         /* of a body or a chunk */
	uint64_t length;       /* Content-Length */
	const uint8_t *path;   /* query and fragment dropped, absolute form reduced */
	const uint8_t *behind; /* the last head that ended, in the input that it ended in */
	uint32_t head;         /* bytes of this head so far */
	uint32_t line;         /* bytes of the unfinished line so far */
	uint16_t status;
	uint8_t path_length; /* at most RS_PATH_BYTES */
	uint8_t step;        /* enum http1_step */
	uint8_t method;      /* enum rs_method; of a response: set by the caller at HTTP1_STATUS */
	uint8_t fields;      /* private: what the head has said so far */
	uint8_t minor;       /* of HTTP/1.x */
	uint8_t why;         /* enum rs_unparsed */
	uint8_t tail[HTTP1_TAIL]; /* the end of the unfinished line */
	uint8_t text[HTTP1_KEPT]; /* its beginning */
};

void http1_init(struct http1 *p);

/* Consume input from *at on, up to the next event. */
enum http1_event http1_request(struct http1 *p, const uint8_t **at, const uint8_t *end);
enum http1_event http1_response(struct http1 *p, const uint8_t **at, const uint8_t *end);

/*
 * n bytes moved without being seen (sendfile, splice). Returns how many of them lay in a body or a
 * tunnel; call again after the event that http1_request or http1_response has for no input.
 */
uint64_t http1_skip(struct http1 *p, uint64_t n);

/* enum rs_method. At least 8 bytes of text can be read, whatever its length. */
uint8_t http1_method(const uint8_t *text, size_t length);

/* Are these the first bytes of a request line, as far as they go? */
int http1_is_request(const uint8_t *bytes, size_t n);

#endif
