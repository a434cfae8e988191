#include "merge.h"

#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void merge_init(struct merge *m, const struct merge_scope *scope)
{
	memset(m, 0, sizeof(*m));
	m->scope = *scope;
}

void merge_fini(struct merge *m)
{
	for (uint32_t i = 0; i < m->service_count; i++)
		free(m->services[i].window);
	free(m->services);
	free(m->pairs);
	m->services = NULL;
	m->pairs = NULL;
	m->service_count = m->pair_count = m->service_capacity = m->pair_capacity = 0;
}

/* Room for one more of an array; -ENOMEM. */
static int merge_grow(void **at, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = realloc(*at, more * size);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*capacity = more;
	return 0;
}

static int merge_service_add(struct merge *m, const struct parcel_label *label)
{
	struct merge_service *s;

	if (m->service_count == MERGE_SERVICES)
		return -ENOSPC;
	if (merge_grow((void **)&m->services, m->service_count, &m->service_capacity, sizeof(*s)))
		return -ENOMEM;
	s = &m->services[m->service_count];
	memset(s, 0, sizeof(*s));
	s->window = malloc(sizeof(*s->window));
	if (!s->window)
		return -ENOMEM;
	slot_window_init(s->window);
	slot_pile_init(&s->pile);
	gauges_init(s->row.gauges);
	memcpy(s->row.service, label->service, sizeof(s->row.service));
	memcpy(s->row.environment, label->environment, sizeof(s->row.environment));
	return (int)m->service_count++;
}

static int merge_service(struct merge *m, const struct parcel_label *label)
{
	for (uint32_t i = 0; i < m->service_count; i++)
		if (!strcmp(m->services[i].row.service, label->service) &&
		    !strcmp(m->services[i].row.environment, label->environment))
			return (int)i;
	return merge_service_add(m, label);
}

int merge_pair_add(struct merge *m, uint32_t host, const struct parcel_label *label)
{
	int service;

	if (m->pair_count == MERGE_PAIRS)
		return -ENOSPC;
	if (merge_grow((void **)&m->pairs, m->pair_count, &m->pair_capacity, sizeof(*m->pairs)))
		return -ENOMEM;
	service = merge_service(m, label);
	if (service < 0)
		return service;
	m->pairs[m->pair_count] =
		(struct merge_pair){ .host = (uint16_t)host, .service = (uint16_t)service };
	m->pair_count++;
	return 0;
}

static bool merge_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct merge_pair *pair = ctx;

	(void)second;
	for (int i = 0; i < METRICS_GAUGES; i++)
		gauges_row_add((enum metrics_gauge)i, values[i], &pair->gauges[i]);
	return true;
}

static bool merge_wants(const struct merge_scope *scope, const struct export_key *key)
{
	if (!scope->route)
		return key->kind == EXPORT_SERVICE;
	return (key->kind == EXPORT_ROUTE || key->kind == EXPORT_STATEMENT) &&
	       !strcmp(key->route, scope->route);
}

void merge_parcel(struct merge *m, struct merge_pair *pair, const uint8_t *bytes, size_t size,
		  struct metrics_sums *host)
{
	struct merge_service *s = &m->services[pair->service];
	struct parcel_label label;
	struct column_reader r = parcel_read(bytes, size, &label);
	const struct run_span span = { .from_s = label.second,
				       .step_s = series_step_s[label.step] };
	const struct levels_reader levels = { merge_gauges, pair };
	struct parcel_series series;

	while (parcel_next(&r, &label, &series)) {
		struct metrics_sums sums;

		if (series.key.kind == EXPORT_SERVICE_GAUGES) {
			levels_unpack(series.bytes, series.size, &span, &levels);
			continue;
		}
		if (!merge_wants(&m->scope, &series.key))
			continue;
		slot_unpack_window(series.bytes, series.size, &s->pile, s->window);
		slot_sums_init(&sums);
		slot_unpack_sums(series.bytes, series.size, &sums);
		slot_sums_add(host, &sums);
		pair->is_told = true;
	}
}

void merge_end(struct merge *m)
{
	for (uint32_t i = 0; i < m->pair_count; i++) {
		const struct merge_pair *pair = &m->pairs[i];
		struct merge_row *row = &m->services[pair->service].row;

		row->hosts += pair->is_told;
		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++)
			if (pair->gauges[gauge].spans)
				gauges_add((enum metrics_gauge)gauge, pair->gauges[gauge].value,
					   &row->gauges[gauge]);
	}
}

static void merge_row_of(struct slot_window *window, struct merge_row *out)
{
	out->sums = window->sums;
	spread_ranks(window, out->percentile_ns);
	out->apdex = spread_apdex(window);
}

/* The sums of a window are those of its slots: percentiles stay within its least and most. */
void merge_row(const struct merge_service *s, struct merge_row *out)
{
	*out = s->row;
	slot_sums_init(&s->window->sums);
	slot_pile_sums(&s->pile, &s->window->sums);
	merge_row_of(s->window, out);
}

static void merge_window_add(struct slot_window *to, const struct merge_service *from)
{
	uint64_t blocks = from->window->blocks;

	slot_pile_sums(&from->pile, &to->sums);
	to->blocks |= blocks;
	while (blocks) {
		uint32_t first = slot_block_take(&blocks);

		for (uint32_t i = first; i < first + SLOT_BLOCK; i++)
			to->buckets[i] += from->window->buckets[i];
	}
}

/* How many different ones: pairs of one host stand together. */
static uint32_t merge_hosts(const struct merge *m)
{
	uint32_t count = 0;
	int last = -1;

	for (uint32_t i = 0; i < m->pair_count; i++) {
		if (!m->pairs[i].is_told || m->pairs[i].host == last)
			continue;
		last = m->pairs[i].host;
		count++;
	}
	return count;
}

int merge_total(const struct merge *m, struct merge_row *out)
{
	struct slot_window *window = malloc(sizeof(*window));

	memset(out, 0, sizeof(*out));
	if (!window)
		return -ENOMEM;
	slot_window_init(window);
	slot_sums_init(&window->sums);
	gauges_init(out->gauges);
	for (uint32_t i = 0; i < m->service_count; i++) {
		merge_window_add(window, &m->services[i]);
		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++)
			gauges_add((enum metrics_gauge)gauge, m->services[i].row.gauges[gauge],
				   &out->gauges[gauge]);
	}
	merge_row_of(window, out);
	out->hosts = merge_hosts(m);
	free(window);
	return 0;
}
