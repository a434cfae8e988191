#include "stock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A slot of a series, which a run of the block is made of. */
struct stock_slot {
	struct parcel_series series;
	uint32_t second;
};

struct stock_slots {
	struct stock_slot *at; /* of malloc */
	uint32_t count, capacity;
};

void stock_init(struct stock *k, enum series_step step)
{
	memset(k, 0, sizeof(*k));
	k->step = step;
}

void stock_fini(struct stock *k)
{
	for (uint32_t i = 0; i < k->count; i++)
		free(k->at[i]);
	free(k->at);
	stock_init(k, k->step);
}

static int stock_grow(struct stock *k)
{
	uint32_t capacity = k->capacity ? k->capacity * 2 : 64;
	struct stock_parcel **at;

	if (k->count < k->capacity)
		return 0;
	at = realloc(k->at, capacity * sizeof(struct stock_parcel *));
	if (!at)
		return -ENOMEM;
	k->at = at;
	k->capacity = capacity;
	return 0;
}

int stock_add(struct stock *k, const struct parcel_label *label, const uint8_t *bytes, size_t size)
{
	struct stock_parcel *p;

	if (k->bytes + sizeof(*p) + size > STOCK_MOST)
		return -ENOSPC;
	p = stock_grow(k) ? NULL : malloc(sizeof(*p) + size);
	if (!p)
		return -ENOMEM;
	p->label = *label;
	p->size = (uint32_t)size;
	memcpy(p->bytes, bytes, size);
	k->at[k->count++] = p;
	k->bytes += sizeof(*p) + size;
	return 0;
}

static bool stock_is_had(const struct archive *a, uint32_t memory_from_s,
			 const struct parcel_label *label)
{
	uint32_t until_s = label->second + series_step_s[label->step];

	if (!memcmp(label->boot, a->boot, sizeof(a->boot)) && until_s > memory_from_s)
		return true;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct archive_file *file = &a->files[i];

		if (!memcmp(file->boot, label->boot, sizeof(file->boot)) && !file->is_gauges &&
		    file->from_s <= label->second && until_s <= file->until_s)
			return true;
	}
	return false;
}

uint32_t stock_drop(struct stock *k, const struct archive *a, uint32_t memory_from_s)
{
	uint32_t kept = 0, count = k->count;

	for (uint32_t i = 0; i < count; i++) {
		struct stock_parcel *p = k->at[i];

		if (stock_is_had(a, memory_from_s, &p->label))
			free(p);
		else
			k->at[kept++] = p;
	}
	k->count = kept;
	return count - kept;
}

static int stock_compare(const void *left, const void *right)
{
	const struct parcel_label *a = &(*(struct stock_parcel *const *)left)->label;
	const struct parcel_label *b = &(*(struct stock_parcel *const *)right)->label;
	int boot = memcmp(a->boot, b->boot, sizeof(a->boot));

	return boot ? boot : (a->second > b->second) - (a->second < b->second);
}

void stock_sort(struct stock *k)
{
	if (k->count)
		qsort(k->at, k->count, sizeof(struct stock_parcel *), stock_compare);
}

bool stock_window(const struct stock *k, uint32_t from, struct stock_window *out)
{
	uint32_t most_s = RUN_SLOTS * series_step_s[k->step], end = from;
	const struct parcel_label *first;

	if (from >= k->count)
		return false;
	first = &k->at[from]->label;
	while (end < k->count && k->at[end]->label.second - first->second < most_s &&
	       !memcmp(k->at[end]->label.boot, first->boot, sizeof(first->boot)))
		end++;
	*out = (struct stock_window){ first, &k->at[end - 1]->label, from, end - from };
	return true;
}

static int stock_service_compare(const void *left, const void *right)
{
	const struct parcel_label *a = &(*(struct stock_parcel *const *)left)->label;
	const struct parcel_label *b = &(*(struct stock_parcel *const *)right)->label;
	int order = strcmp(a->service, b->service);

	if (!order)
		order = strcmp(a->environment, b->environment);
	return order ? order : (a->second > b->second) - (a->second < b->second);
}

/* Of one service. */
static int stock_key_compare(const struct export_key *a, const struct export_key *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (!order)
		order = a->method - b->method;
	return order ? order : strcmp(a->route, b->route);
}

static int stock_slot_compare(const void *left, const void *right)
{
	const struct stock_slot *a = left, *b = right;
	int order = stock_key_compare(&a->series.key, &b->series.key);

	return order ? order : (a->second > b->second) - (a->second < b->second);
}

static int stock_slot_add(struct stock_slots *s, const struct parcel_series *series,
			  uint32_t second)
{
	uint32_t capacity = s->capacity ? s->capacity * 2 : 1024;
	struct stock_slot *more = s->at;

	if (s->count == s->capacity) {
		more = realloc(more, capacity * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->at = more;
		s->capacity = capacity;
	}
	more[s->count++] = (struct stock_slot){ *series, second };
	return 0;
}

/* All slots of all series of these parcels. */
static int stock_slots(struct stock_parcel *const *at, uint32_t parcels, struct stock_slots *out)
{
	int ret = 0;

	for (uint32_t i = 0; i < parcels; i++) {
		const struct stock_parcel *p = at[i];
		struct parcel_label ignored;
		struct column_reader r = parcel_read(p->bytes, p->size, &ignored);
		struct parcel_series series;

		while (!ret && parcel_next(&r, &p->label, &series))
			ret = stock_slot_add(out, &series, p->label.second);
	}
	return ret;
}

static bool stock_gauges(void *block, uint32_t second, const double values[METRICS_GAUGES])
{
	block_gauges(block, second, values);
	return true;
}

static void stock_slot_put(const struct stock *k, const struct stock_slot *s, struct block *b)
{
	const struct run_span span = { .from_s = s->second, .step_s = series_step_s[k->step] };
	const struct levels_reader reader = { stock_gauges, b };

	if (block_is_gauges(s->series.key.kind))
		levels_unpack(s->series.bytes, s->series.size, &span, &reader);
	else
		block_slot(b, s->second, s->series.bytes, s->series.size);
}

/* Those of one service, series by series. */
static int stock_put_service(const struct stock *k, uint32_t from, uint32_t parcels,
			     struct block *b)
{
	struct stock_slots slots = { .count = 0 };
	int ret = stock_slots(k->at + from, parcels, &slots);

	if (!ret && slots.count)
		qsort(slots.at, slots.count, sizeof(*slots.at), stock_slot_compare);
	for (uint32_t i = 0; !ret && i < slots.count; i++) {
		const struct stock_slot *slot = &slots.at[i];
		bool is_new = !i || stock_key_compare(&slot->series.key, &slot[-1].series.key);

		if (is_new)
			block_series(b, &slot->series.key);
		if (is_new || slot->second != slot[-1].second) /* once told is enough */
			stock_slot_put(k, slot, b);
	}
	free(slots.at);
	return ret;
}

int stock_put(struct stock *k, const struct stock_window *w, struct block *b)
{
	uint32_t end = w->from + w->count;
	int ret = 0;

	qsort(k->at + w->from, w->count, sizeof(struct stock_parcel *), stock_service_compare);
	for (uint32_t from = w->from, until; !ret && from < end; from = until) {
		const struct parcel_label *one = &k->at[from]->label;

		until = from + 1;
		while (until < end && !strcmp(k->at[until]->label.service, one->service) &&
		       !strcmp(k->at[until]->label.environment, one->environment))
			until++;
		ret = stock_put_service(k, from, until - from, b);
	}
	return ret;
}
