/*
 * keeper - puts probes into files and holds them, in a child: the kernel may wait for good there.
 *
 * Threads:  the broker's only one.
 * Memory:   keeper_open allocates; keeper_close frees and ends the child, and with it all links. A
 *           link is a descriptor of a socket here: what the kernel gave is the child's alone, so
 *           that the end of this process waits for nobody either.
 * Errors:   0 or -errno: -ETIMEDOUT: the kernel waits, or would, or the child has ended or no room:
 *           it is to be tried again.
 * Before it puts a probe into a file, and before it takes it away, the kernel wants the mmap_lock
 * of everybody who maps that file. Anybody can keep his (scout.h), no signal ends the wait for it,
 * and while it lasts no process of the machine can fork. So nothing is begun while somebody is
 * suspected; who was not stalls this child alone, and whatever that makes too late is let go. What
 * is to go while somebody is suspected, or the kernel waits, goes later: one at a time, each
 * watched to its end, since one who was not suspected may come to keep it.
 */
#ifndef CAPTURE_KEEPER_H
#define CAPTURE_KEEPER_H

#include "uprobes.h"

#define KEEPER_WAIT_MS 1000 /* it takes tens of milliseconds, mostly for the kernel's RCU */

struct keeper;

int keeper_open(struct keeper **out); /* the child comes with the first link */
void keeper_close(struct keeper *k);  /* NULL is fine */

/* How uprobes.h is to make its links. */
void keeper_maker(struct keeper *k, struct uprobes_maker *out);

/* Somebody is suspected; or nobody: the next one goes that is to, hardly waited for. */
void keeper_hold(struct keeper *k, bool held);
bool keeper_works(const struct keeper *k); /* has it a child, and maybe links? */
bool keeper_waits(struct keeper *k);       /* does the kernel, since the last one? */
bool keeper_lost(struct keeper *k); /* all links, since the last time: the child is a new one */

#endif
