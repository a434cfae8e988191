/*
 * redis_search - the addresses of a place one after the other, and when its name is asked again.
 *
 * Threads:  one.
 * Memory:   redis_search_fini frees what redis_search_begin made; all zero is a new one.
 * Errors:   -errno, with a constant text.
 *
 * All addresses of a name are tried, in the order in which the resolver gave them; the one that
 * worked comes first the next time. A name is asked again when a connection is to be made and its
 * answer is half a minute old, or a connection failed and it is five seconds old; one that was not
 * found, after a second. An answer that comes late is waited for, and not asked for once more.
 */
#ifndef REDIS_SEARCH_H
#define REDIS_SEARCH_H

#include "redis_names.h"

#include <stdbool.h>

struct redis_search {
	struct redis_place place;
	struct redis_name *name; /* being looked up; NULL: none is */
	struct redis_addresses found;
	const char *fault; /* of the last answer, where none was ever found */
	uint64_t asked_ns; /* when that came */
	uint32_t next;     /* the one to be tried */
	uint32_t tried;    /* in this round */
	bool is_asked, has_failed;
};

/* A round: each address is tried once in it at most. */
void redis_search_begin(struct redis_search *s, const struct redis_place *place);
void redis_search_fini(struct redis_search *s);

/*
 * 1: *out is to be tried; 0: not before redis_search_fd is readable; -errno: there is none. The
 * descriptor may be closed by this call: nobody watches it then.
 */
int redis_search_next(struct redis_search *s, uint64_t now_ns, struct redis_address *out,
		      const char **fault);
int redis_search_fd(const struct redis_search *s); /* -1: nothing is being looked up */

/* Of the address that was tried. */
void redis_search_failed(struct redis_search *s);
void redis_search_worked(struct redis_search *s);
/* If this one fails: is there another one in this round? */
bool redis_search_more(const struct redis_search *s);

#endif
