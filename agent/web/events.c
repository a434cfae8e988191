#include "events.h"

#include "alerts.h"
#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct events_client {
	struct events *events;
	struct feed_reader reader;
	bool is_greeted;
};

/* Sent first: a client is to come back soon when it was cut off. */
static const char events_greeting[] = ": ringside\nretry: 2000\n\n";

void events_close(struct events *e)
{
	if (!e)
		return;
	feed_fini(&e->feed);
	free(e);
}

static void events_put(struct events *e, enum feed_kind kind, struct json *j)
{
	if (json_finish(j))
		feed_skip(&e->feed, kind, 1);
	else
		feed_put(&e->feed, kind, j->bytes, j->length);
	json_fini(j);
}

static void events_alerts(struct site *site)
{
	struct events *e = site->events;
	struct alerts_row *rows;
	struct json j;
	uint64_t lost;
	int count = site->alerts ? alerts_changes(site->alerts, &e->changes, &rows, &lost) : -1;

	if (count < 0)
		return; /* asked again in a second */
	feed_skip(&e->feed, FEED_ALERT, lost);
	for (int i = 0; i < count; i++) {
		json_init(&j);
		document_alert(&rows[i], &j);
		events_put(e, FEED_ALERT, &j);
	}
	free(rows);
}

static void events_metrics(struct site *site, uint64_t now_ns, int64_t wall_ms)
{
	struct json j;

	json_init(&j);
	if (document_live(site, now_ns, wall_ms, &j))
		j.failed = true;
	events_put(site->events, FEED_METRICS, &j);
}

void events_second(struct site *site, uint64_t now_ns, int64_t wall_ms)
{
	struct events *e = site->events;

	if (!e)
		return;
	events_alerts(site);
	if (e->watchers)
		events_metrics(site, now_ns, wall_ms);
	site->tally.counts[TALLY_EVENTS_LOST] = e->feed.lost;
}

static size_t events_read(void *ctx, char *out, size_t room, uint64_t now_ns)
{
	struct events_client *c = ctx;

	if (c->is_greeted)
		return feed_read(&c->reader, out, room, now_ns);
	c->is_greeted = true;
	c->reader.told_ns = now_ns;
	memcpy(out, events_greeting, sizeof(events_greeting) - 1);
	return sizeof(events_greeting) - 1;
}

static void events_leave(void *ctx)
{
	struct events_client *c = ctx;

	c->events->clients--;
	c->events->watchers -= (c->reader.kinds & FEED_METRICS) != 0;
	feed_reader_fini(&c->reader);
	free(c);
}

static int events_kinds(const struct params *p, unsigned int *kinds, struct refusal *no)
{
	static const struct {
		const char *name;
		unsigned int kinds;
	} words[] = { { "all", FEED_ALL }, { "alerts", FEED_ALERT }, { "metrics", FEED_METRICS } };

	*kinds = FEED_ALL;
	for (unsigned int i = 0; i < p->count; i++) {
		if (strcmp(p->items[i].name, "events") != 0)
			return refuse(no, 400, "unknown_parameter",
				      "this endpoint takes events alone");
		*kinds = 0;
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (!strcmp(words[k].name, p->items[i].value))
				*kinds = words[k].kinds;
		if (*kinds)
			continue;
		memcpy(no->field, "events", sizeof("events"));
		return refuse(no, 400, "bad_events", "must be all, alerts or metrics");
	}
	return 0;
}

static int events_open(struct site *site, const struct request *r)
{
	if (site->events)
		return 0;
	site->events = calloc(1, sizeof(*site->events));
	if (!site->events)
		return -ENOMEM;
	feed_init(&site->events->feed, r->wall_ms);
	return 0;
}

int events_open_client(struct site *site, const struct request *r, const struct params *p,
		       struct reply *out, struct refusal *no)
{
	struct events_client *c;
	unsigned int kinds;

	if (events_kinds(p, &kinds, no))
		return -EINVAL;
	if (events_open(site, r))
		return -ENOMEM;
	if (site->events->clients == EVENTS_CLIENTS) {
		site->tally.counts[TALLY_STREAMS_REFUSED]++;
		no->retry_after_s = EVENTS_RETRY_S;
		return refuse(no, 503, "too_many_clients", "%u clients are served events already",
			      EVENTS_CLIENTS);
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	events_alerts(site); /* what was until now is old to who begins now */
	c->events = site->events;
	feed_reader_init(&c->reader, &site->events->feed, kinds, r->last_event_id);
	c->events->clients++;
	c->events->watchers += (kinds & FEED_METRICS) != 0;
	site->tally.counts[TALLY_STREAMS]++;
	*out = (struct reply){ .status = 200,
			       .type = "text/event-stream; charset=utf-8",
			       .stream = { c, events_read, events_leave } };
	return 0;
}
