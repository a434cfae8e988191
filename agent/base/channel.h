/*
 * channel - one way on which notices of alerts are told, as the configuration describes it.
 *
 * Threads:  a value.
 * Memory:   none.
 * Errors:   -EINVAL, with the key at fault and the reason.
 * As text: the name, then "key=value" each, parted by newlines or, where there are none, by blanks:
 * "ops type=webhook url=http://127.0.0.1/hook".
 */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MAX 16 /* of a configuration, log and email among them */
#define CHANNEL_NAME 24
#define CHANNEL_VALUE 512
#define CHANNEL_TEXT 4096 /* of a whole one */

enum channel_type {
	CHANNEL_LOG,
	CHANNEL_WEBHOOK,
	CHANNEL_SLACK,
	CHANNEL_PAGERDUTY,
	CHANNEL_ALERTMANAGER,
	CHANNEL_DOGSTATSD,
	CHANNEL_EMAIL,
	CHANNEL_EXEC, /* from here on actions: what is done, not told */
	CHANNEL_RESTART_UNIT,
	CHANNEL_CACHE_CLEAR,
	CHANNEL_TYPES,
};

enum channel_key {
	CHANNEL_URL,
	CHANNEL_URL_FILE,
	CHANNEL_SECRET,
	CHANNEL_SECRET_FILE,
	CHANNEL_ROUTING_KEY,
	CHANNEL_ROUTING_KEY_FILE,
	CHANNEL_ADDRESS,
	CHANNEL_SMTP,
	CHANNEL_FROM,
	CHANNEL_TO, /* addresses, parted by commas */
	CHANNEL_USERNAME,
	CHANNEL_PASSWORD,
	CHANNEL_PASSWORD_FILE,
	CHANNEL_STARTTLS, /* "auto": as offered, and needed for a password; "required"; "none" */
	CHANNEL_CA_FILE,
	CHANNEL_TIMEOUT,
	CHANNEL_COMMAND, /* arguments, parted by ACTION_PARTING */
	CHANNEL_USER,
	CHANNEL_UNITS, /* names, parted by commas */
	CHANNEL_PATTERN,
	CHANNEL_AT_MOST_EVERY,
	CHANNEL_KEYS,
};

struct channel {
	char name[CHANNEL_NAME];
	enum channel_type type;
	char values[CHANNEL_KEYS][CHANNEL_VALUE]; /* "" where there is none */
	uint32_t timeout_ms;                      /* of one delivery, all in all */
	uint32_t pause_ms;                        /* of an action: from one to the next, at least */
};

struct channel_error {
	char key[64]; /* "": the channel as a whole */
	char reason[160];
};

const char *channel_type_name(enum channel_type type);
const char *channel_key_name(enum channel_key key);
bool channel_is_action(enum channel_type type);

/* Of all that the configuration says of it: two that differ have not the same one. */
uint64_t channel_sum(const struct channel *c);

int channel_parse(const char *text, struct channel *out, struct channel_error *error);

/* The file that this key's value is to be read from; CHANNEL_KEYS: there is none. */
enum channel_key channel_file_of(enum channel_key key);

/* As text for people: "ops type=webhook url=http://127.0.0.1/…", no secret in it. */
void channel_show(const struct channel *c, char *out, size_t size);

#endif
