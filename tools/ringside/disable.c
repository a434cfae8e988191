/*
 * disable - the verb that takes away what `ringside enable` wrote, and nothing else.
 */
#include "arguments.h"
#include "hostwide.h"
#include "json.h"
#include "placed.h"
#include "replace.h"
#include "systemctl.h"
#include "unit.h"
#include "verbs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DISABLE_ROOT, DISABLE_NOW, DISABLE_HOST_WIDE, DISABLE_JSON };

static const struct arguments disable_arguments = {
	.verb = "disable",
	.usage = "[OPTION]... UNIT...\n"
		 "       ringside disable --host-wide [OPTION]...",
	.about = "Removes the drop-in that ringside enable wrote, or with --host-wide our entries\n"
		 "in /etc/ld.so.preload. Programs that run keep the library until they are\n"
		 "started again: --now restarts a UNIT; ringside off silences them at once.\n"
		 "Where nothing is enabled there is nothing to do, and that is no error.\n",
	.options = {
		{ "root", "DIR", "a folder that is to become a system, instead of this one" },
		{ "now", NULL, "systemctl daemon-reload, then restart what runs" },
		{ "host-wide", NULL, "what is in every program, by /etc/ld.so.preload" },
		{ "json", NULL, "one JSON document instead of lines" },
	},
};

struct disable {
	const char *const *values;
	char root[PRELOAD_PATH];
	struct json json;
	bool quiet;
};

static int disable_fail(const char *what, const char *why)
{
	fprintf(stderr, "ringside disable: %s%s%s\n", what, *why ? ": " : "", why);
	return VERBS_BAD;
}

static void disable_tell(struct disable *d, const char *unit, const char *path, bool changed)
{
	json_object_begin(&d->json, NULL);
	json_string(&d->json, "unit", unit);
	json_string(&d->json, "file", path);
	json_bool(&d->json, "changed", changed);
	json_object_end(&d->json);
	if (d->quiet)
		return;
	printf("%s: %s %s\n", unit, changed ? "removed" : "nothing to do: there is no", path);
	if (changed && !d->values[DISABLE_NOW])
		printf("  takes effect by: systemctl daemon-reload && systemctl restart %s\n",
		       unit);
}

static int disable_restart(const char *unit)
{
	if (systemctl_reload() || systemctl_restart(unit))
		return disable_fail("systemctl", "failed");
	return 0;
}

/* The unit's own files may be gone already: its name is enough. */
static int disable_unit(struct disable *d, const char *name)
{
	char path[UNIT_PATH], *text = NULL;
	struct unit_error error;
	struct unit *u = malloc(sizeof(*u));
	bool ours;
	int result = u ? unit_open(u, d->root, name, &error) : -ENOMEM;

	if (result == -EINVAL || result == -ENOMEM) {
		free(u);
		return disable_fail(result == -EINVAL ? error.text : "out of memory", "");
	}
	unit_dropin_path(u, d->root, path);
	result = replace_read(path, &text);
	ours = text && unit_dropin_ours(text);
	if (result == 0 && ours)
		result = replace_remove(path);
	if (result)
		result = disable_fail(path, strerrordesc_np(-result));
	else if (text && !ours)
		result = disable_fail(path, "is not as we wrote it: remove it by hand");
	else
		disable_tell(d, u->name, path, ours);
	if (result == 0 && ours && d->values[DISABLE_NOW])
		result = disable_restart(u->name);
	free(text);
	free(u);
	return result;
}

static int disable_units(struct disable *d, char **names)
{
	int result = 0;

	json_array_begin(&d->json, "units");
	for (; *names && result == 0; names++)
		result = disable_unit(d, *names);
	json_array_end(&d->json);
	return result;
}

static int disable_host(struct disable *d)
{
	struct hostwide_error error;
	bool changed;

	if (hostwide_take(d->root, &changed, &error))
		return disable_fail(error.text, "");
	json_string(&d->json, "file", HOSTWIDE_FILE);
	json_bool(&d->json, "changed", changed);
	if (!d->quiet)
		printf("%s%s: %s\n", d->root, HOSTWIDE_FILE,
		       changed ? "our entry is gone; the list of what was allowed stays"
			       : "nothing to do: no entry of ours");
	return 0;
}

static int disable_run(struct disable *d, char **names)
{
	int result = placed_root(d->values[DISABLE_ROOT], d->root);

	if (result)
		return disable_fail(d->values[DISABLE_ROOT], strerrordesc_np(-result));
	json_object_begin(&d->json, NULL);
	result = d->values[DISABLE_HOST_WIDE] ? disable_host(d) : disable_units(d, names);
	json_object_end(&d->json);
	if (result == 0 && d->quiet && json_finish(&d->json) == 0)
		puts(d->json.bytes);
	return result;
}

static int disable_check(char **names, const char *const *values)
{
	if (!*names == !values[DISABLE_HOST_WIDE])
		fprintf(stderr, "ringside disable: name a unit, or say --host-wide\n");
	else if (values[DISABLE_NOW] && (values[DISABLE_ROOT] || values[DISABLE_HOST_WIDE]))
		fprintf(stderr, "ringside disable: --now is for the units of the running system\n");
	else
		return 0;
	return VERBS_USAGE;
}

int disable_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&disable_arguments, argc, argv, values);
	struct disable *d;
	int result;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	result = disable_check(argv + at, values);
	if (result)
		return result;
	d = calloc(1, sizeof(*d));
	if (!d)
		return disable_fail("out of memory", "");
	d->values = values;
	d->quiet = values[DISABLE_JSON] != NULL;
	json_init(&d->json);
	result = disable_run(d, argv + at);
	json_fini(&d->json);
	free(d);
	return result;
}
