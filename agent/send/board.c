#include "board.h"

#include "log.h"
#include "secret.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BOARD_TRIES 8 /* somebody puts up another set as often as that: the next look has it */

struct board {
	_Atomic uint32_t
		version; /* of sets[version & 1]; the other one is the next to be written */
	struct board_set sets[2];
};

int board_open(struct board **out)
{
	void *map = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	*out = map == MAP_FAILED ? NULL : map;
	return *out ? 0 : -errno;
}

void board_hide(struct board *b)
{
	madvise(b, sizeof(*b), MADV_DONTFORK);
}

static void board_secrets(struct channel *c, char fault[BOARD_FAULT])
{
	fault[0] = '\0';
	for (int k = 0; k < CHANNEL_KEYS; k++) {
		enum channel_key file = channel_file_of((enum channel_key)k);
		char path[CHANNEL_VALUE];
		int ret;

		if (file == CHANNEL_KEYS || !c->values[file][0])
			continue;
		memcpy(path, c->values[file], sizeof(path));
		ret = secret_read(path, c->values[k], CHANNEL_VALUE);
		if (!ret)
			continue;
		snprintf(fault, BOARD_FAULT, "%s: %.80s: %.40s", channel_key_name(file), path,
			 secret_error_text(ret));
		log_error("channel %s: %s", c->name, fault);
	}
}

/* The courier can write to the board: nothing that is acted on is read back from there. */
void board_put(struct board *b, const struct config_alerts *alerts)
{
	uint32_t version = atomic_load_explicit(&b->version, memory_order_relaxed) + 1;
	struct board_set *next = &b->sets[version & 1];

	next->count = alerts->count;
	for (uint32_t i = 0; i < alerts->count; i++) {
		struct channel c = alerts->channels[i];
		char fault[BOARD_FAULT];

		next->sums[i] = channel_sum(&c);
		board_secrets(&c, fault);
		next->channels[i] = c;
		memcpy(next->faults[i], fault, sizeof(fault));
		explicit_bzero(&c, sizeof(c));
	}
	/* A: release keeps the set ahead of its number; pairs with B. */
	atomic_store_explicit(&b->version, version, memory_order_release);
}

/* What is used of it: the rest is memory that nobody has to have. */
static void board_copy(const struct board_set *from, struct board_set *out)
{
	out->count = from->count < CHANNEL_MAX ? from->count : CHANNEL_MAX;
	memcpy(out->sums, from->sums, out->count * sizeof(out->sums[0]));
	memcpy(out->channels, from->channels, out->count * sizeof(out->channels[0]));
	memcpy(out->faults, from->faults, out->count * sizeof(out->faults[0]));
}

bool board_take(struct board *b, uint32_t *seen, struct board_set *out)
{
	for (int i = 0; i < BOARD_TRIES; i++) {
		/* B: acquire keeps the set behind its number; pairs with A. */
		uint32_t version = atomic_load_explicit(&b->version, memory_order_acquire);

		if (version == *seen)
			return false;
		board_copy(&b->sets[version & 1], out);
		/*
		 * B: two more may have been put up meanwhile, the second one upon this set. Release
		 * keeps the copy ahead of this look, which a mere load could not; pairs with A.
		 */
		if (atomic_fetch_add_explicit(&b->version, 0, memory_order_acq_rel) == version) {
			*seen = version;
			return true;
		}
	}
	return false;
}
