/*
 * life - the kernel's own word of every exec and exit, and of the forks of watched processes.
 *
 * Threads:  the broker's only one.
 * Memory:   life_open allocates, life_close frees and detaches.
 * Errors:   0 or -errno. Without it everything works, by the scan alone.
 */
#ifndef CAPTURE_LIFE_H
#define CAPTURE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum { LIFE_PROBE_EXEC, LIFE_PROBE_EXIT, LIFE_PROBE_FORK, LIFE_PROBES };

/* How each probe stands. */
struct life_state {
	int32_t error[LIFE_PROBES]; /* 0: attached; else the errno of its load or attach */
	bool loaded;                /* the object as a whole */
};

struct life;

typedef void (*life_fn)(void *ctx, unsigned int kind, int32_t pid); /* enum life_kind */

/* *state is filled on errors too. -EPFNOSUPPORT: not in the initial pid namespace. */
int life_open(struct life **out, struct life_state *state);
void life_close(struct life *l);

/* Hands on what came since the last call; the number of events. */
int life_read(struct life *l, life_fn each, void *ctx);

void life_target(struct life *l, int32_t pid, bool watched); /* whose forks to tell */
int life_targets(const struct life *l); /* the map of the watched: other probes share it */
uint64_t life_dropped(const struct life *l);

const char *life_probe_name(int probe);
const char *life_error_text(int error); /* the likely reason, for people */

#endif
