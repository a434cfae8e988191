/*
 * family - a watched process and what its children count for it: its own segment and, where it has
 *          one, its kin's (segment.h).
 *
 * Threads:  the drain thread.
 * Memory:   family_open allocates, family_close frees.
 * Errors:   0 or -errno.
 * End:      children outlive a process, and count in its kin until they are found themselves. So
 *           the process is over for the sink FAMILY_WAIT_NS after it died; then its kin is closed,
 *           which its children see, and read a last time.
 */
#ifndef DRAIN_FAMILY_H
#define DRAIN_FAMILY_H

#include "watched.h"

#define FAMILY_WAIT_NS UINT64_C(3000000000) /* a child is looked at when it is a second old */
#define FAMILY_CLOSE_NS UINT64_C(20000000)  /* for who saw it open still and is about to count */

struct family;

/* As watched_open. */
int family_open(struct family **out, struct watched_shared *shared,
		const struct capture_target *target, int memfd, struct checkpoint *checkpoint);
void family_close(struct family *f); /* NULL is fine */

/* As watched_kin_open; of a second one nothing is taken: -EEXIST. */
int family_kin(struct family *f, int memfd, struct checkpoint *checkpoint);

uint64_t family_key(const struct family *f);
uint64_t family_due_ns(const struct family *f);
uint64_t family_period_ns(const struct family *f);
bool family_ready(const struct family *f);

void family_died(struct family *f); /* what is left is taken by the next rounds */

/* Takes what there is when it is due, or at once: forced. False: it is no more. */
bool family_round(struct family *f, uint64_t now_ns, bool forced);

void family_list(struct family *f, uint64_t now_ns);
void family_tell(struct family *f, bool listening);
void family_detail(struct family *f, const struct drain_detail *detail);
void family_save(const struct family *f, struct checkpoint *checkpoint);

#endif
