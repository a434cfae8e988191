#include "sampler.h"

#include "profile.skel.h"
#include "profile_event.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SAMPLER_PERIOD_NS (1000000000 / SAMPLER_HZ)
#define SAMPLER_KEPT_S 3 /* the ring's length at the deepest stacks: it is read each second */
#define SAMPLER_RING_MAX (64u << 20)

struct sampler {
	struct profile_bpf *probes;
	struct bpf_link **links; /* of each CPU; NULL: offline, or not running */
	int cpus;
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
	int result;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->cpus = libbpf_num_possible_cpus();
	if (s->cpus < 1)
		s->cpus = 1;
	s->ring_bytes = sampler_ring_size(s->cpus);
	s->links = calloc((size_t)s->cpus, sizeof(struct bpf_link *));
	result = s->links ? sampler_load(s, targets) : -ENOMEM;
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	if (result) {
		sampler_close(s);
		return result;
	}
	*out = s;
	return 0;
}

static void sampler_stop(struct sampler *s)
{
	for (int i = 0; s->links && i < s->cpus; i++) {
		bpf_link__destroy(s->links[i]); /* closes the clock too */
		s->links[i] = NULL;
	}
	s->running = false;
}

/* -ENODEV: this CPU is offline. */
static int sampler_start_one(struct sampler *s, int cpu)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.sample_period = SAMPLER_PERIOD_NS };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	s->links[cpu] = bpf_program__attach_perf_event(s->probes->progs.profile_tick, fd);
	if (s->links[cpu])
		return 0;
	close(fd);
	return -errno;
}

int sampler_run(struct sampler *s, bool on)
{
	if (on == s->running)
		return 0;
	if (!on) {
		sampler_stop(s);
		return 0;
	}
	for (int i = 0; i < s->cpus; i++) {
		int result = sampler_start_one(s, i);

		if (result && result != -ENODEV) {
			sampler_stop(s);
			return result;
		}
	}
	s->running = true;
	return 0;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	sampler_stop(s);
	free(s->links);
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
