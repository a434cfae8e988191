#include "unit.h"

#include "preload.h"
#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_ENDING ".service"
#define UNIT_LETTERS                                                                               \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@" /* systemd's own */
#define UNIT_MARK "# Written by `ringside enable`, removed by `ringside disable`: do not edit.\n"
#define UNIT_DROPINS 64

/* Where systemd looks, what counts most first. */
static const char *const unit_folders[] = {
	"/etc/systemd/system",           "/run/systemd/system",     "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
	"/run/systemd/generator.late",
};

#define UNIT_FOLDERS (sizeof(unit_folders) / sizeof(unit_folders[0]))

struct unit_file {
	char name[UNIT_NAME]; /* of the drop-in */
	char path[UNIT_PATH];
};

struct unit_files {
	struct unit_file *files;
	size_t count;
};

static int unit_refuse(struct unit_error *error, const char *name, const char *why)
{
	snprintf(error->text, sizeof(error->text), "'%.256s' %s", name, why);
	return -EINVAL;
}

static bool unit_ends(const char *name, const char *with)
{
	size_t length = strlen(name), n = strlen(with);

	return length > n && strcmp(name + length - n, with) == 0;
}

static int unit_name(struct unit *u, const char *name, struct unit_error *error)
{
	static const char *const others[] = { ".socket", ".timer",    ".target", ".mount",
					      ".path",   ".slice",    ".device", ".swap",
					      ".scope",  ".automount" };

	if (!*name || name[strspn(name, UNIT_LETTERS)] || strchr(".-@", *name))
		return unit_refuse(error, name, "cannot be the name of a unit");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (unit_ends(name, others[i]))
			return unit_refuse(error, name,
					   "is no service, and only services run programs");
	if (snprintf(u->name, sizeof(u->name), "%s%s", name,
		     unit_ends(name, UNIT_ENDING) ? "" : UNIT_ENDING) >= (int)sizeof(u->name))
		return unit_refuse(error, name, "is longer than a unit's name can be");
	return 0;
}

/* "a@.service" of "a@b.service"; "" where it is no instance. */
static void unit_template(const char *name, char out[UNIT_NAME])
{
	const char *at = strchr(name, '@');

	out[0] = '\0';
	if (at && strcmp(at + 1, UNIT_ENDING) != 0)
		snprintf(out, UNIT_NAME, "%.*s%s", (int)(at + 1 - name), name, UNIT_ENDING);
}

static bool unit_try(struct unit *u, const char *folder, const char *name, char **text)
{
	if (snprintf(u->fragment, sizeof(u->fragment), "%s/%s", folder, name) >=
	    (int)sizeof(u->fragment))
		return false;
	return replace_read(u->fragment, text) == 0 && *text;
}

/* /dev/null, by a symbolic link, is how a unit is masked. */
static bool unit_masked(const char *path)
{
	char to[16] = "";

	return readlink(path, to, sizeof(to) - 1) > 0 && strcmp(to, "/dev/null") == 0;
}

static int unit_find(struct unit *u, const char *root, const char *name, char **text)
{
	char folder[UNIT_PATH];

	*text = NULL;
	for (size_t i = 0; *name && i < UNIT_FOLDERS; i++) {
		snprintf(folder, sizeof(folder), "%s%s", root, unit_folders[i]);
		if (unit_try(u, folder, name, text))
			return 0;
		if (unit_masked(u->fragment))
			return -EPERM;
	}
	return -ENOENT;
}

/* A script of System V's: systemd makes a unit of it when it starts. */
static int unit_find_script(struct unit *u, const char *root)
{
	snprintf(u->fragment, sizeof(u->fragment), "%s/etc/init.d/%.*s", root,
		 (int)(strlen(u->name) - strlen(UNIT_ENDING)), u->name);
	return access(u->fragment, X_OK) ? -ENOENT : 0;
}

static int unit_fragment(struct unit *u, const char *root, struct unit_error *error)
{
	char template[UNIT_NAME];
	char *text;
	int result = unit_find(u, root, u->name, &text);

	unit_template(u->name, template);
	if (result == -ENOENT)
		result = unit_find(u, root, template, &text);
	if (result == -ENOENT)
		result = unit_find_script(u, root);
	if (result == -EPERM)
		snprintf(error->text, sizeof(error->text), "%s is masked by %s", u->name,
			 u->fragment);
	else if (result)
		snprintf(error->text, sizeof(error->text), "there is no unit %s%s%s", u->name,
			 *root ? " in " : "", root);
	if (result)
		return result;
	if (text)
		unitfile_read(&u->settings, text);
	free(text);
	return 0;
}

/* One that counts more hides its namesakes. */
static bool unit_has(const struct unit_files *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->files[i].name, name) == 0)
			return true;
	return false;
}

static void unit_list(struct unit_files *list, const char *root, const char *folder,
		      const char *unit)
{
	char path[UNIT_PATH];
	DIR *dir;

	snprintf(path, sizeof(path), "%s%s/%s.d", root, folder, unit);
	dir = opendir(path);
	if (!dir)
		return;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		struct unit_file *file = &list->files[list->count];

		if (!unit_ends(e->d_name, ".conf") || unit_has(list, e->d_name) ||
		    list->count == UNIT_DROPINS)
			continue;
		if (snprintf(file->path, sizeof(file->path), "%s/%s", path, e->d_name) >=
		    (int)sizeof(file->path))
			continue;
		snprintf(file->name, sizeof(file->name), "%s", e->d_name);
		list->count++;
	}
	closedir(dir);
}

static int unit_compare(const void *a, const void *b)
{
	return strcmp(((const struct unit_file *)a)->name, ((const struct unit_file *)b)->name);
}

static void unit_read_dropin(struct unit *u, const struct unit_file *file)
{
	struct unitfile before = u->settings;
	char *text;

	if (strcmp(file->name, UNIT_DROPIN) == 0 || replace_read(file->path, &text) || !text)
		return;
	unitfile_read(&u->settings, text);
	free(text);
	if (strcmp(file->name, UNIT_DROPIN) < 0)
		return;
	if (u->settings.told)
		snprintf(u->override, sizeof(u->override), "%s", file->path);
	memcpy(u->settings.preload, before.preload, sizeof(before.preload));
}

static int unit_dropins(struct unit *u, const char *root)
{
	struct unit_files list = { .files = calloc(UNIT_DROPINS + 1, sizeof(*list.files)) };
	char template[UNIT_NAME];

	if (!list.files)
		return -ENOMEM;
	unit_template(u->name, template);
	for (size_t i = 0; i < UNIT_FOLDERS; i++) {
		unit_list(&list, root, unit_folders[i], u->name);
		if (*template)
			unit_list(&list, root, unit_folders[i], template);
		unit_list(&list, root, unit_folders[i], "service");
	}
	qsort(list.files, list.count, sizeof(*list.files), unit_compare);
	for (size_t i = 0; i < list.count; i++)
		unit_read_dropin(u, &list.files[i]);
	free(list.files);
	return 0;
}

/* What an EnvironmentFile sets comes last of all, whatever Environment= says. */
static void unit_environment_files(struct unit *u, const char *root)
{
	char path[UNIT_PATH], *text;

	for (const char *at = u->settings.files; *at; at += strcspn(at, "\n") + 1) {
		snprintf(path, sizeof(path), "%s%.*s", root, (int)strcspn(at, "\n"), at);
		if (replace_read(path, &text) || !text)
			continue;
		if (unitfile_environment(text))
			memcpy(u->override, path, sizeof(path));
		free(text);
	}
}

int unit_open(struct unit *u, const char *root, const char *name, struct unit_error *error)
{
	int result;

	memset(u, 0, sizeof(*u));
	error->text[0] = '\0';
	result = unit_name(u, name, error);
	if (result == 0)
		result = unit_fragment(u, root, error);
	if (result == 0)
		result = unit_dropins(u, root);
	if (result == 0)
		unit_environment_files(u, root);
	else if (!error->text[0])
		snprintf(error->text, sizeof(error->text), "%s: %s", u->name,
			 strerrordesc_np(-result));
	return result;
}

void unit_dropin_path(const struct unit *u, const char *root, char out[UNIT_PATH])
{
	snprintf(out, UNIT_PATH, "%s%s/%s.d/" UNIT_DROPIN, root, unit_folders[0], u->name);
}

static void unit_put(FILE *out, const char *variable, const char *value)
{
	char quoted[2 * UNIT_PATH];

	if (value && unitfile_quote(value, quoted, sizeof(quoted)))
		fprintf(out, "Environment=\"%s=%s\"\n", variable, quoted);
}

char *unit_dropin_text(const struct unit *u, const struct unit_dropin *d)
{
	char quoted[2 * UNIT_PATH];
	char *text = NULL, *preload = NULL;
	size_t length;
	FILE *out;

	/* what the unit has already stays as written: its specifiers are to be expanded */
	if (unitfile_quote(d->library, quoted, sizeof(quoted)))
		preload = preload_join(quoted, u->settings.preload);
	out = preload ? open_memstream(&text, &length) : NULL;
	if (!out) {
		free(preload);
		return NULL;
	}
	fprintf(out, UNIT_MARK "[Service]\nEnvironment=\"LD_PRELOAD=%s\"\n", preload);
	unit_put(out, "RINGSIDE_RUN_DIR", d->run_dir);
	unit_put(out, "RINGSIDE_SERVICE", d->service);
	free(preload);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

bool unit_dropin_ours(const char *text)
{
	static const char *const lines[] = { "[Service]\n", "Environment=\"LD_PRELOAD=",
					     "Environment=\"RINGSIDE_RUN_DIR=",
					     "Environment=\"RINGSIDE_SERVICE=" };

	if (strncmp(text, UNIT_MARK, sizeof(UNIT_MARK) - 1) != 0)
		return false;
	for (text += sizeof(UNIT_MARK) - 1; *text; text += strcspn(text, "\n") + 1) {
		bool known = false;

		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			known = known || strncmp(text, lines[i], strlen(lines[i])) == 0;
		if (!known || !strchr(text, '\n'))
			return false;
	}
	return true;
}
