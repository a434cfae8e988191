/*
 * script - which program an interpreter runs, by its arguments.
 *
 * Threads:  any; pure.
 * Memory:   none; names go to the caller's buffer, in canonical form.
 * Errors:   enum script_found.
 * Cost:     by arguments; once a start where there is a list of names.
 * A script goes by its path as the arguments have it, one in a folder of the system's programs by
 * its base name: /srv/a/app.js and /srv/b/app.js are two, /usr/bin/gunicorn is gunicorn. A module
 * or class goes by its name.
 */
#ifndef PROTOCOL_SCRIPT_H
#define PROTOCOL_SCRIPT_H

#include <stddef.h>

enum script_found {
	SCRIPT_NONE,   /* the executable is no interpreter that is known */
	SCRIPT_NAMED,  /* the name is in out */
	SCRIPT_INLINE, /* code in an argument or from a pipe: it has no name */
};

/*
 * exe: a path; arguments: argv by NULs, cut anywhere, empty ones at the end do not count; out is
 * cut at its beginning, and left alone where there is no name.
 */
enum script_found script_name(const char *exe, const char *arguments, size_t length, char *out,
			      size_t size);

#endif
