#include "restarts.h"

#include <stdlib.h>

#define RESTARTS_BRIEF 500u /* ticks: whoever starts a daemon is over by then */

struct restarts_instance {
	struct restarts_instance *next;
	const void *service;
	uint32_t living;
	int32_t parent; /* of the first that began */
	uint64_t begun_ticks;
	bool found;   /* it began before we did */
	bool answers; /* an end */
};

struct restarts_member {
	struct restarts_member *next;
	struct restarts_instance *instance;
	uint64_t key, start_ticks;
	int32_t pid;
};

/* A start in the tick of an end came after it only if one supervisor forked both. */
static bool restarts_is_after(uint64_t start_ticks, int32_t start_parent, uint64_t end_ticks,
			      int32_t end_parent)
{
	if (start_ticks != end_ticks)
		return start_ticks > end_ticks;
	return start_parent == end_parent && start_parent > 1;
}

/* Of one that went into the background: its parent is over at once, and who that was not told. */
static bool restarts_is_daemon(uint64_t start_ticks, int32_t start_parent, uint64_t begun_ticks,
			       uint64_t end_ticks)
{
	return start_parent <= 1 && start_ticks >= begun_ticks && start_ticks <= end_ticks &&
	       end_ticks - begun_ticks <= RESTARTS_BRIEF;
}

static struct restarts_instance *restarts_instance_new(struct restarts *r,
						       const struct restarts_start *start)
{
	struct restarts_instance *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->service = start->service;
	i->parent = start->parent;
	i->begun_ticks = start->start_ticks;
	i->found = start->start_ticks < r->begin_ticks;
	i->next = r->instances;
	r->instances = i;
	return i;
}

static void restarts_instance_free(struct restarts *r, const struct restarts_instance *instance)
{
	struct restarts_instance **at = &r->instances;

	while (*at != instance)
		at = &(*at)->next;
	*at = instance->next;
	free((void *)(uintptr_t)instance);
}

/* The instance of this very process, or of who forked it; NULL: it is the first of its own. */
static struct restarts_instance *restarts_join(const struct restarts *r,
					       const struct restarts_start *start, bool *same)
{
	struct restarts_instance *of_parent = NULL;

	for (const struct restarts_member *m = r->members; m; m = m->next) {
		if (m->instance->service != start->service)
			continue;
		*same = m->pid == start->pid && m->start_ticks == start->start_ticks;
		if (*same)
			return m->instance;
		if (m->pid == start->parent && m->start_ticks <= start->start_ticks)
			of_parent = m->instance;
	}
	return of_parent;
}

/* It was let go, or ran another program, a moment ago. */
static bool restarts_was_here(const struct restarts *r, const struct restarts_start *start)
{
	for (uint32_t i = 0; i < RESTARTS_OVER; i++)
		if (r->over[i].key && r->over[i].pid == start->pid &&
		    r->over[i].start_ticks == start->start_ticks &&
		    r->over[i].service == start->service)
			return true;
	return false;
}

static bool restarts_is_child(const struct restarts_start *start, const struct restarts_end *end)
{
	return end->service == start->service &&
	       ((end->pid == start->parent && start->start_ticks <= end->ticks) ||
		restarts_is_daemon(start->start_ticks, start->parent, end->begun_ticks,
				   end->ticks));
}

/* Its parent's end was told first: that instance had not ended. */
static void restarts_carry_on(struct restarts *r, const struct restarts_start *start,
			      struct restarts_instance *instance)
{
	for (uint32_t i = 0; i < RESTARTS_ENDS; i++) {
		struct restarts_end *end = &r->ends[i];

		if (!restarts_is_child(start, end))
			continue;
		instance->parent = end->parent;
		instance->answers = true;
		end->service = NULL;
		return;
	}
}

/* The last end before it that nobody answered yet. */
static bool restarts_answer_end(struct restarts *r, struct restarts_instance *instance)
{
	struct restarts_end *last = NULL;

	for (uint32_t i = 0; i < RESTARTS_ENDS; i++) {
		struct restarts_end *end = &r->ends[i];

		if (end->service == instance->service &&
		    restarts_is_after(instance->begun_ticks, instance->parent, end->ticks,
				      end->parent) &&
		    (!last || end->ticks > last->ticks))
			last = end;
	}
	if (!last)
		return false;
	last->service = NULL;
	instance->answers = true;
	return true;
}

unsigned int restarts_start(struct restarts *r, const struct restarts_start *start)
{
	struct restarts_member *m = calloc(1, sizeof(*m));
	bool same = false, here = restarts_was_here(r, start);
	unsigned int what;

	if (!m)
		return 0;
	*m = (struct restarts_member){ .key = start->key,
				       .start_ticks = start->start_ticks,
				       .pid = start->pid };
	m->instance = restarts_join(r, start, &same);
	what = same || here || start->start_ticks < r->begin_ticks ? 0 : RESTARTS_STARTED;
	if (!m->instance) {
		m->instance = restarts_instance_new(r, start);
		if (!m->instance) {
			free(m);
			return 0;
		}
		m->instance->answers = here;
		restarts_carry_on(r, start, m->instance);
		if (what && !m->instance->answers && restarts_answer_end(r, m->instance))
			what |= RESTARTS_AGAIN;
	}
	m->instance->living++;
	m->next = r->members;
	r->members = m;
	return what;
}

/* The first that began after this end, and was told before it. */
static bool restarts_answered(const struct restarts *r, const struct restarts_end *end)
{
	struct restarts_instance *first = NULL;

	for (struct restarts_instance *i = r->instances; i; i = i->next)
		if (i->service == end->service && !i->found && !i->answers && i->living &&
		    restarts_is_after(i->begun_ticks, i->parent, end->ticks, end->parent) &&
		    (!first || i->begun_ticks < first->begun_ticks))
			first = i;
	if (first)
		first->answers = true;
	return first;
}

static bool restarts_is_forked(const struct restarts_instance *i, const struct restarts_end *end)
{
	return i->parent == end->pid && i->begun_ticks >= end->begun_ticks &&
	       i->begun_ticks <= end->ticks;
}

/* Its daemon was told before its end, as a first of its own. One of the two may have answered. */
static bool restarts_goes_on(const struct restarts *r, const struct restarts_end *end,
			     bool has_answered)
{
	for (struct restarts_instance *i = r->instances; i; i = i->next)
		if (i->service == end->service && !(i->answers && has_answered) && i->living &&
		    (restarts_is_forked(i, end) ||
		     restarts_is_daemon(i->begun_ticks, i->parent, end->begun_ticks, end->ticks))) {
			i->parent = end->parent;
			i->answers = true;
			return true;
		}
	return false;
}

static bool restarts_instance_end(struct restarts *r, const struct restarts_member *m,
				  uint64_t ticks)
{
	const struct restarts_end end = { .service = m->instance->service,
					  .begun_ticks = m->instance->begun_ticks,
					  .ticks = ticks,
					  .pid = m->pid,
					  .parent = m->instance->parent };

	if (restarts_goes_on(r, &end, m->instance->answers))
		return false;
	if (restarts_answered(r, &end))
		return true;
	r->ends[r->ends_next++ % RESTARTS_ENDS] = end;
	return false;
}

unsigned int restarts_end(struct restarts *r, uint64_t key, uint64_t ticks, const void **service)
{
	struct restarts_member **at = &r->members, *m;
	unsigned int what = ticks ? RESTARTS_ENDED : 0;

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	m = *at;
	*service = m ? m->instance->service : NULL;
	if (!m)
		return 0;
	*at = m->next;
	r->over[r->over_next++ % RESTARTS_OVER] = (struct restarts_over){
		.key = key,
		.start_ticks =
			ticks ? UINT64_MAX : m->start_ticks, /* ended: it does not come back */
		.pid = m->pid,
		.service = *service
	};
	if (--m->instance->living == 0) {
		if (ticks && restarts_instance_end(r, m, ticks))
			what |= RESTARTS_AGAIN;
		restarts_instance_free(r, m->instance);
	}
	free(m);
	return what;
}

const void *restarts_service(const struct restarts *r, uint64_t key)
{
	for (const struct restarts_member *m = r->members; m; m = m->next)
		if (m->key == key)
			return m->instance->service;
	for (uint32_t i = 0; i < RESTARTS_OVER; i++)
		if (r->over[i].key == key)
			return r->over[i].service;
	return NULL;
}

void restarts_fini(struct restarts *r)
{
	while (r->members) {
		struct restarts_member *m = r->members;

		r->members = m->next;
		free(m);
	}
	while (r->instances)
		restarts_instance_free(r, r->instances);
}
