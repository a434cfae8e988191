/*
 * arrival - how long what arrives for targets lies there until they read it, accepting it first: of
 *           those that carry the shim. Of those without, http does it by the way.
 *
 * Threads:  the broker's only one.
 * Memory:   arrival_open allocates, arrival_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. It taxes every packet of the machine: open it only while it is wanted.
 * Of connections that were accepted since it was watched.
 */
#ifndef CAPTURE_ARRIVAL_H
#define CAPTURE_ARRIVAL_H

#include "probe.h"
#include "strain.h"

struct arrival;

int arrival_open(struct arrival **out, const struct probe_filter *filter,
		 struct probe_state *state);
void arrival_close(struct arrival *a); /* NULL is fine */

/* Marks where targets listen already: after one more became a target. */
int arrival_find(const struct arrival *a);
const struct probe *arrival_probe(const struct arrival *a); /* its own */
void arrival_look(const struct arrival *a, struct probe_state *state);

/* Of either set, from now on, or no more; -E2BIG: there are too many. */
int arrival_watch(const struct probe *p, int32_t pid, bool on);

/*
 * Adds to a strain: totals since it was watched, and the longest of the last whole second, or so,
 * before now. -ENOENT: it is not watched.
 */
int arrival_strain_add(const struct probe *p, int32_t pid, uint64_t now_ns, struct strain *to);

#endif
