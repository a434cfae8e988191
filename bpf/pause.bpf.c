/*
 * pause - how often and how long the runtimes of targets stop, by probes in their own code.
 *
 * Threads:  any; a begin and its end are of one thread, rows are added to by all.
 * Memory:   a row for each process that ever stopped, one for each thread that is stopped.
 * Errors:   a begin or a row without room is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "filter.bpf.h"
#include "pause_event.h"

enum { MAP_TYPE_LRU_HASH = 9 };

/* Of a thread: the kernel's own time of its birth, since a number is given anew. */
struct task_struct___born {
	__u64 start_time;
} __attribute__((preserve_access_index));

struct pause_begin {
	__u64 since_ns, born;
	__u64 full;
};

/* The oldest go first: those of threads that died before an end. */
struct {
	__uint(type, MAP_TYPE_LRU_HASH);
	__uint(max_entries, PAUSE_BEGUN);
	__type(key, __u64);
	__type(value, struct pause_begin);
} begun SEC(".maps");

/* So here: rows of children that nobody came to know. */
struct {
	__uint(type, MAP_TYPE_LRU_HASH);
	__uint(max_entries, PAUSE_ROWS);
	__type(key, __u32);
	__type(value, struct pause_row);
} pauses SEC(".maps");

__u64 dropped = 0;

static __always_inline __u64 pause_born(void)
{
	return ((struct task_struct___born *)bpf_get_current_task_btf())->start_time;
}

static __always_inline __u64 pause_key(__u64 both, __u64 cookie)
{
	return (__u32)both | (cookie & (15 | PAUSE_COOKIE_COUNTS)) << 32;
}

/* The argument's value, all of its upper bits 0. */
static __always_inline __u64 pause_value(void *ctx, __u64 cookie)
{
	__u32 operand = cookie >> PAUSE_COOKIE_OPERAND & 3,
	      bytes = cookie >> PAUSE_COOKIE_BYTES & 15;
	__u64 place = (cookie >> PAUSE_COOKIE_REGISTER & 255) * 8, value = 0;
	__s64 number = (__s64)cookie >> PAUSE_COOKIE_NUMBER;

	if (operand == PAUSE_CONSTANT)
		value = number;
	else if (bpf_probe_read_kernel(&value, sizeof(value), (char *)ctx + place))
		return ~0ull;
	if (operand == PAUSE_MEMORY &&
	    bpf_probe_read_user(&value, sizeof(value), (const void *)(value + number)))
		return ~0ull;
	return bytes && bytes < 8 ? value & ((1ull << bytes * 8) - 1) : value;
}

static __always_inline bool pause_is_full(void *ctx, __u64 cookie)
{
	if (!(cookie >> PAUSE_COOKIE_OPERAND & 3))
		return false;
	return pause_value(ctx, cookie) == (cookie >> PAUSE_COOKIE_FULL & 255);
}

SEC("uprobe/begin")
int pause_begin(void *ctx)
{
	__u64 both = bpf_get_current_pid_tgid(), cookie, key;
	struct pause_begin begin;
	const struct pause_begin *old;

	if (!filter_target(both >> 32))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	key = pause_key(both, cookie);
	begin.born = pause_born();
	old = bpf_map_lookup_elem(&begun, &key);
	/* one within another is part of it */
	if (old && old->born == begin.born && !(cookie & PAUSE_COOKIE_RESTARTS))
		return 0;
	begin.full = pause_is_full(ctx, cookie);
	begin.since_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&begun, &key, &begin, BPF_ANY))
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

static __always_inline struct pause_row *pause_row_of(__u32 tgid)
{
	static const struct pause_row nothing;
	struct pause_row *row = bpf_map_lookup_elem(&pauses, &tgid);

	if (row)
		return row;
	bpf_map_update_elem(&pauses, &tgid, &nothing, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&pauses, &tgid);
	if (!row)
		__sync_fetch_and_add(&dropped, 1);
	return row;
}

/* Another thread may be at it too: the longer one stays. */
static __always_inline void pause_max(struct pause_sums *sums, __u64 now_ns, __u64 ns)
{
	__u64 epoch = now_ns >> PAUSE_EPOCH_SHIFT & ((1ull << (64 - PAUSE_MAX_BITS)) - 1);
	__u64 *word = &sums->max[epoch % PAUSE_EPOCHS];
	__u64 mine = epoch << PAUSE_MAX_BITS | (ns < PAUSE_MAX_NS ? ns : PAUSE_MAX_NS);

	for (int i = 0; i < 8; i++) {
		__u64 seen = *word;

		if (seen >> PAUSE_MAX_BITS == epoch && seen >= mine)
			return;
		if (__sync_val_compare_and_swap(word, seen, mine) == seen)
			return;
	}
}

SEC("uprobe/end")
int pause_end(void *ctx)
{
	__u64 both = bpf_get_current_pid_tgid(), cookie, key, now_ns, ns;
	const struct pause_begin *begin;
	struct pause_sums *sums;
	struct pause_row *row;
	__u64 full;

	if (!filter_target(both >> 32))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	key = pause_key(both, cookie);
	begin = bpf_map_lookup_elem(&begun, &key);
	if (!begin || begin->born != pause_born())
		return 0; /* it began before we did, or within another */
	now_ns = bpf_ktime_get_ns();
	ns = now_ns - begin->since_ns;
	full = begin->full;
	bpf_map_delete_elem(&begun, &key);
	row = pause_row_of(both >> 32);
	if (!row)
		return 0;
	sums = &row->sums[(cookie & 15) == PAUSE_STATEMENT];
	if (cookie & PAUSE_COOKIE_COUNTS) {
		__sync_fetch_and_add(&sums->count, 1);
		__sync_fetch_and_add(&sums->full, full);
	}
	__sync_fetch_and_add(&sums->ns, ns);
	pause_max(sums, now_ns, ns);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
