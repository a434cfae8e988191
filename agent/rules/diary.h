/*
 * diary - what of the engine survives the agent, in a file that is replaced as a whole.
 *
 * Threads:  one owner.
 * Memory:   while it works.
 * Errors:   0 or -errno. -ENOENT: there is none; -EBADMSG: it was cut off or corrupted.
 *
 * A notice is written down before it is sent and marked when it was: alerts.state is synced before
 * the first is sent, and alerts.sent holds the sequence of the last one that was. One that was sent
 * but not marked, which takes a kill between two system calls, is sent again and says so.
 */
#ifndef RULES_DIARY_H
#define RULES_DIARY_H

#include "engine.h"

#define DIARY_STATE "alerts.state"
#define DIARY_SENT "alerts.sent"

struct diary {
	const char *folder; /* borrowed */
	char boot[40];      /* which boot of the machine its monotonic times are of */
};

int diary_save(const struct diary *d, const struct engine *e, int64_t now_ns);
int diary_load(const struct diary *d, struct engine *e, int64_t now_ns); /* into a fresh one */
struct json;

/* A notice as a member of a document, and back. False: what is there is none. */
void diary_notice_put(struct json *j, const char *key, const struct notice *notice);
bool diary_notice_take(const struct tree *from, struct notice *notice);

int diary_mark(const struct diary *d, uint64_t sequence);

/* Replaces a file of the folder as a whole, synced. */
int diary_write(const struct diary *d, const char *name, const char *bytes, size_t length);

#endif
