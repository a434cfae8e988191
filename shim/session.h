/*
 * session - which connection a TLS session belongs to, by the session's address.
 *
 * Threads:  any; a session itself is one thread's at a time, as its library demands.
 * Memory:   a page for the first sessions, 2 MiB of addresses once they are more than it holds,
 *           private, so that a fork child has a copy.
 * Errors:   false: no room.
 * Cost:     a compare of four words.
 *
 * An address is used again when its session was freed, and a freed session may live on where
 * somebody holds a reference. So a free only raises a doubt: who comes next looks whether it is the
 * same session still.
 */
#ifndef SHIM_SESSION_H
#define SHIM_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#define SESSION_UNKNOWN UINT64_C(0)
#define SESSION_DOUBT UINT64_C(1)    /* added to the others */
#define SESSION_STRANGER UINT64_C(2) /* no connection of a server */
/* else: connection_word */

/* Fetches where its word is found as a rule. */
void session_expect(const void *session);

/* All of the following inside a guard. */
uint64_t session_word(const void *session);
bool session_set(const void *session, uint64_t word);
void session_doubt(const void *session);

#endif
