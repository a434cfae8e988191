/*
 * access - who may ask: the Host and Origin of a request, and what makes a client privileged.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   -EINVAL with a refusal (401, 403).
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include "request.h"

#include <sys/types.h>

struct config;

struct access {
	const struct config *config;
	const char *token;
};

/* A page of another site must not reach us by a name that it made point here. */
int access_check_sender(const struct access *a, const struct request *r, struct refusal *no);

/* For what may be read by anybody unless http.read_token is set. */
int access_check_reader(const struct access *a, const struct request *r, struct refusal *no);

/* For what reveals inner data. root: whoever is root's on loopback TCP may too. */
int access_check_privileged(const struct access *a, const struct request *r, bool root,
			    struct refusal *no);

/* The same without a word of why not. */
bool access_is_privileged(const struct access *a, const struct request *r);

/* Is the other end of a Unix socket root, or with that group? Nobody else is. */
bool access_peer_is_member(int fd, gid_t group);

#endif
