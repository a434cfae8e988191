#include "escalation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ESCALATION_MEMBER 64

static int escalation_after(const char *value, struct escalation *out, const char **reason)
{
	char *end;
	long after = strtol(value, &end, 10);

	*reason = "after must be a whole number from 2 to 1000";
	if (*value < '0' || *value > '9' || *end || after < 2 || after > ESCALATION_MOST)
		return -EINVAL;
	out->after = (uint32_t)after;
	return 0;
}

static int escalation_notify(const char *value, struct escalation *out, const char **reason)
{
	*reason = "notify must be 1 to 16 names of channels";
	if (!*value || strlen(value) >= CHANNEL_NAME || out->count == CHANNEL_MAX)
		return -EINVAL;
	memcpy(out->notify[out->count++], value, strlen(value) + 1);
	return 0;
}

static int escalation_member(const char *text, struct escalation *out, const char **reason)
{
	if (!strncmp(text, "after=", 6))
		return escalation_after(text + 6, out, reason);
	if (!strncmp(text, "notify=", 7))
		return escalation_notify(text + 7, out, reason);
	*reason = "when can be service-impacting alone";
	if (!strncmp(text, "when=", 5)) {
		out->impacting = !strcmp(text + 5, "service-impacting");
		return out->impacting ? 0 : -EINVAL;
	}
	*reason = "must be after, notify and perhaps when";
	return -EINVAL;
}

int escalation_parse(const char *text, struct escalation *out, const char **reason)
{
	char member[ESCALATION_MEMBER];

	memset(out, 0, sizeof(*out));
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		*reason = "must be after, notify and perhaps when";
		if (length >= sizeof(member))
			return -EINVAL;
		snprintf(member, sizeof(member), "%.*s", (int)length, text);
		if (escalation_member(member, out, reason))
			return -EINVAL;
		text += length;
	}
	*reason = "must say after how many notices whom to notify";
	return out->after && out->count ? 0 : -EINVAL;
}
