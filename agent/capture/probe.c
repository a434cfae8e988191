#include "probe.h"

#include "filter.h"
#include "proc.h"
#include "uprobes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_INITIAL_PID_NS 0xeffffffcu /* PROC_PID_INIT_INO, the same on every kernel */
#define PROBE_ALL UINT32_MAX
#define PROBE_STATS "/proc/sys/kernel/bpf_stats_enabled"
#define PROBE_IN_PROCESSES "uprobe/"

struct probe_filter {
	int fd;
};

struct probe {
	const struct probe_set *set;
	const struct probe *beside; /* whose maps it shares; NULL: nobody's */
	struct bpf_object *object;
	struct ring_buffer *ring; /* NULL: it has none */
	struct bpf_program *programs[PROBE_PROGRAMS];
	struct bpf_link *links[PROBE_PROGRAMS];
	struct probe_state state; /* without counts */
	int dropped;              /* the map of that; -1: it has none */
	probe_fn each;            /* of the probe_read under way */
	void *ctx;
};

/* libbpf's own words blame RLIMIT_MEMLOCK for any EPERM: our state says it instead. */
static int probe_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static bool probe_namespace_is_initial(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) == 0 && ns.st_ino == PROBE_INITIAL_PID_NS;
}

int probe_filter_open(struct probe_filter **out)
{
	const struct bpf_map_create_opts options = { .sz = sizeof(options),
						     .map_flags = FILTER_NO_PREALLOC };
	struct probe_filter *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (!f)
		return -ENOMEM;
	libbpf_set_print(probe_quiet);
	f->fd = probe_namespace_is_initial()
			? bpf_map_create(BPF_MAP_TYPE_HASH, FILTER_MAP, sizeof(uint32_t),
					 sizeof(uint32_t), FILTER_TARGETS, &options)
			: -EPFNOSUPPORT;
	if (f->fd < 0) {
		int result = f->fd;

		free(f);
		return result;
	}
	*out = f;
	return 0;
}

void probe_filter_close(struct probe_filter *f)
{
	if (!f)
		return;
	close(f->fd);
	free(f);
}

int probe_filter_put(struct probe_filter *f, int32_t pid, uint32_t why)
{
	uint32_t key = (uint32_t)pid;

	if (!f)
		return 0;
	if (why)
		return bpf_map_update_elem(f->fd, &key, &why, BPF_ANY) ? -errno : 0;
	bpf_map_delete_elem(f->fd, &key); /* twice does no harm */
	return 0;
}

int probe_filter_fd(const struct probe_filter *f)
{
	return f->fd;
}

uint32_t probe_filter_why(const struct probe_filter *f, int32_t pid)
{
	uint32_t key = (uint32_t)pid, why = 0;

	return f && bpf_map_lookup_elem(f->fd, &key, &why) == 0 ? why : 0;
}

void probe_filter_each(const struct probe_filter *f, probe_filter_fn each, void *ctx)
{
	uint32_t key, *before = NULL, why;

	/* bounded: while it changes a walk may begin anew */
	for (uint32_t i = 0; i < FILTER_TARGETS && !bpf_map_get_next_key(f->fd, before, &key);
	     i++) {
		before = &key;
		if (bpf_map_lookup_elem(f->fd, &key, &why) == 0)
			each(ctx, (int32_t)key, why);
	}
}

/* "tp_btf/sched_switch": what stands behind the last slash. */
static void probe_name(const struct probe_set *set, const struct bpf_program *program,
		       struct facility *out)
{
	const char *section = bpf_program__section_name(program);
	const char *slash = strrchr(section, '/');

	memset(out, 0, sizeof(*out));
	snprintf(out->set, sizeof(out->set), "%s", set->name);
	snprintf(out->name, sizeof(out->name), "%s", slash ? slash + 1 : section);
	out->runs = out->run_ns = FACILITY_UNKNOWN;
}

static bool probe_is_in_processes(const struct bpf_program *program)
{
	return strncmp(bpf_program__section_name(program), PROBE_IN_PROCESSES,
		       sizeof(PROBE_IN_PROCESSES) - 1) == 0;
}

static int probe_map(const struct probe *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->object, name);
}

static int probe_maps_share(const struct probe *p)
{
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map(map, p->object)
	{
		int fd = probe_map(p->beside, bpf_map__name(map));

		if (fd >= 0 && result == 0)
			result = bpf_map__reuse_fd(map, fd);
	}
	return result;
}

/* The object, not loaded: which programs it has can be said of any kernel. */
static int probe_object_open(struct probe *p, const struct probe_filter *filter)
{
	int result = 0;
	const struct bpf_object_open_opts options = { .sz = sizeof(options),
						      .object_name = p->set->name };
	struct bpf_program *program;
	struct bpf_map *targets;
	size_t bytes;
	const void *elf = p->set->elf(&bytes);

	p->object = bpf_object__open_mem(elf, bytes, &options);
	if (!p->object)
		return -errno;
	p->state.count = 0;
	bpf_object__for_each_program(program, p->object)
	{
		if (p->state.count == PROBE_PROGRAMS)
			return -E2BIG;
		p->programs[p->state.count++] = program;
		if (probe_is_in_processes(program))
			bpf_program__set_expected_attach_type(program, UPROBES_ATTACH_TYPE);
	}
	if (p->beside && filter)
		result = probe_maps_share(p);
	if (result)
		return result;
	targets = bpf_object__find_map_by_name(p->object, FILTER_MAP);
	return targets && filter ? bpf_map__reuse_fd(targets, filter->fd) : 0;
}

static void probe_object_close(struct probe *p)
{
	bpf_object__close(p->object);
	p->object = NULL;
}

/* Loads the object with one program of it, or with those that are not refused. */
static int probe_load(struct probe *p, const struct probe_filter *filter, uint32_t only)
{
	int result = probe_object_open(p, filter);

	for (uint32_t i = 0; i < p->state.count && result == 0; i++) {
		bool wanted = only == PROBE_ALL ? p->state.facilities[i].state != FACILITY_REFUSED
						: i == only;

		result = bpf_program__set_autoload(p->programs[i], wanted);
	}
	if (result == 0)
		result = bpf_object__load(p->object);
	if (result)
		probe_object_close(p);
	return result;
}

static void probe_refuse(struct probe *p, uint32_t i, int result)
{
	p->state.facilities[i].state = FACILITY_REFUSED;
	p->state.facilities[i].error = -result;
}

/* One that the kernel refuses must not take the others along. */
static int probe_load_each(struct probe *p, const struct probe_filter *filter)
{
	uint32_t good = 0;
	int result = 0;

	for (uint32_t i = 0; i < p->state.count; i++) {
		int alone = probe_load(p, filter, i);

		if (alone) {
			probe_refuse(p, i, alone);
			result = alone;
			continue;
		}
		probe_object_close(p);
		good++;
	}
	return good ? probe_load(p, filter, PROBE_ALL) : result;
}

static void probe_attach(struct probe *p)
{
	for (uint32_t i = 0; i < p->state.count; i++) {
		struct facility *facility = &p->state.facilities[i];

		bool later = probe_is_in_processes(p->programs[i]);

		if (facility->state == FACILITY_REFUSED)
			continue;
		p->links[i] = later ? NULL : bpf_program__attach(p->programs[i]);
		if (p->links[i] || later)
			facility->state = FACILITY_LOADED;
		else
			probe_refuse(p, i, -errno);
	}
}

static int probe_event(void *ctx, void *data, size_t bytes)
{
	struct probe *p = ctx;

	p->each(p->ctx, data, bytes);
	return 0;
}

static int probe_open_all(struct probe *p, const struct probe_filter *filter)
{
	int result = -EPFNOSUPPORT, ring;

	if (probe_namespace_is_initial())
		result = probe_load(p, filter, PROBE_ALL);
	if (result && result != -EPFNOSUPPORT)
		result = probe_load_each(p, filter);
	if (result)
		return result;
	p->dropped = probe_map(p, "dropped");
	ring = probe_map(p, "ring");
	if (ring >= 0 && !p->beside) {
		p->ring = ring_buffer__new(ring, probe_event, p, NULL);
		if (!p->ring)
			return -errno;
	}
	probe_attach(p);
	return 0;
}

/* Fills the names, which need no kernel; the state is "not needed". */
static int probe_describe(struct probe *p)
{
	int result = probe_object_open(p, NULL);

	for (uint32_t i = 0; i < p->state.count; i++)
		probe_name(p->set, p->programs[i], &p->state.facilities[i]);
	probe_object_close(p);
	return result;
}

int probe_open(struct probe **out, const struct probe_set *set, const struct probe_filter *filter,
	       struct probe_state *state)
{
	return probe_open_beside(out, set, filter, NULL, state);
}

int probe_open_beside(struct probe **out, const struct probe_set *set,
		      const struct probe_filter *filter, const struct probe *beside,
		      struct probe_state *state)
{
	struct probe *p = calloc(1, sizeof(*p));
	int result;

	*out = NULL;
	memset(state, 0, sizeof(*state));
	if (!p)
		return -ENOMEM;
	p->set = set;
	p->beside = beside;
	p->dropped = -1;
	libbpf_set_print(probe_quiet);
	result = probe_describe(p);
	if (result == 0)
		result = probe_open_all(p, filter);
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	for (uint32_t i = 0; i < p->state.count && result; i++)
		probe_refuse(p, i, result);
	*state = p->state;
	if (result) {
		probe_close(p);
		return result;
	}
	*out = p;
	return 0;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < PROBE_PROGRAMS; i++)
		bpf_link__destroy(p->links[i]);
	ring_buffer__free(p->ring);
	bpf_object__close(p->object);
	free(p);
}

/* Does the kernel count runs? We do not ask it to: that costs every program of the machine. */
static bool probe_counts_runs(void)
{
	int fd = open(PROBE_STATS, O_RDONLY | O_CLOEXEC);
	char digit = '0';

	if (fd < 0)
		return false;
	if (read(fd, &digit, 1) != 1)
		digit = '0';
	close(fd);
	return digit != '0';
}

void probe_look(const struct probe *p, struct probe_state *state)
{
	uint64_t dropped = probe_dropped(p);
	bool counts = probe_counts_runs();

	*state = p->state;
	for (uint32_t i = 0; i < state->count; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		state->facilities[i].dropped = dropped;
		if (!counts || state->facilities[i].state != FACILITY_LOADED ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(p->programs[i]), &info, &bytes))
			continue;
		state->facilities[i].runs = info.run_cnt;
		state->facilities[i].run_ns = info.run_time_ns;
	}
}

void probe_idle(const struct probe_set *set, struct probe_state *state)
{
	struct probe p = { .set = set };

	libbpf_set_print(probe_quiet);
	probe_describe(&p);
	*state = p.state;
}

void probe_refused(const struct probe_set *set, int error, struct probe_state *state)
{
	probe_idle(set, state);
	for (uint32_t i = 0; i < state->count; i++) {
		state->facilities[i].state = FACILITY_REFUSED;
		state->facilities[i].error = -error;
	}
}

bool probe_whole(const struct probe_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		if (state->facilities[i].state != FACILITY_LOADED)
			return false;
	return state->count > 0;
}

int probe_read(struct probe *p, probe_fn each, void *ctx)
{
	if (!p->ring)
		return 0;
	p->each = each;
	p->ctx = ctx;
	return ring_buffer__consume(p->ring);
}

uint64_t probe_dropped(const struct probe *p)
{
	uint32_t zero = 0;
	uint64_t count = 0;

	if (p->dropped >= 0)
		bpf_map_lookup_elem(p->dropped, &zero, &count);
	return count;
}

int probe_ring(const struct probe *p)
{
	return probe_map(p, "ring");
}

/* What it writes, nothing, is read to its end: that is how it runs. */
int probe_walk_link(const struct bpf_link *link)
{
	char text[64];
	ssize_t n;
	int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0)
		return -errno;
	do
		n = read(fd, text, sizeof(text));
	while (n > 0 || (n < 0 && errno == EAGAIN));
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int probe_walk(const struct probe *p, const char *name)
{
	for (uint32_t i = 0; i < p->state.count; i++)
		if (p->links[i] && !strcmp(p->state.facilities[i].name, name))
			return probe_walk_link(p->links[i]);
	return -ENOENT;
}

int probe_row_get(const struct probe *p, const char *map, uint32_t key, void *out)
{
	return bpf_map_lookup_elem(probe_map(p, map), &key, out) ? -errno : 0;
}

int probe_program(const struct probe *p, const char *name)
{
	for (uint32_t i = 0; i < p->state.count; i++)
		if (!strcmp(p->state.facilities[i].name, name))
			return bpf_program__fd(p->programs[i]);
	return -ENOENT;
}

int probe_row_put(const struct probe *p, const char *map, uint32_t key, const void *row)
{
	return bpf_map_update_elem(probe_map(p, map), &key, row, BPF_ANY) ? -errno : 0;
}

int probe_row_add(const struct probe *p, const char *map, uint32_t key, const void *row)
{
	return bpf_map_update_elem(probe_map(p, map), &key, row, BPF_NOEXIST) ? -errno : 0;
}

int probe_row_delete(const struct probe *p, const char *map, uint32_t key)
{
	return bpf_map_delete_elem(probe_map(p, map), &key) ? -errno : 0;
}
