/*
 * rules - the verb about alert rules: what is wrong in files of them, what is in force, and why one
 *         fires or not.
 */
#include "agent.h"
#include "arguments.h"
#include "book.h"
#include "explain.h"
#include "json.h"
#include "moment.h"
#include "proof.h"
#include "settings.h"
#include "table.h"
#include "text.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULES_HOUR_NS UINT64_C(3600000000000)
#define RULES_FILES "worker/history" /* in the state directory */
#define RULES_ASKED "/api/alerts/rules?limit=1000"
#define RULES_FIRING "/api/alerts?limit=1000"

enum {
	RULES_JSON,
	RULES_DIR,
	RULES_SOCKET,
	RULES_RUN_DIR,
	RULES_HISTORY,
	RULES_LAST,
	RULES_FROM,
	RULES_TO,
	RULES_STATE_DIR
};

static const struct arguments rules_arguments = {
	.verb = "rules",
	.usage = "check|list [OPTION]... [FILE]...\n"
		 "       ringside rules test [OPTION]... SCENARIO [FILE]...\n"
		 "       ringside rules test --history [OPTION]... [FILE]...\n"
		 "       ringside rules explain [OPTION]... RULE",
	.about = "check  reads rule files as the agent does, over the shipped rules, and says\n"
		 "       what is wrong: file, line, rule, key and reason.\n"
		 "list   all rules that are in force with them.\n"
		 "test   replays the series of a SCENARIO under its rules and those of FILEs, and\n"
		 "       says which alerts fire and resolve, and whether that was expected; with\n"
		 "       --history the requests that were recorded, to say what would have been.\n"
		 "explain  asks the agent why a rule fires or not.\n\n"
		 "Without a FILE those of alerts.rules_dir are read. Exit code 1: something is\n"
		 "wrong, or did not come as expected.\n",
	.options = {
		{ "json", NULL, "check, list, test: one JSON document instead of lines" },
		{ "rules-dir", "DIR", "the folder of the rule files (/etc/ringside/rules.d)" },
		{ "socket", "PATH", "explain: the agent's Unix socket (api.sock in run-dir)" },
		{ "run-dir", "DIR", "explain: the agent's run directory (/run/ringside)" },
		{ "history", NULL, "test: what was recorded, instead of a scenario" },
		{ "last", "SPAN", "history: of this long, up to now (1h)" },
		{ "from", "TIME", "history: from then on (2026-01-15T10:00:00Z)" },
		{ "to", "TIME", "history: … up to then (now)" },
		{ "state-dir", "DIR", "history: the agent's state directory (/var/lib/ringside)" },
	},
};

static const struct table_column rules_columns[] = {
	{ "RULE", false },  { "METRIC", false }, { "FUNCTION", false },
	{ "WINDOW", true }, { "WARNING", true }, { "CRITICAL", true },
	{ "EVERY", true },  { "STATE", false },  { "FROM", false },
};

#define RULES_COLUMNS (sizeof(rules_columns) / sizeof(rules_columns[0]))

static const char *rules_state(const struct spec *s)
{
	if (!s->enabled)
		return "off";
	return metric_info(s->metric)->waits ? "waiting for data" : "on";
}

static void rules_span(struct table *t, int64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%gs", (double)ns / 1e9);
	table_text(t, text);
}

static void rules_limit(struct table *t, const struct spec *s, enum spec_severity severity)
{
	char value[32], text[40];

	metric_value_format(s->limits[severity].limit, spec_unit(s), value, sizeof(value));
	snprintf(text, sizeof(text), "%s %s", s->below ? "<" : ">", value);
	table_text(t, s->limits[severity].set ? text : NULL);
}

static int rules_list(const struct book *book)
{
	struct table t;
	int result;

	table_init(&t, rules_columns, RULES_COLUMNS);
	for (size_t i = 0; i < book->count; i++) {
		const struct spec *s = &book->specs[i];

		table_text(&t, s->name);
		table_text(&t, metric_info(s->metric)->name);
		table_text(&t, metric_function_name(s->function));
		rules_span(&t, s->window_ns);
		rules_limit(&t, s, SPEC_WARNING);
		rules_limit(&t, s, SPEC_CRITICAL);
		rules_span(&t, s->interval_ns);
		table_text(&t, rules_state(s));
		table_text(&t, s->where);
	}
	result = table_print(&t, stdout);
	table_fini(&t);
	return result ? VERBS_BAD : 0;
}

static void rules_limit_json(struct json *j, const struct spec *s, enum spec_severity severity)
{
	const struct spec_limit *l = &s->limits[severity];

	if (!l->set) {
		json_null(j, spec_severity_name(severity));
		return;
	}
	json_object_begin(j, spec_severity_name(severity));
	json_double(j, s->below ? "below" : "above", l->limit);
	json_double(j, "clear", l->clear);
	json_object_end(j);
}

static void rules_rule_json(struct json *j, const struct spec *s)
{
	json_object_begin(j, NULL);
	json_string(j, "name", s->name);
	json_string(j, "source", s->where);
	json_string(j, "metric", metric_info(s->metric)->name);
	json_string(j, "function", metric_function_name(s->function));
	json_string(j, "unit", metric_unit_name(spec_unit(s)));
	json_double(j, "windowMs", (double)s->window_ns / 1e6);
	json_double(j, "intervalMs", (double)s->interval_ns / 1e6);
	rules_limit_json(j, s, SPEC_WARNING);
	rules_limit_json(j, s, SPEC_CRITICAL);
	json_bool(j, "enabled", s->enabled);
	json_string(j, "waitingFor", metric_info(s->metric)->waits);
	json_object_end(j);
}

/* What was found and, of a list, what is in force. */
static int rules_json(const struct book *book, const struct findings *findings, bool list)
{
	struct json j;
	int result;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_bool(&j, "good", book != NULL);
	json_array_begin(&j, "findings");
	for (size_t i = 0; i < findings->count; i++)
		json_string(&j, NULL, findings->rows[i]);
	json_array_end(&j);
	json_uint(&j, "beyond", findings->beyond);
	json_array_begin(&j, "rules");
	for (size_t i = 0; book && list && i < book->count; i++)
		rules_rule_json(&j, &book->specs[i]);
	json_array_end(&j);
	json_object_end(&j);
	result = json_finish(&j);
	if (!result)
		puts(j.bytes);
	json_fini(&j);
	return result || !book ? VERBS_BAD : 0;
}

static int rules_tell(const struct book *book, const struct findings *findings, bool list)
{
	for (size_t i = 0; i < findings->count; i++)
		fprintf(stderr, "%s\n", findings->rows[i]);
	if (findings->beyond)
		fprintf(stderr, "… and %zu more\n", findings->beyond);
	if (!book)
		return VERBS_BAD;
	if (list)
		return rules_list(book);
	printf("%zu rules are good\n", book->count);
	return 0;
}

static int rules_read(const struct config *config, const char *folder, char **files,
		      struct book **book, struct findings *findings)
{
	const struct spec_defaults defaults = {
		(int64_t)config_span_ns(config, CONFIG_ALERTS_CHECK_INTERVAL),
		(int64_t)config_span_ns(config, CONFIG_ALERTS_COOLDOWN),
	};
	struct bundle bundle;
	int fd, result;

	result = *files ? bundle_make_of(files, &fd) : bundle_make(folder, &fd);
	if (result)
		return result;
	result = bundle_open(&bundle, fd);
	close(fd);
	if (result)
		return result;
	result = book_read(book, &defaults, &bundle, findings);
	bundle_close(&bundle);
	return result;
}

enum rules_word { RULES_CHECK, RULES_LIST, RULES_TEST, RULES_EXPLAIN, RULES_WORDS };

static const char *const rules_words[] = { "check", "list", "test", "explain", NULL };

static int rules_show(bool list, const struct config *config, const char *folder, char **files,
		      bool json)
{
	static struct findings findings; /* some 32 KiB */
	struct book *book = NULL;
	int result;

	findings_init(&findings);
	result = rules_read(config, folder, files, &book, &findings);
	if (result && result != -EINVAL) {
		fprintf(stderr, "ringside rules: %s\n", strerrordesc_np(-result));
		return VERBS_BAD;
	}
	result = json ? rules_json(book, &findings, list) : rules_tell(book, &findings, list);
	book_close(book);
	return result;
}

/* False, and it is said: no time that could be replayed. */
static bool rules_times(const char *const *values, struct past_ask *ask)
{
	const char *from = values[RULES_FROM], *to = values[RULES_TO], *last = values[RULES_LAST];
	uint64_t span_ns = RULES_HOUR_NS;

	ask->to_ms = ask->now_ms = moment_wall_ms();
	if ((from && last) || (to && !from) || (last && text_span_ns(last, &span_ns)) ||
	    (to && moment_parse(to, &ask->to_ms)))
		return false;
	ask->from_ms = ask->to_ms - (int64_t)(span_ns / 1000000);
	if (from && moment_parse(from, &ask->from_ms))
		return false;
	return ask->from_ms < ask->to_ms &&
	       ask->to_ms - ask->from_ms <= REPLAY_SECONDS * INT64_C(1000);
}

static int rules_history(const struct config *config, const char *folder, char **files,
			 const char *const *values)
{
	const char *state = values[RULES_STATE_DIR] ? values[RULES_STATE_DIR]
						    : config_text(config, CONFIG_STATE_DIR);
	struct past_ask ask = { .folder = NULL };
	char history[512];

	if (!rules_times(values, &ask)) {
		fprintf(stderr, "ringside rules test: say --last SPAN, or --from TIME and perhaps "
				"--to TIME, of a week at most, as 2h and 2026-01-15T10:00:00Z\n");
		return VERBS_USAGE;
	}
	snprintf(history, sizeof(history), "%.400s/" RULES_FILES, state);
	ask.folder = history;
	return proof_history(config, folder, files, values[RULES_JSON], &ask);
}

/* What needs no agent. */
static int rules_do(enum rules_word word, char **files, const char *const *values)
{
	struct settings settings;
	struct config_error wrong;
	const char *folder;
	bool json = values[RULES_JSON], history = values[RULES_HISTORY];
	int result;

	if (history && word != RULES_TEST) {
		fprintf(stderr, "ringside rules: --history is of test alone\n");
		return VERBS_USAGE;
	}
	if (!history && word == RULES_TEST && !files[0]) {
		fprintf(stderr, "ringside rules test: name a scenario, or say --history\n");
		return VERBS_USAGE;
	}
	if (settings_open(&settings, &(struct settings_flags){ NULL, NULL }, &wrong)) {
		fprintf(stderr, "ringside rules: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	folder = values[RULES_DIR] ? values[RULES_DIR]
				   : config_text(settings.config, CONFIG_ALERTS_RULES_DIR);
	if (history)
		result = rules_history(settings.config, folder, files, values);
	else if (word == RULES_TEST)
		result = proof_run(settings.config, folder, files, json);
	else
		result = rules_show(word == RULES_LIST, settings.config, folder, files, json);
	settings_close(&settings);
	return result;
}

/* -ENOENT: the agent has no such rule. */
static int rules_explain_one(const struct envelope *rules, const struct envelope *alerts,
			     const char *name)
{
	const struct envelope_node *list = envelope_member(envelope_data(rules), "rules");

	for (size_t i = 0; i < envelope_size(list); i++) {
		const struct envelope_node *rule = envelope_at(list, i);
		const char *found = envelope_text(rule, "name");

		if (!found || strcmp(found, name) != 0)
			continue;
		explain_rule(rule, envelope_member(envelope_data(alerts), "alerts"), stdout);
		return 0;
	}
	return -ENOENT;
}

static int rules_ask(struct agent *agent, const char *name, struct agent_error *error)
{
	struct envelope *rules = NULL, *alerts = NULL;
	int result = agent_ask(agent, RULES_ASKED, &rules, error);

	if (result)
		return result;
	result = agent_ask(agent, RULES_FIRING, &alerts, error);
	if (!result) {
		result = rules_explain_one(rules, alerts, name);
		if (result)
			snprintf(error->text, sizeof(error->text),
				 "there is no rule %.64s; see ringside rules list", name);
		envelope_close(alerts);
	}
	envelope_close(rules);
	return result;
}

static int rules_explain(char **names, const char *const *values)
{
	struct settings_flags flags = { values[RULES_RUN_DIR], values[RULES_SOCKET] };
	struct agent_error error;
	struct settings settings;
	struct config_error wrong;
	struct agent agent;
	int result;

	if (!names[0] || names[1]) {
		fprintf(stderr, "ringside rules explain: name one rule\n");
		return VERBS_USAGE;
	}
	if (settings_open(&settings, &flags, &wrong)) {
		fprintf(stderr, "ringside rules: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	result = agent_open(&agent, &settings, &error);
	if (!result) {
		result = rules_ask(&agent, names[0], &error);
		agent_close(&agent);
	}
	if (result)
		fprintf(stderr, "ringside rules explain: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}

static int rules_unknown(const char *word)
{
	const char *near = arguments_nearest(word, rules_words);

	fprintf(stderr, "ringside rules: say check, list, test or explain%s%s%s\n",
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return VERBS_USAGE;
}

int rules_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX], *name = argc > 1 ? argv[1] : "";
	int word = 0, known, at;

	while (rules_words[word] && strcmp(rules_words[word], name) != 0)
		word++;
	known = word < RULES_WORDS;
	if (!known && *name != '-')
		return rules_unknown(name);
	at = arguments_read(&rules_arguments, argc - known, argv + known, values);
	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (!known)
		return rules_unknown("");
	return word == RULES_EXPLAIN ? rules_explain(argv + 1 + at, values)
				     : rules_do((enum rules_word)word, argv + 1 + at, values);
}
