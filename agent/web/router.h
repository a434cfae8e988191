/*
 * router - from a request to its reply: who may ask, which document, in which form.
 *
 * Threads:  the web thread.
 * Memory:   the reply is the caller's to give back (reply_fini).
 * Errors:   none: every failure is a reply.
 */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include "reply.h"
#include "site.h"

/* How long the body of a request may be of which only the head has come. */
size_t router_room(const struct site *site, const struct request *r);

void router_answer(struct site *site, const struct request *r, struct reply *out);

#endif
