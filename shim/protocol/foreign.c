#include "foreign.h"

#define FOREIGN_BYTES 6u /* by which uwsgi is known */
#define FOREIGN_TLS 0x16 /* a TLS client that found the wrong port */

bool foreign_is_told(const struct http1 *p)
{
	return p->step == HTTP1_AT_FIRST_LINE && p->line >= FOREIGN_BYTES;
}

uint8_t foreign_kind(const struct http1 *p)
{
	const uint8_t *text = p->text;
	uint8_t letter = text[0] | 0x20;

	if (!p->line || (letter >= 'a' && letter <= 'z') || text[0] == '-' || text[0] == '_')
		return FOREIGN_NOT;
	/* A modifier that nobody uses, and the high byte of the first key's length. */
	if (p->line >= FOREIGN_BYTES && text[0] < FOREIGN_TLS && !text[3] && !text[5])
		return FOREIGN_UWSGI;
	return FOREIGN_OTHER;
}

bool foreign_is_refused(uint8_t kind, uint16_t status)
{
	static const uint16_t refusals[] = { 400, 408, 414, 426, 431, 501, 505 };

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (status == refusals[i])
			return kind != FOREIGN_UWSGI;
	}
	return false;
}
