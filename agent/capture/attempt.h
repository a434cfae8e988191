/*
 * attempt - do probes in programs' own code work here? Tried on this program's, while it runs.
 *
 * Threads:  one.
 * Memory:   none: all is gone again at the end.
 * Errors:   0 or -errno; -EPFNOSUPPORT: they are attached, and nothing comes of it; -ETIMEDOUT: the
 *           kernel waits for a process.
 */
#ifndef CAPTURE_ATTEMPT_H
#define CAPTURE_ATTEMPT_H

int attempt_probes(void);

#endif
