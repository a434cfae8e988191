/*
 * doctor - the verb that tells what works on this machine, what does not, and why.
 */
#include "arguments.h"
#include "check_agent.h"
#include "check_kernel.h"
#include "settings.h"
#include "verbs.h"

#include <stdio.h>

enum { DOCTOR_JSON, DOCTOR_SOCKET, DOCTOR_RUN_DIR, DOCTOR_SHIM };

static const struct arguments doctor_arguments = {
	.verb = "doctor",
	.usage = "[OPTION]...",
	.about = "Tries what the library and the agent need, and says of each thing: ok, warn or\n"
		 "bad, and what to do. As root it can try more. Exit code 0: nothing is bad.\n",
	.options = {
		{ "json", NULL, "one JSON document instead of lines" },
		{ "socket", "PATH", "the agent's Unix socket (api.sock in the run directory)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
		{ "shim", "PATH", "the library (RINGSIDE_SHIM)" },
	},
};

int doctor_verb(int argc, char **argv)
{
	static struct checks checks;
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&doctor_arguments, argc, argv, values);
	struct settings settings;
	struct config_error wrong;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (at < argc) {
		fprintf(stderr, "ringside doctor: unexpected argument '%s'\n", argv[at]);
		return VERBS_USAGE;
	}
	if (settings_open(&settings,
			  &(struct settings_flags){ values[DOCTOR_RUN_DIR], values[DOCTOR_SOCKET] },
			  &wrong)) {
		fprintf(stderr, "ringside doctor: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	check_kernel(&checks, "");
	check_agent(&checks, &settings, values[DOCTOR_SHIM]);
	settings_close(&settings);
	if (!values[DOCTOR_JSON])
		check_print(&checks, stdout);
	else if (check_print_json(&checks, stdout))
		return VERBS_BAD;
	return check_worst(&checks) == CHECK_BAD ? VERBS_BAD : 0;
}
