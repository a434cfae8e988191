/*
 * proxy_own - the inside of the proxy: what its files share, and nobody else.
 *
 * Threads:  the proxy's thread, but what is marked.
 * Memory:   clients, upstream connections and exchanges that are over are freed when the loop has
 *           come around: an event may still speak of them.
 * Errors:   as each says.
 * Who:      a client's connection has one request at a time: answered from the cache, waiting for a
 *           fetch, or with an exchange. An exchange is one request on one upstream connection; with
 *           a fetch its reply is kept, and it goes on without its client. Sockets are watched
 *           edge-triggered: what is readable or writable is remembered until a call says it is not.
 */
#ifndef PROXY_OWN_H
#define PROXY_OWN_H

#include "http_body.h"
#include "proxy.h"
#include "proxy_key.h"
#include "stored.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define PROXY_BLOCK 32768u
#define PROXY_BLOCKS 256u         /* are kept for use again */
#define PROXY_REQUEST_HEAD 16384u /* more is 431; what is added to one fits in a block */
#define PROXY_REPLY_HEAD 24576u   /* more is 502 */
#define PROXY_S_NS UINT64_C(1000000000)
#define PROXY_FETCHES 1024u /* chains of the table */
#define PROXY_ROUNDS 16     /* of one connection before the next has its turn */

#define PROXY_COUNT_AT(field) (offsetof(struct proxy_counts, field) / sizeof(uint64_t))
#define PROXY_COUNTS (sizeof(struct proxy_counts) / sizeof(uint64_t))

enum proxy_kind { PROXY_LISTENER, PROXY_WAKE, PROXY_CLIENT, PROXY_UPSTREAM };

struct proxy_link {
	int fd; /* -1: closed */
	uint8_t kind;
	bool readable, writable;
	bool ended;  /* the other side sends no more: the next read says so */
	bool broken; /* … is gone */
	bool queued;
	struct proxy_link *next; /* of those with something to do, or of those to be freed */
};

struct proxy_buffer {
	char *at; /* NULL: none */
	size_t size, start, end;
};

struct proxy_place {
	struct proxy *proxy;
	const struct proxy_site *site;
	struct proxy_link listener;
	struct sockaddr_storage upstream;
	socklen_t upstream_length;
	struct proxy_upstream *idle; /* the last used first */
	uint32_t idle_count, clients;
	bool paused;
};

struct proxy_upstream {
	struct proxy_link link; /* first */
	struct proxy_place *place;
	struct proxy_exchange *exchange; /* NULL: idle */
	struct proxy_upstream *next;     /* idle */
	uint64_t deadline_ns;
	bool connected;
};

enum proxy_client_state {
	PROXY_CLIENT_HEAD, /* between two requests too */
	PROXY_CLIENT_WAITING,
	PROXY_CLIENT_EXCHANGE,
	PROXY_CLIENT_SENDING,
	PROXY_CLIENT_DRAINING, /* its last answer is sent: what it still sends is thrown away */
};

struct proxy_client {
	struct proxy_link link; /* first */
	struct proxy_place *place;
	struct proxy_client *before, *after;
	struct proxy_exchange *exchange;
	struct proxy_fetch *fetch; /* that it waits for */
	struct proxy_client *next_waiting;
	struct cache_value *value; /* being sent */
	const char *body;
	size_t body_left;
	struct proxy_buffer in, out;
	size_t seen;  /* of a head, by http_head_find */
	size_t taken; /* place in `in` behind what of its request's body is well-formed */
	uint64_t deadline_ns;
	uint64_t wait_ns; /* until when it waits for fetches; 0: it has not waited */
	uint32_t drained; /* bytes */
	uint16_t failed;  /* status that the fetch failed with which it waited for */
	uint8_t state;    /* enum proxy_client_state */
	uint8_t minor;    /* of the running request */
	bool to_head;     /* … which is HEAD */
	bool close;       /* after this answer */
	bool rude;        /* … while it may be sending still */
	bool alone;       /* it has waited long enough, or in vain */
	bool blank;       /* an empty line in front of its request was skipped */
};

/* A request as it was read. */
struct proxy_ask {
	struct http_head head;
	struct http_body body;
	struct freshness_ask cache;
	const struct proxy_rule *rule; /* NULL: nothing of it is cached */
	size_t length;                 /* of its head */
	bool get;                      /* GET or HEAD */
};

struct proxy_fetch {
	struct proxy_fetch *chain;
	uint64_t hash;
	const struct proxy_rule *rule;
	struct proxy_client *waiting;
	size_t key_length, primary_length; /* of the key without what the reply varies by */
	struct freshness freshness;        /* once the reply's head is there, at: */
	uint64_t head_ns;
	bool keeping;  /* … it is to be kept */
	bool outdated; /* its address was purged or changed since it was asked for */
	char key[];
};

struct proxy_exchange {
	struct proxy_place *place;
	struct proxy_exchange *before, *after, *next_over;
	struct proxy_upstream *up; /* NULL: it is answered wholly */
	struct proxy_client *client;
	struct proxy_fetch *fetch;
	struct cache_value *fallback; /* what is served if the upstream fails */
	struct proxy_buffer forth; /* the request's head, for a second try and to be read again */
	struct proxy_buffer back;
	size_t passed;           /* place in back behind what of the body is well-formed */
	size_t head_at, body_at; /* … of the reply's head, and of its body, while all is kept */
	size_t seen;             /* of a head, by http_head_find */
	struct http_body asked, answered;
	uint64_t began_ns, deadline_ns;
	const char *verdict; /* X-Cache; NULL: none */
	uint64_t charged;    /* bytes of back that count against all that is being kept */
	char tag[PROXY_KEY_TAG];
	bool to_head, safe; /* of the request's method */
	bool again;         /* it may be sent once more */
	bool reused;        /* on a connection that was idle */
	bool upgrades;      /* 101 is one of the answers */
	bool headed;        /* the reply's head was passed on */
	bool up_keeps;      /* the upstream's connection may be used again */
	bool deaf;          /* the upstream takes no more of the request */
	bool tunnel, client_ended, up_ended, told_up, told_client;
	bool over;
};

struct proxy_block {
	struct proxy_block *next;
};

struct proxy_order; /* proxy_orders.c */

struct proxy {
	int epoll, wake; /* wake: a counter of the kernel */
	struct proxy_link waker;
	struct proxy_place places[PROXY_SITES];
	unsigned int count;
	struct cache *cache;
	struct proxy_block *blocks; /* that are not in use */
	uint32_t block_count;
	struct proxy_link *first_ready, *last_ready, *dead;
	struct proxy_client *clients;
	struct proxy_exchange *exchanges, *exchanges_over;
	struct proxy_fetch *fetches[PROXY_FETCHES];
	uint64_t hash_key[2];
	uint64_t (*clock_ns)(void);
	int64_t (*clock_wall_ms)(void);
	uint64_t now_ns, sweep_ns, resume_ns;
	int64_t wall_ms;
	uint64_t filling; /* bytes of replies that are being kept */
	char *key;        /* PROXY_KEY_SIZE */
	pthread_t thread;
	bool running;
	atomic_bool stop;
	_Atomic(struct proxy_order *) orders; /* the mailbox */
	struct proxy_order *doing;            /* … taken out of it, the oldest first */
	struct proxy_order *posted;           /* of who posts: those that are asked for */
	_Atomic uint64_t counts[PROXY_COUNTS];
};

/* proxy_io.c: bytes and sockets. */
void proxy_count_add(struct proxy *p, size_t at, uint64_t more);
#define proxy_count(p, field) proxy_count_add(p, PROXY_COUNT_AT(field), 1)
#define proxy_uncount(p, field) proxy_count_add(p, PROXY_COUNT_AT(field), UINT64_MAX)

void proxy_io_queue(struct proxy *p, struct proxy_link *l);
int proxy_io_watch(struct proxy *p, struct proxy_link *l, int fd, enum proxy_kind kind);
void proxy_io_close(struct proxy *p, struct proxy_link *l);   /* it is freed later */
bool proxy_io_block(struct proxy *p, struct proxy_buffer *b); /* false: no memory */
void proxy_io_release(struct proxy *p, struct proxy_buffer *b);
void proxy_io_blocks_close(struct proxy *p);
/* Into a buffer with room. > 0; 0: the other side sends no more; -EAGAIN: nothing now; -errno. */
ssize_t proxy_io_read(struct proxy_link *l, struct proxy_buffer *b);
ssize_t proxy_io_write(struct proxy_link *l, const struct iovec *parts, int count);

/* proxy_client.c */
int proxy_client_open(struct proxy_place *place, int fd);
void proxy_client_close(struct proxy_client *c, bool reset);
void proxy_client_step(struct proxy_client *c);
void proxy_client_overdue(struct proxy_client *c);
/* Answers by ourselves, and closes. Always true: there is something to be sent. */
bool proxy_client_refuse(struct proxy_client *c, unsigned int status);
bool proxy_client_next(struct proxy_client *c); /* its answer is sent; false: it was closed */

/* proxy_answer.c: from the cache, or by whom else. True: there is more to do at once. */
bool proxy_answer(struct proxy_client *c, struct proxy_ask *a);
bool proxy_answer_stored(struct proxy_client *c, const struct proxy_ask *a, struct cache_value *v,
			 const char *verdict);

/* proxy_exchange.c */
struct proxy_begin {
	struct proxy_client *client; /* NULL: in the background */
	struct proxy_fetch *fetch;
	struct cache_value *fallback; /* the exchange's from then on */
	const char *verdict;
	const struct proxy_client *asker; /* whose request it is, with the exchange or not */
};
/* 0 or the status to refuse it with. */
unsigned int proxy_exchange_begin(struct proxy_place *place, struct proxy_ask *a,
				  const struct proxy_begin *b);
void proxy_exchange_overdue(struct proxy_exchange *x);
/* Before anything was passed on of a reply: by status, or by what is stale. */
void proxy_exchange_fail(struct proxy_exchange *x, unsigned int status);
/* … and after: both connections end. */
void proxy_exchange_abort(struct proxy_exchange *x);
void proxy_exchange_leave(struct proxy_exchange *x); /* its client is gone */
void proxy_exchange_end(struct proxy_exchange *x);

/* Before the reply's begin it fails; behind it nothing can be said any more. */
void proxy_exchange_give_up(struct proxy_exchange *x, unsigned int status);
/* The connection was closed while it was idle, as it may: the request goes on a new one. */
void proxy_exchange_retry(struct proxy_exchange *x);
bool proxy_exchange_is_sent(const struct proxy_exchange *x); /* all that has come of the request */

/* proxy_relay.c: as far as both sides go now. */
void proxy_relay_step(struct proxy_exchange *x);

/* proxy_reply.c: the head of a reply. 1: it was taken; 0: more of it is needed; -1: it is over. */
int proxy_reply_head(struct proxy_exchange *x);

/* proxy_fetch.c */
struct proxy_fetch *proxy_fetch_find(struct proxy *p, const struct proxy_key *k);
struct proxy_fetch *proxy_fetch_open(struct proxy *p, const struct proxy_key *k, size_t primary,
				     const struct proxy_rule *r);
void proxy_fetch_wait(struct proxy_fetch *f, struct proxy_client *c);
void proxy_fetch_unwait(struct proxy_client *c);
/* Who waits is asked again; failed: the status that it failed with; alone: nothing was kept. */
void proxy_fetch_close(struct proxy *p, struct proxy_fetch *f, unsigned int failed, bool alone);
/* The reply's head is there: is it to be kept? If not, the fetch is over. */
bool proxy_fetch_keeps(struct proxy_exchange *x, const struct http_head *reply);
/* Room for more of what is kept; false: too much, the fetch is over. */
bool proxy_fetch_grow(struct proxy_exchange *x);
void proxy_fetch_store(struct proxy_exchange *x); /* the reply is complete */

/* proxy_upstream.c */
struct proxy_upstream *proxy_upstream_get(struct proxy_place *place, bool fresh, bool *reused);
void proxy_upstream_put(struct proxy_upstream *u); /* idle from here on */
void proxy_upstream_close(struct proxy_upstream *u);
void proxy_upstream_idle(struct proxy_upstream *u); /* something came while it was */
void proxy_upstream_sweep(struct proxy_place *place);
int proxy_upstream_connected(struct proxy_upstream *u); /* 1; 0: not yet; -errno */

/* proxy_orders.c */
bool proxy_orders_do(struct proxy *p); /* as far as it goes now; true: there are more */
void proxy_orders_close(struct proxy *p);

#endif
