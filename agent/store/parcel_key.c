#include "parcel_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARCEL_DRIFT_MS INT64_C(2000) /* by so much two agents may have read the clocks apart */

static int64_t parcel_down(int64_t value, int64_t by)
{
	int64_t rest = value % by;

	return (value - rest) / by - (rest < 0);
}

int64_t parcel_number_at(enum series_step step, int64_t wall_ms)
{
	return parcel_down(wall_ms, (int64_t)series_step_s[step] * 1000);
}

int64_t parcel_number(enum series_step step, uint32_t second, int64_t wall_offset_ms)
{
	return parcel_number_at(step, (int64_t)second * 1000 + wall_offset_ms);
}

int64_t parcel_number_ms(enum series_step step, int64_t number)
{
	return number * series_step_s[step] * 1000;
}

static bool parcel_is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

static size_t parcel_escape(const char *text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *text; text++) {
		if (parcel_is_plain(*text)) {
			out[n++] = *text;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[(unsigned char)*text >> 4];
		out[n++] = digits[(unsigned char)*text & 15];
	}
	out[n] = '\0';
	return n;
}

static int parcel_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that %XX stands for, where it has to be written so; -1: it is none of these. */
static int parcel_escaped(const char *text, size_t left)
{
	int high = left > 2 ? parcel_hex(text[1]) : -1;
	int low = left > 2 ? parcel_hex(text[2]) : -1;
	int c;

	if (high < 0 || low < 0)
		return -1;
	c = high << 4 | low;
	return parcel_is_plain((char)c) || c < 0x20 || c > 0x7e ? -1 : c;
}

/* What parcel_escape would write as text, and nothing else. */
static int parcel_unescape(const char *text, size_t length, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int c = parcel_is_plain(text[i]) ? text[i] : -1;

		if (text[i] == '%') {
			c = parcel_escaped(text + i, length - i);
			i += 2;
		}
		if (c < 0 || n + 1 >= size)
			return -EBADMSG;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

size_t parcel_index_put(const char *host, char out[PARCEL_KEY])
{
	size_t n = sizeof("agg:{") - 1;

	memcpy(out, "agg:{", n);
	n += parcel_escape(host, out + n);
	out[n++] = '}';
	out[n] = '\0';
	return n;
}

size_t parcel_member_put(const char *service, const char *environment, char out[PARCEL_MEMBER])
{
	size_t n = parcel_escape(service, out);

	out[n++] = ':';
	return n + parcel_escape(environment, out + n);
}

size_t parcel_key_put(const struct parcel_label *label, int64_t number, char out[PARCEL_KEY])
{
	size_t n = parcel_index_put(label->host, out);

	out[n++] = ':';
	n += parcel_member_put(label->service, label->environment, out + n);
	return n + (size_t)snprintf(out + n, PARCEL_KEY - n, ":%u:%lld", series_step_s[label->step],
				    (long long)number);
}

int parcel_member_get(const char *text, size_t length, struct parcel_label *label)
{
	const char *colon = memchr(text, ':', length);
	size_t service = colon ? (size_t)(colon - text) : 0;

	memset(label->service, 0, sizeof(label->service));
	memset(label->environment, 0, sizeof(label->environment));
	if (!service || parcel_unescape(text, service, label->service, sizeof(label->service)))
		return -EBADMSG;
	return parcel_unescape(colon + 1, length - service - 1, label->environment,
			       sizeof(label->environment));
}

const char *parcel_key_check(const struct parcel_label *label, const struct parcel_label *wanted,
			     int64_t number)
{
	int64_t begins_ms = (int64_t)label->second * 1000 + label->wall_offset_ms;
	int64_t slot_ms = parcel_number_ms(wanted->step, number);

	if (label->step != wanted->step || strcmp(label->host, wanted->host) != 0 ||
	    strcmp(label->service, wanted->service) != 0 ||
	    strcmp(label->environment, wanted->environment) != 0)
		return "it is another one's";
	if (begins_ms < slot_ms - PARCEL_DRIFT_MS ||
	    begins_ms >= slot_ms + (int64_t)series_step_s[wanted->step] * 1000 + PARCEL_DRIFT_MS)
		return "it is of another time";
	return NULL;
}

void parcel_host(const char *name, char out[PARCEL_HOST])
{
	size_t n = 0;

	for (; *name && n < PARCEL_HOST - 1; name++)
		out[n++] = parcel_is_plain(*name) ? *name : '_';
	out[n] = '\0';
	if (!n)
		snprintf(out, PARCEL_HOST, "localhost");
}
