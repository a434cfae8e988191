/*
 * fuzz_cgi - a connection cut anywhere must tell the same story as the whole of it.
 *
 * Input: a byte that seeds the cuts and chooses the protocol, one that says how much of the rest
 * was read by the application and how much written, then both.
 */
#include "cgi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct story {
	uint64_t hash;
	uint32_t begun, done;
	bool lost;
};

static void tell(struct story *s, uint64_t word)
{
	s->hash = (s->hash ^ word) * UINT64_C(0x100000001b3);
}

static uint64_t story_now(void *context)
{
	(void)context;
	return 1;
}

static int32_t story_begun(void *context, uint64_t t0)
{
	struct story *s = context;

	(void)t0;
	return (int32_t)s->begun++;
}

static uint16_t story_target(void *context, const uint8_t *path, size_t length, bool *has_path)
{
	if (length > RS_PATH_BYTES)
		abort();
	for (size_t i = 0; i < length; i++)
		tell(context, path[i]);
	*has_path = true;
	return 1;
}

static void story_step(void *context, const struct cgi_request *r, uint8_t state)
{
	(void)context;
	(void)state;
	if (r->state != CGI_OPEN)
		abort();
}

static void story_done(void *context, struct cgi_done *done)
{
	const struct served *r = &done->request;
	struct story *s = context;

	s->done++;
	tell(s, r->status);
	tell(s, r->method);
	tell(s, r->flags);
	if (!s->lost) /* what is added of the piece that is lost depends on the cuts */
		tell(s, r->bytes_in);
	tell(s, r->bytes_out);
}

static void story_unparsed(void *context, uint8_t why)
{
	struct story *s = context;

	s->lost = true;
	tell(s, why);
}

const struct cgi_ops cgi_ops = {
	.now = story_now,
	.begun = story_begun,
	.target = story_target,
	.step = story_step,
	.done = story_done,
	.unparsed = story_unparsed,
};

/* From a copy of its own, so that a look beyond its end is found. */
static void feed(struct cgi *x, struct cgi_call *call, enum cgi_way way, const uint8_t *data,
		 size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, data, n);
	if (way == CGI_READ)
		cgi_read(x, call, copy, n);
	else
		cgi_write(x, call, copy, n);
	free(copy);
}

static void pieces(struct cgi *x, struct cgi_call *call, enum cgi_way way, const uint8_t *data,
		   size_t n, uint32_t most)
{
	static uint32_t seed;

	for (size_t at = 0; at < n;) {
		size_t part;

		seed = seed * 1103515245u + 12345u;
		part = 1 + (seed >> 16) % most;
		part = part < n - at ? part : n - at;
		feed(x, call, way, data + at, part);
		at += part;
	}
}

static void told(struct story *s, enum cgi_kind kind, const uint8_t *data, size_t read,
		 size_t written, uint32_t most)
{
	static struct cgi x;
	struct cgi_call call = { .context = s };

	memset(s, 0, sizeof(*s));
	cgi_init(&x, kind);
	pieces(&x, &call, CGI_READ, data, read, most);
	pieces(&x, &call, CGI_WRITE, data + read, written, most);
	cgi_close(&x, &call, false);
	if (s->begun != s->done || cgi_waits(&x))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story whole, cut;
	enum cgi_kind kind;
	size_t read;

	if (size < 2)
		return 0;
	kind = (enum cgi_kind)(CGI_FASTCGI + data[0] % 3);
	cgi_begins(data + 2, size - 2);
	read = (size - 2) * data[1] / 255;
	told(&whole, kind, data + 2, read, size - 2 - read, UINT32_MAX);
	told(&cut, kind, data + 2, read, size - 2 - read, data[0] % 64 + 1u);
	if (whole.hash != cut.hash || whole.begun != cut.begun)
		abort();
	return 0;
}
