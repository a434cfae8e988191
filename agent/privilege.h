/*
 * privilege - what each process of the agent may do, and nothing more.
 *
 * Threads:  before any thread.
 * Memory:   none.
 * Errors:   0 or -errno; a process that could not drop must not go on.
 */
#ifndef AGENT_PRIVILEGE_H
#define AGENT_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PRIVILEGE_USER "ringside"
#define PRIVILEGE_NOBODY 65534

struct privilege_user {
	uid_t uid;
	gid_t gid;
	gid_t group;   /* of those who may use the API in full; (gid_t)-1: root alone */
	bool fallback; /* the user does not exist: 65534 stands in */
};

/* name: "" for the usual one. Numbers are taken too. -ENOENT: a named user does not exist. */
int privilege_user_find(const char *name, struct privilege_user *out);

/* Keeps CAP_BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH and CHECKPOINT_RESTORE alone, for good. */
int privilege_broker(void);

/* Stays root, and keeps CAP_SETUID, SETGID, SETPCAP and KILL alone, for good: to do actions. */
int privilege_runner(void);

/* Becomes the user, without any capability, for good. Not root: only gives up what is there. */
int privilege_nursery(const struct privilege_user *user);

/* Names those of the five capabilities that this process has not; "" when all are there. */
void privilege_missing(char *out, size_t size);

#endif
