#include "life.h"

#include "life.skel.h"
#include "life_event.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIFE_INITIAL_PID_NS 0xeffffffcu /* PROC_PID_INIT_INO, the same on every kernel */

struct life {
	struct life_bpf *probes;
	struct ring_buffer *ring;
	struct bpf_link *links[LIFE_PROBES];
	life_fn each; /* of the life_read under way */
	void *ctx;
};

static const char *const life_names[LIFE_PROBES] = {
	[LIFE_PROBE_EXEC] = "sched_process_exec",
	[LIFE_PROBE_EXIT] = "sched_process_exit",
	[LIFE_PROBE_FORK] = "sched_process_fork",
};

const char *life_probe_name(int probe)
{
	return probe >= 0 && probe < LIFE_PROBES ? life_names[probe] : "unknown";
}

const char *life_error_text(int error)
{
	switch (error) {
	case 0:
		return "attached";
	case EPERM:
	case EACCES:
		return "refused: CAP_BPF or CAP_PERFMON is missing, or the kernel forbids it";
	case ENOSYS:
		return "the kernel was built without bpf()";
	case EPFNOSUPPORT:
		return "the agent runs in a pid namespace, the kernel's pids are not its own";
	case ESRCH:
	case ENOENT:
		return "the kernel has no BTF, or not this tracepoint";
	case EINVAL:
	case EOPNOTSUPP:
		return "the kernel is too old for this kind of program";
	default:
		return "refused by the kernel";
	}
}

/* libbpf's own words blame RLIMIT_MEMLOCK for any EPERM: our state says it instead. */
static int life_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int life_event(void *ctx, void *data, size_t size)
{
	struct life *l = ctx;
	const struct life_event *event = data;

	if (size >= sizeof(*event))
		l->each(l->ctx, event->kind, (int32_t)event->pid);
	return 0;
}

static void life_attach(struct life *l, struct life_state *state)
{
	struct bpf_program *programs[LIFE_PROBES] = {
		[LIFE_PROBE_EXEC] = l->probes->progs.life_exec,
		[LIFE_PROBE_EXIT] = l->probes->progs.life_exit,
		[LIFE_PROBE_FORK] = l->probes->progs.life_fork,
	};

	for (int i = 0; i < LIFE_PROBES; i++) {
		l->links[i] = bpf_program__attach(programs[i]);
		state->error[i] = l->links[i] ? 0 : errno;
	}
}

static int life_load(struct life *l, struct life_state *state)
{
	int result;

	l->probes = life_bpf__open();
	if (!l->probes)
		return -errno;
	result = life_bpf__load(l->probes);
	if (result)
		return result;
	l->ring = ring_buffer__new(bpf_map__fd(l->probes->maps.ring), life_event, l, NULL);
	if (!l->ring)
		return -errno;
	state->loaded = true;
	life_attach(l, state);
	return 0;
}

int life_open(struct life **out, struct life_state *state)
{
	struct stat ns;
	struct life *l;
	int result;

	*out = NULL;
	memset(state, 0, sizeof(*state));
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	libbpf_set_print(life_quiet);
	result = stat("/proc/self/ns/pid", &ns) || ns.st_ino != LIFE_INITIAL_PID_NS
			 ? -EPFNOSUPPORT
			 : life_load(l, state);
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	if (result) {
		for (int i = 0; i < LIFE_PROBES; i++)
			state->error[i] = -result;
		life_close(l);
		return result;
	}
	*out = l;
	return 0;
}

void life_close(struct life *l)
{
	if (!l)
		return;
	for (int i = 0; i < LIFE_PROBES; i++)
		bpf_link__destroy(l->links[i]);
	ring_buffer__free(l->ring);
	life_bpf__destroy(l->probes);
	free(l);
}

int life_read(struct life *l, life_fn each, void *ctx)
{
	l->each = each;
	l->ctx = ctx;
	return ring_buffer__consume(l->ring);
}

void life_target(struct life *l, int32_t pid, bool watched)
{
	uint32_t key = (uint32_t)pid;
	uint8_t yes = 1;

	/* a full map: such a child is found by the scan */
	if (watched)
		bpf_map__update_elem(l->probes->maps.targets, &key, sizeof(key), &yes, sizeof(yes),
				     0);
	else
		bpf_map__delete_elem(l->probes->maps.targets, &key, sizeof(key), 0);
}

int life_targets(const struct life *l)
{
	return bpf_map__fd(l->probes->maps.targets);
}

uint64_t life_dropped(const struct life *l)
{
	return l->probes->bss->dropped;
}
