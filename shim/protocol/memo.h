/*
 * memo - heads of messages that were read before, and what they said.
 *
 * Threads:  one at a time per struct memo; pure.
 * Memory:   MEMO_PLACES requests and as many answers, of MEMO_BYTES at most.
 * Errors:   NULL: not known.
 * Cost:     64 bytes a step, and none behind the first that differs.
 *
 * Clients ask the same again and again, and servers answer by the same head but for its date. All
 * that a head says is in its bytes: where every one of them is the same, it says the same.
 */
#ifndef PROTOCOL_MEMO_H
#define PROTOCOL_MEMO_H

#include <stddef.h>
#include <stdint.h>

#define MEMO_PLACES 8u
#define MEMO_LEAST 32u  /* bytes of a head that is kept … */
#define MEMO_BYTES 496u /* … and at most: a browser's fit */
#define MEMO_PATIENCE 4u

struct memo_said {
	uint64_t body;    /* bytes behind the head */
	uint16_t length;  /* of the head; 0: there is none */
	uint16_t status;  /* of an answer */
	uint16_t shape;   /* of the request */
	uint8_t method;   /* enum rs_method, of the request */
	uint8_t patience; /* the memo's: so many others come and go before one takes its place */
};

struct memo_head {
	struct memo_said said;
	_Alignas(16) uint8_t bytes[MEMO_BYTES];
};

struct memo {
	uint64_t link;       /* its owner's */
	uint32_t generation; /* its owner's: shapes are of this segment */
	struct memo_head requests[MEMO_PLACES];
	struct memo_head answers[MEMO_PLACES];
};

/* n bytes that are one whole request, its body included. */
const struct memo_said *memo_request(struct memo *m, const uint8_t *at, size_t n);

/* n bytes that begin with the whole head of an answer to such a request. */
const struct memo_said *memo_answer(struct memo *m, uint16_t shape, uint8_t method,
				    const uint8_t *at, size_t n);

/* The head at at, of so many bytes; it may be kept. said: but for its length and patience. */
void memo_keep_request(struct memo *m, const struct memo_said *said, const uint8_t *at,
		       size_t length);
void memo_keep_answer(struct memo *m, const struct memo_said *said, const uint8_t *at,
		      size_t length);

void memo_forget(struct memo *m); /* shapes are other ones from now on */

#endif
