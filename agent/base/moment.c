#include "moment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t moment_monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t moment_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

int64_t moment_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void moment_format(int64_t wall_ms, char out[MOMENT_TEXT])
{
	int64_t ms = wall_ms % 1000;
	time_t seconds;
	size_t length;
	struct tm tm;

	if (ms < 0)
		ms += 1000;
	seconds = (time_t)((wall_ms - ms) / 1000);
	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	length = strftime(out, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + length, MOMENT_TEXT - length, ".%03dZ", (int)ms);
}

/* Reads n digits; -1: they are not there. */
static int moment_digits(const char **text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*text += n;
	return value;
}

static bool moment_sign(const char **text, char sign)
{
	if (**text != sign)
		return false;
	(*text)++;
	return true;
}

static int moment_parse_unix(const char *text, int64_t *wall_ms)
{
	char *end;
	double seconds;

	if (*text < '0' || *text > '9' || strspn(text, "0123456789.") != strlen(text))
		return -EINVAL;
	seconds = strtod(text, &end);
	if (*end || seconds > 1e11)
		return -EINVAL;
	*wall_ms = (int64_t)(seconds * 1000 + 0.5);
	return 0;
}

/* Z, +hh:mm or -hh:mm, and nothing after it. */
static int moment_parse_zone(const char *text, int *minutes)
{
	int sign = *text == '-' ? -1 : 1;
	int hour, minute;

	*minutes = 0;
	if (!strcmp(text, "Z"))
		return 0;
	/* A + that was not percent-encoded in a query arrives as a blank. */
	if (*text != '+' && *text != '-' && *text != ' ')
		return -EINVAL;
	text++;
	hour = moment_digits(&text, 2);
	if (hour < 0 || hour > 23 || !moment_sign(&text, ':'))
		return -EINVAL;
	minute = moment_digits(&text, 2);
	if (minute < 0 || minute > 59 || *text)
		return -EINVAL;
	*minutes = sign * (hour * 60 + minute);
	return 0;
}

/* hh:mm[:ss[.fraction]] */
static int moment_parse_time(const char **text, struct tm *tm, int *ms)
{
	tm->tm_hour = moment_digits(text, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !moment_sign(text, ':'))
		return -EINVAL;
	tm->tm_min = moment_digits(text, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59)
		return -EINVAL;
	if (!moment_sign(text, ':'))
		return 0;
	tm->tm_sec = moment_digits(text, 2);
	if (tm->tm_sec < 0 || tm->tm_sec > 60)
		return -EINVAL;
	if (!moment_sign(text, '.'))
		return 0;
	for (int unit = 100; **text >= '0' && **text <= '9'; unit /= 10)
		*ms += unit * (*(*text)++ - '0');
	return 0;
}

int moment_parse(const char *text, int64_t *wall_ms)
{
	struct tm tm = { 0 };
	int ms = 0, zone;

	if (!moment_parse_unix(text, wall_ms))
		return 0;
	tm.tm_year = moment_digits(&text, 4) - 1900;
	if (tm.tm_year < 0 || !moment_sign(&text, '-'))
		return -EINVAL;
	tm.tm_mon = moment_digits(&text, 2) - 1;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || !moment_sign(&text, '-'))
		return -EINVAL;
	tm.tm_mday = moment_digits(&text, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || !moment_sign(&text, 'T'))
		return -EINVAL;
	if (moment_parse_time(&text, &tm, &ms) || moment_parse_zone(text, &zone))
		return -EINVAL;
	*wall_ms = ((int64_t)timegm(&tm) - zone * 60) * 1000 + ms;
	return 0;
}
