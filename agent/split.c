#include "split.h"

#include "config_alerts.h"
#include "courier.h"
#include "link.h"
#include "nursery.h"

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
	if (s->worker->kallsyms >= 0)
		close(s->worker->kallsyms);
}

/* The locks of the folders are the broker's: they end with it. */
static void split_close_broker(const struct split *s)
{
	close(s->broker->wake);
	folders_close(s->folders);
}

/* Does any channel need somebody who speaks with the network? */
static bool split_sends(const struct split *s, const struct config_alerts *alerts)
{
	if (!config_switch(s->config, CONFIG_ALERTS_ENABLED))
		return false;
	for (uint32_t i = 0; i < alerts->count; i++)
		if (alerts->in_use >> i & 1 && alerts->channels[i].type != CHANNEL_LOG)
			return true;
	return false;
}

/* Somebody else than the worker, who cannot look into it. */
static int split_runner_run(const struct config_alerts *alerts, int link, int alive)
{
	static const struct privilege_user nobody = { .uid = PRIVILEGE_NOBODY,
						      .gid = PRIVILEGE_NOBODY };
	static struct courier courier;

	courier_init(&courier, alerts, link);
	return nursery_run("the runner", &nobody, alive, courier_run, &courier);
}

static int split_runner(const struct split *s, const struct config_alerts *alerts,
			const int alive[2])
{
	int link[2], result;
	pid_t pid;

	result = courier_link(link);
	if (result)
		return split_fail(s, result, "cannot open the runner's link");
	pid = fork();
	if (pid < 0)
		return split_fail(s, -errno, "cannot fork the runner");
	if (pid == 0) {
		close(link[0]);
		close(alive[1]);
		split_close_worker(s);
		split_close_broker(s);
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		exit(split_runner_run(alerts, link[1], alive[0]));
	}
	close(link[1]);
	s->worker->runner = link[0];
	return 0;
}

static int split_worker(const struct split *s, const int link[2], const int alive[2])
{
	s->broker->nursery = fork();
	if (s->broker->nursery < 0)
		return split_fail(s, -errno, "cannot fork the nursery");
	if (s->broker->nursery == 0) {
		close(link[0]);
		close(alive[1]);
		split_close_broker(s);
		s->worker->link = link[1];
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
	s->worker->runner = -1;
	if (split_sends(s, alerts))
		result = split_runner(s, alerts, alive);
	config_alerts_close(alerts);
	if (result)
		return result;
	result = link_open(link); /* behind the runner, which has no part in it */
	if (result)
		return split_fail(s, result, "cannot open the worker's link");
	result = split_worker(s, link, alive);
	if (result)
		return result;
	close(link[1]);
	close(alive[0]);
	split_close_worker(s);
	if (s->worker->runner >= 0)
		close(s->worker->runner);
	s->broker->link = link[0];
	s->broker->alive = alive[1];
	return 0;
}
