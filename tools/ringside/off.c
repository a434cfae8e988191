/*
 * off - the verb that silences processes at once, and services until `ringside on`.
 */
#include "arguments.h"
#include "json.h"
#include "lines.h"
#include "list.h"
#include "replace.h"
#include "settings.h"
#include "silence.h"
#include "table.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFF_DIGITS "0123456789"

enum { OFF_ALL, OFF_JSON, OFF_RUN_DIR };

static const struct arguments off_arguments = {
	.verb = "off",
	.usage = "[OPTION]... PID|SERVICE|EXECUTABLE...",
	.about = "Silences the library at once, with or without an agent. A process that was\n"
		 "switched off stays off, and so do children that it forks, until it is started\n"
		 "again: that is final. A SERVICE, or an EXECUTABLE by its path (* and ? stand\n"
		 "for any bytes and for one), is also noted in the file `off` of the run\n"
		 "directory, so that those that start later are silent too, until `ringside on`:\n"
		 "at once by the name that the environment, the unit, the script or the\n"
		 "executable gives, within a second and by the agent by one of targets.names.\n"
		 "Exit code 1: something could not be switched off.\n",
	.options = {
		{ "all", NULL, "everything that runs, and everything that will be started" },
		{ "json", NULL, "one JSON document instead of lines" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static const struct table_column off_columns[] = {
	{ "PID", true },
	{ "SERVICE", false },
	{ "RESULT", false },
};

/* What was done, and how it is told. */
struct off {
	struct silence silence;
	char path[512]; /* of the off file */
	struct table table;
	struct json json;
	int processes; /* told, or off before */
	int failed;
	bool kept; /* the off file names what was asked for */
};

static void off_row(struct off *o, const struct silence_row *row)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s", silence_result_text(row->result),
		 row->why ? ": " : "", row->why ? row->why : "");
	o->processes += row->result <= SILENCE_ALREADY;
	o->failed += row->result > SILENCE_ALREADY;
	table_number(&o->table, row->pid, 0);
	table_text(&o->table, row->service[0] ? row->service : NULL);
	table_text(&o->table, text);
	json_object_begin(&o->json, NULL);
	json_int(&o->json, "pid", row->pid);
	json_string(&o->json, "service", row->service[0] ? row->service : NULL);
	json_string(&o->json, "result", silence_result_text(row->result));
	json_string(&o->json, "why", row->why);
	json_object_end(&o->json);
}

static int off_fail(struct off *o, const char *what, int error)
{
	fprintf(stderr, "ringside off: %s: %s\n", what, strerrordesc_np(-error));
	o->failed++;
	return error;
}

/* A file that names nothing silences everything already. */
static int off_note(const struct off *o, const char *line)
{
	struct list now;
	char *old = NULL, *text = NULL;
	int result;

	if (list_read(&now, o->path) == 0 && list_silences(&now, "", ""))
		return 0;
	result = replace_read(o->path, &old);
	if (result == 0) {
		text = lines_with(old, line);
		result = text ? 0 : -ENOMEM;
	}
	if (result == 0 && strlen(text) > RS_LIST_BYTES)
		result = -EFBIG;
	if (result == 0)
		result = replace_file(o->path, text);
	free(text);
	free(old);
	return result;
}

/* For those that start later. */
static void off_keep(struct off *o, const char *line)
{
	int hold = replace_hold(o->path);
	int result = hold < 0 ? hold : off_note(o, line);

	replace_release(hold);
	if (result)
		off_fail(o, o->path, result);
	else
		o->kept = true;
}

static void off_all_of(struct off *o, const char *pattern)
{
	struct silence_row *rows;
	int count = silence_all(&o->silence, pattern, &rows);

	if (count < 0) {
		off_fail(o, "/proc", count);
		return;
	}
	for (int i = 0; i < count; i++)
		off_row(o, &rows[i]);
	free(rows);
}

/* The file first: who starts meanwhile sees either it or the word. */
static void off_everything(struct off *o)
{
	int hold = replace_hold(o->path);
	int result = hold < 0 ? hold : replace_file(o->path, "");

	replace_release(hold);
	if (result)
		off_fail(o, o->path, result);
	else
		o->kept = true;
	off_all_of(o, NULL);
}

static void off_one(struct off *o, const char *word)
{
	struct silence_row row;

	if (word[strspn(word, OFF_DIGITS)] == '\0') {
		silence_process(&o->silence, (pid_t)strtol(word, NULL, 10), NULL, &row);
		off_row(o, &row);
		return;
	}
	off_keep(o, word);
	off_all_of(o, word);
}

static void off_print(struct off *o)
{
	if (o->processes + o->failed > 0)
		table_print(&o->table, stdout);
	else
		printf("no such process runs\n");
	if (o->kept)
		printf("%s keeps those silent that start later; until: ringside on\n", o->path);
}

static void off_print_json(struct off *o)
{
	json_array_end(&o->json);
	json_string(&o->json, "keptIn", o->kept ? o->path : NULL);
	json_object_end(&o->json);
	if (json_finish(&o->json) == 0)
		puts(o->json.bytes);
}

static int off_run(const struct settings *settings, char **words, const char *const *values)
{
	struct off o = { .failed = 0 };
	const char *run_dir = settings_run_dir(settings);
	int result = silence_open(&o.silence, run_dir, settings->config);

	if (result) {
		fprintf(stderr, "ringside off: %s: %s\n", run_dir, strerrordesc_np(-result));
		return VERBS_BAD;
	}
	snprintf(o.path, sizeof(o.path), "%.480s/" RS_LIST_OFF, run_dir);
	table_init(&o.table, off_columns, sizeof(off_columns) / sizeof(off_columns[0]));
	json_init(&o.json);
	json_object_begin(&o.json, NULL);
	json_array_begin(&o.json, "processes");
	if (values[OFF_ALL])
		off_everything(&o);
	for (; *words; words++)
		off_one(&o, *words);
	if (values[OFF_JSON])
		off_print_json(&o);
	else
		off_print(&o);
	table_fini(&o.table);
	json_fini(&o.json);
	silence_close(&o.silence);
	return o.failed ? VERBS_BAD : 0;
}

static int off_check(char **words, const char *const *values)
{
	if (!*words && !values[OFF_ALL]) {
		fprintf(stderr, "ringside off: which process or service? As: ringside off nginx\n");
		return VERBS_USAGE;
	}
	if (*words && values[OFF_ALL]) {
		fprintf(stderr, "ringside off: --all goes without names\n");
		return VERBS_USAGE;
	}
	for (; *words; words++) {
		if (lines_good(*words))
			continue;
		fprintf(stderr, "ringside off: '%s' cannot be a service's name\n", *words);
		return VERBS_USAGE;
	}
	return 0;
}

int off_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&off_arguments, argc, argv, values);
	struct settings settings;
	struct config_error wrong;
	int result;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	result = off_check(argv + at, values);
	if (result)
		return result;
	if (settings_open(&settings, &(struct settings_flags){ values[OFF_RUN_DIR], NULL },
			  &wrong)) {
		fprintf(stderr, "ringside off: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	if (settings.problem.text[0])
		fprintf(stderr, "ringside: warning: %s\n", settings.problem.text);
	result = off_run(&settings, argv + at, values);
	settings_close(&settings);
	return result;
}
