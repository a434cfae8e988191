#include "orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ORDERS_SECOND_NS UINT64_C(1000000000)

void orders_init(struct orders *o)
{
	pthread_condattr_t attributes;

	memset(o, 0, sizeof(*o));
	o->last = &o->first;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

void orders_fini(struct orders *o)
{
	while (o->first) {
		struct order *order = o->first;

		o->first = order->next;
		if (order->fd >= 0)
			close(order->fd);
		free(order);
	}
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
}

int orders_put(struct orders *o, const struct order *from)
{
	struct order *order = malloc(sizeof(*order));

	if (!order)
		return -ENOMEM;
	*order = *from;
	order->next = NULL;
	pthread_mutex_lock(&o->lock);
	*o->last = order;
	o->last = &order->next;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

void orders_end(struct orders *o)
{
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

bool orders_wait(struct orders *o, uint64_t until_ns, struct order **out)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / ORDERS_SECOND_NS),
				  .tv_nsec = (long)(until_ns % ORDERS_SECOND_NS) };
	bool closing;

	pthread_mutex_lock(&o->lock);
	while (!o->first && !o->closing &&
	       pthread_cond_timedwait(&o->wake, &o->lock, &until) != ETIMEDOUT)
		;
	*out = o->first;
	o->first = NULL;
	o->last = &o->first;
	closing = o->closing;
	pthread_mutex_unlock(&o->lock);
	return !closing;
}
