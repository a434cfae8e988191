/*
 * profile - asks the agent what a process or service did on the CPU, or waited for off it, and
 *           writes it down.
 */
#include "agent.h"
#include "arguments.h"
#include "client.h"
#include "settings.h"
#include "verbs.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROFILE_SECONDS 10
#define PROFILE_SECONDS_MAX 300
#define PROFILE_TEXT 200
#define PROFILE_GRACE 15 /* seconds, to begin and to find names on a busy machine */

enum {
	PROFILE_S,
	PROFILE_OUTPUT,
	PROFILE_FORMAT,
	PROFILE_PAST,
	PROFILE_UNWIND,
	PROFILE_SOCKET,
	PROFILE_RUN_DIR
};

static const struct arguments profile_arguments = {
	.verb = "profile",
	.usage = "[OPTION]... cpu PID|SERVICE, or offcpu PID",
	.about = "Profiles a watched process, or all of a service's: samples its stacks on the\n"
		 "CPU, 99 a second. By the file's ending: .svg a flame graph, .pb.gz for\n"
		 "`go tool pprof` and Speedscope, .txt collapsed stacks (the terminal's), .json.\n"
		 "--unwind has the kernel copy up to 16 KiB of stack at each sample, for so long;\n"
		 "they are unwound at once, and zeroed.\n"
		 "offcpu: where its threads wait and for what, in nanoseconds, from now on.\n"
		 "Options may stand behind PID as well, and -o is --output.\n",
	.options = {
		{ "seconds", "N", "how long, 1 to 300 (10)" },
		{ "output", "FILE", "where to write it (standard output)" },
		{ "format", "FORM", "pprof, collapsed, svg or json, whatever the file's name" },
		{ "past", NULL, "the N seconds that have just passed, without waiting" },
		{ "unwind", NULL, "of one PID, through code without frame pointers too" },
		{ "socket", "PATH", "the agent's Unix socket (api.sock in the run directory)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static const char *const profile_endings[][2] = {
	{ ".svg", "svg" },   { ".pb.gz", "pprof" },   { ".pprof", "pprof" },
	{ ".pb", "pprof" },  { ".txt", "collapsed" }, { ".collapsed", "collapsed" },
	{ ".json", "json" },
};

struct profile {
	const char *values[ARGUMENTS_MAX];
	const char *whom;                  /* as it was given */
	char scope[3 * PROFILE_TEXT + 16]; /* "pid=5" or "service=x", encoded */
	const char *format;
	unsigned int seconds;
	bool offcpu;
};

static int profile_wrong(const char *what, const char *word)
{
	fprintf(stderr, "ringside profile: %s '%s'; see ringside profile --help\n", what, word);
	return VERBS_USAGE;
}

static void profile_encode(const char *text, char *out)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._", *text))
			*out++ = *text;
		else
			out += sprintf(out, "%%%02X", (unsigned char)*text);
	}
	*out = '\0';
}

static int profile_whom(struct profile *p, const char *word)
{
	bool number = *word && strspn(word, "0123456789") == strlen(word);
	size_t n;

	if (!*word || strlen(word) > PROFILE_TEXT)
		return profile_wrong("no process id or service:", word);
	p->whom = word;
	n = (size_t)sprintf(p->scope, number ? "pid=" : "service=");
	profile_encode(word, p->scope + n);
	return 0;
}

static int profile_form(struct profile *p)
{
	const char *output = p->values[PROFILE_OUTPUT];
	size_t length = output ? strlen(output) : 0;

	p->format = p->values[PROFILE_FORMAT];
	if (p->format) {
		for (size_t i = 0; i < sizeof(profile_endings) / sizeof(profile_endings[0]); i++)
			if (strcmp(p->format, profile_endings[i][1]) == 0)
				return 0;
		return profile_wrong("no such format:", p->format);
	}
	p->format = "collapsed";
	for (size_t i = 0; i < sizeof(profile_endings) / sizeof(profile_endings[0]); i++) {
		size_t n = strlen(profile_endings[i][0]);

		if (length > n && strcmp(output + length - n, profile_endings[i][0]) == 0) {
			p->format = profile_endings[i][1];
			return 0;
		}
	}
	return output ? profile_wrong("the ending tells no form (--format does):", output) : 0;
}

static int profile_options(struct profile *p)
{
	const char *seconds = p->values[PROFILE_S];
	char *end = NULL;
	unsigned long number = PROFILE_SECONDS;

	if (seconds)
		number = strtoul(seconds, &end, 10);
	if (end && (!isdigit((unsigned char)*seconds) || *end))
		return profile_wrong("no number of seconds:", seconds);
	if (!number || number > PROFILE_SECONDS_MAX)
		return profile_wrong("seconds go from 1 to 300, not", seconds);
	p->seconds = (unsigned int)number;
	return profile_form(p);
}

/* What is of one process, from now on. */
static int profile_next(const struct profile *p)
{
	if (p->offcpu && p->values[PROFILE_UNWIND])
		return profile_wrong("waits are not unwound:", "--unwind");
	if (p->offcpu && p->values[PROFILE_PAST])
		return profile_wrong("waits that have passed are not known:", "--past");
	if (p->offcpu && p->scope[0] == 's')
		return profile_wrong("offcpu is for one process, by its id, not", p->whom);
	if (p->values[PROFILE_UNWIND] && p->values[PROFILE_PAST])
		return profile_wrong("what has passed cannot be unwound:", "--past");
	if (p->values[PROFILE_UNWIND] && p->scope[0] == 's')
		return profile_wrong("--unwind is for one process, by its id, not", p->whom);
	return 0;
}

/* The two words that are no options. */
static int profile_words(struct profile *p, int argc, char **argv, const char *words[2])
{
	int count = 0, at;

	/* reading stops at each of them, and goes on behind it: options stand anywhere */
	for (;; argc -= at, argv += at) {
		const char *more[ARGUMENTS_MAX] = { NULL };

		at = arguments_read(&profile_arguments, argc, argv, more);
		if (at < 0)
			return at == ARGUMENTS_HELP ? ARGUMENTS_HELP : VERBS_USAGE;
		for (int i = 0; i < ARGUMENTS_MAX; i++)
			p->values[i] = more[i] ? more[i] : p->values[i];
		if (at >= argc)
			return 0;
		if (count == 2)
			return profile_wrong("unexpected argument", argv[at]);
		words[count++] = argv[at];
	}
}

static int profile_read(struct profile *p, int argc, char **argv)
{
	static char output[] = "--output";
	const char *words[2] = { NULL, NULL };
	int result;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-o") == 0)
			argv[i] = output;
	result = profile_words(p, argc, argv, words);
	if (result)
		return result;
	p->offcpu = words[0] && strcmp(words[0], "offcpu") == 0;
	if (!words[0] || (!p->offcpu && strcmp(words[0], "cpu") != 0))
		return profile_wrong("only cpu and offcpu can be profiled, not",
				     words[0] ? words[0] : "");
	if (!words[1])
		return profile_wrong("a process id or service is missing behind", words[0]);
	result = profile_whom(p, words[1]);
	if (!result)
		result = profile_options(p);
	return result ? result : profile_next(p);
}

/* Said before anybody waits for nothing. */
static int profile_known(const struct profile *p, struct agent *a, struct agent_error *error)
{
	char path[sizeof(p->scope) + 64];
	struct envelope *processes;
	size_t count;
	int result;

	snprintf(path, sizeof(path), "/api/processes?%s", p->scope);
	result = agent_ask(a, path, &processes, error);
	if (result)
		return result;
	count = envelope_size(envelope_member(envelope_data(processes), "processes"));
	envelope_close(processes);
	if (count)
		return 0;
	snprintf(error->text, sizeof(error->text),
		 "%s is not watched; ringside ps lists what is, ringside run starts a server so",
		 p->whom);
	return -ENOENT;
}

/* The answer comes when the seconds have passed. */
static bool profile_is_slow(const struct profile *p)
{
	return p->offcpu || p->values[PROFILE_UNWIND];
}

static int profile_fetch(const struct profile *p, struct agent *a, FILE *out,
			 struct agent_error *error)
{
	char path[sizeof(p->scope) + 96];
	struct client_answer answer;
	int result;

	snprintf(path, sizeof(path), "/api/profile/%s?%s&seconds=%u&format=%s%s",
		 p->offcpu ? "offcpu" : "cpu", p->scope, p->seconds, p->format,
		 p->values[PROFILE_UNWIND] ? "&unwind=1" : "");
	if (profile_is_slow(p))
		client_wait(a->client, (long)p->seconds + PROFILE_GRACE);
	result = agent_get(a, path, &answer, error);
	if (result)
		return result;
	if (fwrite(answer.bytes, 1, answer.length, out) != answer.length || fflush(out)) {
		result = -errno;
		snprintf(error->text, sizeof(error->text), "cannot write: %s",
			 strerrordesc_np(-result));
	}
	if (!answer.length)
		fprintf(stderr, "ringside profile: %s was not %s a CPU in these seconds\n", p->whom,
			p->offcpu ? "off" : "on");
	client_answer_free(&answer);
	return result;
}

static int profile_take(const struct profile *p, struct agent *a, struct agent_error *error)
{
	const char *path = p->values[PROFILE_OUTPUT];
	int result = profile_known(p, a, error);
	FILE *out = stdout;

	if (!result && path)
		out = fopen(path, "we");
	if (!out) {
		result = -errno;
		snprintf(error->text, sizeof(error->text), "cannot write %s: %s", path,
			 strerrordesc_np(-result));
		return result;
	}
	if (!result && !p->values[PROFILE_PAST] && !profile_is_slow(p))
		sleep(p->seconds);
	if (!result)
		result = profile_fetch(p, a, out, error);
	if (out != stdout && fclose(out) && !result) {
		result = -errno;
		snprintf(error->text, sizeof(error->text), "cannot write %s: %s", path,
			 strerrordesc_np(-result));
	}
	return result;
}

int profile_verb(int argc, char **argv)
{
	struct profile p = { .whom = NULL };
	int result = profile_read(&p, argc, argv);
	struct settings settings;
	struct config_error wrong;
	struct agent_error error;
	struct agent agent;

	if (result)
		return result == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (settings_open(
		    &settings,
		    &(struct settings_flags){ p.values[PROFILE_RUN_DIR], p.values[PROFILE_SOCKET] },
		    &wrong)) {
		fprintf(stderr, "ringside profile: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	if (settings.problem.text[0])
		fprintf(stderr, "ringside: warning: %s\n", settings.problem.text);
	result = agent_open(&agent, &settings, &error);
	if (result == 0) {
		result = profile_take(&p, &agent, &error);
		agent_close(&agent);
	}
	if (result)
		fprintf(stderr, "ringside profile: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}
