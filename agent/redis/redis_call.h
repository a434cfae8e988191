/*
 * redis_call - one question on its way, and queues of them.
 *
 * Threads:  one.
 * Memory:   redis_call_open takes over the question; redis_call_answer tells and frees.
 * Errors:   -ENOMEM.
 */
#ifndef REDIS_CALL_H
#define REDIS_CALL_H

#include "redis_fault.h"
#include "redis_wire.h"

/*
 * Told exactly once. value: the answer, NULL unless the fault is REDIS_FINE or one of the server's,
 * whose text it is then; it is good until the function returns.
 */
typedef void (*redis_fn)(void *ctx, enum redis_fault fault, const struct redis_value *value);

/* Types of answers, a bit each. */
#define REDIS_BIT(type) (1u << (type))

struct redis_call {
	struct redis_call *next;
	redis_fn done;
	void *ctx;
	char *question;
	size_t length, written;
	uint64_t asked_ns, deadline_ns;
	uint64_t retry_ns;           /* while it waits to be asked again, … */
	enum redis_fault refused;    /* … for this reason */
	uint32_t taken;              /* the types that answer it: others are odd */
	uint32_t slot;               /* of its key; REDIS_SLOTS: it has none */
	uint32_t turns;              /* redirections and tries so far */
	uint32_t parts;              /* of a transaction: answers that come ahead of its own, … */
	uint32_t ahead;              /* … and of these, how many are due yet */
	struct redis_value *refusal; /* … the first one that was none */
	bool greeting;               /* of those that a connection begins with */
	bool own;                    /* it is asked on this connection or not at all */
};

struct redis_queue {
	struct redis_call *first, **end;
	size_t count, bytes; /* of questions */
};

int redis_call_open(struct redis_call **out, const struct redis_text *words, size_t count);

/*
 * These words go right behind the others: of a transaction, which one is EXEC. What any part of it
 * is refused for is the answer to the whole.
 */
int redis_call_append(struct redis_call *c, const struct redis_text *words, size_t count);

/* It is to be asked, perhaps anew. */
void redis_call_ready(struct redis_call *c);

/* Is this an answer to it, or to a part that is due? */
bool redis_call_takes(const struct redis_call *c, const struct redis_value *v);
/* True: the answer was one of a part's; v was taken over. */
bool redis_call_part(struct redis_call *c, struct redis_value *v);
/* What a part was refused for, in v perhaps; NULL: nothing was. */
const struct redis_value *redis_call_refusal(const struct redis_call *c,
					     const struct redis_value *v);

/* c is freed; the queue must not have it any more. */
void redis_call_answer(struct redis_call *c, enum redis_fault fault, const struct redis_value *v);

void redis_queue_init(struct redis_queue *q);
void redis_queue_put(struct redis_queue *q, struct redis_call *c);
void redis_queue_insert(struct redis_queue *q, struct redis_call **at, struct redis_call *c);
/* NULL: it is empty. */
struct redis_call *redis_queue_take(struct redis_queue *q);
/* The one at this place of the chain, &q->first or the next of another. */
struct redis_call *redis_queue_take_at(struct redis_queue *q, struct redis_call **at);
/* The earliest deadline; UINT64_MAX: it is empty. */
uint64_t redis_queue_deadline_ns(const struct redis_queue *q);

#endif
