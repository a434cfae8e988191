/*
 * attach - the verb that has processes watched from outside which do not carry the library.
 */
#include "attach.h"
#include "arguments.h"
#include "attached.h"
#include "settings.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ATTACH_RUN_DIR };

static const struct arguments attach_arguments = {
	.verb = "attach",
	.usage = "[OPTION]... PID|SERVICE|EXECUTABLE|:PORT...",
	.about = "Watches running processes that do not carry the library, and those that\n"
		 "they fork, from outside: requests, CPU, memory, I/O. A SERVICE, an\n"
		 "EXECUTABLE by its path (* and ? stand for any bytes and for one), or a :PORT\n"
		 "that they listen on, means those too that start later; all are noted in the\n"
		 "file `attach` of the run directory, until `ringside detach`. The agent\n"
		 "follows within a second, of who begins to listen later within a minute.\n"
		 "Exit code 1: something could not be attached.\n",
	.options = {
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static int attach_one(const char *path, const char *word)
{
	char line[ATTACHED_LINE];
	int result = attached_line(word, line, sizeof(line));

	if (result == 0)
		result = attached_add(path, line);
	if (result == 0)
		printf("%s is attached\n", word);
	else
		fprintf(stderr, "ringside attach: %s: %s\n", word,
			result == -EINVAL ? "cannot be attached" : strerrordesc_np(-result));
	return result;
}

int attach_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&attach_arguments, argc, argv, values), failed = 0;
	struct settings settings;
	struct config_error wrong;
	char path[512];

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (at == argc) {
		fprintf(stderr, "ringside attach: which process? As: ringside attach 4711\n");
		return VERBS_USAGE;
	}
	if (settings_open(&settings, &(struct settings_flags){ values[ATTACH_RUN_DIR], NULL },
			  &wrong)) {
		fprintf(stderr, "ringside attach: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	snprintf(path, sizeof(path), "%.480s/" ATTACH_FILE, settings_run_dir(&settings));
	for (; at < argc; at++)
		failed += attach_one(path, argv[at]) != 0;
	settings_close(&settings);
	return failed ? VERBS_BAD : 0;
}
