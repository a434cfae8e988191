/*
 * redis_fault - what can go wrong with a question to a Redis, and how an error reply is read.
 *
 * Threads:  pure functions.
 * Memory:   the caller's.
 * Errors:   -EINVAL: it is no redirection.
 */
#ifndef REDIS_FAULT_H
#define REDIS_FAULT_H

#include "redis_url.h"

#include <stdbool.h>

enum redis_fault {
	REDIS_FINE,
	/* of ours: nothing is known of what the server did with the question */
	REDIS_TIMEOUT,  /* no answer in time */
	REDIS_LOST,     /* the connection ended with the question under way */
	REDIS_ODD,      /* no answer to this question: the connection is dropped */
	REDIS_TOO_LONG, /* the answer */
	REDIS_AWAY,     /* the circuit is open */
	REDIS_CLOSED,   /* we end */
	/* of the server's: it refused */
	REDIS_LOADING,
	REDIS_READONLY,
	REDIS_OOM,
	REDIS_NOAUTH, /* a wrong password, or one is needed */
	REDIS_NOPERM,
	REDIS_WRONGTYPE,
	REDIS_CLUSTERDOWN,
	REDIS_TRYAGAIN,
	REDIS_MASTERDOWN,
	REDIS_MOVED, /* more than the redirections that we follow */
	REDIS_ASK,
	REDIS_MISCONF, /* it cannot write its disk, and takes no writes */
	REDIS_ERROR,   /* another */
	REDIS_FAULTS,
};

const char *redis_fault_name(enum redis_fault fault); /* "fine", "timeout", "OOM" */

/* Of an error reply, by its first word. */
enum redis_fault redis_fault_of(const char *text, size_t length);

/* Is the server to be asked again in a moment? */
bool redis_fault_passes(enum redis_fault fault);

/*
 * "MOVED 3999 127.0.0.1:6381", "ASK …": slot and place. A place without a host is on the host
 * that said so: host is "" then.
 */
int redis_fault_redirect(const char *text, size_t length, uint32_t *slot,
			 struct redis_place *place);

#endif
