/*
 * jail - gives up, for good, everything but reading open files, writing and taking memory; and
 *        every capability.
 *
 * Threads:  one, before it reads what somebody else wrote.
 * Memory:   none.
 * Errors:   0 or -errno; who could not enter must not go on.
 */
#ifndef PROFILE_JAIL_H
#define PROFILE_JAIL_H

#define JAIL_MEMORY_BYTES (2ul << 30)
#define JAIL_ANSWER_BYTES (64ul << 20)

/* A forbidden call kills the process, and so does more than so much time on a CPU. */
int jail_enter(unsigned int cpu_s);

#endif
