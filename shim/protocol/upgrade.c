#include "upgrade.h"

#include "fields.h"
#include "hot.h"

#define UPGRADE_NAME 8u /* "Upgrade:" */

/* A list has the protocol that is spoken last first (RFC 9110 7.8); of h2c there is never more. */
static bool upgrade_is_h2c(const struct line *line)
{
	const uint8_t *at = line->text + UPGRADE_NAME;
	const uint8_t *end = line->text + line->kept;

	if (line->kept <= UPGRADE_NAME || (line_word(line->text) | LINE_LOWER) !=
						  LINE_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':'))
		return false;
	while (at < end && line_is_blank(*at))
		at++;
	while (at < end && line_is_blank(end[-1]))
		end--;
	return end - at == 3 && (at[0] | 0x20) == 'h' && at[1] == '2' && (at[2] | 0x20) == 'c';
}

RARE bool upgrade_read(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct line line;

	while (line_next(p, at, end, &line)) {
		if (!line.length)
			return true;
		if (upgrade_is_h2c(&line))
			p->fields |= FIELDS_H2C;
	}
	return false;
}
