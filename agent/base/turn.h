/*
 * turn - how late the turns of a loop come: the most of the last ten to twenty seconds.
 *
 * Threads:  turn_begin and turn_due by the loop's own thread, turn_late_ns by any.
 * Memory:   a value; all zero: none was due yet.
 * Errors:   none.
 */
#ifndef BASE_TURN_H
#define BASE_TURN_H

#include <stdint.h>

#define TURN_WINDOW_NS UINT64_C(10000000000)

struct turn {
	_Atomic uint64_t due_ns;    /* of the next one; 0: none yet */
	_Atomic uint64_t window;    /* the number of the one under way */
	_Atomic uint64_t most_ns;   /* late in that one */
	_Atomic uint64_t before_ns; /* in the one before it */
};

void turn_begin(struct turn *t, uint64_t now_ns);
void turn_due(struct turn *t, uint64_t due_ns);

/* One that is due and has not come counts, too: a loop that hangs takes no turns. */
uint64_t turn_late_ns(const struct turn *t, uint64_t now_ns);

#endif
