/*
 * pauses - the probes in runtimes of targets: how often they stop, and for how long.
 *
 * Threads:  the broker's only one.
 * Memory:   pauses_open allocates, pauses_close frees and detaches; the map of targets is borrowed.
 * Errors:   0 or -errno. Nothing rests on it.
 */
#ifndef CAPTURE_PAUSES_H
#define CAPTURE_PAUSES_H

#include "pause_event.h"
#include "probe_site.h"

#include <stdint.h>

#define PAUSES_LINKS 3 /* of a file: begins, ends, returns */

struct pauses;

/* The links of one file; -1: none. */
struct pauses_links {
	int fds[PAUSES_LINKS];
};

int pauses_open(struct pauses **out, int targets);
void pauses_close(struct pauses *p); /* NULL is fine; links are closed by who has them */

/* All sites of a file, or nothing. Whoever maps it runs through them; targets alone are told. */
int pauses_attach(const struct pauses *p, int file, const struct sites *sites,
		  struct pauses_links *out);
void pauses_detach(struct pauses_links *links); /* twice is fine */

/* What a process stopped for since it was opened; -ENOENT: not at all. */
int pauses_read(const struct pauses *p, int32_t pid, struct pause_row *out);
void pauses_forget(const struct pauses *p, int32_t pid);
uint64_t pauses_dropped(const struct pauses *p);

/* The longest that is in one of the two and was not told with the other; 0: none. */
uint64_t pauses_max_ns(const struct pause_sums *now, const struct pause_sums *told);

#endif
