/*
 * ps - the verb that lists the watched processes, as the agent knows them.
 */
#include "agent.h"
#include "arguments.h"
#include "json.h"
#include "settings.h"
#include "table.h"
#include "verbs.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PS_PROCESSES "/api/processes?limit=1000&sort=rate"
#define PS_CAPTURE "/api/capture?limit=1000"

enum { PS_JSON, PS_SOCKET, PS_RUN_DIR };

static const struct arguments ps_arguments = {
	.verb = "ps",
	.usage = "[OPTION]...",
	.about = "Lists the watched processes, the busiest first: times in milliseconds, numbers\n"
		 "of the last five minutes; COMPLETE% since it was first seen. '-' is unknown.\n",
	.options = {
		{ "json", NULL, "one JSON document instead of a table" },
		{ "socket", "PATH", "the agent's Unix socket (api.sock in the run directory)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

static const struct table_column ps_columns[] = {
	{ "PID", true },  { "SERVICE", false }, { "STATE", false },    { "REQ/S", true },
	{ "P50", true },  { "P95", true },      { "P99", true },       { "ERR%", true },
	{ "CPU%", true }, { "RSS", true },      { "COMPLETE%", true },
};

#define PS_COLUMNS (sizeof(ps_columns) / sizeof(ps_columns[0]))

/* One process: its row of /api/processes and its row of the ledger, NULL where there is none. */
struct ps_row {
	const struct envelope_node *load, *ledger;
};

static struct ps_row ps_row_at(const struct envelope *processes, const struct envelope *capture,
			       size_t i)
{
	const struct envelope_node *rows = envelope_member(envelope_data(processes), "processes");
	const struct envelope_node *ledger =
		capture ? envelope_member(envelope_data(capture), "processes") : NULL;
	struct ps_row row = { .load = envelope_at(rows, i) };
	double pid = envelope_number(row.load, "pid");

	for (size_t k = 0; k < envelope_size(ledger) && !row.ledger; k++)
		if (envelope_number(envelope_at(ledger, k), "pid") == pid)
			row.ledger = envelope_at(ledger, k);
	return row;
}

/* Since the process was first seen: of all that it served, what was seen in detail. */
static double ps_completeness(const struct ps_row *row)
{
	double all = envelope_number(row->ledger, "seen") + envelope_sum(row->ledger, "unparsed");
	double detailed =
		envelope_number(row->ledger, "recorded") + envelope_number(row->ledger, "folded");

	if (!isfinite(all) || !isfinite(detailed))
		return NAN;
	return all > 0 && detailed < all ? 100.0 * detailed / all : 100.0;
}

/* "on", or what else it is and why. */
static void ps_state(const struct ps_row *row, char *out, size_t size)
{
	const char *state = envelope_text(row->ledger, "state");
	const char *why = envelope_text(row->ledger, "why");

	snprintf(out, size, "%s%s%s", state ? state : "", state && why ? ":" : "",
		 state && why ? why : "");
}

static void ps_row_table(const struct ps_row *row, struct table *t)
{
	char state[64];

	ps_state(row, state, sizeof(state));
	table_number(t, envelope_number(row->load, "pid"), 0);
	table_text(t, envelope_text(row->load, "service"));
	table_text(t, state);
	table_number(t, envelope_number(row->load, "requestsPerSecond"), 1);
	table_number(t, envelope_number(row->load, "p50"), 2);
	table_number(t, envelope_number(row->load, "p95"), 2);
	table_number(t, envelope_number(row->load, "p99"), 2);
	table_number(t, envelope_number(row->load, "errorRate"), 2);
	table_number(t, envelope_number(row->load, "processPercent"), 1);
	table_bytes(t, envelope_number(row->load, "rss"));
	table_number(t, ps_completeness(row), 2);
}

static void ps_row_json(const struct ps_row *row, struct json *j)
{
	json_object_begin(j, NULL);
	json_int(j, "pid", (int64_t)envelope_number(row->load, "pid"));
	json_string(j, "service", envelope_text(row->load, "service"));
	json_string(j, "state", envelope_text(row->ledger, "state"));
	json_string(j, "why", envelope_text(row->ledger, "why"));
	json_double(j, "requestsPerSecond", envelope_number(row->load, "requestsPerSecond"));
	json_double(j, "p50", envelope_number(row->load, "p50"));
	json_double(j, "p95", envelope_number(row->load, "p95"));
	json_double(j, "p99", envelope_number(row->load, "p99"));
	json_double(j, "errorRate", envelope_number(row->load, "errorRate"));
	json_double(j, "processPercent", envelope_number(row->load, "processPercent"));
	json_double(j, "rss", envelope_number(row->load, "rss"));
	json_double(j, "completeness", ps_completeness(row));
	json_object_end(j);
}

static size_t ps_count(const struct envelope *processes)
{
	return envelope_size(envelope_member(envelope_data(processes), "processes"));
}

static int ps_print_table(const struct envelope *processes, const struct envelope *capture)
{
	struct table t;
	int result;

	if (ps_count(processes) == 0) {
		fprintf(stderr, "ringside ps: nothing is watched yet; start a server by: "
				"ringside run -- nginx\n");
		return 0;
	}
	table_init(&t, ps_columns, PS_COLUMNS);
	for (size_t i = 0; i < ps_count(processes); i++) {
		struct ps_row row = ps_row_at(processes, capture, i);

		ps_row_table(&row, &t);
	}
	result = table_print(&t, stdout);
	table_fini(&t);
	return result;
}

static int ps_print_json(const struct envelope *processes, const struct envelope *capture)
{
	struct json j;
	int result;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_array_begin(&j, "processes");
	for (size_t i = 0; i < ps_count(processes); i++) {
		struct ps_row row = ps_row_at(processes, capture, i);

		ps_row_json(&row, &j);
	}
	json_array_end(&j);
	json_object_end(&j);
	result = json_finish(&j);
	if (result == 0)
		puts(j.bytes);
	json_fini(&j);
	return result;
}

static int ps_show(struct agent *a, bool json, struct agent_error *error)
{
	struct envelope *processes, *capture;
	struct agent_error ignored; /* without the ledger its columns are unknown */
	int result = agent_ask(a, PS_PROCESSES, &processes, error);

	if (result)
		return result;
	agent_ask(a, PS_CAPTURE, &capture, &ignored);
	result = json ? ps_print_json(processes, capture) : ps_print_table(processes, capture);
	if (result == 0 && (fflush(stdout) || ferror(stdout)))
		result = -EIO;
	if (result)
		snprintf(error->text, sizeof(error->text), "cannot print: %s",
			 strerrordesc_np(-result));
	envelope_close(capture);
	envelope_close(processes);
	return result;
}

int ps_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX];
	int at = arguments_read(&ps_arguments, argc, argv, values);
	struct settings settings;
	struct config_error wrong;
	struct agent_error error;
	struct agent agent;
	int result;

	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (at < argc) {
		fprintf(stderr, "ringside ps: unexpected argument '%s'\n", argv[at]);
		return VERBS_USAGE;
	}
	if (settings_open(&settings,
			  &(struct settings_flags){ values[PS_RUN_DIR], values[PS_SOCKET] },
			  &wrong)) {
		fprintf(stderr, "ringside ps: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	if (settings.problem.text[0])
		fprintf(stderr, "ringside: warning: %s\n", settings.problem.text);
	result = agent_open(&agent, &settings, &error);
	if (result == 0) {
		result = ps_show(&agent, values[PS_JSON], &error);
		agent_close(&agent);
	}
	if (result)
		fprintf(stderr, "ringside ps: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}
