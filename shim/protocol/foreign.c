#include "foreign.h"

#include "hot.h"

#include <ringside/abi.h>

#include <string.h>

#define FOREIGN_TLS 0x16        /* a TLS client that found the wrong port */
#define FOREIGN_METHOD_MOST 16u /* as http1.c has it */
#define FOREIGN_HEAD 6u         /* what tells uwsgi from others */

/* As http1_request has it, which goes by nginx. */
static bool foreign_is_method(uint8_t first)
{
	return first == '_' || first == '-' || (uint8_t)((first | 0x20) - 'a') < 26;
}

/*
 * Its method ends in what no method ends in, as http1_request finds once the line is whole. A
 * length may begin like a letter (mod_wsgi's daemons), and no line ever end.
 */
static bool foreign_is_odd(const struct http1 *p)
{
	uint32_t n = p->line < FOREIGN_METHOD_MOST + 1 ? p->line : FOREIGN_METHOD_MOST + 1;
	uint32_t i = 1;

	while (i < n && foreign_is_method(p->text[i]))
		i++;
	return i > FOREIGN_METHOD_MOST || (i < n && p->text[i] != ' ');
}

static bool foreign_is_cut(const struct http1 *p)
{
	if (foreign_is_method(p->text[0]))
		return foreign_is_odd(p);
	return p->text[0] >= FOREIGN_TLS || p->line >= FOREIGN_HEAD;
}

RARE bool foreign_begins(struct http1 *p)
{
	if (p->step != HTTP1_AT_FIRST_LINE || !p->line || !foreign_is_cut(p))
		return false;
	p->step = HTTP1_AT_BAD;
	p->why = RS_UNPARSED_GARBAGE;
	return true;
}

RARE bool foreign_answers(struct http1 *p)
{
	static const char version[] = "HTTP/1.";
	size_t n = p->line < sizeof(version) - 1 ? p->line : sizeof(version) - 1;

	if (p->step != HTTP1_AT_FIRST_LINE || !memcmp(p->text, version, n))
		return false;
	p->step = HTTP1_AT_BAD;
	p->why = RS_UNPARSED_GARBAGE;
	return true;
}

/*
 * Bytes 3 and 5 are zero: a modifier nobody uses, and the high byte of the first key's length; 1
 * and 2 are the length of all, which is not. Nor is 4 less than two, as in a frame of HTTP/2 or a
 * record of FastCGI: no name of a variable is so short.
 */
static bool foreign_is_uwsgi(const struct http1 *p)
{
	return p->line >= FOREIGN_HEAD && p->text[0] < FOREIGN_TLS && !p->text[3] && !p->text[5] &&
	       (p->text[1] || p->text[2]) && p->text[4] > 1;
}

RARE bool foreign_is_refused(const struct http1 *p, uint16_t status)
{
	static const uint16_t refusals[] = { 400, 408, 414, 426, 431, 501, 505 };

	if (p->why == RS_UNPARSED_UNSEEN_IO)
		return false; /* nobody knows what was read */
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (status == refusals[i])
			return !foreign_is_uwsgi(p);
	}
	return false;
}
