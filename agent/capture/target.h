/*
 * target - one watched process, as the kernel (not the process) describes it.
 *
 * Threads:  a value; filled by the broker, copied to whoever needs it.
 * Memory:   no pointers; every string is NUL-terminated and in canonical form.
 * Errors:   target_read: 0 or -errno.
 */
#ifndef CAPTURE_TARGET_H
#define CAPTURE_TARGET_H

#include <stdint.h>

struct capture_target {
	uint64_t key; /* unique in this agent's life, never 0, never reused */
	int32_t pid;  /* in the agent's pid namespace */
	uint32_t uid;
	uint64_t start_ticks; /* since boot; with pid, the identity over agent restarts */
	int64_t started_ms;   /* wall clock, unix milliseconds */
	char exe[256];        /* path of the executable, "" where it could not be read */
	char comm[16];
	char service[72]; /* the name given by the environment, else the executable's base name */
	char environment[40]; /* "" where none was given */
	char cgroup[256]; /* path in the memory controller's (v1) or the unified (v2) hierarchy */
	uint8_t service_from; /* enum rs_service_from; RS_SERVICE_NONE: not a claim */
	uint8_t allocator;    /* enum rs_allocator */
	uint8_t clock;        /* enum rs_clock */
};

struct rs_header;

/*
 * All fields but key, from /proc; claims is a private copy of its header. A service is named by
 * those claims, else by its systemd unit (name.service), else by its executable.
 */
int target_read(int32_t pid, const struct rs_header *claims, struct capture_target *out);

/* The parts of it that are only text. */
void target_cgroup_parse(const char *text, char *out, int size); /* of /proc/PID/cgroup */
void target_service_choose(struct capture_target *out, const struct rs_header *claims);

#endif
