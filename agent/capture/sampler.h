/*
 * sampler - the sampling clock of each CPU: stacks of watched processes into the kernel's ring.
 *
 * Threads:  the broker's only one.
 * Memory:   sampler_open allocates, sampler_close frees and detaches.
 * Errors:   0 or -errno.
 */
#ifndef CAPTURE_SAMPLER_H
#define CAPTURE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#define SAMPLER_HZ 99 /* not 100: what ticks at 100 Hz must not be met each time, or never */

struct sampler;

struct sampler_counts {
	uint64_t taken, dropped; /* samples; dropped are among taken */
};

/* Loads, and samples nothing yet. targets: the map of filter.bpf.h, shared with other probes. */
int sampler_open(struct sampler **out, int targets);
void sampler_close(struct sampler *s); /* NULL is fine */

/* Starts or stops the clocks, so that nothing ticks while there is no target. */
int sampler_run(struct sampler *s, bool on);
/* Each second: sets the clocks anew where CPUs have come or gone. */
int sampler_second(struct sampler *s);

int sampler_ring(const struct sampler *s); /* its descriptor, the sampler's own */
uint32_t sampler_ring_bytes(const struct sampler *s);
void sampler_counts_get(const struct sampler *s, struct sampler_counts *out);

#endif
