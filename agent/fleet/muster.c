#include "muster.h"

#include "slot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUSTER_COARSE_MOST_S 1800u /* a longer window has slots of five minutes, too */
#define MUSTER_EARLY_MS 5000       /* what is ahead of the clock by more is no time */

void muster_init(struct muster *m)
{
	memset(m, 0, sizeof(*m));
}

void muster_fini(struct muster *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		card_fini(&m->hosts[i].card);
	free(m->hosts);
	muster_init(m);
}

static int muster_grow(struct muster *m)
{
	uint32_t capacity = m->capacity ? m->capacity * 2 : 64;
	struct muster_host *hosts;

	if (m->count < m->capacity)
		return 0;
	hosts = realloc(m->hosts, capacity * sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	m->hosts = hosts;
	m->capacity = capacity;
	return 0;
}

int muster_add(struct muster *m, const char *name, size_t length, int64_t seen_ms)
{
	char whole[PARCEL_HOST], sound[PARCEL_HOST];
	struct muster_host *h;

	if (!length || length >= sizeof(whole) || memchr(name, '\0', length))
		return -EBADMSG;
	if (seen_ms < 0 || seen_ms > MUSTER_MS_MOST)
		return -EBADMSG;
	snprintf(whole, sizeof(whole), "%.*s", (int)length, name);
	parcel_host(whole, sound);
	if (strcmp(whole, sound) != 0)
		return -EBADMSG;
	if (m->count == MUSTER_HOSTS)
		return -ENOSPC;
	if (muster_grow(m))
		return -ENOMEM;
	h = &m->hosts[m->count++];
	memset(h, 0, sizeof(*h));
	memcpy(h->name, whole, sizeof(whole));
	h->seen_ms = seen_ms;
	h->state = MUSTER_UNREAD;
	slot_sums_init(&h->sums);
	return 0;
}

void muster_fault(struct muster_host *h, const char *fault)
{
	if (!*h->fault)
		snprintf(h->fault, sizeof(h->fault), "%s", fault);
}

void muster_card(struct muster_host *h, const char *bytes, size_t length)
{
	const char *reason = "its announcement is gone";

	card_fini(&h->card);
	if (bytes)
		reason = card_read(bytes, length, &h->card);
	if (!reason && strcmp(h->card.host, h->name) != 0)
		reason = "its announcement is another host's";
	if (!reason)
		return;
	card_fini(&h->card);
	muster_fault(h, reason);
}

static int muster_compare(const void *left, const void *right)
{
	const struct muster_host *a = left, *b = right;

	return strcmp(a->name, b->name);
}

void muster_sort(struct muster *m, uint64_t forget_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->count; i++)
		if (m->now_ms - m->hosts[i].seen_ms <= (int64_t)forget_ms)
			m->hosts[kept++] = m->hosts[i];
	m->count = kept;
	if (kept)
		qsort(m->hosts, kept, sizeof(*m->hosts), muster_compare);
}

static enum muster_state muster_state_of(const struct muster_host *h, int64_t now_ms)
{
	int64_t silent_ms = now_ms - h->seen_ms;

	if (!h->card.schema)
		return MUSTER_UNREAD;
	return silent_ms > (int64_t)h->card.gone_after_ms || silent_ms < -MUSTER_EARLY_MS
		       ? MUSTER_GONE
		       : MUSTER_LIVE;
}

static int64_t muster_step_ms(enum series_step step)
{
	return (int64_t)series_step_s[step] * 1000;
}

/* Where a slot begins, by the clock of the Redis. */
static int64_t muster_begins_ms(const struct card *c, enum series_step step, int64_t number)
{
	return parcel_number_ms(step, number) + c->base_ms % muster_step_ms(step) - c->offset_ms;
}

/* The end of what it has told; one that is silent has it as if it had gone on. */
static int64_t muster_end(const struct muster_host *h, enum series_step step, int64_t now_ms)
{
	int64_t told = h->card.slots[step - SERIES_COARSE].until;
	int64_t due = parcel_number_at(step, now_ms + h->card.offset_ms);

	if (told > due)
		return due;
	return told < due - MUSTER_LATE ? due - MUSTER_LATE : told;
}

/* Of ten seconds alone, or of five minutes and what is newer than these. */
static void muster_span_of(struct muster_host *h, int64_t now_ms, uint64_t window_s)
{
	const uint32_t coarse_s = series_step_s[SERIES_COARSE], wide_s = series_step_s[SERIES_WIDE];
	struct muster_range *coarse = &h->span.ranges[0], *wide = &h->span.ranges[1];
	int64_t until = muster_end(h, SERIES_COARSE, now_ms);
	int64_t base_ms = h->card.base_ms % muster_step_ms(SERIES_COARSE), wide_ms;

	*wide = (struct muster_range){ 0, 0 };
	*coarse = (struct muster_range){ until - (int64_t)(window_s / coarse_s), until };
	if (window_s > MUSTER_COARSE_MOST_S) {
		wide->until = muster_end(h, SERIES_WIDE, now_ms);
		wide->from = wide->until - (int64_t)(window_s / wide_s) + 1;
		wide_ms = parcel_number_ms(SERIES_WIDE, wide->until) +
			  h->card.base_ms % muster_step_ms(SERIES_WIDE);
		coarse->from = (wide_ms - base_ms) / muster_step_ms(SERIES_COARSE);
		if (coarse->until < coarse->from)
			coarse->until = coarse->from;
	}
	h->span.to_ms = muster_begins_ms(&h->card, SERIES_COARSE, coarse->until);
	h->span.from_ms = wide->from < wide->until
				  ? muster_begins_ms(&h->card, SERIES_WIDE, wide->from)
				  : muster_begins_ms(&h->card, SERIES_COARSE, coarse->from);
	h->wanted_s = (uint32_t)((coarse->until - coarse->from) * coarse_s +
				 (wide->until - wide->from) * wide_s);
}

void muster_judge(struct muster *m, uint64_t window_s)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct muster_host *h = &m->hosts[i];

		h->state = muster_state_of(h, m->now_ms);
		if (h->card.schema)
			muster_span_of(h, m->now_ms, window_s);
	}
}

bool muster_has_told(const struct muster_host *h, enum series_step step, int64_t number)
{
	const struct card_slots *s = &h->card.slots[step - SERIES_COARSE];

	return number >= s->from && number < s->until &&
	       (number < s->lacks_from || number >= s->lacks_until);
}

uint32_t muster_count(const struct muster *m, enum muster_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->count; i++)
		count += m->hosts[i].state == state;
	return count;
}
