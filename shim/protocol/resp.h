/*
 * resp - the messages in one direction of a Redis connection (RESP2 and RESP3), as events.
 *
 * Threads:  one at a time per struct resp; pure.
 * Memory:   none but the struct (112 bytes), whatever lengths the stream claims.
 * Errors:   RESP_BAD, why says which; the direction is lost from there on, never guessed.
 * Cost:     lengths by bytes, values by count.
 *
 * Input is what was really moved, cut anywhere, from the first byte of the connection on. Of a
 * request the command's name is kept, and the subcommand where a command has some; never a key or a
 * value. A name is the client's own text until its answer shows that the server knows it: see
 * RESP_ERROR_UNKNOWN.
 */
#ifndef PROTOCOL_RESP_H
#define PROTOCOL_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESP_NAME_BYTES 40u  /* the longest of Redis 7 has 24; of modules 31 */
#define RESP_ERROR_BYTES 12u /* "ERR unknown " fits */
#define RESP_LENGTH_MOST 0x7fffffffu
#define RESP_INLINE_MOST 65536u /* as Redis has it; of a reply's status line, too */

enum resp_event {
	RESP_MORE,  /* all input is consumed */
	RESP_BEGIN, /* the first byte of a message is there */
	RESP_END,   /* the message is complete: name, or what the reply says, is set */
	RESP_EMPTY, /* as RESP_END, of a request without a word: it gets no answer */
	RESP_ITEM,  /* a value of a reply's outermost array is complete: item_error; if told so */
	RESP_PUSH,  /* as RESP_END, of a message that answers no request */
	RESP_BAD,   /* why is set; nothing is read from here on */
};

enum resp_error {
	RESP_OK,
	RESP_ERROR,         /* the client is to blame */
	RESP_ERROR_UNKNOWN, /* no such command or subcommand: its name may be anybody's secret */
	RESP_ERROR_SERVER,  /* it cannot just now: OOM, LOADING, CLUSTERDOWN … */
	RESP_ERROR_MOVED,   /* another node has it */
};

enum resp_step {
	RESP_AT_START, /* between two messages */
	RESP_AT_TYPE,
	RESP_AT_NUMBER, /* of a length, up to its line end */
	RESP_AT_LINE,   /* of a status, an error or a scalar */
	RESP_AT_INLINE,
	RESP_AT_VALUE,
	RESP_AT_RETURN, /* the line end behind it */
	RESP_AT_NEWLINE,
	RESP_AT_BAD,
};

struct resp {
	uint64_t left;  /* bytes of a value */
	uint64_t items; /* values that the message still has */
	uint64_t number;
	uint64_t floor; /* values of the outermost array that are not complete */
	uint32_t line;  /* bytes of the unfinished line */
	uint32_t word;  /* words of a request so far */
	uint8_t step;   /* enum resp_step */
	uint8_t type;   /* of the value in progress */
	uint8_t digits; /* of number */
	bool minus;
	bool first;         /* the value in progress is the message's outermost */
	bool push;          /* the message answers none */
	bool nameless;      /* its name has bytes that no command has, or too many */
	bool two;           /* its subcommand belongs to its name */
	bool queued;        /* a reply: +QUEUED, the command runs at EXEC */
	bool told;          /* set by the caller at RESP_BEGIN: it wants RESP_ITEM */
	bool item;          /* of the outermost array a value begins */
	bool heard;         /* the value in progress is looked at for an error */
	bool listed;        /* a reply: an array of one value or more; the last one ends with it */
	uint8_t error;      /* enum resp_error, of a reply */
	uint8_t item_error; /* of the last value of its outermost array */
	uint8_t why;        /* enum rs_unparsed */
	uint8_t name_length;
	uint8_t name[RESP_NAME_BYTES]; /* upper case, "CONFIG|GET"; a reply's first bytes */
};

void resp_init(struct resp *p);

/* Consume input from *at on, up to the next event. */
enum resp_event resp_request(struct resp *p, const uint8_t **at, const uint8_t *end);
enum resp_event resp_reply(struct resp *p, const uint8_t **at, const uint8_t *end);

/* Behind this request answers cannot be told from messages: pub/sub, MONITOR, replication … */
bool resp_breaks_pairs(const uint8_t *name, size_t n);

/* Are these the first bytes of a request, as far as they go? Inline commands are not told. */
bool resp_is_request(const uint8_t *bytes, size_t n);

#endif
