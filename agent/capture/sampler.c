#include "sampler.h"

#include "profile.skel.h"
#include "profile_event.h"
#include "ticks.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define SAMPLER_KEPT_S 3 /* the ring's length at the deepest stacks: it is read each second */
#define SAMPLER_RING_MAX (64u << 20)

struct sampler {
	struct profile_bpf *probes;
	struct ticks ticks;
	uint32_t ring_bytes; /* a power of two */
	bool running;
};

static uint32_t sampler_ring_size(int cpus)
{
	uint64_t wanted =
		(uint64_t)cpus * SAMPLER_HZ * SAMPLER_KEPT_S * sizeof(struct profile_sample);
	uint32_t bytes = 64 * 1024;

	while (bytes < wanted && bytes < SAMPLER_RING_MAX)
		bytes *= 2;
	return bytes;
}

static int sampler_load(struct sampler *s, int targets)
{
	int result;

	s->probes = profile_bpf__open();
	if (!s->probes)
		return -errno;
	result = bpf_map__reuse_fd(s->probes->maps.targets, targets);
	if (!result)
		result = bpf_map__set_max_entries(s->probes->maps.samples, s->ring_bytes);
	return result ? result : profile_bpf__load(s->probes);
}

int sampler_open(struct sampler **out, int targets)
{
	struct sampler *s = calloc(1, sizeof(*s));
	int cpus = libbpf_num_possible_cpus(), result;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->ring_bytes = sampler_ring_size(cpus > 0 ? cpus : 1);
	result = sampler_load(s, targets);
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	if (result) {
		sampler_close(s);
		return result;
	}
	*out = s;
	return 0;
}

int sampler_run(struct sampler *s, bool on)
{
	int result = 0;

	if (on == s->running)
		return 0;
	if (on)
		result = ticks_start(&s->ticks, bpf_program__fd(s->probes->progs.profile_tick),
				     SAMPLER_HZ);
	else
		ticks_stop(&s->ticks);
	s->running = on && !result;
	return result;
}

/* One that was gone for a while comes back without its clock: it takes all of them. */
int sampler_second(struct sampler *s)
{
	if (!ticks_are_old(&s->ticks, TICKS_CPUS))
		return 0;
	sampler_run(s, false);
	return sampler_run(s, true);
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	ticks_stop(&s->ticks);
	profile_bpf__destroy(s->probes);
	free(s);
}

int sampler_ring(const struct sampler *s)
{
	return bpf_map__fd(s->probes->maps.samples);
}

uint32_t sampler_ring_bytes(const struct sampler *s)
{
	return s->ring_bytes;
}

void sampler_counts_get(const struct sampler *s, struct sampler_counts *out)
{
	out->taken = s->probes->bss->taken;
	out->dropped = s->probes->bss->dropped;
}
