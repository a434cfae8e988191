#include "bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int bridge_lane_open(struct bridge_lane *lane)
{
	pthread_mutex_init(&lane->lock, NULL);
	lane->end = &lane->first;
	lane->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return lane->wake < 0 ? -errno : 0;
}

static void bridge_lane_close(struct bridge_lane *lane)
{
	struct letter *next;

	for (struct letter *l = lane->first; l; l = next) {
		next = l->next;
		letter_close(l);
	}
	if (lane->wake >= 0)
		close(lane->wake);
	pthread_mutex_destroy(&lane->lock);
}

int bridge_open(struct bridge **out)
{
	struct bridge *b = calloc(1, sizeof(*b));
	int there, back;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	b->state = (struct bridge_state){
		.circuit = "closed", .persistence = "unknown", .average_ms = -1, .p99_ms = -1
	};
	there = bridge_lane_open(&b->there);
	back = bridge_lane_open(&b->back);
	if (there || back) {
		bridge_close(b);
		return there ? there : back;
	}
	*out = b;
	return 0;
}

void bridge_close(struct bridge *b)
{
	if (!b)
		return;
	bridge_lane_close(&b->there);
	bridge_lane_close(&b->back);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

struct letter *letter_open(enum letter_kind kind, const struct cache_bytes *key)
{
	struct letter *l = malloc(sizeof(*l) + key->length);

	if (!l)
		return NULL;
	*l = (struct letter){ .kind = kind, .key_length = key->length };
	if (key->length)
		memcpy(l->key, key->at, key->length);
	return l;
}

void letter_close(struct letter *l)
{
	if (!l)
		return;
	free(l->capsule);
	free(l->tags);
	cache_value_put(l->value);
	drop_close(l->drop);
	free(l);
}

uint64_t letter_size(const struct letter *l)
{
	return sizeof(*l) + l->key_length + l->length + (l->value ? l->value->stored : 0) +
	       (l->drop ? l->drop->length : 0);
}

int bridge_put(struct bridge_lane *lane, struct letter *l)
{
	uint64_t size = letter_size(l);
	unsigned int share = l->kind == LETTER_DROP ? 4 : 3;
	bool full;

	pthread_mutex_lock(&lane->lock);
	full = lane->count >= BRIDGE_LETTERS / 4 * share ||
	       lane->bytes + size > BRIDGE_BYTES / 4 * share;
	if (!full) {
		l->next = NULL;
		*lane->end = l;
		lane->end = &l->next;
		lane->count++;
		lane->bytes += size;
		/* A: the lock orders the list; who sees this late at B is woken all the same. */
		atomic_store_explicit(&lane->some, true, memory_order_relaxed);
	}
	pthread_mutex_unlock(&lane->lock);
	lane->untold = lane->untold || !full;
	return full ? -ENOBUFS : 0;
}

void bridge_overflow(struct bridge_lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->overflowed = true;
	eventfd_write(lane->wake, 1);
	atomic_store_explicit(&lane->some, true, memory_order_relaxed);
	pthread_mutex_unlock(&lane->lock);
}

void bridge_tell(struct bridge_lane *lane)
{
	if (!lane->untold)
		return;
	lane->untold = false;
	pthread_mutex_lock(&lane->lock);
	if (lane->first)
		eventfd_write(lane->wake, 1); /* with the lock: it is readable as long as … */
	pthread_mutex_unlock(&lane->lock);
}

int bridge_drop(struct bridge_lane *lane, struct drop *d)
{
	struct letter *l = letter_open(LETTER_DROP, &(struct cache_bytes){ NULL, 0 });
	int ret = l ? 0 : -ENOMEM;

	if (l) {
		l->drop = d;
		ret = bridge_put(lane, l);
	} else {
		drop_close(d);
	}
	if (!ret)
		return 0;
	letter_close(l);
	bridge_overflow(lane);
	return ret;
}

struct letter *bridge_take(struct bridge_lane *lane, bool *overflowed)
{
	struct letter *first;
	eventfd_t told;

	*overflowed = false;
	/* B: most looks find nothing, and cost no system call; pairs with A. */
	if (!atomic_load_explicit(&lane->some, memory_order_relaxed))
		return NULL;
	pthread_mutex_lock(&lane->lock);
	eventfd_read(lane->wake, &told); /* … there is something, and no longer */
	first = lane->first;
	lane->first = NULL;
	lane->end = &lane->first;
	lane->count = 0;
	lane->bytes = 0;
	*overflowed = lane->overflowed;
	lane->overflowed = false;
	atomic_store_explicit(&lane->some, false, memory_order_relaxed);
	pthread_mutex_unlock(&lane->lock);
	return first;
}

void bridge_state_put(struct bridge *b, const struct bridge_state *state)
{
	struct bridge_progress progress;

	pthread_mutex_lock(&b->lock);
	progress = b->state.progress;
	b->state = *state;
	b->state.progress = progress;
	pthread_mutex_unlock(&b->lock);
}

void bridge_progress_put(struct bridge *b, const struct bridge_progress *progress)
{
	pthread_mutex_lock(&b->lock);
	b->state.progress = *progress;
	pthread_mutex_unlock(&b->lock);
}

void bridge_state_get(struct bridge *b, struct bridge_state *out)
{
	pthread_mutex_lock(&b->lock);
	*out = b->state;
	pthread_mutex_unlock(&b->lock);
}
