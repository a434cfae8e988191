/*
 * probe - a set of probes: one BPF object, its programs tried each alone, and the map of targets
 *         that all sets share.
 *
 * Threads:  the broker's only one.
 * Memory:   probe_open allocates, probe_close frees and detaches; so the filter's pair.
 * Errors:   0 or -errno; -EPFNOSUPPORT: not in the initial pid namespace. Nothing rests on it.
 */
#ifndef CAPTURE_PROBE_H
#define CAPTURE_PROBE_H

#include "facility.h"

#include <stdbool.h>
#include <stddef.h>

#define PROBE_PROGRAMS 8u /* of one set */

/* As bpftool packed it. */
struct probe_set {
	const char *name;
	const char *without; /* what is missed where it is refused, for people */
	const void *(*elf)(size_t *size);
};

/* How its programs stand, in the order of the object. */
struct probe_state {
	uint32_t count;
	struct facility facilities[PROBE_PROGRAMS];
};

struct probe;
struct probe_filter;

typedef void (*probe_fn)(void *ctx, const void *event, size_t bytes);

int probe_filter_open(struct probe_filter **out);
void probe_filter_close(struct probe_filter *f); /* NULL is fine */

/* why: bits of enum filter_why (bpf/filter.h), 0: no target. NULL is fine. -E2BIG: too many. */
int probe_filter_put(struct probe_filter *f, int32_t pid, uint32_t why);
int probe_filter_fd(const struct probe_filter *f);                    /* the filter's own */
uint32_t probe_filter_why(const struct probe_filter *f, int32_t pid); /* 0: no target */

typedef void (*probe_filter_fn)(void *ctx, int32_t pid, uint32_t why);
void probe_filter_each(const struct probe_filter *f, probe_filter_fn each, void *ctx);

/*
 * All of it that this kernel takes; an error: nothing. *state is filled on errors too. What is put
 * into processes ("uprobe/name") is loaded, and attached by uprobes.h.
 */
int probe_open(struct probe **out, const struct probe_set *set, const struct probe_filter *filter,
	       struct probe_state *state);
/* As above; maps of the same name as one of beside's are beside's, its ring among them. */
int probe_open_beside(struct probe **out, const struct probe_set *set,
		      const struct probe_filter *filter, const struct probe *beside,
		      struct probe_state *state);
void probe_close(struct probe *p); /* NULL is fine */

/* How they stand now, with their counts; of a set that is not open: not needed. */
void probe_look(const struct probe *p, struct probe_state *state);
void probe_idle(const struct probe_set *set, struct probe_state *state);

/* Without a map of targets nothing can be loaded: error, negative, is why there is none. */
void probe_refused(const struct probe_set *set, int error, struct probe_state *state);
bool probe_whole(const struct probe_state *state); /* is every one of them loaded? */

/* Hands on what the set's ring has; the number of events. 0: it has no ring. */
int probe_read(struct probe *p, probe_fn each, void *ctx);
uint64_t probe_dropped(const struct probe *p);
int probe_ring(const struct probe *p); /* its descriptor, for who reads it elsewhere */
int probe_program(const struct probe *p, const char *name); /* its descriptor; -ENOENT */

/* Runs a program of the set that walks over the kernel's objects (iter/name) to its end. */
int probe_walk(const struct probe *p, const char *name);
struct bpf_link;
int probe_walk_link(const struct bpf_link *link); /* of a set that is not opened here */

/* Rows of a map of the set by 32-bit keys; -ENOENT, -EEXIST, -E2BIG. */
int probe_row_get(const struct probe *p, const char *map, uint32_t key, void *out);
int probe_row_put(const struct probe *p, const char *map, uint32_t key, const void *row);
int probe_row_add(const struct probe *p, const char *map, uint32_t key, const void *row);
int probe_row_delete(const struct probe *p, const char *map, uint32_t key);

#endif
