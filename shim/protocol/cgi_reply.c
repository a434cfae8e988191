#include "cgi_reply.h"

#include "line.h"

#define CGI_REPLY_FOUND 302u
#define CGI_REPLY_OK 200u

void cgi_reply_init(struct cgi_reply *r)
{
	memset(r, 0, sizeof(*r));
}

/* Does the line begin with it, but for the case of its letters? name is in lower case. */
static bool cgi_reply_has(const struct cgi_reply *r, const char *name, size_t n)
{
	if (r->kept < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = r->text[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)name[i])
			return false;
	}
	return true;
}

/* Three digits, from there on behind blanks; 0: there are none. */
static uint16_t cgi_reply_number(const struct cgi_reply *r, size_t at)
{
	uint32_t number = 0;
	size_t end;

	while (at < r->kept && line_is_blank(r->text[at]))
		at++;
	for (end = at + 3; at < end; at++) {
		if (at >= r->kept || (uint8_t)(r->text[at] - '0') > 9)
			return 0;
		number = number * 10 + (r->text[at] - (uint32_t)'0');
	}
	if (end < r->kept && (uint8_t)(r->text[end] - '0') <= 9)
		return 0;
	return number >= 100 ? (uint16_t)number : 0;
}

static void cgi_reply_line(struct cgi_reply *r)
{
	static const char status[] = "status:", location[] = "location:", version[] = "http/1.";
	const size_t version_bytes = sizeof(version) - 1 + 1; /* and a digit */

	if (!r->lines && cgi_reply_has(r, version, sizeof(version) - 1))
		r->said = cgi_reply_number(r, version_bytes);
	else if (!r->said && cgi_reply_has(r, status, sizeof(status) - 1))
		r->said = cgi_reply_number(r, sizeof(status) - 1);
	else if (cgi_reply_has(r, location, sizeof(location) - 1))
		r->located = true;
}

static void cgi_reply_end_line(struct cgi_reply *r)
{
	if (r->kept && r->text[r->kept - 1] == '\r')
		r->kept--;
	if (r->kept)
		cgi_reply_line(r);
	else if (r->said)
		r->status = r->said;
	else
		r->status = r->located ? CGI_REPLY_FOUND : CGI_REPLY_OK;
	r->lines += r->lines < UINT32_MAX;
	r->kept = 0;
}

void cgi_reply_read(struct cgi_reply *r, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;

	while (at < end && !r->status) {
		const uint8_t *stop = line_find(at, end, '\n', '\n');
		size_t more = (size_t)(stop - at);

		if (more > (size_t)(CGI_REPLY_KEPT - r->kept))
			more = (size_t)(CGI_REPLY_KEPT - r->kept);
		memcpy(r->text + r->kept, at, more);
		r->kept = (uint8_t)(r->kept + more);
		at = stop + 1;
		if (stop < end)
			cgi_reply_end_line(r);
	}
}
