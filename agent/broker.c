#include "broker.h"

#include "aides.h"
#include "finder.h"
#include "log.h"
#include "moment.h"
#include "notify.h"
#include "privilege.h"
#include "probes.h"
#include "profiling.h"
#include "reload.h"
#include "standing.h"
#include "wake.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKER_RING_NS UINT64_C(250000000) /* the kernel's ring holds 8,192 events meanwhile */
#define BROKER_SECOND_NS UINT64_C(1000000000)
#define BROKER_PORTS_NS UINT64_C(10000000000) /* a look at all descriptors of all targets */
#define BROKER_DOUBT_NS UINT64_C(11000000000) /* longer than the finder's slowest round */
#define BROKER_MEMORY_EVERY 5u  /* smaps_rollup walks every page: each fifth second, or … */
#define BROKER_MEMORY_SHARE 64u /* … so many targets a second, in turn */
#define BROKER_HEARD 16         /* messages of the worker at a time, for the same reason */
#define BROKER_WAKES 256        /* datagrams at a time, so that nobody can keep us from the rest */
#define BROKER_END_S 4          /* the nursery gives the worker two */

enum { BROKER_LINK, BROKER_WAKE, BROKER_SIGNALS, BROKER_FINDER, BROKER_ATTACH };

struct broker {
	const struct broker_config *config;
	struct admit *admit;
	struct attach *attach;
	struct finder *finder;
	struct aides aides;
	struct probes probes;
	struct outbox outbox;
	struct profiling profiling;
	struct reload reload;
	uint64_t second_ns;         /* when the next second's work is due */
	uint64_t ports_ns;          /* when it is asked again who listens where */
	uint64_t dropped, doubt_ns; /* events that the kernel's ring lost; doubted until then */
	uint32_t memory_next;       /* the target whose memory is to be read next */
	uint32_t tell_next;         /* … and the one that is to be told first */
	int epoll, signals;
	int code;
	bool serving, over, behind;
};

static void broker_found(void *ctx, struct finder_target *found)
{
	struct broker *b = ctx;

	/* who has no segment is here because it was asked for */
	found->asked = found->fd < 0 || attach_wants(b->attach, &found->target);
	found->target.kernel =
		probes_watch(&b->probes, found->target.pid, found->asked, found->fd < 0);
}

/* The probes that cost more go with the last process that was asked for. */
static void broker_rest(struct broker *b)
{
	bool asked = false, bare = false, carried = false;

	for (uint32_t i = 0; i < finder_size(b->finder); i++) {
		const struct finder_target *t = finder_at(b->finder, i);

		asked = asked || t->asked;
		bare = bare || t->fd < 0;
		carried = carried || (t->asked && t->fd >= 0);
	}
	probes_rest(&b->probes, asked, bare, carried);
}

/* Did it change who is to be attached? */
static void broker_attach(struct broker *b, uint64_t now_ns)
{
	if (!attach_changed(b->attach))
		return;
	finder_attach_again(b->finder, now_ns);
	for (uint32_t i = 0; i < finder_size(b->finder); i++)
		broker_found(b, finder_at(b->finder, i));
	broker_rest(b);
}

static void broker_gone(void *ctx, const struct finder_target *gone)
{
	struct broker *b = ctx;
	struct link_end end;

	probes_gone(&b->probes, gone, &end);
	if (gone->asked)
		broker_rest(b);
	log_info("%s, pid %d, ended", gone->target.service, gone->target.pid);
	if (gone->sent)
		outbox_died(&b->outbox, gone->target.key, &end);
}

static void broker_end(struct broker *b, const struct life_told *told)
{
	for (uint32_t i = 0; i < finder_size(b->finder); i++) {
		struct finder_target *t = finder_at(b->finder, i);

		if (t->target.pid == told->pid)
			probes_end_keep(&t->end, told);
	}
}

static void broker_event(void *ctx, const struct life_told *told)
{
	struct broker *b = ctx;
	uint64_t now_ns = moment_monotonic_ns();

	if (told->kind == LIFE_EXEC)
		finder_exec(b->finder, told->pid, now_ns);
	else if (told->kind == LIFE_FORK)
		finder_fork(b->finder, told->pid, told->parent, now_ns);
	else if (told->kind == LIFE_END)
		broker_end(b, told);
	else
		finder_exit(b->finder, told->pid);
}

/* May the finder rely on the kernel's word? Not while it lacks a part, nor after a loss. */
static bool broker_told(struct broker *b, uint64_t now_ns)
{
	uint64_t dropped = probes_dropped(&b->probes);

	if (dropped != b->dropped) {
		b->dropped = dropped;
		b->doubt_ns = now_ns + BROKER_DOUBT_NS;
	}
	return b->probes.told && now_ns >= b->doubt_ns;
}

/* Without them the scan does it all. */
static void broker_probes(struct broker *b)
{
	probes_open(&b->probes, &b->outbox,
		    http_sources(config_text(b->config->config, CONFIG_CAPTURE_HTTP)));
	for (uint32_t i = 0; i < finder_size(b->finder); i++)
		broker_found(b, finder_at(b->finder, i));
	profiling_open(&b->profiling, &b->outbox, probes_targets(&b->probes));
}

/* Who carries the library is watched before it listens: by its port it is asked for only then. */
static void broker_listeners(struct broker *b, uint64_t now_ns)
{
	if (!attach_by_port(b->attach) || now_ns < b->ports_ns)
		return;
	b->ports_ns = now_ns + BROKER_PORTS_NS;
	for (uint32_t i = 0; i < finder_size(b->finder); i++)
		if (!finder_at(b->finder, i)->asked)
			broker_found(b, finder_at(b->finder, i));
}

/* Of how many targets the memory is read in this second; the next ones follow in the next. */
static uint32_t broker_memory_share(uint32_t targets)
{
	uint32_t share = (targets + BROKER_MEMORY_EVERY - 1) / BROKER_MEMORY_EVERY;

	return share < BROKER_MEMORY_SHARE ? share : BROKER_MEMORY_SHARE;
}

/* What is costly to read. Rings that were there once stay told: what they moved was not seen. */
static void broker_read_memory(struct broker *b, struct finder_target *t, uint64_t now_ns)
{
	struct proc_usage usage;
	struct proc_maps maps;

	proc_memory_read(t->target.pid, &usage);
	t->pss = usage.pss;
	t->anonymous = usage.anonymous;
	if (proc_maps_read(t->target.pid, &maps))
		return;
	t->rings = t->rings || maps.rings;
	if (maps.kins && t->kin.fd < 0)
		finder_knock(b->finder, t->target.pid, now_ns); /* its own knock may be lost */
}

/* What only this process may read of a target; false: the worker is behind. */
static bool broker_tell_target(struct broker *b, struct finder_target *t)
{
	struct link_message message = { .kind = LINK_READING, .key = t->target.key };

	proc_io_read(t->target.pid, &message.usage);
	message.usage.pss = t->pss;
	message.usage.anonymous = t->anonymous;
	message.usage.rings = t->rings && probes_miss_rings(&b->probes, t->fd < 0);
	return !link_send(b->config->link, &message, -1) && !probes_tell_target(&b->probes, t);
}

/* Who is left out because the worker is behind comes first the next time, or never had a turn. */
static void broker_read_targets(struct broker *b, uint64_t now_ns)
{
	uint32_t count = finder_size(b->finder);
	uint32_t share = broker_memory_share(count), fresh = 0;
	uint32_t memory = count ? b->memory_next % count : 0;
	uint32_t first = count ? b->tell_next % count : 0;

	b->memory_next = memory + share;
	for (uint32_t k = 0; k < count; k++) {
		uint32_t i = (first + k) % count;
		struct finder_target *t = finder_at(b->finder, i);
		bool due = (i + count - memory) % count < share;

		if (t->sent != b->outbox.worker)
			continue;
		if (due || (t->pss < 0 && fresh++ < BROKER_MEMORY_SHARE))
			broker_read_memory(b, t, now_ns);
		if (broker_tell_target(b, t))
			continue;
		b->tell_next = i;
		return;
	}
}

static void broker_second(struct broker *b, uint64_t now_ns)
{
	if (now_ns < b->second_ns)
		return;
	b->second_ns = now_ns + BROKER_SECOND_NS;
	broker_attach(b, now_ns); /* where nothing tells of it */
	broker_listeners(b, now_ns);
	standing_segments(&b->outbox, b->finder, probes_dropped(&b->probes));
	if (aides_second(&b->aides, &b->outbox)) {
		taps_again(&b->probes.taps);
		runtime_files_again(&b->probes.runtimes.files);
	}
	probes_second(&b->probes, finder_size(b->finder));
	broker_read_targets(b, now_ns);
	profiling_second(&b->profiling);
	reload_second(&b->reload);
}

/* Has the nursery ended? Then nobody can be a worker any more. */
static void broker_look_after_nursery(struct broker *b)
{
	if (waitpid(b->config->nursery, NULL, WNOHANG) != b->config->nursery)
		return;
	b->over = true;
	b->code = 1;
	log_error("the worker cannot run; ending");
}

static void broker_signal(struct broker *b)
{
	struct signalfd_siginfo info;

	while (read(b->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload_now(&b->reload);
		} else if (info.ssi_signo == SIGCHLD) {
			broker_look_after_nursery(b);
		} else {
			log_info("ending");
			b->over = true;
		}
	}
}

static int broker_watch(const struct broker *b, int fd, uint32_t what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The worker's words. The first that it serves: what may take long comes only now. */
static void broker_hear(struct broker *b)
{
	struct link_message message;
	int result;

	for (int i = 0; i < BROKER_HEARD; i++) {
		result = link_receive(b->config->link, &message, NULL);
		if (result != 1 && result != -EBADMSG)
			return;
		if (result == 1 && message.kind == LINK_HELLO) {
			outbox_hello(&b->outbox);
			reload_again(&b->reload);
		}
		if (result == 1 && b->serving)
			profiling_ask(&b->profiling, b->finder, &message, moment_monotonic_ns());
		if (result != 1 || message.kind != LINK_SERVING || b->serving)
			continue;
		b->serving = true;
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		notify_send(getenv("NOTIFY_SOCKET"), "READY=1");
		finder_step(b->finder, moment_monotonic_ns(), false);
		broker_probes(b);
		broker_watch(b, attach_fd(b->attach), BROKER_ATTACH);
		b->outbox.complete = true;
	}
}

static void broker_wakes(struct broker *b)
{
	uint64_t now_ns = moment_monotonic_ns();
	int32_t pid = 1;

	for (int i = 0; i < BROKER_WAKES && pid != 0; i++) {
		pid = wake_read(b->config->wake);
		if (pid > 0)
			finder_knock(b->finder, pid, now_ns);
	}
}

static int broker_wait_ms(const struct broker *b, uint64_t now_ns)
{
	uint64_t due_ns = finder_due_ns(b->finder);
	uint64_t waits_ns = waits_due_ns(&b->probes.waits);

	if (!b->serving)
		return -1;
	if (waits_ns < due_ns)
		due_ns = waits_ns;
	if (b->probes.life && now_ns + BROKER_RING_NS < due_ns)
		due_ns = now_ns + BROKER_RING_NS;
	if (b->second_ns < due_ns)
		due_ns = b->second_ns;
	return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / 1000000 + 1);
}

/* Asks to be woken when the worker has room again, only while something waits for that. */
static void broker_flush(struct broker *b)
{
	bool behind = outbox_flush(&b->outbox, b->finder) == -EAGAIN;
	struct epoll_event event = { .events = EPOLLIN | (behind ? EPOLLOUT : 0),
				     .data.u32 = BROKER_LINK };

	if (behind == b->behind)
		return;
	b->behind = behind;
	epoll_ctl(b->epoll, EPOLL_CTL_MOD, b->config->link, &event);
}

static void broker_loop(struct broker *b)
{
	struct epoll_event events[8];

	while (!b->over) {
		int n = epoll_wait(b->epoll, events, 8, broker_wait_ms(b, moment_monotonic_ns()));
		uint64_t now_ns;

		aides_step(&b->aides);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == BROKER_LINK)
				broker_hear(b);
			else if (events[i].data.u32 == BROKER_WAKE)
				broker_wakes(b);
			else if (events[i].data.u32 == BROKER_SIGNALS)
				broker_signal(b);
			else if (events[i].data.u32 == BROKER_ATTACH)
				broker_attach(b, moment_monotonic_ns());
		}
		if (!b->serving)
			continue;
		probes_read(&b->probes, broker_event, b);
		probes_kills(&b->probes, b->finder);
		now_ns = moment_monotonic_ns();
		finder_step(b->finder, now_ns, broker_told(b, now_ns));
		broker_second(b, now_ns);
		broker_flush(b);
		probes_step(&b->probes);
		profiling_step(&b->profiling, b->finder, now_ns);
	}
}

static int broker_open(struct broker *b)
{
	const struct finder_sink sink = { .ctx = b, .found = broker_found, .gone = broker_gone };
	sigset_t mask;
	int result;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN); /* standard error may be a pipe that nobody reads any more */
	b->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->signals < 0 || b->epoll < 0)
		return -errno;
	result = admit_open(&b->admit, b->config->config);
	if (result == 0)
		result = attach_open(&b->attach, b->config->run_dir, b->admit);
	if (result == 0)
		result = finder_open(&b->finder, b->config->run_dir, &sink);
	if (result == 0) {
		finder_admit_set(b->finder, b->admit);
		finder_attach_set(b->finder, b->attach);
	}
	if (result == 0 && (broker_watch(b, b->config->link, BROKER_LINK) ||
			    broker_watch(b, b->config->wake, BROKER_WAKE) ||
			    broker_watch(b, b->signals, BROKER_SIGNALS) ||
			    broker_watch(b, finder_fd(b->finder), BROKER_FINDER)))
		result = -errno;
	return result;
}

/* The link's end ends the worker, which silences the shims; the pipe's end ends the nursery. */
static void broker_close(struct broker *b)
{
	close(b->config->link);
	close(b->config->alive);
	for (int i = 0; i < BROKER_END_S * 100; i++) {
		pid_t ended = waitpid(b->config->nursery, NULL, WNOHANG);

		if (ended == b->config->nursery || (ended < 0 && errno == ECHILD))
			break;
		usleep(10000);
	}
	profiling_close(&b->profiling);
	probes_close(&b->probes);
	finder_close(b->finder);
	aides_close(&b->aides);
	attach_close(b->attach);
	admit_close(b->admit);
	outbox_fini(&b->outbox);
	close(b->signals);
	close(b->epoll);
}

static void broker_live(struct broker *b)
{
	int result = broker_open(b);

	if (result == 0) {
		standing_privileges(&b->outbox);
		broker_look_after_nursery(b); /* it may have ended before its signal was blocked */
		broker_loop(b);
	} else {
		log_error("the broker cannot start: %s", strerrorname_np(-result));
		b->code = 1;
	}
	broker_close(b);
}

int broker_run(const struct broker_config *config)
{
	struct broker *b = calloc(1, sizeof(*b)); /* its pages come after the scout's fork */
	int result = b ? privilege_broker() : -ENOMEM, code;

	if (result == 0)
		result = aides_open(&b->aides);
	if (result) {
		log_error("the broker cannot start: %s", strerrorname_np(-result));
		close(config->link);
		close(config->alive);
		free(b);
		return 1;
	}
	b->config = config;
	b->epoll = b->signals = -1;
	outbox_init(&b->outbox, config->link);
	b->reload = (struct reload){ .options = config->options,
				     .board = config->board,
				     .link = config->link,
				     .password_file = config_text(config->config,
								  CONFIG_REDIS_PASSWORD_FILE),
				     .good = -1,
				     .kept = config->kept,
				     .rules = { .link = config->link } };
	if (config_switch(config->config, CONFIG_ALERTS_ENABLED))
		b->reload.rules.folder = config_text(config->config, CONFIG_ALERTS_RULES_DIR);
	broker_live(b);
	code = b->code;
	free(b);
	return code;
}
