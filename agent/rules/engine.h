/*
 * engine - looks at each rule in its time and says whom to tell: rules, alarms, silences, history.
 *
 * Threads:  one owner at a time.
 * Memory:   engine_open allocates, engine_close frees; a book is the engine's from engine_rules on.
 * Errors:   0 or -errno. What finds no room is counted.
 * No clock and no I/O of its own: it is given the time, and a way to read a rule's series.
 */
#ifndef RULES_ENGINE_H
#define RULES_ENGINE_H

#include "book.h"
#include "hush.h"
#include "instances.h"
#include "storm.h"

#define ENGINE_PAST 256 /* alerts that are over, the newest of them */

struct engine_reading {
	const void *of; /* what engine_label_fn knows the series by */
	double value;   /* NAN: no data */
};

/* All series of a rule's scope; their number, or -errno: -ENODATA: nobody delivers them yet. */
typedef int (*engine_read_fn)(void *ctx, const struct spec *spec, struct engine_reading **rows);

/* Which series that is, of the newest reading: asked of those alone that are bad, or were. */
typedef void (*engine_label_fn)(void *ctx, const struct spec *spec, const void *of,
				struct notice_labels *out);

/* An alert that changed, or of which somebody is to be told. All borrowed. */
struct engine_turn {
	const struct spec *spec;
	const struct instance *instance;
	const struct alarm *before;
	const struct notice *notice; /* the alert as it stands, or as it ended */
	unsigned int turn;           /* bits of enum alarm_turn */
};

typedef void (*engine_turned_fn)(void *ctx, const struct engine_turn *turn);

/* What explains a bad series; only while engine_step is under way. */
typedef void (*engine_explain_fn)(void *ctx, const struct spec *spec,
				  const struct notice_labels *labels, struct notice_cause *out);

struct engine_config {
	engine_read_fn read;
	engine_label_fn label;
	engine_explain_fn explain; /* NULL: nobody knows */
	void *ctx;                 /* of all three */
	engine_turned_fn turned;   /* NULL: nobody minds */
	void *turned_ctx;
	uint32_t second_level, third_level; /* of alarm_look */
	const char *base;                   /* what links begin with; borrowed */
};

/* How a rule stands. */
struct engine_rule {
	int64_t due_ns, looked_ms;
	double value; /* the worst of its series; NAN: unknown */
	uint32_t series, pending, firing;
	int error; /* of the last look, -errno */
};

struct engine {
	struct engine_config config;
	struct book *book;
	struct engine_rule *rules; /* as many as the book has */
	struct instances instances;
	struct hushes hushes;
	struct storm storm;
	struct notice *outbox; /* to be sent, oldest first */
	size_t outbox_count, outbox_room;
	struct notice past[ENGINE_PAST]; /* a ring */
	size_t past_next, past_count;
	uint64_t last_id, last_sequence, look;
	uint64_t unsent;    /* notices that found no memory */
	uint32_t explained; /* alerts, in this look: it takes its time */
	bool holds;         /* the caller's: alerts of rules that the book has not go on */
	bool changed;       /* something that must survive a restart, since it was last cleared */
};

int engine_open(struct engine **out, const struct engine_config *config);
void engine_close(struct engine *e); /* NULL is allowed */

/* Takes the book over. Alarms of rules that it has not are ended, or held for one that has them. */
int engine_rules(struct engine *e, struct book *book, int64_t now_ns, int64_t wall_ms);

/* Looks at what is due; when it wants to be called again. */
int64_t engine_step(struct engine *e, int64_t now_ns, int64_t wall_ms);

/* -ENOENT: no such alert fires. */
int engine_acknowledge(struct engine *e, uint64_t id, int64_t wall_ms);

/* The first count notices of the outbox were sent. */
void engine_sent(struct engine *e, size_t count);

#endif
