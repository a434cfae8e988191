#include "preload.h"

#include "program.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(PRELOAD_PATH >= PATH_MAX, "realpath writes so much");

#define PRELOAD_SEPARATORS ": \t\n" /* of LD_PRELOAD: no path in it may hold one */

/* Relative to the folder of the program; the first are those of a build tree. */
static const char *const preload_places[] = {
	"../../shim", "../" RS_LIBDIR,  "../lib/" RS_MULTIARCH,   "../lib",
	"../lib64",   "/usr/local/lib", "/usr/lib/" RS_MULTIARCH, "/usr/lib",
	"/usr/lib64",
};

static const char *preload_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int preload_refuse(struct preload_error *error, const char *path, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s %s", path, why);
	return -EINVAL;
}

/* Would the loader take it, and would the agent know it again? */
static int preload_check(const char *path, char out[PRELOAD_PATH], struct preload_error *error)
{
	char reason[PROGRAM_REASON];
	struct stat s;
	enum program_kind kind;

	if (!realpath(path, out)) {
		snprintf(error->text, sizeof(error->text), "%s: %m", path);
		return -errno;
	}
	if (stat(out, &s) || !S_ISREG(s.st_mode) || access(out, R_OK))
		return preload_refuse(error, out, "is not a file that can be read");
	if (strncmp(preload_base_name(out), PRELOAD_LIBRARY, strlen(PRELOAD_LIBRARY)) != 0)
		return preload_refuse(error, out,
				      "is not named " PRELOAD_LIBRARY
				      ", and by that name the agent knows it");
	if (strpbrk(out, PRELOAD_SEPARATORS))
		return preload_refuse(error, out,
				      "has a blank or a colon in its path, and "
				      "LD_PRELOAD cannot hold that");
	kind = program_look(out, reason);
	if (kind == PROGRAM_FOREIGN || kind == PROGRAM_UNKNOWN) {
		snprintf(error->text, sizeof(error->text), "%s", reason);
		return -EINVAL;
	}
	return 0;
}

static bool preload_look(const char *folder, const char *place, char out[PRELOAD_PATH])
{
	struct preload_error ignored;
	char path[PRELOAD_PATH * 2];

	if (*place == '/')
		folder = "";
	snprintf(path, sizeof(path), "%s%s%s/" PRELOAD_LIBRARY, folder, *folder ? "/" : "", place);
	return preload_check(path, out, &ignored) == 0;
}

int preload_find(const char *named, const char *program, char out[PRELOAD_PATH],
		 struct preload_error *error)
{
	char folder[PRELOAD_PATH];

	if (named)
		return preload_check(named, out, error);
	snprintf(folder, sizeof(folder), "%.*s", (int)(preload_base_name(program) - program),
		 program);
	for (size_t i = 0; i < sizeof(preload_places) / sizeof(preload_places[0]); i++)
		if (preload_look(folder, preload_places[i], out))
			return 0;
	snprintf(error->text, sizeof(error->text),
		 PRELOAD_LIBRARY " is not beside %s nor in the system's folders; name it with "
				 "--shim or RINGSIDE_SHIM",
		 program);
	return -ENOENT;
}

char *preload_join(const char *library, const char *rest)
{
	size_t length = strlen(library);
	char *out = malloc(length + (rest ? strlen(rest) : 0) + 2);

	if (!out)
		return NULL;
	memcpy(out, library, length + 1);
	while (rest && *rest) {
		size_t n = strcspn(rest, PRELOAD_SEPARATORS);
		char *entry = out + length + 1;

		memcpy(entry, rest, n);
		entry[n] = '\0';
		if (n && strncmp(preload_base_name(entry), PRELOAD_LIBRARY,
				 strlen(PRELOAD_LIBRARY)) != 0) {
			out[length] = ':';
			length += n + 1;
		}
		rest += n + strspn(rest + n, PRELOAD_SEPARATORS);
	}
	out[length] = '\0';
	return out;
}
