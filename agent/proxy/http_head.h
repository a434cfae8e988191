/*
 * http_head - the head of one HTTP/1.x message, strictly read (RFC 9112), with the places of its
 *             parts.
 *
 * Threads:  any; pure.
 * Memory:   none; texts point into the bytes that were read.
 * Errors:   0: more is needed; negative: the status to refuse a request with (-400, -431, -505);
 *           of a response any of them is a 502.
 * Strict:   what one reader could take for two messages and another for one is refused: bare LF or
 *           CR, folded lines, blanks before a colon, control bytes, an unknown version. Nothing is
 *           repaired, since what is passed on would be another message than what was checked.
 */
#ifndef PROXY_HTTP_HEAD_H
#define PROXY_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_FIELDS 128u

struct http_text {
	const char *at;
	size_t length;
};

/* Fields that somebody here asks for; those from HTTP_KEYED_FIRST on are in every key. */
enum http_name {
	HTTP_OTHER,
	HTTP_AGE,
	HTTP_AUTHORIZATION,
	HTTP_CACHE_CONTROL,
	HTTP_CACHE_TAG,
	HTTP_CONNECTION,
	HTTP_CONTENT_LENGTH,
	HTTP_CONTENT_LOCATION,
	HTTP_COOKIE,
	HTTP_DATE,
	HTTP_ETAG,
	HTTP_EXPECT,
	HTTP_EXPIRES,
	HTTP_HOST,
	HTTP_HTTP2_SETTINGS,
	HTTP_IF_MATCH,
	HTTP_IF_MODIFIED_SINCE,
	HTTP_IF_NONE_MATCH,
	HTTP_IF_RANGE,
	HTTP_IF_UNMODIFIED_SINCE,
	HTTP_KEEP_ALIVE,
	HTTP_LAST_MODIFIED,
	HTTP_PRAGMA,
	HTTP_PROXY_CONNECTION,
	HTTP_RANGE,
	HTTP_SET_COOKIE,
	HTTP_SURROGATE_KEY,
	HTTP_TE,
	HTTP_TRANSFER_ENCODING,
	HTTP_UPGRADE,
	HTTP_VARY,
	HTTP_X_CACHE,
	HTTP_KEYED_FIRST,
	HTTP_FORWARDED = HTTP_KEYED_FIRST,
	HTTP_X_FORWARDED_HOST,
	HTTP_X_FORWARDED_PORT,
	HTTP_X_FORWARDED_PREFIX,
	HTTP_X_FORWARDED_PROTO,
	HTTP_X_FORWARDED_SCHEME,
	HTTP_X_FORWARDED_SERVER,
	HTTP_X_HOST,
	HTTP_X_HTTP_METHOD_OVERRIDE,
	HTTP_X_METHOD_OVERRIDE,
	HTTP_X_ORIGINAL_URL,
	HTTP_X_REWRITE_URL,
	HTTP_NAMES,
};

struct http_field {
	struct http_text name, value; /* of a value without the blanks around it */
	uint8_t id;                   /* enum http_name */
	bool hop;                     /* of this connection alone: not for who is behind us */
};

struct http_head {
	struct http_text method, target; /* of a request */
	struct http_text reason;         /* of a response */
	uint16_t status;
	uint8_t minor;   /* of HTTP/1.x: 0 or 1 */
	uint32_t count;  /* of fields */
	uint64_t known;  /* a bit for each enum http_name that is there, hop or not */
	bool close;      /* Connection: close */
	bool keep_alive; /* Connection: keep-alive */
	bool upgrade;    /* Connection: upgrade, and there is an Upgrade */
	struct http_field fields[HTTP_HEAD_FIELDS];
};

/*
 * The length of the head at the begin of what has come; 0: its end has not. *seen: how far was
 * looked before, 0 at first. -400: a line that does not end as it should.
 */
long http_head_find(const char *bytes, size_t length, size_t *seen);

/* Of a whole head, as http_head_find has it. 0 or negative. */
int http_head_request(struct http_head *h, const char *bytes, size_t length);
int http_head_response(struct http_head *h, const char *bytes, size_t length);

/* Those that are not hop. The first field of that name, or the next behind one; NULL: none. */
const struct http_field *http_head_get(const struct http_head *h, enum http_name id,
				       const struct http_field *behind);
const struct http_field *http_head_named(const struct http_head *h, const char *name,
					 const struct http_field *behind);
bool http_head_has(const struct http_head *h, enum http_name id);

void http_text_trim(struct http_text *text);                       /* takes blanks off both ends */
bool http_text_is(const struct http_text *text, const char *word); /* in any case */

/* The next of a list parted by commas, without blanks; false: no more. *rest: of the value. */
bool http_text_next(struct http_text *rest, struct http_text *out);

/* May this byte stand in a field's value, or in a name? */
bool http_byte_is_value(char byte);
bool http_byte_is_token(char byte);

#endif
