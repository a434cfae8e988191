/*
 * remote_fixture - the Redis behind the cache, with a Redis that says what a test says, and the
 *                  bridge to it.
 */
#ifndef REMOTE_FIXTURE_H
#define REMOTE_FIXTURE_H

#include "capsule.h"
#include "redis_client_fixture.h"
#include "remote_own.h"

#include <stdlib.h>

#define RIG_WALL_MS INT64_C(1767225600000)
#define RIG_SENDER UINT64_C(77)

static struct client c;
static struct bridge *bridge;
static struct remote *remote;
static int64_t rig_wall_ms;

static inline int64_t rig_wall(void)
{
	return rig_wall_ms;
}

static inline int rig_open(void **state)
{
	struct remote_config config = { .items = 100,
					.bytes = 100000,
					.sender = RIG_SENDER,
					.now_ns = fixture_now,
					.wall_ms = rig_wall };

	(void)state;
	rig_wall_ms = RIG_WALL_MS;
	client_open(&c, NULL);
	client_ready(&c);
	assert_int_equal(bridge_open(&bridge), 0);
	config.bridge = bridge;
	assert_int_equal(remote_open(&remote, &config), 0);
	remote_attach(remote, c.redis);
	return 0;
}

static inline int rig_close(void **state)
{
	(void)state;
	client_close(&c);
	remote_close(remote);
	bridge_close(bridge);
	return 0;
}

static inline struct cache_bytes rig_bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

/* All that is there to be done. */
static inline void rig_run(void)
{
	remote_step(remote, 1000);
	client_step(&c);
	remote_step(remote, 1000);
	client_step(&c);
}

static inline void rig_say(const char *text)
{
	fixture_say(&c.server, text);
	client_step(&c);
	rig_run();
}

/* What fails is tried again after a while. */
static inline void rig_wait(void)
{
	fixture_now_ns += 101 * FIXTURE_MS;
	rig_run();
}

static inline void rig_ask(uint64_t id, const char *key)
{
	const struct cache_bytes k = rig_bytes(key);
	struct letter *l = letter_open(LETTER_ASK, &k);

	l->id = id;
	assert_int_equal(bridge_put(&bridge->there, l), 0);
	rig_run();
}

static inline void *rig_capsule(const char *key, const char *value, const char *tags,
				size_t *length)
{
	const struct capsule k = { .key = rig_bytes(key),
				   .ttl_s = 60,
				   .value = { .bytes = rig_bytes(value),
					      .type = "text/plain",
					      .tags = tags,
					      .length = strlen(value),
					      .created_ms = RIG_WALL_MS } };
	void *bytes;

	assert_int_equal(capsule_make(&k, &bytes, length), 0);
	return bytes;
}

/* For 60 s from now on. */
static inline void rig_set(const char *key, const char *value, const char *tags)
{
	const struct cache_bytes k = rig_bytes(key);
	struct letter *l = letter_open(LETTER_SET, &k);

	l->capsule = rig_capsule(key, value, tags, &l->length);
	l->tags = *tags ? strdup(tags) : NULL;
	l->expires_ns = fixture_now_ns + 60000 * FIXTURE_MS;
	assert_int_equal(bridge_put(&bridge->there, l), 0);
	rig_run();
}

static inline void rig_drop(enum drop_kind kind, const char *text)
{
	const struct cache_bytes t = rig_bytes(text);
	struct drop *d;

	assert_int_equal(drop_open(&d, kind, &t), 0);
	assert_int_equal(bridge_drop(&bridge->there, d), 0);
	rig_run();
}

/* The one letter that came back, for the caller to close; NULL: none did. */
static inline struct letter *rig_back(bool *overflowed)
{
	struct letter *l = bridge_take(&bridge->back, overflowed);

	assert_true(!l || !l->next);
	return l;
}

/* value NULL: it is not known. */
static inline void rig_told(uint64_t id, const char *value)
{
	bool lost;
	struct letter *l = rig_back(&lost);

	assert_non_null(l);
	assert_int_equal(l->kind, LETTER_TOLD);
	assert_int_equal(l->id, id);
	if (value) {
		assert_non_null(l->value);
		assert_int_equal(l->value->length, strlen(value));
		assert_memory_equal(l->value->bytes, value, strlen(value));
	} else {
		assert_null(l->value);
	}
	letter_close(l);
}

/* Exactly these bytes come. */
static inline void rig_hear_bytes(const void *bytes, size_t length)
{
	char got[4096];

	assert_true(length <= sizeof(got));
	assert_int_equal(recv(c.server.fd, got, length, MSG_WAITALL), (ssize_t)length);
	assert_memory_equal(got, bytes, length);
}

static inline void rig_hear(const char *text)
{
	rig_hear_bytes(text, strlen(text));
}

static inline void rig_hear_set(const char *key, const char *value, const char *tags, int left_ms)
{
	char head[128], tail[64], number[16];
	size_t length;
	void *capsule = rig_capsule(key, value, tags, &length);

	snprintf(head, sizeof(head), "*5\r\n$3\r\nSET\r\n$%zu\r\np:v:%s\r\n$%zu\r\n",
		 strlen(key) + 4, key, length);
	snprintf(number, sizeof(number), "%d", left_ms);
	snprintf(tail, sizeof(tail), "\r\n$2\r\nPX\r\n$%zu\r\n%s\r\n", strlen(number), number);
	rig_hear(head);
	rig_hear_bytes(capsule, length);
	rig_hear(tail);
	free(capsule);
}

/* A key is put into the set of a tag, which is there as long as its value is. */
static inline void rig_hear_member(const char *tag, const char *key, int left_ms)
{
	char text[256], number[16];
	int set = (int)strlen(tag) + 4;

	snprintf(number, sizeof(number), "%d", left_ms);
	snprintf(text, sizeof(text),
		 "*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nSADD\r\n$%d\r\np:t:%s\r\n$%zu\r\n%s\r\n", set,
		 tag, strlen(key), key);
	rig_hear(text);
	for (const char *hows[] = { "NX", "GT" }, **how = hows; how < hows + 2; how++) {
		snprintf(text, sizeof(text),
			 "*4\r\n$7\r\nPEXPIRE\r\n$%d\r\np:t:%s\r\n$%zu\r\n%s\r\n$2\r\n%s\r\n", set,
			 tag, strlen(number), number, *how);
		rig_hear(text);
	}
	rig_hear("*1\r\n$4\r\nEXEC\r\n");
}

/* It is in. */
#define RIG_QUEUED "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
#define RIG_MEMBER RIG_QUEUED "*3\r\n:1\r\n:1\r\n:0\r\n"
/* It is not, for a reason that passes. */
#define RIG_NO_MEMBER "+OK\r\n-MISCONF no disk\r\n+QUEUED\r\n+QUEUED\r\n-EXECABORT no\r\n"

/* That somebody is told to drop this. */
static inline void rig_hear_published(enum drop_kind kind, const char *text)
{
	const struct cache_bytes t = rig_bytes(text);
	struct drop *d;
	size_t length;
	void *message;
	char head[128];

	assert_int_equal(drop_open(&d, kind, &t), 0);
	assert_int_equal(drop_write(d, RIG_SENDER, &message, &length), 0);
	snprintf(head, sizeof(head), "*3\r\n$7\r\nPUBLISH\r\n$7\r\np:cache\r\n$%zu\r\n", length);
	rig_hear(head);
	rig_hear_bytes(message, length);
	rig_hear("\r\n");
	free(message);
	drop_close(d);
}

static inline struct bridge_state rig_state(void)
{
	struct bridge_state s;

	remote_step(remote, 1000); /* which tells how far it is */
	remote_second(remote);
	bridge_state_get(bridge, &s);
	return s;
}

/* A value as a server says it. */
static inline void rig_say_bytes(const void *bytes, size_t length)
{
	char head[32];

	snprintf(head, sizeof(head), "$%zu\r\n", length);
	fixture_say(&c.server, head);
	assert_int_equal(send(c.server.fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
	rig_say("\r\n");
}

#define RIG_ASKS_MEMORY "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n"

/* After the set of a tag: this Redis gives up no key by itself. */
static inline void rig_keeps_all(void)
{
	rig_hear(RIG_ASKS_MEMORY);
	rig_say("$13\r\nmaxmemory:0\r\n\r\n");
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)

#endif
