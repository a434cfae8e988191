#include "redis_fault.h"

#include "redis_key.h"

#include <errno.h>
#include <string.h>

#define REDIS_FAULT_TEXT 320

static const struct {
	const char *name;
	const char *word; /* that an error reply begins with */
} redis_faults[REDIS_FAULTS] = {
	[REDIS_FINE] = { "fine", NULL },
	[REDIS_TIMEOUT] = { "timeout", NULL },
	[REDIS_LOST] = { "connection lost", NULL },
	[REDIS_ODD] = { "out of step", NULL },
	[REDIS_TOO_LONG] = { "too long", NULL },
	[REDIS_AWAY] = { "away", NULL },
	[REDIS_CLOSED] = { "closed", NULL },
	[REDIS_LOADING] = { "LOADING", "LOADING" },
	[REDIS_READONLY] = { "READONLY", "READONLY" },
	[REDIS_OOM] = { "OOM", "OOM" },
	[REDIS_NOAUTH] = { "wrong password", "NOAUTH" },
	[REDIS_NOPERM] = { "NOPERM", "NOPERM" },
	[REDIS_WRONGTYPE] = { "WRONGTYPE", "WRONGTYPE" },
	[REDIS_CLUSTERDOWN] = { "CLUSTERDOWN", "CLUSTERDOWN" },
	[REDIS_TRYAGAIN] = { "TRYAGAIN", "TRYAGAIN" },
	[REDIS_MASTERDOWN] = { "MASTERDOWN", "MASTERDOWN" },
	[REDIS_MOVED] = { "MOVED", "MOVED" },
	[REDIS_ASK] = { "ASK", "ASK" },
	[REDIS_MISCONF] = { "MISCONF", "MISCONF" },
	[REDIS_ERROR] = { "error", NULL },
};

const char *redis_fault_name(enum redis_fault fault)
{
	return redis_faults[fault].name;
}

static bool redis_fault_begins(const char *text, size_t length, const char *word)
{
	size_t n = strlen(word);

	return length >= n && !memcmp(text, word, n) && (length == n || text[n] == ' ');
}

enum redis_fault redis_fault_of(const char *text, size_t length)
{
	for (int i = 0; i < REDIS_FAULTS; i++)
		if (redis_faults[i].word && redis_fault_begins(text, length, redis_faults[i].word))
			return (enum redis_fault)i;
	if (redis_fault_begins(text, length, "WRONGPASS"))
		return REDIS_NOAUTH;
	return REDIS_ERROR;
}

bool redis_fault_passes(enum redis_fault fault)
{
	return fault == REDIS_TRYAGAIN || fault == REDIS_CLUSTERDOWN || fault == REDIS_MASTERDOWN ||
	       fault == REDIS_LOADING;
}

/* A number up to most, that `end` ends; where that is. */
static const char *redis_fault_number(const char *text, char end, uint32_t most, uint32_t *out)
{
	uint32_t value = 0;
	size_t n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && n < 6; n++)
		value = value * 10 + (uint32_t)(text[n] - '0');
	*out = value;
	return n && text[n] == end && value <= most ? text + n : NULL;
}

int redis_fault_redirect(const char *text, size_t length, uint32_t *slot, struct redis_place *place)
{
	const char *at, *colon;
	char line[REDIS_FAULT_TEXT];
	uint32_t port;
	size_t host;

	if (length >= sizeof(line) || memchr(text, '\0', length))
		return -EINVAL;
	memcpy(line, text, length);
	line[length] = '\0';
	at = strchr(line, ' ');
	at = at ? redis_fault_number(at + 1, ' ', REDIS_SLOTS - 1, slot) : NULL;
	colon = at ? strrchr(at, ':') : NULL; /* the last: an IPv6 number has its own */
	if (!colon || !redis_fault_number(colon + 1, '\0', 65535, &port) || !port)
		return -EINVAL;
	at++;
	host = (size_t)(colon - at);
	if (host >= sizeof(place->host) || memchr(at, ' ', host))
		return -EINVAL;
	memset(place, 0, sizeof(*place));
	memcpy(place->host, at, host);
	place->port = (uint16_t)port;
	return 0;
}
