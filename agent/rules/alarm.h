/*
 * alarm - the life of one alert: quiet, pending, firing, and when somebody is told.
 *
 * Threads:  a value of one owner.
 * Memory:   none.
 * Errors:   none.
 * All decisions are made by CLOCK_MONOTONIC, so that a step of the wall clock changes nothing; wall
 * times are labels.
 */
#ifndef RULES_ALARM_H
#define RULES_ALARM_H

#include "spec.h"

#define ALARM_NEVER INT64_MIN
#define ALARM_CHANGES 8 /* so many begins and ends within ALARM_FLAP_NS are flapping */
#define ALARM_FLAP_NS (INT64_C(1800) * 1000000000)

enum alarm_state { ALARM_QUIET, ALARM_PENDING, ALARM_FIRING };

struct alarm_limit {
	uint32_t looks;  /* a bit each, the last one lowest: it was bad */
	int64_t over_ns; /* bad since; ALARM_NEVER: it is not */
	bool active;
};

struct alarm {
	struct alarm_limit limits[SPEC_SEVERITIES];
	enum alarm_state state;
	enum spec_severity severity;
	int told_severity; /* of the last notice; a worse one needs no cooldown; -1: none yet */
	bool told;         /* of this time that it fires */
	bool acknowledged, flapping;
	bool blind; /* the last look saw nothing */
	double value, peak;
	int64_t since_ns, since_ms;        /* of its state */
	int64_t bad_ns;                    /* when a limit was last passed */
	int64_t notice_ns, notice_ms;      /* of the last notice that it fires */
	uint32_t notices;                  /* of this time that it fires */
	uint8_t level;                     /* that was told last: 1 … 3; 0: none */
	int64_t changes_ns[ALARM_CHANGES]; /* begins and ends, a ring */
	uint8_t change_next;
};

struct alarm_look {
	double value;          /* NAN: there is no data */
	int64_t now_ns;        /* CLOCK_MONOTONIC */
	int64_t wall_ms;       /* for people */
	bool muted;            /* silenced or inhibited: nobody is told */
	uint32_t second_level; /* the notice that goes to level 2, and … */
	uint32_t third_level;  /* … to level 3, where the rule is service-impacting */
};

/* What came of a look, bits. */
enum alarm_turn { ALARM_CHANGED = 1, ALARM_NOTICE = 2, ALARM_RECOVERY = 4 };

void alarm_init(struct alarm *a);
unsigned int alarm_step(struct alarm *a, const struct spec *s, const struct alarm_look *look);

/* Its rule is gone, or looked at no more: ALARM_RECOVERY where somebody had been told. */
unsigned int alarm_end(struct alarm *a, const struct alarm_look *look);

/* May it be forgotten? Not while it could still be held back. */
bool alarm_is_over(const struct alarm *a, const struct spec *s, int64_t now_ns);

/* Was the last notice of this time that it fires of another severity than this? */
bool alarm_turned(const struct alarm *a, enum spec_severity severity);

/* All its times are moved: the machine was started again. */
void alarm_shift(struct alarm *a, int64_t by_ns);

#endif
