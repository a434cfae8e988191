/*
 * ringside - the command: finds its verb.
 */
#include "arguments.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

struct ringside_verb {
	const char *name, *about;
	int (*call)(int argc, char **argv);
};

static const struct ringside_verb ringside_verbs[] = {
	{ "run", "start a command under libringside.so: ringside run -- nginx", run_verb },
	{ "ps", "what is watched, with its rates, times and load", ps_verb },
	{ "profile", "what a process or service does on the CPU: flame graph, pprof",
	  profile_verb },
	{ "attach", "watch a running process from outside: requests, CPU, waits", attach_verb },
	{ "detach", "let it go again", detach_verb },
	{ "off", "silence a process for good, a service until `on`", off_verb },
	{ "on", "let what is started from now on be watched again", on_verb },
	{ "cache", "the cache: its statistics, one entry, clearing", cache_verb },
	{ "fleet", "all agents that share the Redis: their hosts, their services", fleet_verb },
	{ "alerts", "the channels of alerts: how they stand, and trying one out", alerts_verb },
	{ "rules", "the alert rules: check files of them, list what is in force", rules_verb },
	{ "enable", "have systemd start a service under the library", enable_verb },
	{ "disable", "take that back", disable_verb },
	{ "doctor", "what works on this machine, what does not, and why", doctor_verb },
};

#define RINGSIDE_VERBS (sizeof(ringside_verbs) / sizeof(ringside_verbs[0]))

static void ringside_help(FILE *out)
{
	fprintf(out, "usage: ringside VERB [OPTION]...\n\n"
		     "Watches servers from a ringside seat; the agent, ringsided, does the "
		     "counting.\n\n");
	for (size_t i = 0; i < RINGSIDE_VERBS; i++)
		fprintf(out, "  %-8s %s\n", ringside_verbs[i].name, ringside_verbs[i].about);
	fprintf(out, "\nringside VERB --help tells its options; --version prints the version.\n");
}

static int ringside_unknown(const char *word)
{
	const char *names[RINGSIDE_VERBS + 3] = { "--help", "--version" };
	const char *nearest;

	for (size_t i = 0; i < RINGSIDE_VERBS; i++)
		names[i + 2] = ringside_verbs[i].name;
	nearest = arguments_nearest(word, names);
	fprintf(stderr, "ringside: unknown %s '%s'", *word == '-' ? "option" : "verb", word);
	if (nearest)
		fprintf(stderr, "; did you mean '%s'?\n", nearest);
	else
		fprintf(stderr, "; see ringside --help\n");
	return VERBS_USAGE;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!*word) {
		ringside_help(stderr);
		return VERBS_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		ringside_help(stdout);
		return 0;
	}
	if (strcmp(word, "--version") == 0) {
		printf("ringside " RS_VERSION "\n");
		return 0;
	}
	for (size_t i = 0; i < RINGSIDE_VERBS; i++)
		if (strcmp(word, ringside_verbs[i].name) == 0)
			return ringside_verbs[i].call(argc - 1, argv + 1);
	return ringside_unknown(word);
}
