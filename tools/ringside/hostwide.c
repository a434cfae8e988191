#include "hostwide.h"

#include "lines.h"
#include "preload.h"
#include "replace.h"

#include <ringside/list.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTWIDE_SEPARATORS ": \t\n" /* as the loader has them */

/* What $LIB stands for on this system: in programs of its own, and in those of 32 bits. */
#define HOSTWIDE_LIB (sizeof(RS_MULTIARCH) > 1 ? "/lib/" RS_MULTIARCH "/" : "/lib64/")
#define HOSTWIDE_LIB_32 (sizeof(RS_MULTIARCH) > 1 ? "/lib/i386-linux-gnu/" : "/lib/")

static const char *const hostwide_loaders[] = { "/lib/ld-linux.so.2",
						"/lib/i386-linux-gnu/ld-linux.so.2",
						"/lib/ld-linux-armhf.so.3" };

#define HOSTWIDE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int hostwide_fail(struct hostwide_error *error, const char *what, int result)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", what, strerrordesc_np(-result));
	return result;
}

void hostwide_entry(const char *library, char out[HOSTWIDE_PATH])
{
	const char *base = strrchr(library, '/');
	size_t n = strlen(HOSTWIDE_LIB);
	size_t before = base ? (size_t)(base + 1 - library) : 0;

	if (before < n || strncmp(library + before - n, HOSTWIDE_LIB, n) != 0)
		snprintf(out, HOSTWIDE_PATH, "%s", library);
	else
		snprintf(out, HOSTWIDE_PATH, "%.*s/$LIB%s", (int)(before - n), library, base);
}

bool hostwide_lacks_32(const char *root, const char *entry, char missing[HOSTWIDE_PATH])
{
	const char *lib = strstr(entry, "/$LIB/");
	bool runs = false;

	for (size_t i = 0; i < HOSTWIDE_COUNT(hostwide_loaders); i++) {
		snprintf(missing, HOSTWIDE_PATH, "%s%s", root, hostwide_loaders[i]);
		runs = runs || access(missing, F_OK) == 0;
	}
	snprintf(missing, HOSTWIDE_PATH, "%s%s", root, entry);
	if (!runs || !lib)
		return runs;
	snprintf(missing, HOSTWIDE_PATH, "%s%.*s%s%s", root, (int)(lib - entry), entry,
		 HOSTWIDE_LIB_32, lib + strlen("/$LIB/"));
	return access(missing, R_OK) != 0;
}

static int hostwide_trust_one(const char *path, struct hostwide_error *error)
{
	struct stat s;

	if (stat(path, &s))
		return hostwide_fail(error, path, -errno);
	if (s.st_uid == 0 && !(s.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	snprintf(error->text, sizeof(error->text),
		 "%s may be changed by others than root, and every program would run it", path);
	return -EPERM;
}

int hostwide_trusted(const char *root, const char *library, struct hostwide_error *error)
{
	char path[HOSTWIDE_PATH];
	size_t from = strlen(root);
	int result = 0;

	if (snprintf(path, sizeof(path), "%s%s", root, library) >= (int)sizeof(path))
		return hostwide_fail(error, library, -ENAMETOOLONG);
	for (char *slash = strchr(path + from + 1, '/'); slash && result == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = hostwide_trust_one(path, error);
		*slash = '/';
	}
	return result ? result : hostwide_trust_one(path, error);
}

static bool hostwide_is_ours(const char *entry, size_t length)
{
	const char *base = entry;

	for (size_t i = 0; i < length; i++)
		if (entry[i] == '/')
			base = entry + i + 1;
	return strncmp(base, PRELOAD_LIBRARY, strlen(PRELOAD_LIBRARY)) == 0;
}

/* One line without our entries; a line that held nothing else goes with its end. */
static char *hostwide_line(char *to, const char *line, size_t length)
{
	size_t code = length, at = 0;
	bool ours = false, others = false;
	char *begin = to;

	for (size_t i = 0; i < length; i++)
		if (line[i] == '#' && code == length)
			code = i;
	while (at < code) {
		size_t n = 0;

		while (at + n < code && !strchr(HOSTWIDE_SEPARATORS, line[at + n]))
			n++;
		if (n && hostwide_is_ours(line + at, n)) {
			ours = true;
			at += n;
			at += at < code; /* and what set it apart */
			continue;
		}
		others = others || n;
		n += at + n < code;
		memcpy(to, line + at, n);
		to += n;
		at += n;
	}
	if (ours && !others && code == length)
		return begin;
	memcpy(to, line + code, length - code);
	to += length - code;
	*to++ = '\n';
	return to;
}

char *hostwide_text(const char *text, const char *entry)
{
	char *out = malloc((text ? strlen(text) : 0) + (entry ? strlen(entry) : 0) + 4), *to = out;

	if (!out)
		return NULL;
	if (entry)
		to = stpcpy(stpcpy(to, entry), "\n");
	while (text && *text) {
		size_t length = strcspn(text, "\n");

		to = hostwide_line(to, text, length);
		text += length;
		if (!*text && to > out) /* its last line had no end */
			to--;
		text += *text == '\n';
	}
	*to = '\0';
	return out;
}

static int hostwide_write(const char *path, const char *old, const char *text, bool *changed)
{
	*changed = strcmp(old ? old : "", text) != 0;
	if (!*changed)
		return 0;
	return *text ? replace_file(path, text) : (unlink(path) ? -errno : 0);
}

/* Both files by the lock of ours: beside the loader's nothing is left. */
static int hostwide_hold(const char *root, struct hostwide_error *error)
{
	char path[HOSTWIDE_PATH];
	int hold;

	snprintf(path, sizeof(path), "%s" RS_LIST_ALLOW, root);
	hold = replace_hold(path);
	return hold < 0 ? hostwide_fail(error, path, hold) : hold;
}

static int hostwide_change(const char *path, const char *entry, bool *changed,
			   struct hostwide_error *error)
{
	char *old, *text;
	int result = replace_read(path, &old);

	if (result)
		return hostwide_fail(error, path, result);
	text = hostwide_text(old, entry);
	result = text ? hostwide_write(path, old, text, changed) : -ENOMEM;
	free(text);
	free(old);
	return result ? hostwide_fail(error, path, result) : 0;
}

static int hostwide_alone(const char *root, const char *entry, bool *changed,
			  struct hostwide_error *error)
{
	char path[HOSTWIDE_PATH];
	int hold = hostwide_hold(root, error), result;

	snprintf(path, sizeof(path), "%s" HOSTWIDE_FILE, root);
	result = hold < 0 ? hold : hostwide_change(path, entry, changed, error);
	replace_release(hold);
	return result;
}

int hostwide_put(const char *root, const char *entry, bool *changed, struct hostwide_error *error)
{
	*changed = false;
	return hostwide_alone(root, entry, changed, error);
}

int hostwide_take(const char *root, bool *changed, struct hostwide_error *error)
{
	char path[HOSTWIDE_PATH];

	*changed = false;
	snprintf(path, sizeof(path), "%s" HOSTWIDE_FILE, root);
	if (access(path, F_OK) && errno == ENOENT) /* nor is there anything to hold */
		return 0;
	return hostwide_alone(root, NULL, changed, error);
}

static int hostwide_allow_in(const char *path, const char *old, char **names,
			     struct hostwide_error *error)
{
	char *text = strdup(old ? old : "");
	int result = text ? 0 : -ENOMEM;

	for (; result == 0 && *names; names++) {
		char *next = lines_with(text, *names);

		result = next ? 0 : -ENOMEM;
		free(text);
		text = next;
	}
	if (result == 0 && rs_list_empty(text, strlen(text))) {
		snprintf(error->text, sizeof(error->text),
			 "%s allows nothing: name the executables that are to be watched", path);
		free(text);
		return -EINVAL;
	}
	if (result == 0 && strlen(text) > RS_LIST_BYTES)
		result = -EFBIG;
	if (result == 0 && strcmp(text, old ? old : "") != 0)
		result = replace_file(path, text);
	free(text);
	return result ? hostwide_fail(error, path, result) : 0;
}

int hostwide_allow(const char *root, char **names, struct hostwide_error *error)
{
	char path[HOSTWIDE_PATH], *old;
	int hold, result;

	for (char **name = names; *name; name++) {
		if (lines_good(*name))
			continue;
		snprintf(error->text, sizeof(error->text),
			 "'%.256s' cannot be an executable or a service", *name);
		return -EINVAL;
	}
	hold = hostwide_hold(root, error);
	if (hold < 0)
		return hold;
	snprintf(path, sizeof(path), "%s" RS_LIST_ALLOW, root);
	result = replace_read(path, &old);
	result = result ? hostwide_fail(error, path, result)
			: hostwide_allow_in(path, old, names, error);
	replace_release(hold);
	free(old);
	return result;
}
