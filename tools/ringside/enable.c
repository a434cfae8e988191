/*
 * enable - the verb that has systemd start a service under the library, or every program.
 */
#include "arguments.h"
#include "hostwide.h"
#include "json.h"
#include "placed.h"
#include "rehearse.h"
#include "replace.h"
#include "settings.h"
#include "systemctl.h"
#include "trial.h"
#include "unit.h"
#include "verbs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENABLE_NAME_MAX 71 /* of a service, in the segment's header */

enum {
	ENABLE_SHIM,
	ENABLE_SERVICE,
	ENABLE_RUN_DIR,
	ENABLE_ROOT,
	ENABLE_NOW,
	ENABLE_HOST_WIDE,
	ENABLE_YES,
	ENABLE_JSON,
};

static const struct arguments enable_arguments = {
	.verb = "enable",
	.usage = "[OPTION]... UNIT...\n"
		 "       ringside enable --host-wide --yes [OPTION]... EXECUTABLE...",
	.about = "Writes a drop-in, so that systemd starts the service UNIT with libringside.so\n"
		 "preloaded, in front of what it preloads already. It takes effect when systemd\n"
		 "has read its files again and the service was restarted: --now does both.\n"
		 "Undone by ringside disable UNIT.\n"
		 "\n"
		 "--host-wide writes /etc/ld.so.preload instead: the library is then in every\n"
		 "program that is started, and only those that /etc/ringside/preload.allow names\n"
		 "are watched; each EXECUTABLE is added there (a path, * and ? stand for any\n"
		 "bytes and for one; or a service's name). Before it writes, programs that no\n"
		 "machine can do without are run with the library, and must do as without.\n"
		 "Undone by ringside disable --host-wide, or in a shell that is open already,\n"
		 "without any program, by  : > /etc/ld.so.preload\n"
		 "Exit code 1: nothing was written, or systemctl failed.\n",
	.options = {
		{ "shim", "PATH", "the library (RINGSIDE_SHIM)" },
		{ "service", "NAME", "its name in the numbers (RINGSIDE_SERVICE)" },
		{ "run-dir", "DIR", "run directory of the agent it belongs to (/run/ringside)" },
		{ "root", "DIR", "a folder that is to become a system, instead of this one" },
		{ "now", NULL, "systemctl daemon-reload, then restart what runs" },
		{ "host-wide", NULL, "every program, by /etc/ld.so.preload" },
		{ "yes", NULL, "what --host-wide wants to hear" },
		{ "json", NULL, "one JSON document instead of lines" },
	},
};

struct enable {
	const char *const *values;
	char root[PRELOAD_PATH];
	char library[PRELOAD_PATH];
	struct json json;
	bool quiet; /* JSON */
};

static int enable_fail(const char *what, const char *why)
{
	fprintf(stderr, "ringside enable: %s%s%s\n", what, *why ? ": " : "", why);
	return VERBS_BAD;
}

static void enable_warn(struct enable *e, const char *what, const char *why)
{
	char text[UNIT_PATH + 256];

	snprintf(text, sizeof(text), "%s %s", what, why);
	json_string(&e->json, NULL, text);
	if (!e->quiet)
		fprintf(stderr, "ringside: warning: %s\n", text);
}

static void enable_unit_warnings(struct enable *e, const struct unit *u)
{
	json_array_begin(&e->json, "warnings");
	if (u->override[0])
		enable_warn(e, u->override,
			    "sets LD_PRELOAD and comes last: add the library there");
	if (u->settings.rooted)
		enable_warn(e, u->name,
			    "has a root of its own: the library has to be in there too");
	if (u->settings.filtered)
		enable_warn(e, u->name,
			    "filters its system calls: memfd_create has to be allowed, or it may "
			    "be killed at its start");
	if (strncmp(e->library, "/home/", 6) == 0 || strncmp(e->library, "/root/", 6) == 0 ||
	    strncmp(e->library, "/tmp/", 5) == 0)
		enable_warn(e, e->library,
			    "is not seen by a service with ProtectHome= or PrivateTmp=");
	json_array_end(&e->json);
}

static void enable_tell(struct enable *e, const struct unit *u, const char *path, bool changed)
{
	json_object_begin(&e->json, NULL);
	json_string(&e->json, "unit", u->name);
	json_string(&e->json, "file", path);
	json_bool(&e->json, "changed", changed);
	enable_unit_warnings(e, u);
	json_object_end(&e->json);
	if (e->quiet)
		return;
	printf("%s: %s %s\n", u->name, changed ? "wrote" : "nothing to do: it is enabled by", path);
	if (changed && !e->values[ENABLE_NOW])
		printf("  takes effect by: systemctl daemon-reload && systemctl restart %s\n",
		       u->name);
}

static int enable_write(struct enable *e, const struct unit *u, const char *text)
{
	char path[UNIT_PATH], *old;
	bool changed;
	int result;

	unit_dropin_path(u, e->root, path);
	result = replace_read(path, &old);
	if (result)
		return enable_fail(path, strerrordesc_np(-result));
	if (old && !unit_dropin_ours(old)) {
		free(old);
		return enable_fail(path, "is not as we wrote it: move it away first");
	}
	changed = !old || strcmp(old, text) != 0;
	free(old);
	result = changed ? replace_file(path, text) : 0;
	if (result)
		return enable_fail(path, strerrordesc_np(-result));
	enable_tell(e, u, path, changed);
	return 0;
}

static int enable_unit(struct enable *e, const char *name)
{
	const struct unit_dropin dropin = { .library = e->library,
					    .run_dir = e->values[ENABLE_RUN_DIR],
					    .service = e->values[ENABLE_SERVICE] };
	struct unit_error error;
	struct unit *u = malloc(sizeof(*u));
	char *text = NULL;
	int result = VERBS_BAD;

	if (!u)
		enable_fail("out of memory", "");
	else if (unit_open(u, e->root, name, &error))
		enable_fail(error.text, "");
	else if (strpbrk(u->settings.preload, "\"\\"))
		enable_fail(u->name, "its LD_PRELOAD has a quote in it: write the drop-in by hand");
	else
		text = unit_dropin_text(u, &dropin);
	if (text)
		result = enable_write(e, u, text);
	if (text && result == 0 && e->values[ENABLE_NOW] && systemctl_reload() == 0)
		result = systemctl_restart(u->name) ? VERBS_BAD : 0;
	else if (text && result == 0 && e->values[ENABLE_NOW])
		result = enable_fail("systemctl daemon-reload", "failed");
	free(text);
	free(u);
	return result;
}

static int enable_units(struct enable *e, char **names)
{
	int result = 0;

	json_array_begin(&e->json, "units");
	for (; *names && result == 0; names++)
		result = enable_unit(e, *names);
	json_array_end(&e->json);
	return result;
}

/* Whatever it is that would break a machine is to be found before it does. */
static int enable_rehearse(struct enable *e, const char *entry)
{
	char preload[PRELOAD_PATH + HOSTWIDE_PATH];
	struct rehearse rehearse;
	struct trial trial;
	int result;

	snprintf(preload, sizeof(preload), "%s%s", e->root, entry);
	result = rehearse_run(preload, &rehearse);
	if (result)
		return enable_fail("the trial could not be made", strerrordesc_np(-result));
	if (rehearse.why[0])
		return enable_fail("not written", rehearse.why);
	if (trial_run(preload, &trial) || trial.sight < WATCHER_SEES_LIBRARY || !trial.ended_well)
		return enable_fail("not written", "cat did not take the library in");
	json_int(&e->json, "tried", rehearse.tried + 1);
	if (!e->quiet)
		printf("tried %d programs with the library: each did as without\n",
		       rehearse.tried + 1);
	return 0;
}

static int enable_host(struct enable *e, char **names)
{
	char entry[HOSTWIDE_PATH], missing[HOSTWIDE_PATH];
	struct hostwide_error error;
	bool changed;

	hostwide_entry(e->library, entry);
	if (hostwide_trusted(e->root, e->library, &error))
		return enable_fail(error.text, "");
	if (enable_rehearse(e, entry))
		return VERBS_BAD;
	if (hostwide_allow(e->root, names, &error) ||
	    hostwide_put(e->root, entry, &changed, &error))
		return enable_fail(error.text, "");
	json_string(&e->json, "file", HOSTWIDE_FILE);
	json_string(&e->json, "entry", entry);
	json_bool(&e->json, "changed", changed);
	json_array_begin(&e->json, "warnings");
	if (hostwide_lacks_32(e->root, entry, missing))
		enable_warn(e, missing,
			    "is no library for programs of 32 bits: each says so on standard "
			    "error, and goes on");
	json_array_end(&e->json);
	if (!e->quiet)
		printf("%s%s: %s\nundone by: ringside disable --host-wide\n", e->root,
		       HOSTWIDE_FILE, changed ? entry : "nothing to do: it is there");
	return 0;
}

static int enable_wrong(const char *why)
{
	fprintf(stderr, "ringside enable: %s\n", why);
	return VERBS_USAGE;
}

static int enable_check(char **names, const char *const *values)
{
	const char *service = values[ENABLE_SERVICE];

	if (values[ENABLE_HOST_WIDE] && !values[ENABLE_YES])
		return enable_wrong("--host-wide changes every program of this machine; say --yes "
				    "too if that is meant");
	if (values[ENABLE_HOST_WIDE] && (service || values[ENABLE_RUN_DIR] || values[ENABLE_NOW]))
		return enable_wrong("--service, --run-dir and --now go with a UNIT, not with "
				    "--host-wide");
	if (!values[ENABLE_HOST_WIDE] && !*names)
		return enable_wrong("which unit? As: ringside enable nginx");
	if (values[ENABLE_NOW] && values[ENABLE_ROOT])
		return enable_wrong("--now is for the running system, not for --root");
	if (service && (!*service || strlen(service) > ENABLE_NAME_MAX || names[1]))
		return enable_wrong("--service takes a name of 1 to 71 bytes, for one unit");
	return 0;
}

static int enable_run(struct enable *e, char **names)
{
	struct preload_error error;
	int result = placed_root(e->values[ENABLE_ROOT], e->root);

	if (result)
		return enable_fail(e->values[ENABLE_ROOT], strerrordesc_np(-result));
	if (placed_find(e->root, e->values[ENABLE_SHIM], e->library, &error))
		return enable_fail(error.text, "");
	json_object_begin(&e->json, NULL);
	json_string(&e->json, "library", e->library);
	result = e->values[ENABLE_HOST_WIDE] ? enable_host(e, names) : enable_units(e, names);
	json_object_end(&e->json);
	if (result == 0 && e->quiet && json_finish(&e->json) == 0)
		puts(e->json.bytes);
	return result;
}

int enable_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&enable_arguments, argc, argv, values);
	struct enable *e;
	int result;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	result = enable_check(argv + at, values);
	if (result)
		return result;
	e = calloc(1, sizeof(*e));
	if (!e)
		return enable_fail("out of memory", "");
	e->values = values;
	e->quiet = values[ENABLE_JSON] != NULL;
	json_init(&e->json);
	result = enable_run(e, argv + at);
	json_fini(&e->json);
	free(e);
	return result;
}
