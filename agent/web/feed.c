#include "feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_HEAD 96

void feed_init(struct feed *f, int64_t run)
{
	memset(f, 0, sizeof(*f));
	f->first = f->next = 1;
	snprintf(f->run, sizeof(f->run), "%" PRIx64, run);
}

static struct feed_event *feed_at(struct feed *f, uint64_t number)
{
	return &f->ring[number % FEED_EVENTS];
}

static void feed_drop(struct feed *f)
{
	struct feed_event *e = feed_at(f, f->first++);

	f->dropped[e->kind]++;
	f->bytes -= e->body ? e->body->length : 0;
	body_put(e->body);
	e->body = NULL;
}

void feed_fini(struct feed *f)
{
	while (f->first < f->next)
		feed_drop(f);
}

static void feed_add(struct feed *f, enum feed_kind kind, struct body *body)
{
	while (f->first < f->next && (f->next - f->first == FEED_EVENTS ||
				      f->bytes + (body ? body->length : 0) > FEED_BYTES))
		feed_drop(f);
	*feed_at(f, f->next++) = (struct feed_event){ body, kind };
	f->bytes += body ? body->length : 0;
}

int feed_put(struct feed *f, enum feed_kind kind, const char *data, size_t length)
{
	char *text = malloc(FEED_HEAD + length);
	struct body *body = NULL;
	int n, ret = text ? 0 : -ENOMEM;

	if (!ret) {
		n = snprintf(text, FEED_HEAD, "id: %s-%" PRIu64 "\nevent: %s\ndata: ", f->run,
			     f->next, kind == FEED_ALERT ? "alert" : "metrics");
		memcpy(text + n, data, length);
		memcpy(text + n + length, "\n\n", 2);
		ret = body_open(&body, text, (size_t)n + length + 2);
	}
	feed_add(f, kind, ret ? NULL : body);
	return ret;
}

void feed_skip(struct feed *f, enum feed_kind kind, uint64_t count)
{
	for (uint64_t i = 0; i < count && i < FEED_EVENTS; i++)
		feed_add(f, kind, NULL);
}

/* "run-number" of this run; 0: it is none. */
static uint64_t feed_number(const struct feed *f, const char *id)
{
	size_t length = strlen(f->run);
	char *end;
	uint64_t number;

	if (strncmp(id, f->run, length) != 0 || id[length] != '-')
		return 0;
	id += length + 1;
	if (*id < '1' || *id > '9')
		return 0;
	number = strtoull(id, &end, 10);
	return *end || number >= f->next ? 0 : number;
}

void feed_reader_init(struct feed_reader *r, struct feed *f, unsigned int kinds, const char *from)
{
	uint64_t number = from ? feed_number(f, from) : 0;

	memset(r, 0, sizeof(*r));
	r->feed = f;
	r->kinds = kinds;
	r->next = number ? number + 1 : f->next;
	r->is_lost = from && !number;
	memcpy(r->before, f->dropped, sizeof(r->before));
	for (uint64_t i = f->first; i < r->next; i++)
		r->before[feed_at(f, i)->kind]++;
	if (r->next >= f->first)
		return;
	/* Of which kinds they were is not known any more. */
	r->is_lost = kinds != FEED_ALL;
	r->missed = r->is_lost ? 0 : f->first - r->next;
	r->next = f->first;
}

void feed_reader_fini(struct feed_reader *r)
{
	body_put(r->body);
	r->body = NULL;
}

/* It is told what it did not get, before it gets more. */
static struct body *feed_apology(struct feed_reader *r)
{
	char number[24] = "null", *text;
	struct body *body;
	int n;

	if (!r->is_lost)
		snprintf(number, sizeof(number), "%" PRIu64, r->missed);
	n = asprintf(&text, "event: lost\ndata: {\"events\":%s}\n\n", number);
	if (n < 0 || body_open(&body, text, (size_t)n))
		return NULL;
	r->feed->lost += r->missed;
	r->missed = 0;
	r->is_lost = false;
	return body;
}

/* It was too slow: what it had not looked at is gone. */
static void feed_catch_up(struct feed_reader *r)
{
	const struct feed *f = r->feed;

	if (r->next >= f->first)
		return;
	for (unsigned int kind = 0; kind < FEED_KINDS; kind++)
		r->missed += kind & r->kinds ? f->dropped[kind] - r->before[kind] : 0;
	memcpy(r->before, f->dropped, sizeof(r->before));
	r->next = f->first;
}

/* What it reads next; NULL: nothing is there, or no memory to say so. */
static struct body *feed_next(struct feed_reader *r)
{
	struct feed *f = r->feed;
	struct body *body = NULL;

	feed_catch_up(r);
	while (r->next < f->next && !body) {
		const struct feed_event *e = feed_at(f, r->next);
		bool is_wanted = e->kind & r->kinds;

		if (is_wanted && e->body && (r->missed || r->is_lost))
			return feed_apology(r);
		r->next++;
		r->before[e->kind]++;
		r->missed += is_wanted && !e->body;
		body = is_wanted ? e->body : NULL;
	}
	if (body)
		return body_get(body);
	return r->missed || r->is_lost ? feed_apology(r) : NULL;
}

size_t feed_read(struct feed_reader *r, char *out, size_t room, uint64_t now_ns)
{
	static const char beat[] = ": \n\n";
	size_t used = 0;

	while (used < room && (r->body || (r->body = feed_next(r)))) {
		size_t n = r->body->length - r->at;

		n = n < room - used ? n : room - used;
		memcpy(out + used, r->body->bytes + r->at, n);
		used += n;
		r->at += n;
		if (r->at < r->body->length)
			continue;
		feed_reader_fini(r);
		r->at = 0;
	}
	if (!used && now_ns - r->told_ns >= FEED_BEAT_NS && room >= sizeof(beat) - 1) {
		used = sizeof(beat) - 1;
		memcpy(out, beat, used);
	}
	if (used)
		r->told_ns = now_ns;
	return used;
}
