/*
 * run - the verb that starts a command under the library: by becoming it.
 *
 * Exec in place keeps all that a supervisor, a shell or a terminal knows of the command: pid, exit
 * code, signals, descriptors, job control. What is to be seen after that is left to a watcher.
 */
#include "arguments.h"
#include "list.h"
#include "preload.h"
#include "program.h"
#include "settings.h"
#include "target.h"
#include "text.h"
#include "verbs.h"
#include "watcher.h"

#include <ringside/segment.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As env, timeout and shells have them. */
#define RUN_FAILED 125
#define RUN_REFUSED 126
#define RUN_NOT_FOUND 127

#define RUN_NAME_MAX 71       /* of a service, in the segment's header */
#define RUN_DIRECTORY_MAX 111 /* of a run directory there */

enum { RUN_SERVICE, RUN_RUN_DIR, RUN_SHIM };

static const struct arguments run_arguments = {
	.verb = "run",
	.usage = "[OPTION]... [--] COMMAND [ARGUMENT]...",
	.about = "Becomes COMMAND with libringside.so preloaded: same pid, descriptors, signals,\n"
		 "exit code. Says on standard error when the library cannot get in, and why.\n"
		 "Exit codes of its own: 125 the library cannot be found, 126 COMMAND cannot be\n"
		 "executed, 127 there is no such COMMAND, 2 wrong use.\n",
	.options = {
		{ "service", "NAME", "its name in the numbers (RINGSIDE_SERVICE)" },
		{ "run-dir", "DIR", "run directory of the agent it belongs to (/run/ringside)" },
		{ "shim", "PATH", "the library (RINGSIDE_SHIM)" },
	},
};

static int run_fail(const char *what, const char *why)
{
	fprintf(stderr, "ringside run: %s%s%s\n", what, *why ? ": " : "", why);
	return RUN_FAILED;
}

static void run_warn(const char *command, const char *why)
{
	fprintf(stderr, "ringside: warning: %s will not be watched: %s\n", command, why);
}

/* What the command will be called, as far as its environment says it plainly. */
static void run_name(char **command, const char *program, struct capture_target *out)
{
	const char *service = getenv("RINGSIDE_SERVICE");
	struct rs_header claims = { .pid = 0 };
	char exe[PROGRAM_PATH];
	size_t at = 0;

	if (!service || !*service)
		service = getenv("OTEL_SERVICE_NAME");
	snprintf(claims.service, sizeof(claims.service), "%s", service ? service : "");
	for (; *command && at < sizeof(claims.arguments); command++)
		at += (size_t)snprintf(claims.arguments + at, sizeof(claims.arguments) - at, "%s",
				       *command) +
		      1;
	target_read(getpid(), &claims, out); /* what this process is already: all but its program */
	if (!realpath(program, exe))
		snprintf(exe, sizeof(exe), "%s", program);
	text_canonical(exe, strlen(exe), out->exe, sizeof(out->exe));
	target_service_choose(out, &claims);
}

static bool run_is_listed(const char *run_dir, char **command, const char *program, char *why,
			  size_t size)
{
	struct capture_target target;
	struct list off;
	char path[512];

	snprintf(path, sizeof(path), "%.500s/" RS_LIST_OFF, run_dir);
	if (list_read(&off, path))
		return false;
	run_name(command, program, &target);
	snprintf(why, size, "%.400s switches it off", path);
	return list_silences(&off, target.service, target.exe);
}

/* Where the environment switches the library off, the answer is known before the start. */
static bool run_is_off(const char *run_dir, char **command, const char *program, char *why,
		       size_t size)
{
	const char *asked = getenv("RINGSIDE");
	const char *monitoring = getenv("PERFORMANCE_MONITORING_ENABLED");

	if (asked && strcmp(asked, "disabled") == 0)
		snprintf(why, size, "RINGSIDE=disabled is set");
	else if (monitoring && strcmp(monitoring, "false") == 0)
		snprintf(why, size, "PERFORMANCE_MONITORING_ENABLED=false is set");
	else
		return run_is_listed(run_dir, command, program, why, size);
	return true;
}

static int run_find_library(const char *named, char library[PRELOAD_PATH])
{
	char self[PRELOAD_PATH];
	struct preload_error error;
	const char *variable = getenv("RINGSIDE_SHIM");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (!named && variable && *variable)
		named = variable;
	if (preload_find(named, self, library, &error) == 0)
		return 0;
	return run_fail(error.text, "");
}

/* The run directory is passed on where the library would not know it by itself. */
static int run_set_agent(const struct settings_flags *flags, char *run_dir, size_t size)
{
	struct settings settings;
	struct config_error error;
	enum config_from from;
	int result = settings_open(&settings, flags, &error);

	if (result) {
		run_fail(error.text, "");
		return result == -EINVAL ? VERBS_USAGE : RUN_FAILED;
	}
	if (settings.problem.text[0])
		fprintf(stderr, "ringside: warning: %s\n", settings.problem.text);
	snprintf(run_dir, size, "%s", settings_run_dir(&settings));
	from = config_from(settings.config, CONFIG_RUN_DIR);
	settings_close(&settings);
	if (from == CONFIG_DEFAULT)
		return 0;
	if (strlen(run_dir) > RUN_DIRECTORY_MAX) {
		run_fail(run_dir, "longer than 111 bytes");
		return VERBS_USAGE;
	}
	return setenv("RINGSIDE_RUN_DIR", run_dir, 1) ? run_fail("out of memory", "") : 0;
}

static int run_set_environment(const char *library, const char *service)
{
	char *preload = preload_join(library, getenv("LD_PRELOAD"));
	int result = -1;

	if (preload)
		result = setenv("LD_PRELOAD", preload, 1);
	free(preload);
	if (result == 0 && service)
		result = setenv("RINGSIDE_SERVICE", service, 1);
	return result ? run_fail("out of memory", "") : 0;
}

/* What can be told before the start. true: whether the library gets in is to be seen. */
static bool run_foresee(char **command, const char *run_dir)
{
	char path[PROGRAM_PATH];
	char why[PROGRAM_REASON];
	enum program_kind kind;

	if (program_find(command[0], getenv("PATH"), path))
		return false; /* exec will say it */
	kind = program_look(path, why);
	if (kind == PROGRAM_DYNAMIC || kind == PROGRAM_UNKNOWN) {
		if (!run_is_off(run_dir, command, path, why, sizeof(why)))
			return true;
	}
	run_warn(command[0], why);
	return false;
}

static int run_become(char **command, struct watcher *watcher)
{
	char path[PROGRAM_PATH];
	int error;

	execvp(command[0], command);
	error = errno;
	if (watcher)
		watcher_cancel(watcher);
	if (error == ENOENT && program_find(command[0], getenv("PATH"), path) == 0)
		error = ENOEXEC; /* the file is there: it is its interpreter that is not */
	fprintf(stderr, "ringside run: %s: %s\n", command[0],
		error == ENOENT    ? "no such command"
		: error == ENOEXEC ? "its interpreter does not exist, or it is no program"
				   : strerrordesc_np(error));
	return error == ENOENT ? RUN_NOT_FOUND : RUN_REFUSED;
}

static int run_start(char **command, const char *const *values)
{
	const struct settings_flags flags = { .run_dir = values[RUN_RUN_DIR] };
	char run_dir[512], library[PRELOAD_PATH];
	struct watcher watcher;
	bool watched;
	int result = run_set_agent(&flags, run_dir, sizeof(run_dir));

	if (result == 0)
		result = run_find_library(values[RUN_SHIM], library);
	if (result == 0)
		result = run_set_environment(library, values[RUN_SERVICE]);
	if (result)
		return result;
	watched = run_foresee(command, run_dir) && watcher_start(&watcher, command[0]) == 0;
	return run_become(command, watched ? &watcher : NULL);
}

int run_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&run_arguments, argc, argv, values);

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (at == argc) {
		fprintf(stderr, "ringside run: which command? As: ringside run -- nginx\n");
		return VERBS_USAGE;
	}
	if (values[RUN_SERVICE] &&
	    (!*values[RUN_SERVICE] || strlen(values[RUN_SERVICE]) > RUN_NAME_MAX)) {
		fprintf(stderr, "ringside run: --service takes a name of 1 to 71 bytes\n");
		return VERBS_USAGE;
	}
	return run_start(argv + at, values);
}
