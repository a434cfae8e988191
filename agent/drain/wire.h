/*
 * wire - HTTP of processes without a segment, from what the kernel saw of their connections.
 *
 * Threads:  the drain thread.
 * Memory:   wire_open allocates, wire_close frees; the ring's descriptor stays the caller's.
 *           WIRE_CONNECTIONS connections of 1 KB, 20 KB more for HTTP/2, and 64 MiB of what they
 *           have not read.
 * Errors:   0 or -errno. Bytes that moved unseen are RS_UNPARSED_UNSEEN_IO of their process.
 *
 * Times are those of the calls, as the shim's are: a request begins when its first byte was read.
 */
#ifndef DRAIN_WIRE_H
#define DRAIN_WIRE_H

#include "bare.h"

#include <stddef.h>

#define WIRE_CONNECTIONS 16384u
#define WIRE_PERIOD_NS UINT64_C(5000000) /* of its rounds: the kernel's ring holds a second */

struct wire;

struct wire_config {
	struct bare *bare; /* whose connections they are */
	const struct drain_sink *sink;
	uint64_t slow_warning_ns, slow_critical_ns;
};

struct wire_counts {
	uint32_t connections;
	uint64_t refused; /* connections that found no room */
	uint64_t nobodys; /* requests of who was let go meanwhile */
};

int wire_open(struct wire **out, const struct wire_config *config);
void wire_close(struct wire *w); /* NULL is fine */

/* The kernel's ring; fd -1: it has none any more, and no connection goes on. */
int wire_ring_put(struct wire *w, int fd, uint32_t bytes);
bool wire_listens(const struct wire *w);

/* Takes what there is and tells the sink. */
void wire_round(struct wire *w, uint64_t now_ns);
void wire_event(struct wire *w, const void *record, size_t bytes); /* one, of the ring */

void wire_counts_get(const struct wire *w, struct wire_counts *out);

#endif
