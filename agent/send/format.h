/*
 * format - a notice in the words of each kind of receiver.
 *
 * Threads:  pure functions.
 * Memory:   into the caller's json, which takes any bytes.
 * Errors:   kept in the json.
 * Sources:  PagerDuty Events API v2; Alertmanager API v2, POST /alerts; Slack incoming webhooks;
 *           DogStatsD datagram, events; RFC 5322.
 */
#ifndef SEND_FORMAT_H
#define SEND_FORMAT_H

#include "channel.h"
#include "json.h"
#include "notice.h"

#define FORMAT_HOST 65
#define FORMAT_KEY 128

/* Alertmanager takes an alert for resolved once this has passed without a word. */
#define FORMAT_HOLDS_MS INT64_C(300000)

enum format_kind {
	FORMAT_NOTICE,
	FORMAT_HELD, /* it still fires: for receivers that forget */
	FORMAT_TEST, /* somebody tries the channel */
};

struct format {
	const struct notice *notice;
	const char *host;
	const char *routing_key; /* of PagerDuty */
	const char *from, *to;   /* of mail */
	enum format_kind kind;
	int64_t now_ms;
};

/* The same for each try of a notice, and of no other. */
void format_key(const struct format *f, char out[FORMAT_KEY]);

/* The same for all notices of one time that an alert fires. */
void format_incident(const struct format *f, char out[FORMAT_KEY]);

/* The body that a channel of this type sends; type: not log. */
void format_body(const struct format *f, enum channel_type type, struct json *j);

/* What it is about in one line. */
void format_title(const struct format *f, char *out, size_t size);

#endif
