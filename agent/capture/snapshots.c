#include "snapshots.h"

#include "snapshot.skel.h"
#include "ticks.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

struct snapshots {
	struct snapshot_bpf *probes;
	struct ticks ticks;
};

static int snapshots_load(struct snapshots *s, int32_t pid)
{
	int result;

	s->probes = snapshot_bpf__open();
	if (!s->probes)
		return -errno;
	s->probes->rodata->process = (uint32_t)pid;
	result = snapshot_bpf__load(s->probes);
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	return result;
}

static int snapshots_start(struct snapshots *s)
{
	return ticks_start(&s->ticks, bpf_program__fd(s->probes->progs.snapshot_tick),
			   SNAPSHOTS_HZ);
}

int snapshots_open(struct snapshots **out, int32_t pid)
{
	struct snapshots *s = calloc(1, sizeof(*s));
	int result;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	result = snapshots_load(s, pid);
	if (!result)
		result = snapshots_start(s);
	if (result) {
		snapshots_close(s);
		return result;
	}
	*out = s;
	return 0;
}

void snapshots_close(struct snapshots *s)
{
	if (!s)
		return;
	ticks_stop(&s->ticks);
	snapshot_bpf__destroy(s->probes);
	free(s);
}

int snapshots_second(struct snapshots *s)
{
	if (!ticks_are_old(&s->ticks, TICKS_CPUS))
		return 0;
	ticks_stop(&s->ticks);
	return snapshots_start(s);
}

int snapshots_slots(const struct snapshots *s)
{
	return bpf_map__fd(s->probes->maps.slots);
}
