/*
 * target - one watched process, as the kernel (not the process) describes it.
 *
 * Threads:  a value; filled by the broker, copied to whoever needs it.
 * Memory:   no pointers; every string is NUL-terminated and in canonical form.
 * Errors:   target_read: 0 or -errno.
 */
#ifndef CAPTURE_TARGET_H
#define CAPTURE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who named the service; the first three are enum rs_service_from. */
enum target_named {
	TARGET_NAMED_PROGRAM, /* the executable */
	TARGET_NAMED_RINGSIDE,
	TARGET_NAMED_OTEL_NAME,
	TARGET_NAMED_OTEL_ATTRIBUTES,
	TARGET_NAMED_RULE, /* targets.names of the configuration */
	TARGET_NAMED_UNIT,
	TARGET_NAMED_SCRIPT,
	TARGET_NAMED,
};

struct capture_target {
	uint64_t key;   /* unique in this agent's life, never 0, never reused */
	int32_t pid;    /* in the agent's pid namespace */
	int32_t parent; /* who forked it; where nobody told: its parent when it was found */
	uint32_t uid;
	uint64_t start_ticks; /* since boot; with pid, the identity over agent restarts */
	int64_t started_ms;   /* wall clock, unix milliseconds */
	char exe[256];        /* path of the executable, "" where it could not be read */
	char comm[16];
	char service[72];     /* see target_read */
	char environment[40]; /* "" where none was given */
	char cgroup[256];  /* path in the memory controller's (v1) or the unified (v2) hierarchy */
	uint8_t named;     /* enum target_named: by whom the service */
	uint8_t allocator; /* enum rs_allocator */
	uint8_t clock;     /* enum rs_clock */
	bool bare;         /* it has no segment: it is attached */
	bool kernel;       /* the kernel's probes speak of it */
};

struct rs_header;

/*
 * All fields but key, from /proc; claims is a private copy of its header. The service is what
 * identity.h makes of them.
 */
int target_read(int32_t pid, const struct rs_header *claims, struct capture_target *out);

/* The path of a process's executable in canonical form; "": it cannot be read. */
void target_exe_read(int32_t pid, char *out, size_t size);

/* A part of it: the name, by what out has and by claims. */
void target_service_choose(struct capture_target *out, const struct rs_header *claims);

#endif
