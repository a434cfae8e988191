/*
 * cgi_reply - the status of what an application answers to its web server (RFC 3875 6).
 *
 * Threads:  one at a time per struct cgi_reply; pure.
 * Memory:   the struct.
 * Errors:   none: until the head has ended, the status is 0.
 * Cost:     the head by lines; of the body nothing is looked at.
 *
 * "Status: 404 …"; without one 302 with a Location, else 200. What begins like a response of
 * HTTP/1.x, as uWSGI's do, has its status in the first line. Input is cut anywhere.
 */
#ifndef PROTOCOL_CGI_REPLY_H
#define PROTOCOL_CGI_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGI_REPLY_KEPT 24u /* bytes of a line that are looked at */

struct cgi_reply {
	uint16_t status; /* 0: the head has not ended */
	uint16_t said;   /* by a line of the head */
	bool located;
	uint32_t lines;
	uint8_t kept;
	uint8_t text[CGI_REPLY_KEPT];
};

void cgi_reply_init(struct cgi_reply *r);
void cgi_reply_read(struct cgi_reply *r, const uint8_t *at, size_t n);

#endif
