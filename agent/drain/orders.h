/*
 * orders - what other threads want of the drain thread, in the order that they said it.
 *
 * Threads:  orders_put, orders_end from any; orders_wait on the drain thread.
 * Memory:   orders_init allocates nothing; orders_fini frees, and closes what was not followed.
 * Errors:   0 or -ENOMEM.
 */
#ifndef DRAIN_ORDERS_H
#define DRAIN_ORDERS_H

#include "event.h"

#include <pthread.h>

enum order_kind {
	ORDER_ADD,
	ORDER_ATTACH,
	ORDER_KIN,
	ORDER_DIED,
	ORDER_DETAIL,
	ORDER_WIRE,
	ORDER_LOST,
};

struct order {
	struct order *next;
	enum order_kind kind;
	uint64_t key;   /* whom it is about; not of ORDER_ADD, ORDER_ATTACH and ORDER_WIRE */
	int fd;         /* -1: none */
	uint32_t bytes; /* of ORDER_WIRE */
	uint64_t lost[RS_STATUS_CLASSES]; /* of ORDER_LOST */
	struct capture_target target;
	struct drain_detail detail;
};

struct orders {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct order *first, **last;
	bool closing;
};

void orders_init(struct orders *o);
void orders_fini(struct orders *o);

int orders_put(struct orders *o, const struct order *from); /* copied; -ENOMEM: fd stays yours */
void orders_end(struct orders *o);

/* Until then (CLOCK_MONOTONIC) or the next order; false: it is to end. *out is the caller's. */
bool orders_wait(struct orders *o, uint64_t until_ns, struct order **out);

#endif
