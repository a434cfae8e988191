#include "check_agent.h"

#include "agent.h"
#include "list.h"
#include "preload.h"
#include "privilege.h"
#include "trial.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGENT_REFUSED_TOLD 3u
#define AGENT_SET_TEXT 256
#define AGENT_PARTS_TOLD 6 /* of the health of one agent; the rest is in /api/health */

static const char *const agent_clocks[] = {
	[RS_CLOCK_NONE] = "no clock",
	[RS_CLOCK_TSC] = "rdtsc",
	[RS_CLOCK_MONOTONIC] = "clock_gettime",
};

static void agent_check_trial(struct checks *c, const char *library)
{
	const char *clock = "an unknown clock";
	struct trial trial;
	int result = trial_run(library, &trial);

	if (result) {
		check_add(c, "preload", CHECK_WARN, NULL, "not tried: %s",
			  strerrordesc_np(-result));
		return;
	}
	if (!trial.ended_well || trial.sight != WATCHER_SEES_SEGMENT) {
		check_add(c, "preload", CHECK_BAD, "ringside run -- true says more",
			  "a trial of cat under it: %s",
			  trial.sight == WATCHER_SEES_LIBRARY ? "loaded, but silent"
			  : trial.ended_well                  ? "not loaded"
							      : "cat failed");
		return;
	}
	if (trial.accept == ACCEPT_OK && trial.clock < sizeof(agent_clocks) / sizeof(char *))
		clock = agent_clocks[trial.clock];
	if (trial.accept == ACCEPT_OK)
		check_add(c, "preload", CHECK_OK, NULL,
			  "a trial of cat under it: loaded, accepted, times by %s", clock);
	else if (trial.accept == ACCEPT_ACCESS && geteuid() != 0)
		check_add(c, "preload", CHECK_OK, NULL,
			  "a trial of cat under it: loaded (root could tell more)");
	else
		check_add(c, "preload", CHECK_BAD,
			  "the agent would refuse every process on this machine",
			  "a trial of cat under it: loaded, but not accepted: %s",
			  accept_reason_text(trial.accept));
}

static void agent_check_library(struct checks *c, const char *named)
{
	const char *variable = getenv("RINGSIDE_SHIM");
	char self[PRELOAD_PATH], library[PRELOAD_PATH];
	struct preload_error error;
	struct stat s;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (!named && variable && *variable)
		named = variable;
	if (preload_find(named, self, library, &error)) {
		check_add(c, "library", CHECK_BAD, "install it, or name it by RINGSIDE_SHIM", "%s",
			  error.text);
		return;
	}
	if (stat(library, &s) == 0 && (s.st_mode & (S_IROTH | S_IXOTH)) == 0)
		check_add(c, "library", CHECK_WARN, "chmod 755: servers under other users need it",
			  "%s is not for all users to read", library);
	else
		check_add(c, "library", CHECK_OK, NULL, "%s", library);
	agent_check_trial(c, library);
}

static void agent_check_switches(struct checks *c, const char *run_dir)
{
	const char *asked = getenv("RINGSIDE");
	struct list off;
	char path[512];

	snprintf(path, sizeof(path), "%s/" RS_LIST_OFF, run_dir);
	if (list_read(&off, path) == 0 && list_silences(&off, "", ""))
		check_add(c, "switch", CHECK_WARN, "ringside on --all, and start servers again",
			  "%s exists: the library stays silent in every process", path);
	else if (list_read(&off, path) == 0)
		check_add(c, "switch", CHECK_WARN, "ringside on, and start those again",
			  "%s keeps the library silent in what it names", path);
	else if (asked && strcmp(asked, "disabled") == 0)
		check_add(
			c, "switch", CHECK_WARN, "unset RINGSIDE",
			"RINGSIDE=disabled is set here: what is started from here is not watched");
	else
		check_add(c, "switch", CHECK_OK, NULL, "nothing switches the library off");
}

static void agent_check_run_dir(struct checks *c, const char *run_dir)
{
	struct stat s;

	if (stat(run_dir, &s)) {
		check_add(c, "run_dir", errno == ENOENT ? CHECK_OK : CHECK_BAD, NULL,
			  errno == ENOENT ? "%s is made by the agent when it starts"
					  : "%s cannot be looked at",
			  run_dir);
		return;
	}
	if (!S_ISDIR(s.st_mode))
		check_add(c, "run_dir", CHECK_BAD, "move it away", "%s is not a folder", run_dir);
	else if (s.st_mode & (S_IWGRP | S_IWOTH))
		check_add(c, "run_dir", CHECK_BAD, "chmod 755: others could take the agent's place",
			  "%s can be written by others", run_dir);
	else if ((s.st_mode & S_IXOTH) == 0)
		check_add(c, "run_dir", CHECK_WARN,
			  "chmod 755: servers of other users cannot reach the agent",
			  "%s is closed to other users", run_dir);
	else
		check_add(c, "run_dir", CHECK_OK, NULL, "%s, of uid %u", run_dir, s.st_uid);
}

static void agent_check_user(struct checks *c, const struct settings *s)
{
	const char *name = config_text(s->config, CONFIG_USER);
	struct privilege_user user;

	if (privilege_user_find(name, &user))
		check_add(c, "user", CHECK_BAD, "make the user, or name another one as user",
			  "there is no user %s", name);
	else if (user.fallback)
		check_add(c, "user", CHECK_WARN,
			  "useradd --system --user-group " PRIVILEGE_USER
			  "; members of the group may then use the API in full",
			  "there is no user " PRIVILEGE_USER ": the worker runs as %u", user.uid);
	else
		check_add(c, "user", CHECK_OK, NULL, "the worker runs as uid %u", user.uid);
}

static void agent_check_settings(struct checks *c, const struct settings *s)
{
	if (s->problem.text[0])
		check_add(c, "settings", CHECK_BAD, "ringsided --check-config", "%s",
			  s->problem.text);
	else
		check_add(c, "settings", CHECK_OK, NULL, "%s%s", s->file,
			  access(s->file, F_OK) == 0 ? access(s->file, R_OK) == 0
							       ? " is good"
							       : " is not for this user to read"
						     : " does not exist: defaults hold");
}

/* The agent's own words on each part that is not well. */
static void agent_tell_parts(struct checks *c, const struct envelope_node *parts)
{
	unsigned int told = 0;

	for (size_t i = 0; i < envelope_size(parts) && told < AGENT_PARTS_TOLD; i++) {
		const struct envelope_node *part = envelope_at(parts, i);
		const char *name = envelope_text(part, "name");
		const char *status = envelope_text(part, "status");
		const char *reason = envelope_text(part, "reason");

		if (!status || strcmp(status, "healthy") == 0 || strcmp(status, "info") == 0)
			continue;
		check_add(c, "agent", strcmp(status, "unhealthy") == 0 ? CHECK_BAD : CHECK_WARN,
			  NULL, "%s is %s: %s", name ? name : "a part", status,
			  reason ? reason : "no reason given");
		told++;
	}
}

static bool agent_is_of_set(const struct envelope_node *facility, const char *set)
{
	const char *its = envelope_text(facility, "set");

	return its && strcmp(its, set) == 0;
}

/* Is it the first of its set? */
static bool agent_begins_set(const struct envelope_node *all, size_t index, const char *set)
{
	for (size_t i = 0; i < index; i++)
		if (agent_is_of_set(envelope_at(all, i), set))
			return false;
	return true;
}

/* A set of probes: how many of it are in which state, who refused what, and what was lost. */
static void agent_tell_set(struct checks *c, const struct envelope_node *all, const char *set)
{
	unsigned int loaded = 0, idle = 0, refused = 0;
	char text[AGENT_SET_TEXT] = "";
	double dropped = 0;
	size_t n = 0;

	for (size_t i = 0; i < envelope_size(all); i++) {
		const struct envelope_node *f = envelope_at(all, i);
		const char *state = envelope_text(f, "state"), *error = envelope_text(f, "errno");

		if (!state || !agent_is_of_set(f, set))
			continue;
		loaded += strcmp(state, "loaded") == 0;
		idle += strcmp(state, "notNeeded") == 0;
		dropped = fmax(dropped, envelope_number(f, "dropped"));
		if (strcmp(state, "refused") != 0 || ++refused > AGENT_REFUSED_TOLD)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", %.32s refused: %.16s",
				      envelope_text(f, "name"), error ? error : "?");
	}
	check_add(c, "probes", refused ? CHECK_WARN : CHECK_OK,
		  refused ? "/api/health has each with its likely reason (facilities)" : NULL,
		  "%s: %u loaded, %u not needed, %u refused%s; %.0f events dropped", set, loaded,
		  idle, refused, text, dropped);
}

/* What the kernel gives the agent that runs. */
static void agent_tell_facilities(struct checks *c, const struct envelope_node *all)
{
	for (size_t i = 0; i < envelope_size(all); i++) {
		const char *set = envelope_text(envelope_at(all, i), "set");

		if (set && agent_begins_set(all, i, set))
			agent_tell_set(c, all, set);
	}
}

static void agent_check_health(struct checks *c, const struct settings *s)
{
	const char *status;
	struct agent_error error;
	struct envelope *health;
	struct agent agent;

	if (agent_open(&agent, s, &error)) {
		check_add(c, "agent", CHECK_WARN, NULL, "%s", error.text);
		return;
	}
	if (agent_ask(&agent, "/api/health", &health, &error)) {
		check_add(c, "agent", CHECK_BAD, NULL, "%s", error.text);
	} else {
		status = envelope_text(envelope_data(health), "status");
		check_add(c, "agent", CHECK_OK, NULL, "answers on %s: %s", agent.where,
			  status ? status : "no status");
		agent_tell_parts(c, envelope_member(envelope_data(health), "parts"));
		agent_tell_facilities(c, envelope_member(envelope_data(health), "facilities"));
		envelope_close(health);
	}
	agent_close(&agent);
}

void check_agent(struct checks *c, const struct settings *s, const char *named)
{
	agent_check_library(c, named);
	agent_check_switches(c, settings_run_dir(s));
	agent_check_run_dir(c, settings_run_dir(s));
	agent_check_user(c, s);
	agent_check_settings(c, s);
	agent_check_health(c, s);
}
