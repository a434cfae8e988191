/*
 * redis_nodes - which node of a cluster a question goes to, and where it goes on to from there.
 *
 * Threads:  one.
 * Memory:   redis_nodes_init, redis_nodes_fini, for the caller's memory, which must not move.
 * Errors:   -EHOSTDOWN, -ENOBUFS: the call is the caller's still.
 *
 * Whether it is a cluster is found out from the server. Its slots are asked for when that is known,
 * and again now and then, often while a node does not answer: a failover is seen so. MOVED changes
 * one slot, ASK changes nothing, TRYAGAIN and CLUSTERDOWN are asked again in a moment.
 */
#ifndef REDIS_NODES_H
#define REDIS_NODES_H

#include "lag.h"
#include "redis_key.h"
#include "redis_link.h"

#define REDIS_NODES 64u
#define REDIS_NODES_TURNS 5u /* redirections and tries of one question */

struct redis_node {
	struct redis_link link;
	bool used;
	bool named;  /* in the configuration: it stays */
	bool master; /* it has slots */
};

struct redis_nodes {
	struct redis_links shared;
	struct redis_node at[REDIS_NODES];
	uint32_t top;                /* none beyond it is used */
	uint8_t owners[REDIS_SLOTS]; /* REDIS_NODES: not known */
	bool cluster;
	bool asking;                /* for the slots */
	bool ending;                /* nothing is asked any more */
	uint32_t asked_node;        /* who was asked for the slots last */
	uint64_t refresh_ns;        /* when they are asked for next */
	struct redis_queue waiting; /* to be asked again */
	size_t most_questions, most_bytes;
	uint64_t redirected, asked_again, refused;
	enum redis_fault refusal;           /* the last one that is not of its key alone, … */
	uint64_t refusal_ns;                /* … when, … */
	char refusal_text[REDIS_LINK_TEXT]; /* … and in what words */
	struct lag lag;
	uint64_t now_ns; /* of this step */
};

/* shared: the caller has filled in what is no function, and random. */
void redis_nodes_init(struct redis_nodes *n);
void redis_nodes_fini(struct redis_nodes *n);

int redis_nodes_ask(struct redis_nodes *n, struct redis_call *c);
/* The next node that has keys, from `from` on: where it is; REDIS_NODES: there is none more. */
uint32_t redis_nodes_next(const struct redis_nodes *n, uint32_t from);
int redis_nodes_ask_one(struct redis_nodes *n, uint32_t node, struct redis_call *c);
struct redis_link *redis_nodes_of(struct redis_nodes *n, uint32_t slot); /* NULL: none is known */

void redis_nodes_step(struct redis_nodes *n, uint64_t now_ns); /* after the links' events */
uint64_t redis_nodes_due_ns(const struct redis_nodes *n);
void redis_nodes_load(const struct redis_nodes *n, size_t *questions, size_t *bytes);

#endif
