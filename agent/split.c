#include "split.h"

#include "board.h"
#include "config_alerts.h"
#include "courier.h"
#include "link.h"
#include "log.h"
#include "nursery.h"
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int split_fail(const struct split *s, int result, const char *what)
{
	snprintf(s->error->text, sizeof(s->error->text), "%s: %s", what, strerrordesc_np(-result));
	return result;
}

static void split_close_worker(const struct split *s)
{
	for (unsigned int i = 0; i < s->worker->socket_count; i++)
		close(s->worker->sockets[i]);
	proxying_sockets_close(&s->worker->proxies);
	if (s->worker->kallsyms >= 0)
		close(s->worker->kallsyms);
}

static void split_close_links(const struct split *s)
{
	if (s->worker->runner >= 0)
		close(s->worker->runner);
	if (s->worker->actions >= 0)
		close(s->worker->actions);
}

/* The locks of the folders are the broker's: they end with it. */
static void split_close_broker(const struct split *s)
{
	close(s->broker->wake);
	folders_close(s->folders);
}

/* What a runner has no part in. */
static void split_leave(const struct split *s)
{
	split_close_worker(s);
	split_close_broker(s);
}

/* Is there a channel in use that speaks with the network, or one that acts? */
static bool split_needs(const struct split *s, const struct config_alerts *alerts, bool acts)
{
	if (!config_switch(s->config, CONFIG_ALERTS_ENABLED))
		return false;
	for (uint32_t i = 0; i < alerts->count; i++) {
		enum channel_type type = alerts->channels[i].type;

		if (alerts->in_use >> i & 1 && channel_is_action(type) == acts &&
		    type != CHANNEL_LOG && type != CHANNEL_CACHE_CLEAR)
			return true;
	}
	return false;
}

/* Somebody else than the worker, who cannot look into it. */
static int split_courier_run(const struct split *s, const struct config_alerts *alerts, int link,
			     int alive)
{
	static const struct privilege_user nobody = { .uid = PRIVILEGE_NOBODY,
						      .gid = PRIVILEGE_NOBODY };
	static struct courier courier;

	(void)alerts;
	for (unsigned int i = 0; i < s->worker->socket_count; i++)
		own_add(&courier.own, s->worker->sockets[i]);
	split_leave(s);
	courier_init(&courier, s->broker->board, link);
	return nursery_run("the runner", &nobody, alive, courier_run, &courier);
}

static int split_become(uid_t uid, gid_t gid)
{
	const struct privilege_user user = { .uid = uid, .gid = gid };

	return geteuid() != 0 && geteuid() != uid ? -EPERM : privilege_nursery(&user);
}

static void split_user(const char *name, struct runner_user *out)
{
	struct privilege_user user;

	out->error = privilege_user_find(name, &user);
	if (!out->error && user.uid == 0)
		out->error = -EPERM;
	out->uid = user.uid;
	out->gid = user.gid;
}

static int split_actions_run(const struct split *s, const struct config_alerts *alerts, int link,
			     int alive)
{
	struct runner runner;
	int result = runner_init(&runner, alerts, link);

	split_leave(s);
	if (result) {
		log_error("the runner of actions cannot begin: %s", strerrordesc_np(-result));
		return 1;
	}
	runner.trusted = s->trusted;
	runner.become = split_become;
	runner.files = *s->files;
	for (uint32_t i = 0; i < alerts->count; i++)
		if (alerts->channels[i].type == CHANNEL_EXEC)
			split_user(alerts->channels[i].values[CHANNEL_USER], &runner.users[i]);
	if (!s->trusted)
		log_error("no action will be done: the configuration file is not root's alone");
	return nursery_run("the runner of actions", NULL, alive, runner_run, &runner);
}

typedef int (*split_fn)(const struct split *s, const struct config_alerts *alerts, int link,
			int alive);

/* *end: the worker's end of its link. */
static int split_runner(const struct split *s, const struct config_alerts *alerts,
			const int alive[2], split_fn run, int *end)
{
	int link[2], result;
	pid_t pid;

	result = courier_link(link);
	if (result)
		return split_fail(s, result, "cannot open a runner's link");
	pid = fork();
	if (pid < 0)
		return split_fail(s, -errno, "cannot fork a runner");
	if (pid == 0) {
		close(link[0]);
		close(alive[1]);
		split_close_links(s);
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		exit(run(s, alerts, link[1], alive[0]));
	}
	close(link[1]);
	*end = link[0];
	return 0;
}

/* The worker is forked later, and has no part in the secrets. */
static int split_courier(const struct split *s, const struct config_alerts *alerts,
			 const int alive[2])
{
	int result = board_open(&s->broker->board);

	if (result)
		return split_fail(s, result, "cannot map the board");
	board_put(s->broker->board, alerts);
	result = split_runner(s, alerts, alive, split_courier_run, &s->worker->runner);
	board_hide(s->broker->board);
	return result;
}

/* They are the worker's alone: runners were forked before, and here they are wiped. */
static int split_secrets(const struct split *s)
{
	secret_load(&s->worker->redis, config_info(CONFIG_REDIS_PASSWORD_FILE)->path,
		    config_text(s->config, CONFIG_REDIS_PASSWORD_FILE));
	return origin_settings_open(&s->worker->origins, s->config);
}

static void split_forget(const struct split *s)
{
	explicit_bzero(&s->worker->redis, sizeof(s->worker->redis));
	origin_settings_close(s->worker->origins);
	s->worker->origins = NULL;
}

static int split_worker(const struct split *s, const int link[2], const int alive[2])
{
	int result = split_secrets(s), error;

	if (result)
		return split_fail(s, result, "cannot read cache.origins");
	s->broker->nursery = fork();
	error = errno;
	if (s->broker->nursery != 0)
		split_forget(s);
	if (s->broker->nursery < 0)
		return split_fail(s, -error, "cannot fork the nursery");
	if (s->broker->nursery == 0) {
		close(link[0]);
		close(s->broker->kept[0]);
		close(alive[1]);
		split_close_broker(s);
		s->worker->link = link[1];
		s->worker->kept = s->broker->kept[1];
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		exit(nursery_run("the worker", s->user, alive[0], worker_run, s->worker));
	}
	return 0;
}

int split_agent(const struct split *s)
{
	struct config_alerts *alerts;
	int link[2], alive[2], result;

	if (pipe2(alive, O_CLOEXEC))
		return split_fail(s, -errno, "cannot open the nurseries' pipe");
	result = config_alerts_open(&alerts, s->config, s->error);
	if (result)
		return result;
	s->worker->runner = s->worker->actions = -1;
	if (split_needs(s, alerts, false))
		result = split_courier(s, alerts, alive);
	if (!result && split_needs(s, alerts, true))
		result = split_runner(s, alerts, alive, split_actions_run, &s->worker->actions);
	config_alerts_close(alerts);
	if (result)
		return result;
	result = link_open(link); /* behind the runner, which has no part in it */
	if (!result)
		result = link_open(s->broker->kept);
	if (result)
		return split_fail(s, result, "cannot open the worker's link");
	result = split_worker(s, link, alive);
	if (result)
		return result;
	close(link[1]);
	close(alive[0]);
	split_close_worker(s);
	split_close_links(s);
	s->broker->link = link[0];
	s->broker->alive = alive[1];
	return 0;
}
