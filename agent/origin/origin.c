#include "origin.h"

#include "lag.h"
#include "origin_template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ORIGIN_MS_NS 1000000u

static const struct breaker_limits origin_limits = { .failures = 5,
						     .first_ns = UINT64_C(500000000),
						     .most_ns = UINT64_C(5000000000) };

struct origin_source {
	struct origin_setting set;
	struct breaker breaker;
	struct lag lag;
	struct origin_state state;   /* what is counted of it */
	struct flight *first, **end; /* those that wait, the oldest first */
};

struct origin {
	struct transfers *transfers;
	struct flights *flights;
	struct origin_config config;
	uint64_t ended;
	uint32_t count;
	struct origin_source sources[];
};

int origin_open(struct origin **out, const struct origin_config *config)
{
	uint32_t count = config->settings->count;
	size_t size = sizeof(**out) + count * sizeof((*out)->sources[0]);
	struct origin *o = calloc(1, size);
	uint64_t hash_key[2];
	int ret;

	*out = NULL;
	if (!o)
		return -ENOMEM;
	o->config = *config;
	o->count = count;
	for (uint32_t i = 0; i < count; i++) {
		o->sources[i].set = config->settings->at[i];
		o->sources[i].state.prefix = o->sources[i].set.rule.prefix;
		o->sources[i].end = &o->sources[i].first;
	}
	for (int i = 0; i < 2; i++)
		hash_key[i] = (uint64_t)config->random() << 32 | config->random();
	ret = flights_open(&o->flights, hash_key);
	if (!ret)
		ret = transfers_open(&o->transfers);
	if (ret)
		origin_close(o);
	else
		*out = o;
	return ret;
}

void origin_close(struct origin *o)
{
	struct origin_answer closed = { .fault = ORIGIN_CLOSED, .text = "the agent ends" };
	struct flight *one;

	if (!o)
		return;
	while (o->flights && (one = flights_any(o->flights))) {
		flights_take(o->flights, one);
		flight_tell(o->flights, one, &closed);
	}
	transfers_close(o->transfers);
	flights_close(o->flights);
	explicit_bzero(o->sources, o->count * sizeof(o->sources[0]));
	free(o);
}

int origin_fd(const struct origin *o)
{
	return transfers_fd(o->transfers);
}

static bool origin_may_depart(const struct origin_source *s)
{
	return s->first && s->state.under_way < s->set.rule.concurrency;
}

uint64_t origin_due_ns(const struct origin *o)
{
	uint64_t due_ns = transfers_due_ns(o->transfers);

	for (uint32_t i = 0; i < o->count; i++) {
		const struct origin_source *s = &o->sources[i];

		if (origin_may_depart(s))
			return 0;
		if (s->first && s->first->deadline_ns < due_ns)
			due_ns = s->first->deadline_ns;
	}
	return due_ns;
}

/* Its index; -ENOENT: it is nobody's. */
static int origin_find(const struct origin *o, const struct cache_bytes *key)
{
	size_t longest = 0;
	int found = -ENOENT;

	for (uint32_t i = 0; i < o->count; i++) {
		const char *prefix = o->sources[i].set.rule.prefix;
		size_t length = strlen(prefix);

		if (length <= key->length && length > longest && !memcmp(prefix, key->at, length)) {
			longest = length;
			found = (int)i;
		}
	}
	return found;
}

const struct origin_rule *origin_rule_of(const struct origin *o, const struct cache_bytes *key)
{
	int at = origin_find(o, key);

	return at < 0 ? NULL : &o->sources[at].set.rule;
}

static int origin_url(const struct origin_source *s, const struct cache_bytes *key,
		      char out[ORIGIN_TEMPLATE_URL])
{
	const struct origin_rule *rule = &s->set.rule;
	const struct origin_name name = { key->at, key->length, strlen(rule->prefix),
					  *rule->key != '\0' };
	int ret = origin_url_make(rule->url, &name, out, ORIGIN_TEMPLATE_URL);

	return ret < 0 ? ret : 0;
}

/* May one more of them wait? */
static int origin_admit(struct origin *o, struct origin_source *s, const struct cache_bytes *key)
{
	char url[ORIGIN_TEMPLATE_URL];
	int ret = origin_url(s, key, url);

	if (ret)
		return ret;
	if (s->state.queued >= s->set.rule.queue) {
		s->state.crowded++;
		return -ENOBUFS;
	}
	if (!*s->set.fault && breaker_allows(&s->breaker, o->config.now_ns()))
		return 0;
	s->state.refused++;
	return -EHOSTDOWN;
}

/* Behind the others of its origin, with one who waits for it. */
static int origin_enqueue(struct origin *o, uint32_t at, const struct cache_bytes *key,
			  const struct origin_then *then)
{
	struct origin_source *s = &o->sources[at];
	struct flight *one;
	int ret = flights_add(o->flights, key, &one);

	if (ret)
		return ret;
	ret = flights_join(o->flights, one, then);
	if (ret) {
		flights_take(o->flights, one);
		flight_tell(o->flights, one, NULL); /* nobody is told */
		return ret;
	}
	one->origin = at;
	one->probe = s->breaker.state != BREAKER_CLOSED;
	one->deadline_ns = o->config.now_ns() + (uint64_t)s->set.rule.timeout_ms * ORIGIN_MS_NS;
	*s->end = one;
	s->end = &one->next;
	s->state.queued++;
	return 0;
}

int origin_fetch(struct origin *o, const struct cache_bytes *key, const struct origin_then *then)
{
	struct flight *one = flights_find(o->flights, key);
	int at = origin_find(o, key), ret;
	struct origin_source *s;

	if (at < 0)
		return at;
	s = &o->sources[at];
	if (one) {
		ret = flights_join(o->flights, one, then);
		s->state.coalesced += !ret;
		return ret;
	}
	ret = origin_admit(o, s, key);
	if (ret)
		return ret;
	ret = origin_enqueue(o, (uint32_t)at, key, then);
	if (ret && s->breaker.state == BREAKER_HALF_OPEN) /* the probe that does not go */
		breaker_failed(&s->breaker, &origin_limits, o->config.now_ns(), o->config.random());
	return ret;
}

/* How it ended is booked before anybody hears of it: who does may ask again. */
static void origin_end(struct origin *o, struct flight *one, struct origin_answer *answer)
{
	struct origin_source *s = &o->sources[one->origin];
	bool fine = answer->fault == ORIGIN_FINE, asked = one->sent_ns || one->probe;
	uint64_t now_ns = o->config.now_ns();

	o->ended++;
	s->state.faults[answer->fault]++;
	s->state.negative += fine && !answer->found;
	s->state.unkept += fine && !answer->ttl_s;
	if (asked && origin_fault_is_its_own(answer->fault)) {
		breaker_failed(&s->breaker, &origin_limits, now_ns, o->config.random());
		s->state.fault = answer->fault;
		snprintf(s->state.text, sizeof(s->state.text), "%s", answer->text);
	} else if (one->sent_ns) {
		breaker_answered(&s->breaker, now_ns);
		lag_add(&s->lag, now_ns - one->sent_ns);
		s->state.fault = ORIGIN_FINE;
		s->state.text[0] = '\0';
	}
	flights_take(o->flights, one);
	flight_tell(o->flights, one, answer);
}

static void origin_landed(struct origin *o, const struct transfer_result *result)
{
	struct flight *one = result->who;
	struct origin_source *s = &o->sources[one->origin];
	struct origin_answer answer;
	struct origin_words words;

	s->state.under_way--;
	origin_answer_read(&s->set.rule, o->config.ttl_s, result, &words, &answer);
	origin_end(o, one, &answer);
}

static struct flight *origin_dequeue(struct origin_source *s)
{
	struct flight *one = s->first;

	s->first = one->next;
	if (!s->first)
		s->end = &s->first;
	s->state.queued--;
	return one;
}

static void origin_headers(const struct origin_rule *rule, struct transfer_request *request)
{
	size_t n = 0;
	bool named = false;

	request->headers[n++] = "Accept-Encoding: identity";
	for (uint32_t i = 0; i < rule->header_count; i++) {
		named = named || !strncasecmp(rule->headers[i].text, "User-Agent:", 11);
		request->headers[n++] = rule->headers[i].text;
	}
	if (!named)
		request->headers[n] = "User-Agent: ringside/" RS_VERSION;
}

static int origin_send(struct origin *o, struct origin_source *s, struct flight *one,
		       uint64_t now_ns)
{
	const struct cache_bytes key = { one->key, one->key_length };
	char url[ORIGIN_TEMPLATE_URL];
	struct transfer_request request = { .url = url,
					    .ca_file = s->set.rule.ca_file,
					    .most = o->config.most_bytes,
					    .own = o->config.own };
	int ret = origin_url(s, &key, url);

	/* what is left of its time, a begun millisecond too */
	request.timeout_ms = (uint32_t)((one->deadline_ns - now_ns) / ORIGIN_MS_NS) + 1;
	origin_headers(&s->set.rule, &request);
	if (!ret)
		ret = transfers_add(o->transfers, &request, one);
	if (!ret) {
		one->sent_ns = now_ns;
		s->state.fetches++;
		s->state.under_way++;
	}
	return ret;
}

/* The oldest that waits goes, or is given up. */
static void origin_depart(struct origin *o, struct origin_source *s, uint64_t now_ns)
{
	struct origin_answer given_up = { .fault = ORIGIN_LATE,
					  .text = "its time was over before others were through" };
	struct flight *one = origin_dequeue(s);

	if (one->deadline_ns > now_ns && s->breaker.state != BREAKER_CLOSED && !one->probe) {
		given_up.fault = ORIGIN_BROKEN;
		given_up.text = "its origin does not answer";
	} else if (one->deadline_ns > now_ns) {
		if (!origin_send(o, s, one, now_ns))
			return;
		given_up.fault = ORIGIN_AWAY;
		given_up.text = "out of memory";
	}
	origin_end(o, one, &given_up);
}

void origin_step(struct origin *o)
{
	struct transfer_result result;

	transfers_run(o->transfers);
	while (transfers_done(o->transfers, &result)) {
		origin_landed(o, &result);
		transfer_result_fini(&result);
	}
	for (uint32_t i = 0; i < o->count; i++) {
		struct origin_source *s = &o->sources[i];
		uint64_t now_ns = o->config.now_ns();

		while (origin_may_depart(s) || (s->first && s->first->deadline_ns <= now_ns))
			origin_depart(o, s, now_ns);
	}
}

void origin_note(struct origin *o, const struct cache_bytes *key, enum origin_note note)
{
	int at = origin_find(o, key);

	if (at < 0)
		return;
	o->sources[at].state.stale += note == ORIGIN_STALE;
	o->sources[at].state.absent += note == ORIGIN_ABSENT;
	o->sources[at].state.crowded += note == ORIGIN_CROWDED;
}

bool origin_is_fetching(const struct origin *o, const struct cache_bytes *key)
{
	return flights_find(o->flights, key) != NULL;
}

uint32_t origin_count(const struct origin *o)
{
	return o->count;
}

uint64_t origin_ended(const struct origin *o)
{
	return o->ended;
}

void origin_state_get(const struct origin *o, uint32_t index, struct origin_state *out)
{
	const struct origin_source *s = &o->sources[index];

	*out = s->state;
	out->took_ns = s->lag.sum_ns;
	out->took_p99_ns = lag_p99_ns(&s->lag);
	out->answered = s->lag.count;
	out->circuit = s->breaker.state;
	out->since_ns = s->breaker.since_ns;
	if (*s->set.fault) {
		out->fault = ORIGIN_AWAY;
		snprintf(out->text, sizeof(out->text), "%.159s", s->set.fault);
	}
}

uint64_t origin_errors(const struct origin_state *s)
{
	uint64_t errors = 0;

	for (int i = ORIGIN_FINE + 1; i < ORIGIN_FAULTS; i++)
		errors += s->faults[i];
	return errors;
}
