#include "parcel.h"

#include <string.h>

#define PARCEL_MAGIC "RSP1"
#define PARCEL_HEAD (4 + sizeof(uint64_t))
#define PARCEL_SERIES_HEAD (2 + 2 + RS_PATH_BYTES + 10) /* kind, method, route, size */
#define PARCEL_WALL_MOST INT64_C(100000000000000)       /* ms: the year 5138 */

bool parcel_has(enum export_kind kind)
{
	return kind == EXPORT_SERVICE || kind == EXPORT_ROUTE || kind == EXPORT_STATEMENT ||
	       kind == EXPORT_SERVICE_GAUGES;
}

static size_t parcel_text_put(uint8_t *out, const char *text)
{
	size_t length = strlen(text);

	out[0] = (uint8_t)length;
	memcpy(out + 1, text, length + 1);
	return length + 2;
}

void parcel_begin(struct parcel *p, const struct parcel_label *label)
{
	uint8_t *at = p->bytes + PARCEL_HEAD;

	p->label = *label;
	p->series = p->left_out = 0;
	at += column_number_put(at, series_step_s[label->step]);
	at += column_number_put(at, label->second);
	at += column_number_put(at, (uint64_t)label->wall_offset_ms);
	at += parcel_text_put(at, label->host);
	at += parcel_text_put(at, label->boot);
	at += parcel_text_put(at, label->service);
	at += parcel_text_put(at, label->environment);
	p->size = (size_t)(at - p->bytes);
}

static void parcel_series_put(struct parcel *p, const struct export_key *key, const uint8_t *bytes,
			      size_t size)
{
	uint8_t *at = p->bytes + p->size;

	if (p->size + PARCEL_SERIES_HEAD + size > PARCEL_MOST || p->series == PARCEL_SERIES) {
		p->left_out++;
		return;
	}
	*at++ = (uint8_t)key->kind;
	*at++ = key->method;
	at += parcel_text_put(at, key->route);
	at += column_number_put(at, size);
	memcpy(at, bytes, size);
	p->size = (size_t)(at - p->bytes) + size;
	p->series++;
}

void parcel_slot(struct parcel *p, const struct export_key *key, const uint8_t *packed,
		 uint32_t size)
{
	if (parcel_has(key->kind))
		parcel_series_put(p, key, packed, size);
}

static struct run_span parcel_span(const struct parcel_label *label)
{
	return (struct run_span){ .from_s = label->second, .step_s = series_step_s[label->step] };
}

void parcel_gauges(struct parcel *p, const struct export_key *key,
		   const double values[METRICS_GAUGES])
{
	const struct run_span span = parcel_span(&p->label);
	uint8_t bytes[20 + (METRICS_GAUGES + 1) * COLUMN_MAX(1)]; /* levels_size_max of one */
	struct levels levels;

	if (!parcel_has(key->kind))
		return;
	levels_begin(&levels, &span);
	levels_add(&levels, p->label.second, values);
	parcel_series_put(p, key, bytes, levels_pack(&levels, bytes));
}

void parcel_end(struct parcel *p)
{
	uint64_t sum = block_sum(p->size, p->bytes + PARCEL_HEAD, p->size - PARCEL_HEAD);

	memcpy(p->bytes, PARCEL_MAGIC, 4);
	memcpy(p->bytes + 4, &sum, sizeof(sum));
}

/* Less than size bytes that can be shown, and a NUL where it says. "": it is none, and is_bad. */
static const char *parcel_text_get(struct column_reader *r, size_t size)
{
	size_t left = (size_t)(r->end - r->at), length = left ? *r->at : 0;
	const char *text;

	r->is_bad = r->is_bad || length + 2 > left || length >= size || r->at[length + 1];
	if (r->is_bad)
		return "";
	text = (const char *)r->at + 1;
	for (size_t i = 0; i < length; i++)
		r->is_bad = r->is_bad || text[i] < 0x20 || text[i] > 0x7e;
	r->at += length + 2;
	return r->is_bad ? "" : text;
}

static void parcel_label_text(struct column_reader *r, char *out, size_t size)
{
	const char *text = parcel_text_get(r, size);

	memset(out, 0, size);
	memcpy(out, text, strlen(text));
}

/* SERIES_FINE: one that parcels are not of. */
static enum series_step parcel_step(uint64_t step_s)
{
	if (step_s == series_step_s[SERIES_COARSE])
		return SERIES_COARSE;
	return step_s == series_step_s[SERIES_WIDE] ? SERIES_WIDE : SERIES_FINE;
}

struct column_reader parcel_read(const uint8_t *bytes, size_t size, struct parcel_label *label)
{
	struct column_reader r = { .at = bytes + PARCEL_HEAD, .end = bytes + size };
	uint64_t second;

	memset(label, 0, sizeof(*label));
	label->step = parcel_step(column_number_get(&r));
	second = column_number_get(&r);
	label->second = (uint32_t)second;
	label->wall_offset_ms = (int64_t)column_number_get(&r);
	parcel_label_text(&r, label->host, sizeof(label->host));
	parcel_label_text(&r, label->boot, sizeof(label->boot));
	parcel_label_text(&r, label->service, sizeof(label->service));
	parcel_label_text(&r, label->environment, sizeof(label->environment));
	r.is_bad = r.is_bad || second > UINT32_MAX - series_step_s[SERIES_WIDE];
	return r;
}

bool parcel_next(struct column_reader *r, const struct parcel_label *label,
		 struct parcel_series *out)
{
	uint64_t size;

	if (r->is_bad || r->end - r->at < 2)
		return false;
	out->key = (struct export_key){ .kind = (enum export_kind)r->at[0],
					.method = r->at[1],
					.service = label->service,
					.environment = label->environment };
	r->at += 2;
	out->key.route = parcel_text_get(r, RS_PATH_BYTES + 1);
	size = column_number_get(r);
	if (r->is_bad || size > (size_t)(r->end - r->at)) {
		r->is_bad = true;
		return false;
	}
	out->bytes = r->at;
	out->size = (uint32_t)size;
	r->at += size;
	return true;
}

static const char *parcel_check_label(const struct column_reader *r, const struct parcel_label *l)
{
	int64_t wall_ms = l->wall_offset_ms;

	if (r->is_bad || !*l->host || !*l->boot || !*l->service)
		return "its label is not sound";
	if (l->step == SERIES_FINE || l->second % series_step_s[l->step])
		return "it is of no slot of ours";
	if (wall_ms < -PARCEL_WALL_MOST || wall_ms > PARCEL_WALL_MOST)
		return "its wall clock is none";
	wall_ms += (int64_t)l->second * 1000;
	return wall_ms < 0 || wall_ms > PARCEL_WALL_MOST ? "its wall clock is none" : NULL;
}

struct parcel_level {
	uint32_t second, count;
	bool is_other;
};

static bool parcel_level(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct parcel_level *l = ctx;

	(void)values;
	l->is_other = l->is_other || second != l->second || l->count++;
	return !l->is_other;
}

static bool parcel_series_is_sound(const struct parcel_label *label, const struct parcel_series *s)
{
	const struct run_span span = parcel_span(label);
	struct parcel_level level = { .second = label->second };
	const struct levels_reader reader = { parcel_level, &level };
	bool has_route = s->key.kind == EXPORT_ROUTE || s->key.kind == EXPORT_STATEMENT;
	struct slot slot;

	if (!parcel_has(s->key.kind) || has_route != (*s->key.route != '\0') ||
	    s->key.method >= RS_METHODS)
		return false;
	if (block_is_gauges(s->key.kind))
		return !levels_unpack(s->bytes, s->size, &span, &reader) && level.count == 1 &&
		       !level.is_other;
	slot_init(&slot, label->second);
	return s->size <= SLOT_PACKED_MAX && !slot_unpack(s->bytes, s->size, &slot);
}

static const char *parcel_check_series(struct column_reader *r, const struct parcel_label *label,
				       uint32_t *count)
{
	struct parcel_series s;

	*count = 0;
	while (parcel_next(r, label, &s)) {
		if (++*count > PARCEL_SERIES)
			return "it has more series than any of ours";
		if (!parcel_series_is_sound(label, &s))
			return "a series in it is not sound";
	}
	return r->is_bad || r->at != r->end ? "it ends within a series" : NULL;
}

const char *parcel_check(const uint8_t *bytes, size_t size, struct parcel_label *label,
			 uint32_t *series)
{
	struct column_reader r;
	const char *reason;
	uint32_t count;
	uint64_t sum;

	if (size <= PARCEL_HEAD || size > PARCEL_MOST)
		return "its size is none of a parcel";
	if (memcmp(bytes, PARCEL_MAGIC, 4) != 0)
		return "it does not begin as a parcel";
	memcpy(&sum, bytes + 4, sizeof(sum));
	if (sum != block_sum(size, bytes + PARCEL_HEAD, size - PARCEL_HEAD))
		return "its sum is not right";
	r = parcel_read(bytes, size, label);
	reason = parcel_check_label(&r, label);
	if (!reason)
		reason = parcel_check_series(&r, label, series ? series : &count);
	return reason;
}
