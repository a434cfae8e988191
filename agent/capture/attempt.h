/*
 * attempt - does here what the agent begins only with a target? Probes in programs' own code, and
 *           the clocks that samples are taken by; tried on this program, while it runs.
 *
 * Threads:  one.
 * Memory:   none: all is gone again at the end.
 * Errors:   0 or -errno; -EPFNOSUPPORT: they are attached, and nothing comes of it; -ETIMEDOUT: the
 *           kernel waits for a process.
 */
#ifndef CAPTURE_ATTEMPT_H
#define CAPTURE_ATTEMPT_H

int attempt_probes(void);
int attempt_samples(void);   /* of stacks, as ids */
int attempt_snapshots(void); /* of registers and stacks */

#endif
