/*
 * json - writes a JSON document into one growing buffer, value by value.
 *
 * Threads:  one owner.
 * Memory:   json_init allocates nothing; the buffer doubles as it fills; json_fini frees it.
 * Errors:   kept inside: after json_init check json_finish once (-ENOMEM).
 * Strings:  bytes that are no valid UTF-8 become U+FFFD; control bytes are escaped, and so are <, >
 *           and &, so that a document is harmless inside a page.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *bytes; /* NUL-terminated after json_finish */
	size_t length, size;
	bool comma; /* a value stands before the next one */
	bool failed;
};

void json_init(struct json *j);
void json_fini(struct json *j);
int json_finish(struct json *j); /* 0 or -ENOMEM; the buffer stays the json's */

/* key: the member's name in an object, NULL in an array and at the top. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *key, const char *value); /* NULL: null */
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_time(struct json *j, const char *key, int64_t wall_ms); /* ISO 8601 */

/* Within 0.01 % from 0.0001 on: three to eight decimals; not finite: null. */
void json_double(struct json *j, const char *key, double value);
/* As json_double; negative is null too: for what is measured and may be unknown. */
void json_measure(struct json *j, const char *key, double value);
void json_raw(struct json *j, const char *key, const char *text, size_t length);

#endif
