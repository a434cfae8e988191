/*
 * redis_rig - one link to a Redis that says what a test says.
 */
#ifndef REDIS_RIG_H
#define REDIS_RIG_H

#include "redis_fixture.h"

struct rig {
	int epoll;
	struct redis_url who;
	struct redis_links shared;
	struct redis_link link;
	struct fixture_server server;
	unsigned int answered, turned, pushed, refused;
};

static inline bool rig_refused(void *ctx, struct redis_link *l, struct redis_call *c,
			       enum redis_fault fault, const struct redis_value *text)
{
	(void)l;
	(void)c;
	(void)fault;
	(void)text;
	((struct rig *)ctx)->refused++;
	return false;
}

static inline void rig_answered(void *ctx, uint64_t took_ns)
{
	(void)took_ns;
	((struct rig *)ctx)->answered++;
}

static inline void rig_pushed(void *ctx, const struct redis_value *message)
{
	assert_string_equal(message->text, "k1");
	((struct rig *)ctx)->pushed++;
}

static inline void rig_turned(void *ctx, struct redis_link *l)
{
	(void)l;
	((struct rig *)ctx)->turned++;
}

static inline void rig_open(struct rig *r, const char *channel)
{
	struct redis_place place;

	memset(r, 0, sizeof(*r));
	fixture_serve(&r->server);
	place = fixture_place(&r->server);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->shared = (struct redis_links){ .who = &r->who,
					  .epoll = r->epoll,
					  .timeout_ns = 500 * FIXTURE_MS,
					  .most_bytes = 4096,
					  .limits = { .failures = 3,
						      .first_ns = 50 * FIXTURE_MS,
						      .most_ns = 400 * FIXTURE_MS },
					  .random = fixture_random,
					  .ctx = r,
					  .refused = rig_refused,
					  .answered = rig_answered,
					  .pushed = rig_pushed,
					  .turned = rig_turned };
	redis_link_init(&r->link, &r->shared, &place, channel);
}

static inline void rig_close(struct rig *r)
{
	redis_link_fini(&r->link);
	close(r->epoll);
	fixture_end(&r->server);
}

static inline void rig_step(struct rig *r)
{
	redis_link_step(&r->link, fixture_now_ns);
}

/* One event, which comes, and what it leads to. */
static inline void rig_turn(struct rig *r)
{
	struct epoll_event event;

	assert_int_equal(epoll_wait(r->epoll, &event, 1, 5000), 1);
	assert_ptr_equal(event.data.ptr, &r->link);
	redis_link_event(&r->link, event.events, fixture_now_ns);
	rig_step(r);
}

static inline void rig_say(struct rig *r, const char *text)
{
	fixture_say(&r->server, text);
	rig_turn(r);
}

/* Connected; what it is greeted with is the test's. */
static inline void rig_connect(struct rig *r)
{
	rig_step(r);
	fixture_accept(&r->server);
	if (r->link.state == REDIS_LINK_CONNECTING)
		rig_turn(r);
}

static inline void rig_ready(struct rig *r)
{
	rig_connect(r);
	fixture_hear(&r->server, FIXTURE_ASKS_INFO);
	rig_say(r, FIXTURE_INFO FIXTURE_SAVE);
	assert_int_equal(r->link.state, REDIS_LINK_READY);
}

static inline void rig_ask(struct rig *r, const char *key, struct fixture_told *told)
{
	const struct redis_text words[] = { REDIS_TEXT("GET"), { key, strlen(key) } };
	struct redis_call *c;

	memset(told, 0, sizeof(*told));
	assert_int_equal(redis_call_open(&c, words, 2), 0);
	c->done = fixture_told;
	c->ctx = told;
	c->taken = REDIS_BIT(REDIS_STRING) | REDIS_BIT(REDIS_NIL);
	c->asked_ns = fixture_now_ns;
	c->deadline_ns = fixture_now_ns + 500 * FIXTURE_MS;
	redis_link_ask(&r->link, c);
}

static inline void rig_told(const struct fixture_told *told, enum redis_fault fault,
			    const char *text)
{
	assert_int_equal(told->times, 1);
	assert_int_equal(told->fault, fault);
	assert_string_equal(told->text, text);
}

#endif
