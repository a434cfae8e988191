#include "redis_client.h"

#include "redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REDIS_CLIENT_EVENTS 64
#define REDIS_CLIENT_REFUSAL_NS 10000000000u /* so long a refusal is news */

/* Three failures in a row are no accident; 0.6 s at most, so that who is back is seen in time. */
static const struct breaker_limits redis_client_limits = { .failures = 3,
							   .first_ns = 50000000,
							   .most_ns = 400000000 };

static void redis_client_heartbeat(void *ctx, uint64_t took_ns)
{
	(void)ctx;
	(void)took_ns;
}

static void redis_client_pushed(void *ctx, const struct redis_value *message)
{
	struct redis *r = ctx;

	r->config.heard(r->config.ctx, message->text, message->length);
}

/* Messages of the time that nobody listened are lost. */
static void redis_client_turned(void *ctx, struct redis_link *l)
{
	struct redis *r = ctx;

	if (l->state == REDIS_LINK_READY)
		r->config.heard(r->config.ctx, NULL, 0);
}

static void redis_client_share(struct redis *r)
{
	struct redis_links *s = &r->nodes.shared;

	s->who = &r->url;
	s->timeout_ns = r->config.timeout_ns;
	s->most_bytes = r->config.most_bytes;
	s->limits = redis_client_limits;
	s->random = r->config.random;
	r->nodes.most_questions = r->config.most_questions;
	r->nodes.most_bytes = r->config.most_question_bytes;
	redis_nodes_init(&r->nodes);
	r->listening = *s;
	r->listening.ctx = r;
	r->listening.answered = redis_client_heartbeat;
	r->listening.pushed = redis_client_pushed;
	r->listening.turned = redis_client_turned;
}

int redis_open(struct redis **out, const struct redis_config *config)
{
	struct redis *r = calloc(1, sizeof(*r));
	struct redis_wire *wire = NULL;
	int ret;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	ret = redis_wire_open(&wire, config->most_bytes); /* now is when its absence is told */
	redis_wire_close(wire);
	r->config = *config;
	r->url = *config->url;
	snprintf(r->prefix, sizeof(r->prefix), "%s", config->prefix);
	snprintf(r->channel, sizeof(r->channel), "%s%s", r->prefix,
		 config->channel ? config->channel : "");
	r->nodes.shared.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!ret && r->nodes.shared.epoll < 0)
		ret = -errno;
	if (ret) {
		if (r->nodes.shared.epoll >= 0)
			close(r->nodes.shared.epoll);
		free(r);
		return ret;
	}
	redis_client_share(r);
	redis_link_init(&r->listener, &r->listening, &r->url.places[0], r->channel);
	*out = r;
	return 0;
}

void redis_close(struct redis *r)
{
	if (!r)
		return;
	redis_nodes_fini(&r->nodes);
	redis_link_fini(&r->listener);
	close(r->nodes.shared.epoll);
	explicit_bzero(&r->url, sizeof(r->url));
	free(r);
}

void redis_password_put(struct redis *r, const char *password)
{
	explicit_bzero(r->url.password, sizeof(r->url.password));
	snprintf(r->url.password, sizeof(r->url.password), "%s", password);
}

int redis_fd(const struct redis *r)
{
	return r->nodes.shared.epoll;
}

static const struct redis_node *redis_client_ready(const struct redis *r)
{
	for (uint32_t i = 0; i < r->nodes.top; i++)
		if (r->nodes.at[i].used && r->nodes.at[i].link.state == REDIS_LINK_READY)
			return &r->nodes.at[i];
	return NULL;
}

/* Any node passes on what is said on a channel: one that is known to answer is taken. */
static void redis_client_listen(struct redis *r, uint64_t now_ns)
{
	const struct redis_node *ready = redis_client_ready(r);

	if (r->listener.state == REDIS_LINK_DOWN && r->listener.doom == REDIS_FINE) {
		if (!ready)
			return;
		r->listener.place = ready->link.place;
	}
	redis_link_step(&r->listener, now_ns);
}

void redis_step(struct redis *r)
{
	struct epoll_event events[REDIS_CLIENT_EVENTS];
	uint64_t now_ns = r->config.now_ns();
	int n = epoll_wait(r->nodes.shared.epoll, events, REDIS_CLIENT_EVENTS, 0);

	r->nodes.now_ns = now_ns;
	for (int i = 0; i < n; i++)
		redis_link_event(events[i].data.ptr, events[i].events, now_ns);
	redis_nodes_step(&r->nodes, now_ns);
	if (r->config.channel)
		redis_client_listen(r, now_ns);
}

uint64_t redis_due_ns(const struct redis *r)
{
	uint64_t due_ns = redis_nodes_due_ns(&r->nodes), listener_ns = UINT64_MAX;

	if (r->config.channel && (r->listener.state != REDIS_LINK_DOWN || redis_client_ready(r)))
		listener_ns = redis_link_due_ns(&r->listener);
	return listener_ns < due_ns ? listener_ns : due_ns;
}

static bool redis_client_is_worse(const struct redis_link *a, const struct redis_link *b)
{
	if (a->breaker.state == b->breaker.state)
		return a->breaker.state != BREAKER_CLOSED &&
		       a->breaker.since_ns < b->breaker.since_ns;
	return b->breaker.state == BREAKER_CLOSED || a->breaker.state == BREAKER_OPEN;
}

static void redis_client_faults(const struct redis *r, struct redis_state *out)
{
	const struct redis_nodes *n = &r->nodes;
	const struct redis_link *worst = &n->at[0].link; /* a URL names it */

	for (uint32_t i = 0; i < n->top; i++) {
		const struct redis_link *l = &n->at[i].link;

		if (!n->at[i].used)
			continue;
		out->nodes++;
		out->nodes_ready += l->state == REDIS_LINK_READY;
		out->drops += l->drops;
		if (redis_client_is_worse(l, worst))
			worst = l;
		if (l->fault != REDIS_FINE && out->fault == REDIS_FINE) {
			out->fault = l->fault;
			memcpy(out->text, l->text, sizeof(out->text));
		}
	}
	out->circuit = worst->breaker.state;
	out->since_ns = worst->breaker.since_ns;
	if (out->fault == REDIS_FINE && n->refusal != REDIS_FINE &&
	    r->config.now_ns() - n->refusal_ns < REDIS_CLIENT_REFUSAL_NS) {
		out->fault = n->refusal;
		memcpy(out->text, n->refusal_text, sizeof(out->text));
	}
}

void redis_state_get(const struct redis *r, struct redis_state *out)
{
	const struct redis_nodes *n = &r->nodes;
	const struct redis_node *ready = redis_client_ready(r);
	size_t bytes;

	*out = (struct redis_state){ .cluster = n->cluster,
				     .ready = ready != NULL,
				     .listening = r->listener.state == REDIS_LINK_READY,
				     .asked = r->asked,
				     .answered = n->lag.count,
				     .refused = n->refused,
				     .redirected = n->redirected,
				     .asked_again = n->asked_again,
				     .took_ns = n->lag.sum_ns,
				     .took_p99_ns = lag_p99_ns(&n->lag) };
	if (ready)
		out->info = ready->link.info;
	redis_nodes_load(n, &out->under_way, &bytes);
	redis_client_faults(r, out);
}

int redis_call_new(struct redis *r, const struct redis_text *words, size_t count,
		   struct redis_call **out)
{
	int ret = redis_call_open(out, words, count);

	if (ret)
		return ret;
	(*out)->asked_ns = r->config.now_ns();
	(*out)->deadline_ns = (*out)->asked_ns + r->config.timeout_ns;
	r->asked++;
	return 0;
}

char *redis_own_key(const struct redis *r, struct redis_text *key)
{
	size_t prefix = strlen(r->prefix);
	char *whole = malloc(prefix + key->length + 1);

	if (!whole)
		return NULL;
	memcpy(whole, r->prefix, prefix);
	memcpy(whole + prefix, key->bytes, key->length);
	*key = (struct redis_text){ whole, prefix + key->length };
	return whole;
}

int redis_own_ask(struct redis *r, struct redis_call *c, const struct redis_text *key,
		  const struct redis_then *then)
{
	int ret;

	c->slot = redis_key_slot(key->bytes, key->length);
	ret = redis_nodes_ask(&r->nodes, c);
	if (ret)
		redis_call_answer(c, REDIS_AWAY, NULL); /* it has no done: nobody is told */
	if (ret || !then)
		return ret;
	c->done = then->done;
	c->ctx = then->ctx;
	return 0;
}

/* words[1] is a key of ours, without its prefix. */
static int redis_client_ask(struct redis *r, struct redis_text *words, size_t count, uint32_t taken,
			    const struct redis_then *then)
{
	char *key = redis_own_key(r, &words[1]);
	struct redis_call *c;
	int ret = key ? redis_call_new(r, words, count, &c) : -ENOMEM;

	if (!ret) {
		c->taken = taken;
		ret = redis_own_ask(r, c, &words[1], then);
	}
	free(key);
	return ret;
}

int redis_get(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	struct redis_text words[] = { REDIS_TEXT("GET"), *key };

	return redis_client_ask(r, words, 2, REDIS_BIT(REDIS_STRING) | REDIS_BIT(REDIS_NIL), then);
}

static struct redis_text redis_client_number(char out[24], uint64_t number)
{
	return (struct redis_text){ out,
				    (size_t)snprintf(out, 24, "%llu", (unsigned long long)number) };
}

int redis_set(struct redis *r, const struct redis_text *key, const struct redis_text *value,
	      uint64_t ttl_ms, const struct redis_then *then)
{
	char number[24];
	struct redis_text words[] = { REDIS_TEXT("SET"), *key, *value, REDIS_TEXT("PX"),
				      redis_client_number(number, ttl_ms) };

	return redis_client_ask(r, words, 5, REDIS_BIT(REDIS_STATUS), then);
}

int redis_begin_get(struct redis *r, const struct redis_text *key, size_t bytes,
		    const struct redis_then *then)
{
	char number[24];
	struct redis_text words[] = { REDIS_TEXT("GETRANGE"), *key, REDIS_TEXT("0"),
				      redis_client_number(number, bytes - 1) };

	return redis_client_ask(r, words, 4, REDIS_BIT(REDIS_STRING), then);
}

int redis_unlink(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	struct redis_text words[] = { REDIS_TEXT("UNLINK"), *key };

	return redis_client_ask(r, words, 2, REDIS_BIT(REDIS_INTEGER), then);
}

int redis_member_drop(struct redis *r, const struct redis_text *key,
		      const struct redis_text *member, const struct redis_then *then)
{
	struct redis_text words[] = { REDIS_TEXT("SREM"), *key, *member };

	return redis_client_ask(r, words, 3, REDIS_BIT(REDIS_INTEGER), then);
}

int redis_members(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	struct redis_text words[] = { REDIS_TEXT("SMEMBERS"), *key };

	return redis_client_ask(r, words, 2, REDIS_BIT(REDIS_ARRAY), then);
}

int redis_publish(struct redis *r, const char *channel, const struct redis_text *message,
		  const struct redis_then *then)
{
	struct redis_text words[] = { REDIS_TEXT("PUBLISH"),
				      { channel, strlen(channel) },
				      *message };

	return redis_client_ask(r, words, 3, REDIS_BIT(REDIS_INTEGER), then);
}

void redis_suspect(struct redis *r, const struct redis_text *key)
{
	static const char text[] = "a value that is another key's";
	struct redis_text whole = *key;
	char *bytes = redis_own_key(r, &whole);
	struct redis_link *l = NULL;

	if (bytes)
		l = redis_nodes_of(&r->nodes, redis_key_slot(bytes, whole.length));
	if (l)
		redis_link_doom(l, REDIS_ODD, text, sizeof(text) - 1);
	free(bytes);
}
