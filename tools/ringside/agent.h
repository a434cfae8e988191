/*
 * agent - asks the agent of this machine, wherever the settings say that it is.
 *
 * Threads:  one.
 * Memory:   agent_open borrows the settings; agent_close ends it; replies are the caller's.
 * Errors:   0 or -errno with a sentence that says what to do. -ENOTCONN: no agent.
 */
#ifndef RINGSIDE_AGENT_H
#define RINGSIDE_AGENT_H

#include "envelope.h"
#include "settings.h"

struct agent {
	const struct settings *settings;
	struct client *client;
	char where[300]; /* who answered: a path or an address */
};

struct client_answer;

struct agent_error {
	char text[1024];
};

/* Finds it: the first of socket and TCP address that answers at all. */
int agent_open(struct agent *a, const struct settings *s, struct agent_error *error);
void agent_close(struct agent *a);

/* Whatever its form: the caller's to free. -EREMOTEIO: refused, in the agent's own words. */
int agent_get(struct agent *a, const char *path, struct client_answer *out,
	      struct agent_error *error);
struct client_request;
/* The same for any request. */
int agent_send(struct agent *a, const struct client_request *request, struct client_answer *out,
	       struct agent_error *error);
int agent_ask(struct agent *a, const char *path, struct envelope **out, struct agent_error *error);
int agent_do(struct agent *a, const char *path, struct agent_error *error); /* a POST */

#endif
