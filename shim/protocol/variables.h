/*
 * variables - of a request that a web server hands to an application: its method and its path.
 *
 * Threads:  one at a time per struct variables; pure.
 * Memory:   the struct; of other variables nothing is kept.
 * Errors:   none: any bytes read as some variables; variables_is_whole tells a list that is cut.
 * Cost:     by names and counts; of values only what is wanted is looked at.
 *
 * The three forms are those of FastCGI 1.0 3.4, of SCGI and of the uwsgi protocol. The path is
 * REQUEST_URI without its query, SCRIPT_NAME where there is none. Input is cut anywhere.
 */
#ifndef PROTOCOL_VARIABLES_H
#define PROTOCOL_VARIABLES_H

#include <ringside/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARIABLES_NAME 16u /* REQUEST_METHOD fits */
#define VARIABLES_METHOD 8u

enum variables_form {
	VARIABLES_FASTCGI,
	VARIABLES_SCGI,
	VARIABLES_UWSGI,
};

enum variables_wanted {
	VARIABLES_NONE,
	VARIABLES_OF_METHOD,
	VARIABLES_OF_ROUTER,
	VARIABLES_OF_SCRIPT,
	VARIABLES_OF_URI, /* last: it goes ahead of a script's name */
};

struct variables {
	uint32_t left;  /* bytes of the name or the value */
	uint32_t value; /* a value's length, where it stands ahead of the name */
	uint32_t length;
	uint8_t form;   /* enum variables_form */
	uint8_t step;   /* private */
	uint8_t got;    /* bytes of a length */
	uint8_t wanted; /* enum variables_wanted: what the value in progress is */
	uint8_t source; /* the same, of what path has */
	uint8_t name_length;
	uint8_t method_length;
	uint8_t path_length; /* 0: none was there */
	bool routed;         /* uWSGI's own router sent them on: it has the request, too */
	bool query;          /* the rest of the value in progress is no path */
	uint8_t name[VARIABLES_NAME];
	uint8_t method[VARIABLES_METHOD + 8]; /* zeros behind it */
	uint8_t path[RS_PATH_BYTES];
};

void variables_init(struct variables *v, enum variables_form form);
void variables_read(struct variables *v, const uint8_t *at, size_t n);
bool variables_is_whole(const struct variables *v);  /* no variable is cut */
uint8_t variables_method(const struct variables *v); /* enum rs_method */

#endif
