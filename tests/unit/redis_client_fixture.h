/*
 * redis_client_fixture - a client of a Redis that says what a test says.
 */
#ifndef REDIS_CLIENT_FIXTURE_H
#define REDIS_CLIENT_FIXTURE_H

#include "redis_fixture.h"

#include <poll.h>

struct client {
	struct redis *redis;
	struct redis_url url;
	struct redis_config config;
	struct fixture_server server;
	unsigned int heard, gaps;
};

static inline void client_heard(void *ctx, const void *message, size_t length)
{
	struct client *c = ctx;

	c->heard += message && length == 2 && !memcmp(message, "k1", 2);
	c->gaps += !message;
}

static inline void client_open(struct client *c, const char *channel)
{
	memset(c, 0, sizeof(*c));
	fixture_serve(&c->server);
	c->url = (struct redis_url){ .count = 1, .places = { fixture_place(&c->server) } };
	c->config = (struct redis_config){ .url = &c->url,
					   .prefix = "p:",
					   .timeout_ns = 500 * FIXTURE_MS,
					   .most_bytes = 4096,
					   .most_questions = 100,
					   .most_question_bytes = 10000,
					   .now_ns = fixture_now,
					   .random = fixture_random,
					   .channel = channel,
					   .heard = client_heard,
					   .ctx = c };
	assert_int_equal(redis_open(&c->redis, &c->config), 0);
}

static inline void client_close(struct client *c)
{
	redis_close(c->redis);
	fixture_end(&c->server);
}

/* All that is there to be done, and what comes within a moment. */
static inline void client_step(struct client *c)
{
	struct pollfd fd = { .fd = redis_fd(c->redis), .events = POLLIN };

	do
		redis_step(c->redis);
	while (poll(&fd, 1, 20) > 0);
	redis_step(c->redis);
}

static inline void client_ready(struct client *c)
{
	client_step(c);
	fixture_accept(&c->server);
	fixture_hear(&c->server, FIXTURE_ASKS_INFO);
	fixture_say(&c->server, FIXTURE_INFO FIXTURE_SAVE);
	client_step(c);
}

static inline void client_say(struct client *c, const char *text)
{
	fixture_say(&c->server, text);
	client_step(c);
}

#endif
