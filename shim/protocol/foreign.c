#include "foreign.h"

#include <ringside/abi.h>

#define FOREIGN_TLS 0x16 /* a TLS client that found the wrong port */

bool foreign_begins(struct http1 *p)
{
	uint8_t letter = p->text[0] | 0x20;

	if (p->step != HTTP1_AT_FIRST_LINE || !p->line || (letter >= 'a' && letter <= 'z'))
		return false;
	p->step = HTTP1_AT_BAD;
	p->why = RS_UNPARSED_GARBAGE;
	return true;
}

/* Bytes 3 and 5 are zero: a modifier nobody uses, and the high byte of the first key's length. */
static bool foreign_is_uwsgi(const struct http1 *p)
{
	return p->line > 5 && p->text[0] < FOREIGN_TLS && !p->text[3] && !p->text[5];
}

bool foreign_is_refused(const struct http1 *p, uint16_t status)
{
	static const uint16_t refusals[] = { 400, 408, 414, 426, 431, 501, 505 };

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (status == refusals[i])
			return !foreign_is_uwsgi(p);
	}
	return false;
}
