#include "calibrate.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CALIBRATE_TRIES 5 /* the nearest of these; one in some thousands is interrupted */

const struct calibrate calibrate_monotonic = { .count = 1, .ns_per_tick = CALIBRATE_ONE };

void calibrate_init(struct calibrate *c, const struct calibrate_pair *first)
{
	memset(c, 0, sizeof(*c));
	c->pairs[0] = *first;
	c->count = 1;
}

static uint64_t calibrate_rate(const struct calibrate_pair *from, const struct calibrate_pair *to)
{
	uint64_t ticks = to->ticks - from->ticks;
	unsigned __int128 scaled = (unsigned __int128)(to->ns - from->ns) << 32;

	return (int64_t)ticks > 0 ? (uint64_t)(scaled / ticks) : 0;
}

bool calibrate_step(struct calibrate *c, const struct calibrate_pair *pair)
{
	const struct calibrate_pair *oldest =
		&c->pairs[c->count < CALIBRATE_PAIRS ? 0 : c->count % CALIBRATE_PAIRS];
	uint64_t wait_ns = c->count == 1 ? CALIBRATE_FIRST_NS : CALIBRATE_NEXT_NS;
	uint64_t rate;

	if (pair->ns < calibrate_newest(c)->ns + wait_ns)
		return false;
	rate = calibrate_rate(oldest, pair);
	if (!rate)
		return false; /* the counter stood still or went back: keep what we have */
	c->ns_per_tick = rate;
	c->pairs[c->count % CALIBRATE_PAIRS] = *pair;
	/* Stays below the wrap, and the same place in the ring. */
	c->count = c->count < 2 * CALIBRATE_PAIRS - 1 ? c->count + 1 : CALIBRATE_PAIRS;
	return true;
}

uint64_t calibrate_ticks(const struct calibrate *c, uint64_t span_ns)
{
	if (!c->ns_per_tick)
		return 0;
	return (uint64_t)(((unsigned __int128)span_ns << 32) / c->ns_per_tick);
}

static uint64_t calibrate_counter(uint64_t (*now_ns)(void))
{
#if defined(__x86_64__)
	(void)now_ns;
	return __builtin_ia32_rdtsc();
#else
	return now_ns(); /* no shim of this machine claims RS_CLOCK_TSC */
#endif
}

void calibrate_read(uint64_t (*now_ns)(void), struct calibrate_pair *out)
{
	uint64_t nearest = UINT64_MAX;

	for (int i = 0; i < CALIBRATE_TRIES; i++) {
		uint64_t before = now_ns();
		uint64_t ticks = calibrate_counter(now_ns);
		uint64_t after = now_ns();

		if (after - before >= nearest)
			continue;
		nearest = after - before;
		out->ticks = ticks;
		out->ns = before + nearest / 2;
	}
}

bool calibrate_source_changed(struct calibrate *c, const char *path)
{
	char source[sizeof(c->source)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool changed;

	if (fd < 0)
		return false;
	if (read(fd, source, sizeof(source) - 1) <= 0)
		source[0] = '\0';
	close(fd);
	changed = c->source[0] && strcmp(c->source, source) != 0;
	memcpy(c->source, source, sizeof(source));
	return changed;
}
