/*
 * wire_fixture - an attached process, one connection of it, and what the sink was told.
 *
 * Behind wire.c itself, which is included to be looked into.
 */
#ifndef WIRE_FIXTURE_H
#define WIRE_FIXTURE_H

#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PID 70

struct fixture {
	struct bare bare;
	struct drain_sink sink;
	struct wire *wire;
	uint64_t now_ns;
	uint32_t in, out; /* positions */
	char text[2048];
	struct drain_counters totals;
};

static inline void on_seen(void *ctx, const struct capture_target *target)
{
	(void)ctx;
	(void)target;
}

static inline void on_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	(void)ctx;
	(void)target;
	(void)now_ns;
}

static inline void on_request(void *ctx, const struct capture_target *target,
			      const struct drain_request *r)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->text);

	assert_int_equal(target->pid, PID);
	snprintf(f->text + n, sizeof(f->text) - n, "%d %s %d %d/%d %d %d;", r->method, r->path,
		 r->status, (int)r->bytes_in, (int)r->bytes_out, (int)r->span_ns, r->flags);
}

static inline void on_counters(void *ctx, const struct capture_target *target,
			       const struct drain_counters *delta,
			       const struct drain_ledger *ledger, uint64_t now_ns, bool gap)
{
	struct fixture *f = ctx;

	(void)target;
	(void)ledger;
	(void)now_ns;
	assert_false(gap);
	f->totals.begun += delta->begun;
	f->totals.requests += delta->requests;
	f->totals.opened += delta->opened;
	f->totals.closed += delta->closed;
	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		f->totals.unparsed[i] += delta->unparsed[i];
}

static inline void event(struct fixture *f, struct http_event e, const char *text)
{
	char *record = malloc(sizeof(e) + e.kept);

	e.connection = 5;
	f->now_ns += 10;
	e.at_ns = e.kind == HTTP_WRITING ? 0 : f->now_ns;
	memcpy(record, &e, sizeof(e));
	if (text && e.kept)
		memcpy(record + sizeof(e), text, e.kept);
	wire_event(f->wire, record, sizeof(e) + e.kept);
	free(record);
}

static inline void simple(struct fixture *f, uint32_t kind, uint32_t length)
{
	event(f, (struct http_event){ .kind = kind, .length = length }, NULL);
}

static inline void accepted(struct fixture *f)
{
	f->in = UINT32_MAX - 7; /* positions wrap in the first request */
	f->out = 900;
	event(f, (struct http_event){ .kind = HTTP_ACCEPTED, .seq = f->in, .other = f->out }, NULL);
}

static inline void arrived_bytes(struct fixture *f, const char *text, uint32_t n)
{
	event(f, (struct http_event){ .kind = HTTP_ARRIVED, .seq = f->in, .length = n, .kept = n },
	      text);
	f->in += n;
}

static inline void arrived(struct fixture *f, const char *text)
{
	arrived_bytes(f, text, (uint32_t)strlen(text));
}

static inline void was_read(struct fixture *f, uint32_t to, uint32_t length)
{
	event(f, (struct http_event){ .kind = HTTP_READ, .pid = PID, .seq = to, .length = length },
	      NULL);
}

static inline void asks(struct fixture *f, const char *text)
{
	arrived(f, text);
	was_read(f, f->in, (uint32_t)strlen(text));
}

/* wrote: how much of it the kernel took. */
static inline void writes(struct fixture *f, const char *text, uint32_t wrote)
{
	uint32_t n = (uint32_t)strlen(text);

	event(f,
	      (struct http_event){
		      .kind = HTTP_WRITING, .pid = PID, .seq = f->out, .length = n, .kept = n },
	      text);
	f->out += wrote;
	event(f,
	      (struct http_event){ .kind = HTTP_WROTE, .pid = PID, .seq = f->out, .length = wrote },
	      NULL);
}

/* A call that moved all of it; from is a position of the fixture. */
static inline void calls(struct fixture *f, uint32_t kind, uint32_t *from, const char *text)
{
	uint32_t n = (uint32_t)strlen(text);

	*from += n;
	event(f,
	      (struct http_event){ .kind = kind, .pid = PID, .seq = *from, .length = n, .kept = n },
	      text);
}

static inline void answers(struct fixture *f, const char *text)
{
	writes(f, text, (uint32_t)strlen(text));
}

static inline void fixture_open(struct fixture *f)
{
	const struct capture_target target = { .key = 1, .pid = PID };
	struct wire_config config = { .bare = &f->bare,
				      .sink = &f->sink,
				      .slow_warning_ns = 1000,
				      .slow_critical_ns = 5000 };

	memset(f, 0, sizeof(*f));
	f->sink = (struct drain_sink){ .ctx = f,
				       .seen = on_seen,
				       .request = on_request,
				       .counters = on_counters,
				       .gone = on_gone };
	assert_int_equal(wire_open(&f->wire, &config), 0);
	assert_int_equal(bare_add(&f->bare, &f->sink, &target), 0);
}

/* The text of its requests, "method path status in/out span flags;" each. */
static inline void fixture_close(struct fixture *f, const char *text)
{
	wire_round(f->wire, f->now_ns);
	assert_string_equal(f->text, text);
	wire_close(f->wire);
	bare_fini(&f->bare);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" /* 40 bytes */

#endif
