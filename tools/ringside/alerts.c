/*
 * alerts - the verb about the channels on which alerts are told: how they stand, and trying one.
 */
#include "agent.h"
#include "arguments.h"
#include "settings.h"
#include "table.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALERTS_CHANNELS "/api/alerts/channels?limit=1000"
#define ALERTS_WAIT_MS 65000 /* longer than any delivery may take */
#define ALERTS_LOOK_MS 100

enum { ALERTS_SOCKET, ALERTS_RUN_DIR };

static const struct arguments alerts_arguments = {
	.verb = "alerts",
	.usage = "channels [OPTION]... | test [OPTION]... CHANNEL",
	.about = "channels  how each channel of alerts.channels stands, and what it said last.\n"
		 "test      sends a notice that says that it is a test, and tells what the\n"
		 "          receiver answered; of an action: does it. For root.\n\n"
		 "Exit code 1: a channel fails, or the test did not arrive.\n",
	.options = {
		{ "socket", "PATH", "the agent's Unix socket (api.sock in run-dir)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static const struct table_column alerts_columns[] = {
	{ "CHANNEL", false },  { "TYPE", false },       { "STATE", false },
	{ "DELIVERED", true }, { "WAITING", true },     { "DROPPED", true },
	{ "REFUSED", true },   { "LAST REPLY", false }, { "LAST ERROR", false },
};

#define ALERTS_COLUMNS (sizeof(alerts_columns) / sizeof(alerts_columns[0]))

static void alerts_number(struct table *t, const struct envelope_node *channel, const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f", envelope_number(channel, name));
	table_text(t, text);
}

/* 1: one of them fails. */
static int alerts_print(const struct envelope_node *channels)
{
	struct table t;
	int bad = 0, result;

	table_init(&t, alerts_columns, ALERTS_COLUMNS);
	for (size_t i = 0; i < envelope_size(channels); i++) {
		const struct envelope_node *channel = envelope_at(channels, i);
		const char *state = envelope_text(channel, "state");

		bad = bad || (state && strcmp(state, "failing") == 0);
		table_text(&t, envelope_text(channel, "name"));
		table_text(&t, envelope_text(channel, "type"));
		table_text(&t, state);
		alerts_number(&t, channel, "delivered");
		alerts_number(&t, channel, "waiting");
		alerts_number(&t, channel, "dropped");
		alerts_number(&t, channel, "refused");
		table_text(&t, envelope_text(channel, "lastReply"));
		table_text(&t, envelope_text(channel, "lastError"));
	}
	result = table_print(&t, stdout);
	table_fini(&t);
	return result ? result : bad;
}

static int alerts_channels(struct agent *agent, const char *name, struct agent_error *error)
{
	struct envelope *all;
	int result = agent_ask(agent, ALERTS_CHANNELS, &all, error);

	(void)name;
	if (result)
		return result;
	result = alerts_print(envelope_member(envelope_data(all), "channels"));
	envelope_close(all);
	return result;
}

/* What came of the test of this channel; -EAGAIN: nothing yet. */
static int alerts_outcome(const struct envelope_node *channels, const char *name)
{
	for (size_t i = 0; i < envelope_size(channels); i++) {
		const struct envelope_node *channel = envelope_at(channels, i);
		const struct envelope_node *test = envelope_member(channel, "test");
		const char *state = envelope_text(test, "state");
		const char *reply = envelope_text(test, "reply");
		const char *found = envelope_text(channel, "name");

		if (!found || strcmp(found, name) != 0 || !state || !strcmp(state, "trying"))
			continue;
		printf("%s: %s%s%s\n", name, state, reply ? ": " : "", reply ? reply : "");
		return strcmp(state, "arrived") != 0;
	}
	return -EAGAIN;
}

static int alerts_test(struct agent *agent, const char *name, struct agent_error *error)
{
	struct envelope *all;
	char path[128];
	int result;

	snprintf(path, sizeof(path), "/api/alerts/channels/%.64s/test", name);
	result = agent_do(agent, path, error);
	for (int ms = 0; !result && ms < ALERTS_WAIT_MS; ms += ALERTS_LOOK_MS) {
		result = agent_ask(agent, ALERTS_CHANNELS, &all, error);
		if (result)
			return result;
		result = alerts_outcome(envelope_member(envelope_data(all), "channels"), name);
		envelope_close(all);
		if (result != -EAGAIN)
			return result;
		usleep(ALERTS_LOOK_MS * 1000);
		result = 0;
	}
	if (!result)
		snprintf(error->text, sizeof(error->text), "%.64s: no answer from the runner",
			 name);
	return result ? result : -ETIMEDOUT;
}

/* Anything else would be another path of the API. */
static bool alerts_is_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

static int alerts_do(bool test, const char *name, const char *const *values)
{
	struct settings_flags flags = { values[ALERTS_RUN_DIR], values[ALERTS_SOCKET] };
	struct agent_error error = { "" };
	struct settings settings;
	struct config_error wrong;
	struct agent agent;
	int result;

	if (settings_open(&settings, &flags, &wrong)) {
		fprintf(stderr, "ringside alerts: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	result = agent_open(&agent, &settings, &error);
	if (!result) {
		result = test ? alerts_test(&agent, name, &error)
			      : alerts_channels(&agent, name, &error);
		agent_close(&agent);
	}
	if (result < 0)
		fprintf(stderr, "ringside alerts: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}

static int alerts_unknown(const char *word)
{
	static const char *const words[] = { "channels", "test", NULL };
	const char *near = arguments_nearest(word, words);

	fprintf(stderr, "ringside alerts: say channels or test%s%s%s\n",
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return VERBS_USAGE;
}

int alerts_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX], *word = argc > 1 ? argv[1] : "";
	bool test = !strcmp(word, "test"), known = test || !strcmp(word, "channels");
	char **names;
	int at;

	if (!known && *word != '-')
		return alerts_unknown(word);
	at = arguments_read(&alerts_arguments, argc - known, argv + known, values);
	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (!known)
		return alerts_unknown("");
	names = argv + 1 + at;
	if (test != (names[0] != NULL) || (names[0] && (names[1] || !alerts_is_name(names[0])))) {
		fprintf(stderr, "ringside alerts: test takes the name of one channel, channels "
				"none\n");
		return VERBS_USAGE;
	}
	return alerts_do(test, names[0], values);
}
