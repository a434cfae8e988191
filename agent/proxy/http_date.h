/*
 * http_date - the three forms of a date in HTTP (RFC 9110, 5.6.7).
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   -EINVAL: none of them.
 */
#ifndef PROXY_HTTP_DATE_H
#define PROXY_HTTP_DATE_H

#include "http_head.h"

#define HTTP_DATE_TEXT 32u

/* Seconds since 1970. now_s: a year of two digits is not more than 50 years ahead of it. */
int http_date_parse(const struct http_text *text, int64_t now_s, int64_t *out);
void http_date_format(int64_t s, char out[HTTP_DATE_TEXT]); /* "Sun, 06 Nov 1994 08:49:37 GMT" */

#endif
