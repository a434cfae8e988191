/*
 * redis_client - a Redis, or a Redis Cluster, of which we use our own keys alone.
 *
 * Threads:  one, which never waits here: it polls redis_fd, and steps when that is readable or when
 *           redis_due_ns has come.
 * Memory:   redis_open allocates, redis_close frees; keys and values are copied.
 * Errors:   -ENOBUFS: too much is under way; -EHOSTDOWN: the circuit of who has the key is open;
 *           -ENOMEM. Then `done` is not called; else it is, exactly once, from redis_step or
 *           redis_close.
 *
 * Keys, patterns and channels come without our prefix, and go without it: what another program
 * keeps in the same Redis cannot be named. Questions of one step go in one write.
 */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include "breaker.h"
#include "redis_call.h"
#include "redis_info.h"

#define REDIS_CLIENT_TEXT 160
#define REDIS_CLIENT_PREFIX 65

struct redis;

struct redis_config {
	const struct redis_url *url; /* copied */
	const char *prefix;          /* as redis_prefix_check takes it */
	uint64_t timeout_ns;         /* of one question, redirections and all */
	size_t most_bytes;           /* of one answer */
	size_t most_questions;       /* under way */
	size_t most_question_bytes;
	uint64_t (*now_ns)(void); /* CLOCK_MONOTONIC */
	uint32_t (*random)(void);
	const char *channel; /* to listen to; NULL: none */
	/* message NULL: we listen anew, and may have missed some */
	void (*heard)(void *ctx, const void *message, size_t length);
	void *ctx;
};

/* Where there are several nodes, it is the worst circuit and the last fault of all. */
struct redis_state {
	bool cluster, ready; /* ready: there is one that answers */
	enum breaker_state circuit;
	uint64_t since_ns;      /* of the circuit's state */
	enum redis_fault fault; /* REDIS_FINE: all is well */
	char text[REDIS_CLIENT_TEXT];
	struct redis_info info;
	uint32_t nodes, nodes_ready;
	bool listening;
	size_t under_way;
	uint64_t asked, answered, refused; /* refused: by the server, whatever the reason */
	uint64_t drops;                    /* connections lost or not made */
	uint64_t redirected, asked_again;
	uint64_t took_ns, took_p99_ns; /* of the answers: all together; 99 of 100 are below */
};

int redis_open(struct redis **out, const struct redis_config *config); /* -ELIBACC: no hiredis */
void redis_close(struct redis *r);                                     /* NULL is allowed */
int redis_fd(const struct redis *r);
uint64_t redis_due_ns(const struct redis *r); /* 0: at once */
void redis_step(struct redis *r);
/* The one that connections begin with from now on; those that stand are not touched. */
void redis_password_put(struct redis *r, const char *password);
void redis_state_get(const struct redis *r, struct redis_state *out);

/* Who is told; NULL in place of one: nobody. */
struct redis_then {
	redis_fn done;
	void *ctx;
};

/* The answer is a string, or nil. */
int redis_get(struct redis *r, const struct redis_text *key, const struct redis_then *then);
/* The first bytes of it alone, none where there is no such key. */
int redis_begin_get(struct redis *r, const struct redis_text *key, size_t bytes,
		    const struct redis_then *then);
/* ttl_ms: from 1 on. */
int redis_set(struct redis *r, const struct redis_text *key, const struct redis_text *value,
	      uint64_t ttl_ms, const struct redis_then *then);
int redis_unlink(struct redis *r, const struct redis_text *key, const struct redis_then *then);

/*
 * A set of members, none of which is gone before its ttl_ms is over: the set has the longest time
 * of all, and has it as soon as it has the member. The answer is an array.
 */
int redis_member_add(struct redis *r, const struct redis_text *key, const struct redis_text *member,
		     uint64_t ttl_ms, const struct redis_then *then);
int redis_member_drop(struct redis *r, const struct redis_text *key,
		      const struct redis_text *member, const struct redis_then *then);
/* The answer is an array of strings. */
int redis_members(struct redis *r, const struct redis_text *key, const struct redis_then *then);

/* The clock of the server that has this key: an array, which redis_time_ms reads. */
int redis_time(struct redis *r, const struct redis_text *key, const struct redis_then *then);
int64_t redis_time_ms(const struct redis_value *v); /* since 1970; -1: it is no time */

struct redis_rank {
	struct redis_text member;
	int64_t score;
	int64_t least;   /* what has less goes */
	uint64_t ttl_ms; /* of the whole set, from now on */
};

/* A member of a sorted set, all of it or nothing. The answer is an array. */
int redis_rank_put(struct redis *r, const struct redis_text *key, const struct redis_rank *rank,
		   const struct redis_then *then);
/* The highest scores first, `most` at most. The answer is an array: member, score, member … */
int redis_rank_list(struct redis *r, const struct redis_text *key, uint32_t most,
		    const struct redis_then *then);

/* Told when the server has passed it on to whoever listens. */
int redis_publish(struct redis *r, const char *channel, const struct redis_text *message,
		  const struct redis_then *then);

/* May any of its nodes give up keys by itself? The answer is an integer, 0: none. */
int redis_evicts(struct redis *r, const struct redis_then *then);

typedef void (*redis_key_fn)(void *ctx, const void *key, size_t length);

/*
 * Every key that this pattern of ours (redis_key.h) fits, some of them twice perhaps, told with
 * then's context; then that is told, without a value.
 */
int redis_scan(struct redis *r, const struct redis_text *pattern, redis_key_fn each,
	       const struct redis_then *then);

/* The value that came for this key is not its own: nor is what else comes on that connection. */
void redis_suspect(struct redis *r, const struct redis_text *key);

#endif
