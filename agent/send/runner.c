#include "runner.h"

#include "courier.h"
#include "deed.h"
#include "log.h"
#include "moment.h"
#include "revive.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUNNER_WAIT_MS 60000
#define RUNNER_SLACK_NS INT64_C(1000000000)
#define RUNNER_HEARD 64 /* orders at a time: none can keep it from ending what is late */

struct runner_round {
	const struct runner *runner;
	struct runner_order orders[CHANNEL_MAX]; /* of what is under way, where the channel is */
	struct deed deeds[CHANNEL_MAX];
};

int runner_init(struct runner *r, const struct config_alerts *alerts, int link)
{
	void *begun = mmap(NULL, CHANNEL_MAX * sizeof(*r->begun_ns), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (begun == MAP_FAILED)
		return -errno;
	*r = (struct runner){ .alerts = alerts, .begun_ns = begun, .link = link };
	return 0;
}

int runner_order(int link, const struct runner_order *order)
{
	return send(link, order, sizeof(*order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void runner_say(const struct runner *r, const struct runner_order *order,
		       enum courier_outcome outcome, const char *text)
{
	struct courier_word word = { .outcome = outcome,
				     .sum = order->sum,
				     .kind = order->kind,
				     .sequence = order->sequence,
				     .at_ms = order->at_ms,
				     .pid = getpid() };

	snprintf(word.text, sizeof(word.text), "%s", text);
	if (send(r->link, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("the worker does not hear of an action: %s: %m", text);
}

struct runner_command {
	const struct runner *runner;
	const struct runner_user *user;
	const struct channel *channel;
	struct action_values *values;
};

/* In the process that becomes the program. */
static int runner_exec(void *ctx, char text[DEED_TEXT])
{
	const struct runner_command *c = ctx;
	char command[CHANNEL_VALUE], *const none[] = { NULL };
	const char *words[ACTION_WORDS + 1];
	char *arguments[ACTION_WORDS + 1];
	int ret = setrlimit(RLIMIT_NOFILE, &c->runner->files) ? -errno : 0;

	if (ret) {
		snprintf(text, DEED_TEXT, "cannot have its limit of files: %s",
			 strerrordesc_np(-ret));
		return 1;
	}
	ret = c->runner->become(c->user->uid, c->user->gid);
	if (ret) {
		snprintf(text, DEED_TEXT, "cannot become %.60s: %s",
			 c->channel->values[CHANNEL_USER], strerrordesc_np(-ret));
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* who becomes another loses it */
	memcpy(command, c->channel->values[CHANNEL_COMMAND], sizeof(command));
	action_arguments(command, c->values, words);
	memcpy(arguments, words, sizeof(arguments));
	execve(arguments[0], arguments, none);
	snprintf(text, DEED_TEXT, "%.100s: %s", arguments[0], strerrordesc_np(errno));
	return 1;
}

static int runner_restart(void *ctx, char text[DEED_TEXT])
{
	const struct runner_command *c = ctx;
	char unit[ACTION_UNIT];

	if (action_unit(c->channel->values[CHANNEL_UNITS], c->values->at[ACTION_SERVICE], unit)) {
		snprintf(text, DEED_TEXT, "%.100s.service is not among its units",
			 c->values->at[ACTION_SERVICE]);
		return 1;
	}
	return revive_unit(unit, text, DEED_TEXT);
}

/* Its place in the configuration; -ENOENT: it is not what it was. */
static int runner_find(const struct runner *r, uint64_t sum)
{
	for (uint32_t i = 0; i < r->alerts->count; i++) {
		const struct channel *c = &r->alerts->channels[i];

		if ((c->type == CHANNEL_EXEC || c->type == CHANNEL_RESTART_UNIT) &&
		    channel_sum(c) == sum)
			return (int)i;
	}
	return -ENOENT;
}

/* The worker counts from when it ordered, which is earlier by what the disk and the way took. */
static int64_t runner_pause_ns(const struct channel *c)
{
	int64_t pause_ns = c->pause_ms * INT64_C(1000000);

	return pause_ns - (pause_ns / 10 < RUNNER_SLACK_NS ? pause_ns / 10 : RUNNER_SLACK_NS);
}

/* Why not; NULL: it may be done. */
static const char *runner_objects(const struct runner_round *r, int at, struct runner_order *order,
				  int64_t now_ns)
{
	const struct runner *runner = r->runner;
	const char *reason;

	if (!runner->trusted)
		return "not done: the configuration file is not root's alone";
	if (at < 0)
		return "not done: it is not what it was when the agent was started; start it again";
	if (r->deeds[at].pid)
		return "not done: it is under way";
	if (runner->begun_ns[at] &&
	    now_ns - runner->begun_ns[at] < runner_pause_ns(&runner->alerts->channels[at]))
		return "not done: more often than at_most_every";
	if (action_values_check(&order->values, &reason))
		return reason;
	if (runner->alerts->channels[at].type == CHANNEL_EXEC && runner->users[at].error)
		return "not done: there is no such user, or it is root";
	return NULL;
}

static void runner_begin(struct runner_round *r, struct runner_order *order)
{
	int64_t now_ns = (int64_t)moment_monotonic_ns();
	int at = runner_find(r->runner, order->sum), ret;
	const char *why = runner_objects(r, at, order, now_ns);
	struct runner_command command = { .runner = r->runner, .values = &order->values };

	if (why) {
		runner_say(r->runner, order, COURIER_REFUSED, why);
		return;
	}
	command.channel = &r->runner->alerts->channels[at];
	command.user = &r->runner->users[at];
	r->runner->begun_ns[at] = now_ns;
	log_info("action %s begins, for rule %s", command.channel->name,
		 order->values.at[ACTION_RULE]);
	ret = deed_begin(&r->deeds[at],
			 command.channel->type == CHANNEL_EXEC ? runner_exec : runner_restart,
			 &command, now_ns, command.channel->timeout_ms);
	if (ret)
		runner_say(r->runner, order, COURIER_REFUSED, strerrordesc_np(-ret));
	r->orders[at] = *order;
}

/* False: the worker's side is closed for good. */
static bool runner_orders(struct runner_round *r)
{
	struct runner_order order;

	for (int i = 0; i < RUNNER_HEARD; i++) {
		ssize_t n = recv(r->runner->link, &order, sizeof(order), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n < 0)
			return true;
		if (n == sizeof(order))
			runner_begin(r, &order);
	}
	return true;
}

static void runner_step(struct runner_round *r, int i, int64_t now_ns)
{
	const char *name = r->runner->alerts->channels[i].name;
	struct deed_result result;

	if (!r->deeds[i].pid || !deed_step(&r->deeds[i], now_ns, &result))
		return;
	log_info("action %s: %s", name, result.text);
	runner_say(r->runner, &r->orders[i], result.good ? COURIER_ARRIVED : COURIER_REFUSED,
		   result.text);
}

static void runner_wait(const struct runner_round *r, int64_t now_ns)
{
	struct pollfd fds[1 + CHANNEL_MAX];
	int64_t wait_ms = RUNNER_WAIT_MS;

	fds[0] = (struct pollfd){ .fd = r->runner->link, .events = POLLIN };
	for (int i = 0; i < CHANNEL_MAX; i++) {
		const struct deed *d = &r->deeds[i];
		int64_t left_ms = (d->due_ns - now_ns) / 1000000 + 1;

		fds[1 + i] = (struct pollfd){ .fd = d->pid ? d->pidfd : -1, .events = POLLIN };
		if (d->pid && !d->late && left_ms < wait_ms)
			wait_ms = left_ms > 0 ? left_ms : 0;
	}
	poll(fds, 1 + CHANNEL_MAX, (int)wait_ms);
}

int runner_run(void *runner)
{
	struct runner_round r = { .runner = runner };
	const struct runner_order hello = { 0 }; /* names no notice */

	runner_say(r.runner, &hello, COURIER_HELLO, "");
	while (runner_orders(&r)) {
		runner_wait(&r, (int64_t)moment_monotonic_ns());
		for (int i = 0; i < CHANNEL_MAX; i++)
			runner_step(&r, i, (int64_t)moment_monotonic_ns());
	}
	for (int i = 0; i < CHANNEL_MAX; i++)
		deed_end(&r.deeds[i]);
	return 0;
}
