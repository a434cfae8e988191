#include "placed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const placed_folders[] = { "/usr/local/lib", ("/usr/lib/" RS_MULTIARCH),
					      "/usr/lib", "/usr/lib64" };

int placed_root(const char *given, char out[PRELOAD_PATH])
{
	struct stat s;

	out[0] = '\0';
	if (!given)
		return 0;
	if (!realpath(given, out))
		return -errno;
	if (stat(out, &s) || !S_ISDIR(s.st_mode))
		return -ENOTDIR;
	if (strcmp(out, "/") == 0)
		out[0] = '\0';
	return 0;
}

/* A path that was found below root, as seen from there. */
static int placed_inside(const char *root, char path[PRELOAD_PATH], struct preload_error *error)
{
	size_t length = strlen(root);

	if (strncmp(path, root, length) == 0 && path[length] == '/') {
		memmove(path, path + length, strlen(path + length) + 1);
		return 0;
	}
	snprintf(error->text, sizeof(error->text), "%.4000s is not in %.200s", path, root);
	return -EXDEV;
}

static int placed_try(const char *root, const char *named, char out[PRELOAD_PATH],
		      struct preload_error *error)
{
	char path[PRELOAD_PATH];

	if (snprintf(path, sizeof(path), "%s%s", root, named) >= (int)sizeof(path)) {
		snprintf(error->text, sizeof(error->text), "the path is too long");
		return -ENAMETOOLONG;
	}
	return preload_find(path, "", out, error);
}

static int placed_here(const char *named, char out[PRELOAD_PATH], struct preload_error *error)
{
	char self[PRELOAD_PATH];
	const char *variable = getenv("RINGSIDE_SHIM");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (!named && variable && *variable)
		named = variable;
	return preload_find(named, self, out, error);
}

int placed_find(const char *root, const char *named, char out[PRELOAD_PATH],
		struct preload_error *error)
{
	char path[PRELOAD_PATH];
	int result = -ENOENT;

	if (!*root)
		return placed_here(named, out, error);
	if (named)
		result = placed_try(root, named, out, error);
	for (size_t i = 0; !named && result && i < sizeof(placed_folders) / sizeof(*placed_folders);
	     i++) {
		snprintf(path, sizeof(path), "%s/" PRELOAD_LIBRARY, placed_folders[i]);
		result = placed_try(root, path, out, error);
	}
	if (result && !named)
		snprintf(error->text, sizeof(error->text),
			 PRELOAD_LIBRARY " is not in %.200s; name it with --shim, as seen there",
			 root);
	return result ? result : placed_inside(root, out, error);
}
