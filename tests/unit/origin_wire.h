/*
 * origin_wire - the transfers of an origin, put by hand: what is sent, when, and how it ends.
 */
#ifndef ORIGIN_WIRE_H
#define ORIGIN_WIRE_H

#include "rs_test.h"
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define SENT 64

static struct transfers {
	struct sent {
		void *who;
		char url[256], headers[TRANSFER_HEADERS][256];
		uint32_t timeout_ms;
		size_t most;
	} sent[SENT];
	uint32_t count, over;
	struct transfer_result ended[SENT];
	uint32_t ends;
	bool closed, full;
} wire;

int transfers_open(struct transfers **out)
{
	memset(&wire, 0, sizeof(wire));
	*out = &wire;
	return 0;
}

void transfers_close(struct transfers *t)
{
	t->closed = true;
}

int transfers_fd(const struct transfers *t)
{
	(void)t;
	return 77;
}

uint64_t transfers_due_ns(const struct transfers *t)
{
	(void)t;
	return 9000000 * MS;
}

void transfers_run(struct transfers *t)
{
	(void)t;
}

int transfers_add(struct transfers *t, const struct transfer_request *request, void *who)
{
	struct sent *one = &t->sent[t->count];

	if (t->full)
		return -ENOMEM;
	assert_null(request->body);
	assert_true(t->count < SENT);
	*one = (struct sent){ .who = who,
			      .timeout_ms = request->timeout_ms,
			      .most = request->most };
	snprintf(one->url, sizeof(one->url), "%s", request->url);
	for (int i = 0; i < TRANSFER_HEADERS && request->headers[i]; i++)
		snprintf(one->headers[i], sizeof(one->headers[i]), "%s", request->headers[i]);
	t->count++;
	return 0;
}

bool transfers_done(struct transfers *t, struct transfer_result *out)
{
	if (t->over == t->ends)
		return false;
	*out = t->ended[t->over++];
	return true;
}

void transfer_result_fini(struct transfer_result *r)
{
	(void)r;
}

#endif
