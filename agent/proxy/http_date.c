#include "http_date.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char date_months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char date_days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* So many digits, a blank counting as nought. */
static int date_number(const char *at, int digits)
{
	int number = 0;

	for (int i = 0; i < digits; i++) {
		if (at[i] != ' ' && (at[i] < '0' || at[i] > '9'))
			return -1;
		number = number * 10 + (at[i] == ' ' ? 0 : at[i] - '0');
	}
	return number;
}

static int date_month(const char *at)
{
	for (int i = 0; i < 12; i++)
		if (!memcmp(at, date_months[i], 3))
			return i;
	return -1;
}

/* "08:49:37" */
static bool date_time(const char *at, struct tm *out)
{
	out->tm_hour = date_number(at, 2);
	out->tm_min = date_number(at + 3, 2);
	out->tm_sec = date_number(at + 6, 2);
	return at[2] == ':' && at[5] == ':' && out->tm_hour >= 0 && out->tm_hour < 24 &&
	       out->tm_min >= 0 && out->tm_min < 60 && out->tm_sec >= 0 && out->tm_sec <= 60;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool date_fixed(const char *at, struct tm *out)
{
	out->tm_mday = date_number(at + 5, 2);
	out->tm_mon = date_month(at + 8);
	out->tm_year = date_number(at + 12, 4) - 1900;
	return !memcmp(at + 3, ", ", 2) && date_time(at + 17, out) && !memcmp(at + 25, " GMT", 4);
}

/* "Sun Nov  6 08:49:37 1994" */
static bool date_c(const char *at, struct tm *out)
{
	out->tm_mon = date_month(at + 4);
	out->tm_mday = date_number(at + 8, 2);
	out->tm_year = date_number(at + 20, 4) - 1900;
	return at[3] == ' ' && at[19] == ' ' && date_time(at + 11, out);
}

/* From behind the name of the day: ", 06-Nov-94 08:49:37 GMT" */
static bool date_old(const char *at, int64_t now_s, struct tm *out)
{
	int this_year = (int)(1970 + now_s / 31556952);

	out->tm_mday = date_number(at + 2, 2);
	out->tm_mon = date_month(at + 5);
	out->tm_year = date_number(at + 9, 2);
	if (out->tm_year < 0)
		return false;
	out->tm_year += this_year - this_year % 100 - 1900;
	if (out->tm_year + 1900 > this_year + 50)
		out->tm_year -= 100;
	return at[0] == ',' && at[4] == '-' && at[8] == '-' && date_time(at + 12, out) &&
	       !memcmp(at + 20, " GMT", 4);
}

int http_date_parse(const struct http_text *text, int64_t now_s, int64_t *out)
{
	const char *comma = memchr(text->at, ',', text->length);
	struct tm tm = { .tm_mday = 0 };
	bool good = false;

	if (text->length == 29)
		good = date_fixed(text->at, &tm);
	else if (text->length == 24 && !comma)
		good = date_c(text->at, &tm);
	else if (comma && text->length - (size_t)(comma - text->at) == 24)
		good = date_old(comma, now_s, &tm);
	if (!good || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 0)
		return -EINVAL;
	*out = timegm(&tm);
	return 0;
}

void http_date_format(int64_t s, char out[HTTP_DATE_TEXT])
{
	time_t at = s;
	struct tm tm;

	if (!gmtime_r(&at, &tm))
		memset(&tm, 0, sizeof(tm));
	/* unsigned and within their digits: a date that is none has no room to do harm */
	snprintf(out, HTTP_DATE_TEXT, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
		 date_days[(unsigned int)tm.tm_wday % 7], (unsigned int)tm.tm_mday % 100,
		 date_months[(unsigned int)tm.tm_mon % 12],
		 ((unsigned int)tm.tm_year + 1900) % 10000, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
}
