#include "identity.h"

#include "hot.h"
#include "script.h"

#include <ringside/canonical.h>

#include <stdbool.h>
#include <string.h>

#define IDENTITY_ANCESTORS 4 /* a spawned worker's, by way of a fork server */

static bool identity_begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

/* The first such byte of this line, else where the line ends. */
static const char *identity_find(const char *at, char byte)
{
	while (*at && *at != '\n' && *at != byte)
		at++;
	return at;
}

/* Is one of those in [list, end), between commas, this one? */
static bool identity_lists(const char *list, const char *end, const char *one)
{
	size_t length = strlen(one);

	for (const char *at = list; at < end; at++) {
		if ((at == list || at[-1] == ',') && identity_begins(at, one) &&
		    (at + length == end || at[length] == ','))
			return true;
	}
	return false;
}

/* A line is "N:controllers:path"; without controllers it is the unified hierarchy's. */
START void identity_cgroup(const char *text, char *out, size_t size)
{
	const char *line = text, *path = "";
	bool memory = false;

	while (*line && !memory) {
		const char *list = identity_find(line, ':'), *end;

		list += *list == ':';
		end = identity_find(list, ':');
		if (*end == ':') {
			memory = identity_lists(list, end, "memory");
			if (memory || list == end)
				path = end + 1;
		}
		line = identity_find(end, '\n');
		line += *line == '\n';
	}
	rs_canonical(path, (size_t)(identity_find(path, '\n') - path), false, out, size);
}

START void identity_exe(const char *link, size_t n, char *out, size_t size)
{
	static const char deleted[] = " (deleted)";
	size_t ending = sizeof(deleted) - 1;

	if (n > ending && memcmp(link + n - ending, deleted, ending) == 0)
		n -= ending;
	rs_canonical(link, n, false, out, size);
}

/* Canonical text into less room; never cut inside a %XX. */
static void identity_cut(char out[IDENTITY_BYTES], const char *text, size_t length)
{
	if (length >= IDENTITY_BYTES) {
		length = IDENTITY_BYTES - 1;
		if (text[length - 1] == '%')
			length--;
		else if (text[length - 2] == '%')
			length -= 2;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

/* Is what lies below a unit's folder its own, and no container or session? */
static bool identity_whole(const char *below)
{
	for (; *below; below++) {
		if (*below == ':' || identity_begins(below, ".scope") ||
		    identity_begins(below, ".slice"))
			return false;
	}
	return true;
}

/* The innermost unit of a cgroup's path that is a service, without its ending. */
static START bool identity_unit(const char *cgroup, char out[IDENTITY_BYTES])
{
	static const char ending[] = ".service";
	const char *begin = cgroup, *name = NULL, *found = NULL;

	for (const char *at = cgroup; *at; at++) {
		char behind = identity_begins(at, ending) ? at[sizeof(ending) - 1] : 'x';

		if (*at == '/')
			begin = at + 1;
		if (behind != '/' && behind != '\0')
			continue;
		name = begin;
		found = at;
	}
	/* a login session is no service */
	if (!found || found == name || !identity_whole(found) || identity_begins(name, "user@"))
		return false;
	identity_cut(out, name, (size_t)(found - name));
	return true;
}

static bool identity_same(const char *a, const char *b)
{
	return identity_begins(a, b) && strlen(a) == strlen(b);
}

static START bool identity_script(const struct identity *of, char out[IDENTITY_BYTES])
{
	enum script_found found = SCRIPT_INLINE;

	for (int up = 0; up <= IDENTITY_ANCESTORS && found == SCRIPT_INLINE; up++) {
		const char *arguments;
		size_t bytes;

		if (up && !identity_same(of->above(of->ctx), of->exe))
			return false;
		arguments = of->arguments(of->ctx, &bytes);
		found = script_name(of->exe, arguments, bytes, out, IDENTITY_BYTES);
	}
	return found == SCRIPT_NAMED;
}

START enum identity_by identity_name(const struct identity *of, char out[IDENTITY_BYTES])
{
	const char *base = of->exe;

	if (of->claim[0]) {
		rs_canonical(of->claim, strlen(of->claim), false, out, IDENTITY_BYTES);
		return IDENTITY_CLAIM;
	}
	if (identity_unit(of->cgroup, out))
		return IDENTITY_UNIT;
	if (identity_script(of, out))
		return IDENTITY_SCRIPT;
	for (const char *at = of->exe; *at; at++)
		if (*at == '/')
			base = at + 1;
	identity_cut(out, *base ? base : of->comm, strlen(*base ? base : of->comm));
	return IDENTITY_PROGRAM;
}
