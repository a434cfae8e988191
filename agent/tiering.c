#include "tiering.h"

#include "moment.h"

#include <errno.h>
#include <poll.h>
#include <sys/random.h>

#define TIERING_FINISH_NS UINT64_C(500000000)
#define TIERING_STEP_MS 20

int tiering_open(struct tiering *t, const struct config *c, struct cache *cache,
		 struct redis_part *part)
{
	struct remote_config remote = {
		.items = (uint32_t)config_number(c, CONFIG_CACHE_WRITE_BUFFER_ITEMS),
		.bytes = config_bytes(c, CONFIG_CACHE_WRITE_BUFFER_BYTES),
		.now_ns = moment_monotonic_ns,
		.wall_ms = moment_wall_ms,
	};
	int ret;

	*t = (struct tiering){ .bridge = NULL };
	if (!cache || !config_count(c, CONFIG_REDIS_URL))
		return 0;
	if (getrandom(&remote.sender, sizeof(remote.sender), 0) != sizeof(remote.sender))
		return -EIO;
	ret = bridge_open(&t->bridge);
	remote.bridge = t->bridge;
	if (!ret)
		ret = remote_open(&t->remote, &remote);
	if (!ret)
		ret = behind_open(&t->behind, cache, t->bridge,
				  config_span_ns(c, CONFIG_REDIS_TIMEOUT));
	if (ret) {
		tiering_close(t);
		return ret;
	}
	part->channel = REMOTE_CHANNEL;
	part->heard = remote_heard;
	part->ctx = t->remote;
	return 0;
}

void tiering_attach(struct tiering *t, const struct redis_part *part)
{
	if (!t->remote)
		return;
	if (part->redis)
		remote_attach(t->remote, part->redis);
	else
		tiering_close(t);
}

void tiering_close(struct tiering *t)
{
	behind_close(t->behind);
	remote_close(t->remote);
	bridge_close(t->bridge);
	*t = (struct tiering){ .bridge = NULL };
}

void tiering_finish(struct tiering *t, struct redis_part *part)
{
	uint64_t now_ns = moment_monotonic_ns(), until_ns = now_ns + TIERING_FINISH_NS;
	struct pollfd fds[] = { { .fd = redis_part_fd(part), .events = POLLIN },
				{ .fd = tiering_fd(t), .events = POLLIN } };

	while (t->remote && !remote_is_through(t->remote) && now_ns < until_ns) {
		int wait_ms = redis_part_step(part, now_ns, TIERING_STEP_MS);

		poll(fds, 2, tiering_step(t, wait_ms));
		now_ns = moment_monotonic_ns();
	}
}

int tiering_fd(const struct tiering *t)
{
	return t->bridge ? t->bridge->there.wake : -1;
}

int tiering_step(struct tiering *t, int most_ms)
{
	return t->remote ? remote_step(t->remote, most_ms) : most_ms;
}

void tiering_second(struct tiering *t)
{
	if (t->remote)
		remote_second(t->remote);
}
