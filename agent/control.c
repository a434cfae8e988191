#include "control.h"

#include "drain.h"
#include "health.h"
#include "log.h"
#include "metrics.h"

#include <ringside/segment.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct control_item {
	uint64_t key;
	struct governor governor;
	bool off;  /* it was told to be silent */
	bool here; /* in the last look */
};

void control_init(struct control *c, const char *run_dir)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->off, sizeof(c->off), "%.240s/" RS_LIST_OFF, run_dir);
}

void control_fini(struct control *c)
{
	free(c->items);
	c->items = NULL;
	c->count = c->room = 0;
}

static struct control_item *control_find(struct control *c, uint64_t key)
{
	for (uint32_t k = 0; k < c->count; k++) {
		uint32_t i = (c->next + k) % c->count;

		if (c->items[i].key != key)
			continue;
		c->next = i + 1;
		return &c->items[i];
	}
	return NULL;
}

static struct control_item *control_put(struct control *c, uint64_t key)
{
	struct control_item *item = control_find(c, key);

	if (item)
		return item;
	if (c->count == c->room) {
		uint32_t room = c->room ? 2 * c->room : 64;
		struct control_item *items = realloc(c->items, room * sizeof(*items));

		if (!items)
			return NULL;
		c->items = items;
		c->room = room;
	}
	item = &c->items[c->count++];
	memset(item, 0, sizeof(*item));
	item->key = key;
	governor_init(&item->governor);
	return item;
}

static const char *control_detail_text(const struct drain_detail *detail, char *out, size_t size)
{
	if (detail->level == DRAIN_DETAIL_SAMPLED)
		snprintf(out, size, "one request in %u is recorded", detail->sample);
	else
		snprintf(out, size, "%s",
			 detail->level == DRAIN_DETAIL_ALL ? "all is recorded"
							   : "new paths are not recorded");
	return out;
}

static void control_judge(const struct control *c, struct control_item *item,
			  const struct metrics_cost *row)
{
	const struct governor_load load = { .own_ns = row->own_ns, .cpu_ns = row->cpu_ns };
	enum governor_turn turn;
	struct drain_detail detail;
	char text[64];

	if (!row->time_ns || item->off)
		return;
	turn = governor_step(&item->governor, c->budget, &load, row->time_ns);
	if (turn == GOVERNOR_STAYS)
		return;
	governor_detail(&item->governor, &detail);
	drain_detail(c->drain, row->key, &detail);
	control_detail_text(&detail, text, sizeof(text));
	if (turn == GOVERNOR_DOWN)
		log_warning("%s, pid %d: watching it took %.2f %% of its CPU time, more than the "
			    "budget of %g %%: %s; counters stay exact",
			    row->service, row->pid, detail.share, c->budget, text);
	else
		log_info("%s, pid %d: watching it has been cheap for a while: %s", row->service,
			 row->pid, text);
}

static void control_silence(const struct control *c, struct control_item *item,
			    const struct metrics_cost *row)
{
	const struct drain_detail off = { .level = DRAIN_DETAIL_OFF, .since_ns = row->time_ns | 1 };

	if (item->off || row->state == RS_STATE_OFF ||
	    !list_silences(&c->list, row->service, row->exe) ||
	    drain_detail(c->drain, row->key, &off))
		return;
	item->off = true;
	log_info("%s, pid %d: switched off for good, as %s says", row->service, row->pid, c->off);
}

static void control_forget(struct control *c)
{
	uint32_t i = 0;

	while (i < c->count) {
		if (c->items[i].here)
			c->items[i++].here = false;
		else
			c->items[i] = c->items[--c->count];
	}
}

static void control_tell(const struct control *c, bool listed, int64_t wall_ms)
{
	char reason[HEALTH_REASON];

	if (!listed) {
		health_put(c->health, "switch", HEALTH_HEALTHY, "", wall_ms);
		return;
	}
	snprintf(reason, sizeof(reason), "%.100s %s", c->off,
		 c->list.odd ? "is no list: everything is switched off"
		 : rs_list_empty(c->list.text, c->list.bytes)
			 ? "is empty: everything is switched off"
			 : "switches off what it names");
	health_put(c->health, "switch", HEALTH_INFO, reason, wall_ms);
}

void control_second(struct control *c, int64_t wall_ms)
{
	bool listed = list_read(&c->list, c->off) == 0;
	struct metrics_cost *rows;
	int count = metrics_costs(c->metrics, &rows);

	control_tell(c, listed, wall_ms);
	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		struct control_item *item = control_put(c, rows[i].key);

		if (!item)
			break;
		item->here = true;
		if (listed)
			control_silence(c, item, &rows[i]);
		control_judge(c, item, &rows[i]);
	}
	free(rows);
	control_forget(c);
}
