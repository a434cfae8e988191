/*
 * detach - the verb that takes `ringside attach` back.
 */
#include "arguments.h"
#include "attach.h"
#include "attached.h"
#include "settings.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DETACH_ALL, DETACH_RUN_DIR };

static const struct arguments detach_arguments = {
	.verb = "detach",
	.usage = "[OPTION]... PID|SERVICE|EXECUTABLE|:PORT...",
	.about = "Lets go what `ringside attach` named, by the same words; the agent follows\n"
		 "within a second. What rules of targets.attach name stays.\n"
		 "Exit code 1: something was not attached by that name.\n",
	.options = {
		{ "all", NULL, "all that was ever attached by hand" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static int detach_fail(const char *what, int error)
{
	fprintf(stderr, "ringside detach: %s: %s\n", what,
		error == -ENOENT ? "is not attached by that name" : strerrordesc_np(-error));
	return error;
}

static int detach_one(const char *path, const char *word)
{
	char line[ATTACHED_LINE];
	int result = attached_line(word, line, sizeof(line));

	if (result == 0)
		result = attached_remove(path, line);
	if (result)
		return detach_fail(word, result);
	printf("%s is let go\n", word);
	return 0;
}

static int detach_run(const char *path, char **words, bool all)
{
	int failed = 0, result;

	if (all) {
		result = attached_clear(path);
		return result ? detach_fail(path, result) : 0;
	}
	for (; *words; words++)
		failed += detach_one(path, *words) != 0;
	return failed;
}

int detach_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&detach_arguments, argc, argv, values), failed;
	struct settings settings;
	struct config_error wrong;
	char path[512];

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if ((at == argc) == !values[DETACH_ALL]) {
		fprintf(stderr, "ringside detach: name what was attached, or --all\n");
		return VERBS_USAGE;
	}
	if (settings_open(&settings, &(struct settings_flags){ values[DETACH_RUN_DIR], NULL },
			  &wrong)) {
		fprintf(stderr, "ringside detach: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	snprintf(path, sizeof(path), "%.480s/" ATTACH_FILE, settings_run_dir(&settings));
	failed = detach_run(path, argv + at, values[DETACH_ALL] != NULL);
	settings_close(&settings);
	return failed ? VERBS_BAD : 0;
}
