#include "diary.h"

#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIARY_MARK_BYTES 21 /* the digits of a sequence, always as many, and the line's end */

enum diary_type {
	DIARY_TEXT,
	DIARY_DOUBLE,
	DIARY_NS,
	DIARY_U64,
	DIARY_U32,
	DIARY_U8,
	DIARY_INT,
	DIARY_BOOL
};

struct diary_field {
	const char *name;
	enum diary_type type;
	size_t at, size;
};

#define FIELD(kind, of, member)                                                                    \
	{                                                                                          \
#member, kind, offsetof(struct of, member), sizeof(((struct of *)0)->member)       \
	}

static const struct diary_field diary_instance[] = {
	FIELD(DIARY_TEXT, instance, rule),
	FIELD(DIARY_TEXT, instance, labels.service),
	FIELD(DIARY_TEXT, instance, labels.environment),
	FIELD(DIARY_TEXT, instance, labels.route),
	FIELD(DIARY_TEXT, instance, labels.method),
	FIELD(DIARY_U64, instance, id),
	FIELD(DIARY_BOOL, instance, inhibited),
	FIELD(DIARY_U64, instance, silence),
	FIELD(DIARY_BOOL, instance, alone),
	FIELD(DIARY_BOOL, instance, stormy),
	FIELD(DIARY_U32, instance, alarm.limits[0].looks),
	FIELD(DIARY_NS, instance, alarm.limits[0].over_ns),
	FIELD(DIARY_BOOL, instance, alarm.limits[0].active),
	FIELD(DIARY_U32, instance, alarm.limits[1].looks),
	FIELD(DIARY_NS, instance, alarm.limits[1].over_ns),
	FIELD(DIARY_BOOL, instance, alarm.limits[1].active),
	FIELD(DIARY_INT, instance, alarm.state),
	FIELD(DIARY_INT, instance, alarm.severity),
	FIELD(DIARY_INT, instance, alarm.told_severity),
	FIELD(DIARY_BOOL, instance, alarm.told),
	FIELD(DIARY_BOOL, instance, alarm.acknowledged),
	FIELD(DIARY_BOOL, instance, alarm.flapping),
	FIELD(DIARY_BOOL, instance, alarm.blind),
	FIELD(DIARY_DOUBLE, instance, alarm.value),
	FIELD(DIARY_DOUBLE, instance, alarm.peak),
	FIELD(DIARY_NS, instance, alarm.since_ns),
	FIELD(DIARY_NS, instance, alarm.since_ms),
	FIELD(DIARY_NS, instance, alarm.bad_ns),
	FIELD(DIARY_NS, instance, alarm.notice_ns),
	FIELD(DIARY_NS, instance, alarm.notice_ms),
	FIELD(DIARY_U32, instance, alarm.notices),
	FIELD(DIARY_U8, instance, alarm.level),
	FIELD(DIARY_NS, instance, alarm.changes_ns[0]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[1]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[2]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[3]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[4]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[5]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[6]),
	FIELD(DIARY_NS, instance, alarm.changes_ns[7]),
	FIELD(DIARY_U8, instance, alarm.change_next),
	{ NULL, DIARY_TEXT, 0, 0 },
};

_Static_assert(ALARM_CHANGES == 8, "each of them is written");

static const struct diary_field diary_hush[] = {
	FIELD(DIARY_U64, hush, id),       FIELD(DIARY_TEXT, hush, rule),
	FIELD(DIARY_TEXT, hush, service), FIELD(DIARY_TEXT, hush, environment),
	FIELD(DIARY_TEXT, hush, route),   FIELD(DIARY_TEXT, hush, comment),
	FIELD(DIARY_NS, hush, until_ns),  FIELD(DIARY_NS, hush, since_ms),
	FIELD(DIARY_NS, hush, until_ms),  { NULL, DIARY_TEXT, 0, 0 },
};

static const struct diary_field diary_notice[] = {
	FIELD(DIARY_U64, notice, sequence),
	FIELD(DIARY_U64, notice, id),
	FIELD(DIARY_TEXT, notice, rule),
	FIELD(DIARY_TEXT, notice, labels.service),
	FIELD(DIARY_TEXT, notice, labels.environment),
	FIELD(DIARY_TEXT, notice, labels.route),
	FIELD(DIARY_TEXT, notice, labels.method),
	FIELD(DIARY_TEXT, notice, given.at[0]),
	FIELD(DIARY_TEXT, notice, given.at[1]),
	FIELD(DIARY_TEXT, notice, given.at[2]),
	FIELD(DIARY_TEXT, notice, given.at[3]),
	FIELD(DIARY_TEXT, notice, given.at[4]),
	FIELD(DIARY_TEXT, notice, given.at[5]),
	FIELD(DIARY_TEXT, notice, given.at[6]),
	FIELD(DIARY_TEXT, notice, given.at[7]),
	FIELD(DIARY_U8, notice, given.count),
	FIELD(DIARY_INT, notice, kind),
	FIELD(DIARY_INT, notice, severity),
	FIELD(DIARY_U32, notice, number),
	FIELD(DIARY_U8, notice, level),
	FIELD(DIARY_BOOL, notice, again),
	FIELD(DIARY_BOOL, notice, turned),
	FIELD(DIARY_INT, notice, unit),
	FIELD(DIARY_DOUBLE, notice, value),
	FIELD(DIARY_DOUBLE, notice, peak),
	FIELD(DIARY_DOUBLE, notice, limit),
	FIELD(DIARY_NS, notice, at_ms),
	FIELD(DIARY_NS, notice, since_ms),
	FIELD(DIARY_NS, notice, lasted_ns),
	FIELD(DIARY_INT, notice, cause.kind),
	FIELD(DIARY_INT, notice, cause.pid),
	FIELD(DIARY_DOUBLE, notice, cause.share),
	FIELD(DIARY_TEXT, notice, cause.name),
	FIELD(DIARY_TEXT, notice, summary),
	FIELD(DIARY_TEXT, notice, link),
	{ NULL, DIARY_TEXT, 0, 0 },
};

_Static_assert(SPEC_LABELS == 8, "each of them is written");

static const struct diary_field diary_storm[] = {
	FIELD(DIARY_U64, storm, id),       FIELD(DIARY_NS, storm, since_ns),
	FIELD(DIARY_NS, storm, since_ms),  FIELD(DIARY_NS, storm, notice_ns),
	FIELD(DIARY_NS, storm, window_ns), FIELD(DIARY_U32, storm, alone),
	FIELD(DIARY_U32, storm, notices),  FIELD(DIARY_U32, storm, news),
	FIELD(DIARY_U32, storm, ended),    FIELD(DIARY_U32, storm, peak),
	FIELD(DIARY_U8, storm, level),     FIELD(DIARY_INT, storm, severity),
	FIELD(DIARY_U8, storm, told),      { NULL, DIARY_TEXT, 0, 0 },
};

/* What a field holds as a whole number, whatever its width. */
static int64_t diary_whole(const struct diary_field *f, const void *row)
{
	const unsigned char *at = (const unsigned char *)row + f->at;
	int64_t wide;
	uint32_t word;

	if (f->size == 1)
		return *at;
	if (f->size == 4) {
		memcpy(&word, at, sizeof(word));
		return f->type == DIARY_INT ? (int32_t)word : (int64_t)word;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static void diary_whole_set(const struct diary_field *f, void *row, int64_t value)
{
	unsigned char *at = (unsigned char *)row + f->at;
	uint32_t word = (uint32_t)value;

	if (f->size == 1)
		*at = (unsigned char)(f->type == DIARY_BOOL ? value != 0 : value);
	else if (f->size == 4)
		memcpy(at, &word, sizeof(word));
	else
		memcpy(at, &value, sizeof(value));
}

static void diary_put(struct json *j, const char *key, const struct diary_field *f, const void *row)
{
	double number;

	json_object_begin(j, key);
	for (; f->name; f++) {
		if (f->type == DIARY_TEXT) {
			if (((const char *)row)[f->at]) /* without it the text is empty */
				json_string(j, f->name, (const char *)row + f->at);
		} else if (f->type == DIARY_DOUBLE) {
			memcpy(&number, (const char *)row + f->at, sizeof(number));
			json_double(j, f->name, number);
		} else if (f->type == DIARY_NS && diary_whole(f, row) == ALARM_NEVER) {
			json_null(j, f->name);
		} else {
			json_int(j, f->name, diary_whole(f, row));
		}
	}
	json_object_end(j);
}

void diary_notice_put(struct json *j, const char *key, const struct notice *notice)
{
	diary_put(j, key, diary_notice, notice);
}

/* What is missing stays 0, a number that is null is never. */
static void diary_take(const struct tree *from, const struct diary_field *f, void *row)
{
	for (; f->name; f++) {
		const struct tree *member = tree_member(from, f->name);
		const char *text = tree_text(member);
		double number = tree_number(member);

		if (f->type == DIARY_TEXT)
			snprintf((char *)row + f->at, f->size, "%s", text ? text : "");
		else if (f->type == DIARY_DOUBLE)
			memcpy((char *)row + f->at, &number, sizeof(number));
		else if (number >= -9e18 && number <= 9e18)
			diary_whole_set(f, row, (int64_t)number);
		else if (f->type == DIARY_NS)
			diary_whole_set(f, row, ALARM_NEVER);
	}
}

static void diary_put_all(struct json *j, const struct diary *d, const struct engine *e,
			  int64_t now_ns)
{
	json_object_begin(j, NULL);
	json_string(j, "boot", d->boot);
	json_int(j, "savedNs", now_ns);
	json_uint(j, "lastId", e->last_id);
	json_uint(j, "lastSequence", e->last_sequence);
	json_uint(j, "lastSilence", e->hushes.last);
	json_array_begin(j, "storms"); /* one */
	diary_put(j, NULL, diary_storm, &e->storm);
	json_array_end(j);
	json_array_begin(j, "instances");
	for (const struct instance *i = e->instances.first; i; i = i->next)
		diary_put(j, NULL, diary_instance, i);
	json_array_end(j);
	json_array_begin(j, "silences");
	for (size_t i = 0; i < e->hushes.count; i++)
		diary_put(j, NULL, diary_hush, &e->hushes.rows[i]);
	json_array_end(j);
	json_array_begin(j, "outbox");
	for (size_t i = 0; i < e->outbox_count; i++)
		diary_notice_put(j, NULL, &e->outbox[i]);
	json_array_end(j);
	json_array_begin(j, "past"); /* oldest first */
	for (size_t i = 0; i < e->past_count; i++)
		diary_notice_put(
			j, NULL,
			&e->past[(e->past_next + ENGINE_PAST - e->past_count + i) % ENGINE_PAST]);
	json_array_end(j);
	json_object_end(j);
}

int diary_save(const struct diary *d, const struct engine *e, int64_t now_ns)
{
	struct scribe_page page = { .file = DIARY_STATE, .how = SCRIBE_WHOLE, .stop = "saved" };
	struct json j;
	int ret;

	json_init(&j);
	diary_put_all(&j, d, e, now_ns);
	ret = json_finish(&j);
	page.bytes = j.bytes;
	page.length = j.length;
	if (!ret)
		ret = stamped_give(d->scribe, &page);
	json_fini(&j);
	return ret;
}

int diary_mark(const struct diary *d, uint64_t sequence)
{
	char text[DIARY_MARK_BYTES + 1];
	const struct scribe_page page = { .file = DIARY_SENT,
					  .how = SCRIBE_OVER,
					  .bytes = text,
					  .length = DIARY_MARK_BYTES,
					  .stop = "marked" };

	snprintf(text, sizeof(text), "%020" PRIu64 "\n", sequence);
	return stamped_give(d->scribe, &page);
}

int diary_marked(const struct diary *d, uint64_t *sequence, char why[STAMPED_WHY])
{
	struct stamped file;
	int ret = stamped_read(d->scribe, DIARY_SENT, &file, why);

	*sequence = ret ? 0 : strtoull(file.body, NULL, 10);
	stamped_free(&file);
	return ret;
}

static void diary_take_instances(struct engine *e, const struct tree *list, int64_t shift_ns)
{
	for (size_t k = 0; k < tree_size(list); k++) {
		struct instance row = { .id = 0 }, *i;

		diary_take(tree_at(list, k), diary_instance, &row);
		i = instances_add(&e->instances, row.rule, &row.labels);
		if (!i || row.alarm.state > ALARM_FIRING || row.alarm.severity > SPEC_CRITICAL)
			continue;
		i->id = row.id;
		i->inhibited = row.inhibited;
		i->silence = row.silence;
		/* An agent that knew no storms told each by itself. */
		i->alone = row.alone || (row.alarm.told && !row.stormy);
		i->stormy = row.stormy;
		i->alarm = row.alarm;
		i->alarm.change_next %= ALARM_CHANGES;
		alarm_shift(&i->alarm, shift_ns);
	}
}

bool diary_notice_take(const struct tree *from, struct notice *n)
{
	memset(n, 0, sizeof(*n));
	diary_take(from, diary_notice, n);
	return n->kind <= NOTICE_RECOVERED && n->severity <= SPEC_CRITICAL &&
	       n->unit <= METRIC_UNIT_NUMBER && n->cause.kind < NOTICE_CAUSES &&
	       spec_labels_are_sound(&n->given);
}

static int diary_take_notices(struct engine *e, const struct tree *root, uint64_t sent)
{
	const struct tree *outbox = tree_member(root, "outbox"), *past = tree_member(root, "past");
	size_t count = tree_size(outbox);

	e->outbox = calloc(count + 1, sizeof(*e->outbox));
	if (!e->outbox)
		return -ENOMEM;
	e->outbox_room = count + 1;
	for (size_t i = 0; i < count; i++) {
		struct notice *n = &e->outbox[e->outbox_count];

		if (!diary_notice_take(tree_at(outbox, i), n) || n->sequence <= sent)
			continue;
		n->again = true;
		e->outbox_count++;
	}
	for (size_t i = 0; i < tree_size(past) && i < ENGINE_PAST; i++) {
		if (!diary_notice_take(tree_at(past, i), &e->past[e->past_next]))
			continue;
		e->past_next = (e->past_next + 1) % ENGINE_PAST;
		e->past_count++;
	}
	return 0;
}

static uint64_t diary_number(const struct tree *root, const char *name)
{
	double number = tree_number(tree_member(root, name));

	return number >= 0 && number < 9e15 ? (uint64_t)number : 0;
}

static void diary_take_storm(struct engine *e, const struct tree *from, int64_t shift_ns)
{
	if (!from)
		return;
	diary_take(from, diary_storm, &e->storm);
	if (e->storm.severity > SPEC_CRITICAL)
		e->storm.severity = SPEC_CRITICAL;
	e->storm.since_ns += shift_ns;
	e->storm.notice_ns += shift_ns;
	e->storm.window_ns += shift_ns;
}

static int diary_take_all(const struct diary *d, struct engine *e, const struct tree *root,
			  uint64_t sent, int64_t now_ns)
{
	const char *boot = tree_text(tree_member(root, "boot"));
	const struct tree *silences = tree_member(root, "silences");
	int64_t shift_ns = 0;

	/* Another boot has another zero: as if no time had passed, so that nothing comes early. */
	if (!boot || strcmp(boot, d->boot) != 0)
		shift_ns = now_ns - (int64_t)diary_number(root, "savedNs");
	e->last_id = diary_number(root, "lastId");
	if (diary_number(root, "lastSequence") > e->last_sequence)
		e->last_sequence = diary_number(root, "lastSequence");
	e->hushes.last = diary_number(root, "lastSilence");
	diary_take_storm(e, tree_at(tree_member(root, "storms"), 0), shift_ns);
	diary_take_instances(e, tree_member(root, "instances"), shift_ns);
	for (size_t i = 0; i < tree_size(silences) && i < HUSH_MAX; i++) {
		struct hush *h = &e->hushes.rows[e->hushes.count++];

		diary_take(tree_at(silences, i), diary_hush, h);
		h->until_ns += shift_ns;
	}
	return diary_take_notices(e, root, sent);
}

int diary_load(const struct diary *d, struct engine *e, uint64_t sent, int64_t now_ns,
	       char why[STAMPED_WHY])
{
	struct tree_error error = { .text = "" };
	struct stamped file;
	struct tree *root;
	int ret = stamped_read(d->scribe, DIARY_STATE, &file, why);

	e->last_sequence = sent; /* also where the state is lost: no number twice */
	if (ret)
		return ret;
	ret = tree_open(&root, file.body, file.length, &error);
	snprintf(why, STAMPED_WHY, "line %d: %.70s", error.line + 1, error.text);
	if (!ret) {
		ret = diary_take_all(d, e, root, sent, now_ns);
		tree_close(root);
	}
	stamped_free(&file);
	return ret == -EINVAL ? -EBADMSG : ret;
}
