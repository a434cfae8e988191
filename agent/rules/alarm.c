#include "alarm.h"

#include <math.h>
#include <string.h>

#define ALARM_SLACK_NS INT64_C(100000000) /* a look that comes a little early is in time */

void alarm_init(struct alarm *a)
{
	memset(a, 0, sizeof(*a));
	a->told_severity = -1;
	a->bad_ns = a->notice_ns = ALARM_NEVER;
	for (int i = 0; i < SPEC_SEVERITIES; i++)
		a->limits[i].over_ns = ALARM_NEVER;
	for (int i = 0; i < ALARM_CHANGES; i++)
		a->changes_ns[i] = ALARM_NEVER;
}

/* ALARM_NEVER is long ago. */
static bool alarm_passed(int64_t since_ns, int64_t span_ns, int64_t now_ns)
{
	return since_ns == ALARM_NEVER || now_ns - since_ns >= span_ns;
}

static void alarm_limit_step(struct alarm_limit *l, const struct spec *s, bool bad, int64_t now_ns)
{
	uint32_t kept = s->of >= 32 ? UINT32_MAX : (1u << s->of) - 1;
	uint32_t count;

	l->looks = (l->looks << 1 | bad) & kept;
	count = (uint32_t)__builtin_popcount(l->looks);
	if (!bad)
		l->over_ns = ALARM_NEVER;
	else if (l->over_ns == ALARM_NEVER)
		l->over_ns = now_ns;
	if (l->active)
		l->active = bad || count >= s->need;
	else
		l->active = bad && count >= s->need && now_ns - l->over_ns >= s->for_ns;
}

static enum spec_severity alarm_worst(const struct spec *s)
{
	return s->limits[SPEC_CRITICAL].set ? SPEC_CRITICAL : SPEC_WARNING;
}

/* Without data nothing is known of a limit but what the rule's policy makes of it. */
static void alarm_limits_step(struct alarm *a, const struct spec *s, const struct alarm_look *look)
{
	a->blind = isnan(look->value);
	if (!a->blind)
		a->value = look->value;
	if (a->blind && s->nodata == SPEC_KEEP)
		return;
	for (int i = 0; i < SPEC_SEVERITIES; i++) {
		enum spec_severity severity = (enum spec_severity)i;
		struct alarm_limit *l = &a->limits[i];
		bool bad;

		if (a->blind)
			bad = s->nodata == SPEC_ALERT && severity == alarm_worst(s);
		else if (l->active)
			bad = !spec_is_clear(s, severity, look->value);
		else
			bad = spec_is_over(s, severity, look->value);
		alarm_limit_step(l, s, bad, look->now_ns);
	}
}

static void alarm_change(struct alarm *a, enum alarm_state state, const struct alarm_look *look)
{
	if ((a->state == ALARM_FIRING) != (state == ALARM_FIRING)) {
		a->changes_ns[a->change_next] = look->now_ns;
		a->change_next = (uint8_t)((a->change_next + 1) % ALARM_CHANGES);
	}
	a->state = state;
	a->since_ns = look->now_ns;
	a->since_ms = look->wall_ms;
}

static void alarm_begin(struct alarm *a, enum spec_severity severity, const struct alarm_look *look)
{
	alarm_change(a, ALARM_FIRING, look);
	a->severity = severity;
	a->told = a->acknowledged = false;
	a->notices = a->level = 0;
	a->peak = a->value;
	/* the oldest of the ring is the next to be overwritten */
	a->flapping = a->changes_ns[a->change_next] != ALARM_NEVER &&
		      !alarm_passed(a->changes_ns[a->change_next], ALARM_FLAP_NS, look->now_ns);
}

static unsigned int alarm_fires(struct alarm *a, const struct spec *s,
				const struct alarm_look *look)
{
	bool critical = a->limits[SPEC_CRITICAL].active;
	enum spec_severity severity = critical ? SPEC_CRITICAL : SPEC_WARNING;
	unsigned int turn = 0;

	a->bad_ns = look->now_ns;
	if (a->state != ALARM_FIRING) {
		alarm_begin(a, severity, look);
		turn = ALARM_CHANGED;
	} else if (a->severity != severity) {
		if (severity > a->severity)
			a->acknowledged = false; /* it was of something less bad */
		a->severity = severity;
		turn = ALARM_CHANGED;
	}
	if (!a->blind && (s->below ? a->value < a->peak : a->value > a->peak))
		a->peak = a->value;
	return turn;
}

unsigned int alarm_end(struct alarm *a, const struct alarm_look *look)
{
	bool told = a->told && a->state == ALARM_FIRING;

	if (a->state == ALARM_QUIET)
		return 0;
	alarm_change(a, ALARM_QUIET, look);
	for (int i = 0; i < SPEC_SEVERITIES; i++) {
		a->limits[i].active = false;
		a->limits[i].looks = 0;
		a->limits[i].over_ns = ALARM_NEVER;
	}
	a->told = a->acknowledged = a->flapping = false;
	return ALARM_CHANGED | (told ? ALARM_RECOVERY : 0);
}

/* One that flaps is held on to for a cooldown, so that it is one alert and not many. */
static unsigned int alarm_clears(struct alarm *a, const struct spec *s,
				 const struct alarm_look *look)
{
	int64_t keep_ns = s->keep_ns;

	if (a->flapping && keep_ns < s->cooldown_ns)
		keep_ns = s->cooldown_ns;
	if (!alarm_passed(a->bad_ns, keep_ns, look->now_ns))
		return 0;
	return alarm_end(a, look);
}

/* Neither fires nor did: it waits, or there is nothing. */
static unsigned int alarm_waits(struct alarm *a, const struct alarm_look *look)
{
	uint32_t looks = a->limits[SPEC_WARNING].looks | a->limits[SPEC_CRITICAL].looks;
	enum alarm_state state = looks ? ALARM_PENDING : ALARM_QUIET;

	if (a->state == ALARM_PENDING && looks)
		a->severity = a->limits[SPEC_CRITICAL].looks ? SPEC_CRITICAL : SPEC_WARNING;
	if (a->state == state)
		return 0;
	alarm_change(a, state, look);
	a->severity = a->limits[SPEC_CRITICAL].looks ? SPEC_CRITICAL : SPEC_WARNING;
	return ALARM_CHANGED;
}

static unsigned int alarm_tell(struct alarm *a, const struct spec *s, const struct alarm_look *look)
{
	bool cooled = alarm_passed(a->notice_ns, s->cooldown_ns - ALARM_SLACK_NS, look->now_ns);

	if (a->state != ALARM_FIRING || look->muted || a->acknowledged ||
	    (!cooled && (int)a->severity <= a->told_severity))
		return 0;
	a->told_severity = (int)a->severity;
	a->told = true;
	a->notice_ns = look->now_ns;
	a->notice_ms = look->wall_ms;
	a->notices++;
	a->level = 1;
	if (a->notices >= look->second_level)
		a->level = 2;
	if (a->notices >= look->third_level && s->service_impacting)
		a->level = 3;
	return ALARM_NOTICE;
}

unsigned int alarm_step(struct alarm *a, const struct spec *s, const struct alarm_look *look)
{
	unsigned int turn;

	alarm_limits_step(a, s, look);
	if (a->blind && s->nodata == SPEC_KEEP)
		turn = 0;
	else if (a->limits[SPEC_WARNING].active || a->limits[SPEC_CRITICAL].active)
		turn = alarm_fires(a, s, look);
	else if (a->state == ALARM_FIRING)
		turn = alarm_clears(a, s, look);
	else
		turn = alarm_waits(a, look);
	return turn | alarm_tell(a, s, look);
}

bool alarm_is_over(const struct alarm *a, const struct spec *s, int64_t now_ns)
{
	int last = (a->change_next + ALARM_CHANGES - 1) % ALARM_CHANGES;

	return a->state == ALARM_QUIET && alarm_passed(a->notice_ns, s->cooldown_ns, now_ns) &&
	       alarm_passed(a->changes_ns[last], ALARM_FLAP_NS, now_ns);
}

bool alarm_turned(const struct alarm *a, enum spec_severity severity)
{
	return a->told && a->told_severity != (int)severity;
}

static void alarm_shift_one(int64_t *ns, int64_t by_ns)
{
	if (*ns != ALARM_NEVER)
		*ns += by_ns;
}

void alarm_shift(struct alarm *a, int64_t by_ns)
{
	for (int i = 0; i < SPEC_SEVERITIES; i++)
		alarm_shift_one(&a->limits[i].over_ns, by_ns);
	for (int i = 0; i < ALARM_CHANGES; i++)
		alarm_shift_one(&a->changes_ns[i], by_ns);
	alarm_shift_one(&a->since_ns, by_ns);
	alarm_shift_one(&a->bad_ns, by_ns);
	alarm_shift_one(&a->notice_ns, by_ns);
}
