/*
 * diary - what of the engine survives the agent, in a file that is replaced as a whole.
 *
 * Threads:  one owner; what it writes it gives to a scribe.
 * Memory:   while it works.
 * Errors:   0 or -errno. -ENOENT: there is none; -EBADMSG: it was cut off or corrupted. What the
 *           disk says of what was given: scribe_error of the two files.
 *
 * A notice is written down before it is sent and marked when it was: alerts.state is synced before
 * the first is sent, and alerts.sent holds the sequence of the last one that was. One that was sent
 * but not marked, which takes a kill while the mark is on its way, is sent again and says so.
 */
#ifndef RULES_DIARY_H
#define RULES_DIARY_H

#include "engine.h"
#include "stamped.h"

#define DIARY_STATE "alerts.state"
#define DIARY_SENT "alerts.sent"

struct diary {
	struct scribe *scribe; /* of the folder; borrowed */
	char boot[40];         /* which boot of the machine its monotonic times are of */
};

int diary_save(const struct diary *d, const struct engine *e, int64_t now_ns);
/* Into a fresh one. sent: as diary_marked has it; why: as stamped_read has it. */
int diary_load(const struct diary *d, struct engine *e, uint64_t sent, int64_t now_ns,
	       char why[STAMPED_WHY]);
struct json;

/* A notice as a member of a document, and back. False: what is there is none. */
void diary_notice_put(struct json *j, const char *key, const struct notice *notice);
bool diary_notice_take(const struct tree *from, struct notice *notice);

/* The sequence of the last notice that was sent; 0: it is not known of any. */
int diary_mark(const struct diary *d, uint64_t sequence);
int diary_marked(const struct diary *d, uint64_t *sequence, char why[STAMPED_WHY]);

#endif
