/*
 * negotiate - what a client takes: encodings, media types, and what it has already.
 *
 * Threads:  any.
 * Memory:   none.
 */
#ifndef WEB_NEGOTIATE_H
#define WEB_NEGOTIATE_H

#include <stdbool.h>

enum negotiate_metrics { NEGOTIATE_TEXT, NEGOTIATE_OPENMETRICS, NEGOTIATE_HTML };

bool negotiate_gzip(const char *accept_encoding); /* NULL: no */

/* The form of /metrics; a tie, and no wish at all, is Prometheus text. */
enum negotiate_metrics negotiate_metrics(const char *accept);

/* Does If-None-Match name this entity tag ("\"…\"")? */
bool negotiate_has(const char *if_none_match, const char *etag);

/* Does If-Match name it, and not as a weak one? */
bool negotiate_matches(const char *if_match, const char *etag);

#endif
