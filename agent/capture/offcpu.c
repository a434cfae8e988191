#include "offcpu.h"

#include "file.h"
#include "offcpu.skel.h"
#include "offcpu_event.h"
#include "probe.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct offcpu {
	struct offcpu_bpf *probes;
	uint64_t over_ns;   /* 0: it goes on */
	bool asleep_unseen; /* the kernel takes no such walk */
};

static int offcpu_load(struct offcpu *o, int targets, int32_t pid, bool walk)
{
	int result;

	o->probes = offcpu_bpf__open();
	if (!o->probes)
		return -errno;
	o->probes->rodata->process = (uint32_t)pid;
	result = bpf_map__reuse_fd(o->probes->maps.targets, targets);
	if (!result)
		result = bpf_program__set_autoload(o->probes->progs.offcpu_asleep, walk);
	if (!result)
		result = offcpu_bpf__load(o->probes);
	if (!result)
		result = offcpu_bpf__attach(o->probes);
	return result;
}

static void offcpu_unload(struct offcpu *o)
{
	offcpu_bpf__destroy(o->probes);
	o->probes = NULL;
}

/* The row of what finds no room. */
static int offcpu_room(const struct offcpu *o)
{
	const struct offcpu_row none = { 0 };
	const uint64_t key = OFFCPU_NO_STACK;

	return bpf_map__update_elem(o->probes->maps.rows, &key, sizeof(key), &none, sizeof(none),
				    BPF_ANY);
}

int offcpu_open(struct offcpu **out, int targets, int32_t pid)
{
	struct offcpu *o = calloc(1, sizeof(*o));
	int result;

	*out = NULL;
	if (!o)
		return -ENOMEM;
	result = offcpu_load(o, targets, pid, true);
	if (result) {
		offcpu_unload(o);
		o->asleep_unseen = true;
		result = offcpu_load(o, targets, pid, false);
	}
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	if (!result)
		result = offcpu_room(o);
	if (result) {
		offcpu_close(o);
		return result;
	}
	*out = o;
	return 0;
}

void offcpu_close(struct offcpu *o)
{
	if (!o)
		return;
	offcpu_unload(o);
	free(o);
}

void offcpu_begin(struct offcpu *o, uint64_t now_ns)
{
	o->probes->bss->begun_ns = now_ns;
	if (!o->asleep_unseen && probe_walk_link(o->probes->links.offcpu_asleep))
		o->asleep_unseen = true;
}

void offcpu_end(struct offcpu *o, uint64_t now_ns)
{
	if (o->over_ns)
		return;
	o->over_ns = now_ns;
	o->probes->bss->over_ns = now_ns;
	offcpu_bpf__detach(o->probes);
}

/* The part of its wait that a thread has behind it at the end. */
static int offcpu_unfinished(const struct offcpu *o, const struct offcpu_off *from)
{
	const struct bpf_map *rows = o->probes->maps.rows;
	uint64_t since_ns = from->since_ns, begun_ns = o->probes->bss->begun_ns;
	uint64_t key = from->stack;
	struct offcpu_row row;
	int result;

	if (since_ns < begun_ns)
		since_ns = begun_ns;
	if (since_ns >= o->over_ns || from->cause >= WAIT_CAUSES)
		return 0;
	result = bpf_map__lookup_elem(rows, &key, sizeof(key), &row, sizeof(row), 0);
	if (result)
		return result;
	row.ns[from->cause] += o->over_ns - since_ns;
	row.waits[from->cause]++;
	return bpf_map__update_elem(rows, &key, sizeof(key), &row, sizeof(row), BPF_EXIST);
}

static int offcpu_unfinished_all(const struct offcpu *o)
{
	const struct bpf_map *off = o->probes->maps.off;
	struct offcpu_off from;
	uint32_t tid, before;
	const uint32_t *last = NULL;
	int result = 0;

	while (!result && !bpf_map__get_next_key(off, last, &tid, sizeof(tid))) {
		if (!bpf_map__lookup_elem(off, &tid, sizeof(tid), &from, sizeof(from), 0))
			result = offcpu_unfinished(o, &from);
		before = tid;
		last = &before;
	}
	return result;
}

static int offcpu_write_rows(const struct offcpu *o, int fd, struct offcpu_head *head)
{
	const struct bpf_map *rows = o->probes->maps.rows;
	struct offcpu_row row;
	uint64_t key, before;
	const uint64_t *last = NULL;
	int result = file_write(fd, head, sizeof(*head));

	while (!result && !bpf_map__get_next_key(rows, last, &key, sizeof(key))) {
		result = bpf_map__lookup_elem(rows, &key, sizeof(key), &row, sizeof(row), 0);
		if (!result)
			result = file_write(fd, &row, sizeof(row));
		head->row_count++;
		before = key;
		last = &before;
	}
	if (!result && pwrite(fd, head, sizeof(*head), 0) != sizeof(*head))
		result = -errno;
	return result;
}

int offcpu_rows(struct offcpu *o, int *out)
{
	struct offcpu_head head = {
		.no_stack = o->probes->bss->no_stack,
		.lost = o->probes->bss->lost,
		.asleep_unseen = o->asleep_unseen,
	};
	int fd, result;

	*out = -1;
	if (!o->over_ns)
		return -EINPROGRESS;
	head.span_ns = o->over_ns - o->probes->bss->begun_ns;
	result = offcpu_unfinished_all(o);
	fd = result ? -1 : memfd_create("offcpu", MFD_CLOEXEC);
	if (!result && fd < 0)
		result = -errno;
	if (!result)
		result = offcpu_write_rows(o, fd, &head);
	if (!result)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return result;
}

uint64_t offcpu_dropped(const struct offcpu *o)
{
	return o->probes->bss->no_stack + o->probes->bss->lost;
}
