/*
 * template - the route templates of one service, learned from its paths: /users/{id}/posts.
 *
 * Threads:  one at a time.
 * Memory:   grown as needed up to TEMPLATE_NODES of 24 bytes; template_fini frees.
 * Errors:   none; what finds no node is told as not known.
 *
 * A tree of segments. Numbers, long hexadecimal words, UUIDs and dates are variable at once. A
 * place where more than TEMPLATE_WIDTH words were seen is variable too: first the words that
 * nothing follows become {name}, and when what is left is still many, all of them. What was below
 * the words is united. /pkg.Service/Method is a name and never variable.
 */
#ifndef METRICS_TEMPLATE_H
#define METRICS_TEMPLATE_H

#include <ringside/abi.h>

#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_WIDTH 64u
#define TEMPLATE_NODES 4096u

struct template_node {
	uint64_t hash;     /* of a word; variable nodes have none */
	uint16_t first;    /* word below; 0: none, as everywhere here */
	uint16_t next;     /* word beside */
	uint16_t variable; /* below */
	uint16_t words;    /* below, in number */
	uint8_t kind;      /* of a variable node: what its segments are */
	uint8_t taken;     /* enum template_taken */
};

struct template
{
	struct template_node *nodes; /* [0] is the root, NULL: nothing was learned yet */
	uint32_t used, capacity;
	uint16_t spare;
	uint64_t
		changes; /* times that a place became variable: names of before may be others now */
};

void template_fini(struct template *t);

/*
 * The name of a path, a shape or a name. learn: it is taken in. False: not known, and named as it
 * is but for the obvious. out is cut like a path.
 */
bool template_name(struct template *t, const char *path, bool learn, char out[RS_PATH_BYTES + 1]);

#endif
