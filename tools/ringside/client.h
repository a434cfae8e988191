/*
 * client - HTTP with the agent, over its Unix socket or TCP.
 *
 * Threads:  one.
 * Memory:   client_open opens the library and one connection, client_close ends both; an answer is
 *           the caller's to free with client_answer_free.
 * Errors:   0 or -errno with a sentence: -ENOENT, -ECONNREFUSED: nobody there; -EACCES; -ETIMEDOUT;
 *           -EMSGSIZE: more than CLIENT_BYTES_MAX; -ELIBACC: no libcurl.
 */
#ifndef RINGSIDE_CLIENT_H
#define RINGSIDE_CLIENT_H

#include <stddef.h>

#define CLIENT_BYTES_MAX (32u << 20)
#define CLIENT_SECONDS 5L

struct client;

struct client_answer {
	int status;
	char *bytes; /* NUL-terminated */
	size_t length;
};

struct client_error {
	char text[512];
};

/* socket: a path, or NULL: address ("127.0.0.1:9977") is asked by TCP. Both are borrowed. */
int client_open(struct client **out, const char *socket, const char *address,
		struct client_error *error);
void client_close(struct client *c); /* NULL is allowed */

/* How long the next answers may take, instead of CLIENT_SECONDS. */
void client_wait(struct client *c, long seconds);

/* path with its query: "/api/health". */
int client_get(struct client *c, const char *path, struct client_answer *out,
	       struct client_error *error);
int client_post(struct client *c, const char *path, struct client_answer *out,
		struct client_error *error); /* with nothing in it */

struct client_request {
	const char *method, *path;
	const char *type; /* of the body; NULL: there is none */
	const char *body;
	size_t length;
};

int client_send(struct client *c, const struct client_request *request, struct client_answer *out,
		struct client_error *error);
void client_answer_free(struct client_answer *a);

#endif
