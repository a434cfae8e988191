/*
 * exchange_fixture - a server's connection, and what its exchange says of it, as text.
 */
#ifndef EXCHANGE_FIXTURE_H
#define EXCHANGE_FIXTURE_H

#include "exchange.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server's connection and what is said of it, as text. */
struct server {
	struct exchange x;
	struct exchange_call call;
	struct exchange_block block;
	bool lent;
	uint64_t ticks;
	int in_progress;
	uint64_t bytes_in;
	uint64_t bytes_out;
	struct exchange_done last;
	char text[8192];
	size_t length;
};

static void tell(struct server *s, const char *text)
{
	size_t n = strlen(text);

	assert_true(s->length + n < sizeof(s->text));
	memcpy(s->text + s->length, text, n + 1);
	s->length += n;
}

static uint64_t now(void *context)
{
	return ++((struct server *)context)->ticks;
}

static int32_t begun(void *context, uint64_t t0)
{
	struct server *s = context;

	assert_true(t0 > 0);
	return ++s->in_progress;
}

static uint16_t target(void *context, const struct http1 *head, bool *has_path)
{
	(void)context;
	*has_path = head->path_length > 1;
	return (uint16_t)(head->path[head->path_length - 1]);
}

static void step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	assert_true(r->begun);
	assert_in_range(state, RS_OPEN_HEAD, RS_OPEN_ANSWERING);
}

static void done(void *context, struct exchange_done *d)
{
	struct server *s = context;
	char line[64];

	snprintf(line, sizeof(line), "%d%c%d%s%s%s%s%s ", d->request.method,
		 d->request.shape ? d->request.shape : '?', d->request.status,
		 d->request.flags & RS_FLAG_ABORTED ? "a" : "",
		 d->request.flags & RS_FLAG_CUT_BY_SERVER ? "s" : "",
		 d->request.flags & RS_FLAG_CUT_BY_CLIENT ? "c" : "",
		 d->request.flags & RS_FLAG_PIPELINED ? "p" : "",
		 d->request.flags & RS_FLAG_UPGRADED ? "u" : "");
	tell(s, line);
	assert_true(d->request.end >= d->request.t0);
	assert_true(!d->request.status == !d->request.first_byte ||
		    d->request.flags & RS_FLAG_ABORTED);
	assert_true(d->open > 0);
	s->in_progress--;
	s->bytes_in += d->request.bytes_in;
	s->bytes_out += d->request.bytes_out;
	s->last = *d;
}

static void unparsed(void *context, uint8_t why)
{
	char line[16];

	snprintf(line, sizeof(line), "!%d ", why);
	tell(context, line);
}

static struct exchange_block *lend(void *context)
{
	struct server *s = context;

	if (s->lent)
		return NULL;
	s->lent = true;
	memset(&s->block, 0, sizeof(s->block));
	return &s->block;
}

static void give_back(void *context, struct exchange_block *block)
{
	struct server *s = context;

	assert_ptr_equal(block, &s->block);
	assert_true(s->lent);
	s->lent = false;
}

const struct exchange_ops exchange_ops = {
	.now = now,
	.begun = begun,
	.target = target,
	.step = step,
	.done = done,
	.unparsed = unparsed,
	.lend = lend,
	.give_back = give_back,
};

static void begin(struct server *s, enum exchange_trust trust)
{
	memset(s, 0, sizeof(*s));
	memset(&s->x, 0xa5, sizeof(s->x));
	exchange_init(&s->x, trust);
	s->call.context = s;
}

static void move(struct server *s, char way, const char *bytes, size_t n)
{
	s->call.now = 0;
	if (way == '<')
		exchange_read(&s->x, &s->call, (const uint8_t *)bytes, n);
	else
		exchange_write(&s->x, &s->call, (const uint8_t *)bytes, n);
}

static void end(struct server *s, char how)
{
	s->call.now = 0;
	if (how == 'e' || how == 'r')
		exchange_client_gone(&s->x, how == 'r');
	exchange_close(&s->x, &s->call);
	assert_int_equal(s->in_progress, 0);
	assert_int_equal(exchange_waiting(&s->x), 0);
	assert_false(s->lent);
}

#endif
