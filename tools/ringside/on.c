/*
 * on - the verb that takes back what `ringside off` noted for processes that start later.
 */
#include "arguments.h"
#include "json.h"
#include "lines.h"
#include "list.h"
#include "replace.h"
#include "settings.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ON_ALL, ON_JSON, ON_RUN_DIR };

static const struct arguments on_arguments = {
	.verb = "on",
	.usage = "[OPTION]... SERVICE|EXECUTABLE...",
	.about = "Takes lines out of the file `off` of the run directory, so that what starts\n"
		 "from now on is watched again. A running process that was switched off stays\n"
		 "off: its connections were not followed meanwhile, and wrong numbers are worse\n"
		 "than none. Start it again. Exit code 1: nothing was taken back.\n",
	.options = {
		{ "all", NULL, "removes the file, whatever it names" },
		{ "json", NULL, "one JSON document instead of lines" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static int on_fail(const char *what, const char *why)
{
	fprintf(stderr, "ringside on: %s: %s\n", what, why);
	return VERBS_BAD;
}

static int on_remove(const char *path)
{
	return unlink(path) ? -errno : 0;
}

/* An empty file silences everything, so that the last line goes with its file. */
static int on_write(const char *path, const char *text)
{
	int result = rs_list_empty(text, strlen(text)) ? on_remove(path) : replace_file(path, text);

	return result ? on_fail(path, strerrordesc_np(-result)) : 0;
}

static int on_names(const char *path, const char *text, char **words)
{
	char *now = strdup(text);
	int result;

	for (; now && *words; words++) {
		char *next;

		if (!lines_have(now, *words)) {
			free(now);
			return on_fail(*words, "is not switched off by that name");
		}
		next = lines_without(now, *words);
		free(now);
		now = next;
	}
	result = now ? on_write(path, now) : on_fail(path, "out of memory");
	free(now);
	return result;
}

static int on_change(const char *path, char **words, const char *const *values)
{
	struct list list;
	char *text = NULL;
	int result;

	if (list_read(&list, path) == -ENOENT)
		return on_fail(path, "is not there: nothing is switched off");
	if (values[ON_ALL]) {
		result = on_remove(path);
		return result ? on_fail(path, strerrordesc_np(-result)) : 0;
	}
	if (list_silences(&list, "", ""))
		return on_fail(path, "switches off everything: ringside on --all");
	result = replace_read(path, &text);
	if (result || !text)
		return on_fail(path, strerrordesc_np(result ? -result : ENOENT));
	result = on_names(path, text, words);
	free(text);
	return result;
}

static int on_change_alone(const char *path, char **words, const char *const *values)
{
	int hold, result;

	if (access(path, F_OK)) /* it says so, and there is nothing to hold */
		return on_change(path, words, values);
	hold = replace_hold(path);
	if (hold < 0)
		return on_fail(path, strerrordesc_np(-hold));
	result = on_change(path, words, values);
	replace_release(hold);
	return result;
}

static void on_tell(const char *path, char **words, const char *const *values)
{
	struct json j;

	if (!values[ON_JSON]) {
		printf("what starts from now on is watched again; what was switched off while it "
		       "ran has to be started again\n");
		return;
	}
	json_init(&j);
	json_object_begin(&j, NULL);
	json_string(&j, "file", path);
	json_bool(&j, "all", values[ON_ALL] != NULL);
	json_array_begin(&j, "names");
	for (; *words; words++)
		json_string(&j, NULL, *words);
	json_array_end(&j);
	json_object_end(&j);
	if (json_finish(&j) == 0)
		puts(j.bytes);
	json_fini(&j);
}

static int on_check(char **words, const char *const *values)
{
	if (!*words == !values[ON_ALL]) {
		fprintf(stderr, "ringside on: name what was switched off, or --all\n");
		return VERBS_USAGE;
	}
	for (; *words; words++) {
		if ((*words)[strspn(*words, "0123456789")] != '\0')
			continue;
		fprintf(stderr,
			"ringside on: a process that was switched off stays off until it is "
			"started again\n");
		return VERBS_USAGE;
	}
	return 0;
}

int on_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&on_arguments, argc, argv, values);
	struct settings settings;
	struct config_error wrong;
	char path[512];
	int result;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	result = on_check(argv + at, values);
	if (result)
		return result;
	if (settings_open(&settings, &(struct settings_flags){ values[ON_RUN_DIR], NULL },
			  &wrong)) {
		fprintf(stderr, "ringside on: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	snprintf(path, sizeof(path), "%.480s/" RS_LIST_OFF, settings_run_dir(&settings));
	settings_close(&settings);
	result = on_change_alone(path, argv + at, values);
	if (result == 0)
		on_tell(path, argv + at, values);
	return result;
}
