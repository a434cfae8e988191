/*
 * fuzz_redis_client - URLs, redirections, slots and patterns of any bytes: what is taken is sound.
 */
#include "redis_fault.h"
#include "redis_info.h"
#include "redis_key.h"
#include "redis_slots.h"
#include "redis_url.h"
#include "redis_wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void place_try(const struct redis_place *p)
{
	if (!memchr(p->host, '\0', sizeof(p->host)) || !memchr(p->path, '\0', sizeof(p->path)))
		abort();
	if (!*p->path && !p->port)
		abort();
}

static void url_try(const char *text)
{
	struct redis_url url = { .count = 0 };
	const char *reason = NULL;
	char shown[400];

	if (redis_url_add(&url, text, &reason)) {
		if (!reason || url.count)
			abort();
		return;
	}
	place_try(&url.places[0]);
	if (!*url.places[0].host == !*url.places[0].path)
		abort();
	redis_place_show(&url.places[0], shown, sizeof(shown));
	if (redis_url_add(&url, text, &reason) && url.count != 1) /* it contradicts not itself */
		abort();
}

static void redirect_try(const char *bytes, size_t size)
{
	struct redis_place place;
	uint32_t slot;

	redis_fault_of(bytes, size);
	if (redis_fault_redirect(bytes, size, &slot, &place))
		return;
	if (slot >= REDIS_SLOTS)
		abort();
	place_try(&place);
}

/* Behind its prefix no * or ? is Redis's that is not ours, no bracket opens, all \ have a pair. */
static void pattern_try(const char *bytes, size_t size)
{
	char *out = malloc(2 * size + 3);
	int n = out ? redis_key_pattern("p:", bytes, size, out, 2 * size + 3) : 0;

	for (int i = 2; i < n; i++) {
		if (out[i] == '[' || out[i] == ']')
			abort();
		if (out[i] == '\\' && ++i >= n)
			abort();
	}
	if (out && (n < 2 || memcmp(out, "p:", 2) != 0))
		abort();
	free(out);
	if (redis_key_slot(bytes, size) >= REDIS_SLOTS)
		abort();
}

static void range_try(void *ctx, uint32_t first, uint32_t last, const struct redis_place *master)
{
	(void)ctx;
	if (first > last || last >= REDIS_SLOTS)
		abort();
	place_try(master);
}

static void wire_try(const char *bytes, size_t size)
{
	struct redis_info info = { .aof = false };
	struct redis_wire *wire;
	struct redis_value *v;

	if (redis_wire_open(&wire, 4096))
		return;
	for (size_t at = 0; at < size; at += 7) { /* in pieces, as a socket has them */
		redis_wire_feed(wire, bytes + at, size - at < 7 ? size - at : 7);
		if (redis_wire_next(wire, &v) <= 0)
			continue;
		redis_slots_read(v, "asked", range_try, NULL);
		redis_info_save(&info, v);
		redis_info_read(&info, v->text, v->length);
		redis_value_free(v);
	}
	redis_wire_close(wire);
}

/* On the heap: a byte too much is found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	url_try(bytes);
	free(bytes);
	bytes = malloc(size ? size : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	redirect_try(bytes, size);
	pattern_try(bytes, size);
	wire_try(bytes, size);
	free(bytes);
	return 0;
}
