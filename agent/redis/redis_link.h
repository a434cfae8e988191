/*
 * redis_link - one connection to one Redis, made anew when it is lost; questions in a pipeline.
 *
 * Threads:  one, which never waits here.
 * Memory:   redis_link_init, redis_link_fini, for the caller's memory, which must not move.
 * Errors:   told to each question, exactly once; the last one is in fault and text.
 *
 * Every question has a deadline of its own. One whose answer is late, or an answer that is none to
 * the question that is due one, drops the connection: what came after it could be an answer to
 * another question. Questions that were sent fail with it; those that were not stay until they are
 * late, or until the circuit is open.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include "breaker.h"
#include "redis_call.h"
#include "redis_info.h"
#include "redis_search.h"

#define REDIS_LINK_TEXT 160

enum redis_link_state {
	REDIS_LINK_DOWN,
	REDIS_LINK_NAMING,     /* its name is being looked up */
	REDIS_LINK_CONNECTING, /* … */
	REDIS_LINK_GREETING,   /* password, database, what it is */
	REDIS_LINK_READY,
};

struct redis_link;

/* What links of one client share. Its functions may ask further questions, and end no link. */
struct redis_links {
	const struct redis_url *who; /* user, password, database */
	int epoll;                   /* a link's pointer is its data */
	uint64_t timeout_ns;         /* of connecting, and of questions of its own */
	size_t most_bytes;           /* of an answer */
	struct breaker_limits limits;
	uint32_t (*random)(void);
	void *ctx;
	/* A refusal; true: the call was taken over. Not told of calls of the link's own. */
	bool (*refused)(void *ctx, struct redis_link *l, struct redis_call *c,
			enum redis_fault fault, const struct redis_value *text);
	void (*answered)(void *ctx, uint64_t took_ns);
	void (*pushed)(void *ctx, const struct redis_value *message); /* of channels */
	void (*turned)(void *ctx, struct redis_link *l); /* it became ready, or no longer is */
};

struct redis_link {
	const struct redis_links *shared;
	struct redis_place place;
	const char *channel; /* to listen to, all that it does then; NULL: none */
	enum redis_link_state state;
	struct breaker breaker;
	int fd;
	uint32_t events;            /* of epoll that it waits for */
	struct redis_search search; /* for its address */
	struct redis_wire *wire;
	struct redis_queue sent, unsent;
	uint64_t due_ns;   /* down: when the next try is */
	uint64_t until_ns; /* not ready: when it gives up */
	uint64_t late_ns;  /* no question is late before that */
	uint64_t heard_ns; /* the last answer */
	struct redis_info info;
	enum redis_fault fault; /* the last one, REDIS_FINE: none since it is ready */
	char text[REDIS_LINK_TEXT];
	enum redis_fault doom; /* what it is to be dropped for; REDIS_FINE: nothing */
	uint64_t rest_ns;      /* … and not be made again for so long; 0: as the breaker says */
	uint64_t drops;        /* connections that were lost, or not made */
};

void redis_link_init(struct redis_link *l, const struct redis_links *shared,
		     const struct redis_place *place, const char *channel);
void redis_link_fini(struct redis_link *l); /* what is under way: REDIS_CLOSED */

/* l has it now. */
void redis_link_ask(struct redis_link *l, struct redis_call *c);

void redis_link_event(struct redis_link *l, uint32_t events, uint64_t now_ns);
void redis_link_step(struct redis_link *l, uint64_t now_ns);
uint64_t redis_link_due_ns(const struct redis_link *l); /* when to step at the latest */

/* To be dropped at the next step. */
void redis_link_doom(struct redis_link *l, enum redis_fault fault, const char *text, size_t length);
/* … for what does not pass by itself: it is tried again after so long. */
void redis_link_rest(struct redis_link *l, const char *text, uint64_t rest_ns);

#endif
