/*
 * parsed_fixture - one attached process, and what is told of a connection of it.
 */
#ifndef PARSED_FIXTURE_H
#define PARSED_FIXTURE_H

#include "parser.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

#define PID 70

static struct {
	struct bare bare;
	struct drain_sink sink;
	struct parsed parsed;
	struct parser parser;
	char text[2048]; /* of its requests, "method path status in/out flags;" each */
	struct drain_counters totals;
} told;

static void told_seen(void *ctx, const struct capture_target *target)
{
	(void)ctx;
	(void)target;
}

static void told_request(void *ctx, const struct capture_target *target,
			 const struct drain_request *r)
{
	static const char *const protocols[] = {
		[RS_PROTOCOL_HTTP1] = "1", [RS_PROTOCOL_HTTP2] = "2", [RS_PROTOCOL_GRPC] = "g"
	};
	size_t n = strlen(told.text);

	(void)ctx;
	assert_int_equal(target->pid, PID);
	snprintf(told.text + n, sizeof(told.text) - n, "%s %d %s %d %d/%d %d;",
		 protocols[r->protocol], r->method, r->path, r->status, (int)r->bytes_in,
		 (int)r->bytes_out, r->flags);
}

static void told_counters(void *ctx, const struct capture_target *target,
			  const struct drain_counters *delta, const struct drain_ledger *ledger,
			  uint64_t now_ns, bool gap)
{
	(void)ctx;
	(void)target;
	(void)ledger;
	(void)now_ns;
	assert_false(gap);
	told.totals.begun += delta->begun;
	told.totals.requests += delta->requests;
	told.totals.refused += delta->refused;
	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		told.totals.unparsed[i] += delta->unparsed[i];
}

static inline void told_open(enum exchange_trust trust)
{
	const struct capture_target target = { .key = 1, .pid = PID };

	memset(&told, 0, sizeof(told));
	told.sink = (struct drain_sink){ .seen = told_seen,
					 .request = told_request,
					 .counters = told_counters };
	told.parsed = (struct parsed){ .bare = &told.bare,
				       .sink = &told.sink,
				       .slow_warning_ns = 1000,
				       .slow_critical_ns = 5000,
				       .parser = &told.parser };
	assert_int_equal(bare_add(&told.bare, &told.sink, &target), 0);
	parser_init(&told.parser, 5, trust);
	told.parser.pid = PID;
}

static inline void told_book(void)
{
	bare_book(&told.bare, &told.sink, 1);
}

static inline uint64_t told_unparsed(uint8_t why)
{
	told_book();
	return told.totals.unparsed[why];
}

static inline void told_close(const char *text)
{
	told_book();
	assert_string_equal(told.text, text);
	parser_fini(&told.parser, &told.parsed);
	parsed_fini(&told.parsed);
	bare_fini(&told.bare);
}

static inline void moves(enum parser_way way, const void *text, size_t bytes)
{
	told.parsed.now_ns += 10;
	parser_move(&told.parser, &told.parsed, way, text, (uint32_t)bytes);
}

#define READS(text) moves(PARSER_IN, text, sizeof(text) - 1)
#define WRITES(text) moves(PARSER_OUT, text, sizeof(text) - 1)

/* Frames: HEADERS with END_HEADERS, END_STREAM where there is nothing more; DATA. */
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\x4\0\0\0\0\0"
#define HEAD(length, type, flags, stream) "\0\0" length type flags "\0\0\0" stream
#define ASKS(length, stream) HEAD(length, "\1", "\5", stream)
#define ANSWERS(stream) HEAD("\1", "\1", "\5", stream) "\x88" /* :status 200, and no body */

#endif
