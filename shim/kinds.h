/*
 * kinds - the protocols of databases and caches, side by side.
 *
 * Threads:  as pairs.h.
 * Memory:   an object of its user, which any of them fits in.
 * Errors:   as each of them has them.
 * Cost:     an indirect call a move.
 */
#ifndef SHIM_KINDS_H
#define SHIM_KINDS_H

#include "memcached.h"
#include "mysql.h"
#include "postgres.h"
#include "redis.h"

/* One of the protocols. Its object begins with its pairs. */
struct kind {
	bool (*declines)(const struct pairs *p, const uint8_t *at, size_t n);
	void (*init)(struct pairs *p);
	/* *at stops where TLS begins: pairs.encrypted says so. */
	bool (*read)(struct pairs *p, struct pairs_call *call, const uint8_t **at, size_t n);
	bool (*write)(struct pairs *p, struct pairs_call *call, const uint8_t *at, size_t n);
	uint32_t (*adopt)(struct pairs *p);
	void (*close)(struct pairs *p, struct pairs_call *call, bool client_gone);
	uint8_t protocol; /* enum rs_protocol */
};

union kind_object {
	struct pairs pairs;
	struct redis redis;
	struct memcached memcached;
	struct mysql mysql;
	struct postgres postgres;
};

/* Whose client says this first; NULL: nobody's. */
const struct kind *kind_of_client(const uint8_t *at, size_t n);

/* Whose server does, before its client. */
const struct kind *kind_of_server(const uint8_t *at, size_t n);

/* Who goes on inside TLS, when its client asked this one for it; NULL: its client begins anew. */
const struct kind *kind_inside(uint8_t protocol);

#endif
