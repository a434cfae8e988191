/*
 * fleet - the verb about all agents that share the agent's Redis: their hosts, and their services.
 */
#include "agent.h"
#include "arguments.h"
#include "client.h"
#include "settings.h"
#include "table.h"
#include "verbs.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FLEET_JSON, FLEET_WINDOW, FLEET_SOCKET, FLEET_RUN_DIR };

static const struct arguments fleet_arguments = {
	.verb = "fleet",
	.usage = "hosts|services [OPTION]...",
	.about = "hosts     every host that shares the Redis: when it was heard of last,\n"
		 "          whether it is gone, and of how much of the window it has told\n"
		 "services  what all of them measured, merged by service\n\n"
		 "Exit code 1: hosts: one of them is gone or cannot be read; or the agent has\n"
		 "no answer, as it is in no fleet or its Redis is away.\n",
	.options = {
		{ "json", NULL, "what the agent answers, as it is" },
		{ "window", "TIME", "10s, 1m, 5m (which it is unless said), 15m, 1h, 6h, 24h, 7d" },
		{ "socket", "PATH", "the agent's Unix socket (api.sock in run-dir)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static const struct table_column fleet_hosts_columns[] = {
	{ "HOST", false },    { "STATE", false }, { "AGE s", true }, { "TOLD %", true },
	{ "SERVICES", true }, { "ALERTS", true }, { "LOST", true },  { "CLOCK ms", true },
	{ "VERSION", false }, { "ERROR", false },
};

static const struct table_column fleet_services_columns[] = {
	{ "SERVICE", false }, { "ENV", false },    { "HOSTS", true },  { "COUNT", true },
	{ "REQ/s", true },    { "ERROR %", true }, { "P50 ms", true }, { "P95 ms", true },
	{ "P99 ms", true },   { "MAX ms", true },  { "APDEX", true },  { "RSS", true },
};

#define FLEET_COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

static bool fleet_hosts_row(const struct envelope_node *host, struct table *t)
{
	const char *state = envelope_text(host, "state");

	table_text(t, envelope_text(host, "host"));
	table_text(t, state);
	table_number(t, envelope_number(host, "ageMs") / 1000, 1);
	table_number(t, envelope_number(host, "completeness"), 1);
	table_number(t, envelope_number(host, "services"), 0);
	table_number(t, envelope_number(host, "alerts"), 0);
	table_number(t, envelope_number(host, "lost"), 0);
	table_number(t, envelope_number(host, "clockOffsetMs"), 0);
	table_text(t, envelope_text(host, "version"));
	table_text(t, envelope_text(host, "error"));
	return state && !strcmp(state, "live");
}

static bool fleet_services_row(const struct envelope_node *service, struct table *t)
{
	static const char *const times[] = { "p50", "p95", "p99", "max" };

	table_text(t, envelope_text(service, "service"));
	table_text(t, envelope_text(service, "environment"));
	table_number(t, envelope_number(service, "hosts"), 0);
	table_number(t, envelope_number(service, "count"), 0);
	table_number(t, envelope_number(service, "requestsPerSecond"), 2);
	table_number(t, envelope_number(service, "errorRate"), 2);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		table_number(t, envelope_number(service, times[i]), 3);
	table_number(t, envelope_number(service, "apdex"), 2);
	table_bytes(t, envelope_number(service, "rss"));
	return true;
}

struct fleet_word {
	const char *name;
	const struct table_column *columns;
	size_t width;
	bool (*row)(const struct envelope_node *node, struct table *t); /* false: it is not well */
};

static const struct fleet_word fleet_words[] = {
	{ "hosts", fleet_hosts_columns, FLEET_COLUMNS(fleet_hosts_columns), fleet_hosts_row },
	{ "services", fleet_services_columns, FLEET_COLUMNS(fleet_services_columns),
	  fleet_services_row },
};

#define FLEET_WORDS (sizeof(fleet_words) / sizeof(fleet_words[0]))

/* What of it is not whole is said under it. */
static void fleet_print_limits(const struct envelope_node *fleet)
{
	const char *cut = envelope_text(fleet, "cut");

	printf("%.0f hosts: %.0f live, %.0f gone, %.0f unread", envelope_number(fleet, "hosts"),
	       envelope_number(fleet, "live"), envelope_number(fleet, "gone"),
	       envelope_number(fleet, "unread"));
	if (!isnan(envelope_number(fleet, "completeness")))
		printf("; %.1f %% of the window told", envelope_number(fleet, "completeness"));
	printf("%s%s\n", cut ? "; not whole, too much: " : "", cut ? cut : "");
}

/* 1: one of them is not well. */
static int fleet_print(const struct fleet_word *word, const struct envelope_node *data)
{
	const struct envelope_node *rows = envelope_member(data, word->name);
	struct table t;
	int bad = 0, result;

	table_init(&t, word->columns, word->width);
	for (size_t i = 0; i < envelope_size(rows); i++)
		bad |= !word->row(envelope_at(rows, i), &t);
	result = table_print(&t, stdout);
	table_fini(&t);
	fleet_print_limits(envelope_member(data, "fleet"));
	return result ? result : bad;
}

static int fleet_print_json(struct agent *agent, const char *path, struct agent_error *error)
{
	const struct client_request request = { .method = "GET", .path = path };
	struct client_answer answer;
	int result = agent_send(agent, &request, &answer, error);

	if (result)
		return result;
	fwrite(answer.bytes, 1, answer.length, stdout);
	client_answer_free(&answer);
	return 0;
}

static int fleet_ask(struct agent *agent, const struct fleet_word *word, const char *const *values,
		     struct agent_error *error)
{
	const char *window = values[FLEET_WINDOW] ? values[FLEET_WINDOW] : "5m";
	struct envelope *all;
	char path[128];
	int result;

	snprintf(path, sizeof(path), "/api/fleet/%s?limit=1000&window=%.32s", word->name, window);
	if (values[FLEET_JSON])
		return fleet_print_json(agent, path, error);
	result = agent_ask(agent, path, &all, error);
	if (result)
		return result;
	result = fleet_print(word, envelope_data(all));
	envelope_close(all);
	return result;
}

static int fleet_do(const struct fleet_word *word, const char *const *values)
{
	struct settings_flags flags = { values[FLEET_RUN_DIR], values[FLEET_SOCKET] };
	struct agent_error error = { "" };
	struct settings settings;
	struct config_error wrong;
	struct agent agent;
	int result;

	if (settings_open(&settings, &flags, &wrong)) {
		fprintf(stderr, "ringside fleet: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	result = agent_open(&agent, &settings, &error);
	if (!result) {
		result = fleet_ask(&agent, word, values, &error);
		agent_close(&agent);
	}
	if (result < 0)
		fprintf(stderr, "ringside fleet: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}

static int fleet_unknown(const char *word)
{
	static const char *const words[] = { "hosts", "services", NULL };
	const char *near = arguments_nearest(word, words);

	fprintf(stderr, "ringside fleet: say hosts or services%s%s%s\n",
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return VERBS_USAGE;
}

/* Anything else would be more than a parameter of the API. */
static bool fleet_is_window(const char *window)
{
	return !window || strspn(window, "0123456789smhd") == strlen(window);
}

int fleet_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX], *name = argc > 1 ? argv[1] : "";
	const struct fleet_word *word = NULL;
	int at;

	for (size_t i = 0; i < FLEET_WORDS && !word; i++)
		word = strcmp(fleet_words[i].name, name) ? NULL : &fleet_words[i];
	if (!word && *name != '-')
		return fleet_unknown(name);
	at = arguments_read(&fleet_arguments, argc - (word != NULL), argv + (word != NULL), values);
	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (!word)
		return fleet_unknown("");
	if (argv[1 + at] || !fleet_is_window(values[FLEET_WINDOW])) {
		fprintf(stderr, "ringside fleet: see ringside fleet --help for what %s takes\n",
			word->name);
		return VERBS_USAGE;
	}
	return fleet_do(word, values);
}
