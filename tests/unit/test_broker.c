#include "../../agent/broker.c" /* white box: whom it believes, and whose turn it is */
#include "target_process.h"

#include <poll.h>
#include <sys/socket.h>

#define FAKE_PRESENT ((struct life *)(void *)&fake_life)

/* The kernel's word, as a test would have it. */
static struct {
	uint64_t dropped;
	uint32_t state; /* enum facility_state */
} fake_life;

int life_open(struct life **out, const struct probe_filter *filter, struct probe_state *state)
{
	(void)filter;
	*state = (struct probe_state){
		.count = 1,
		.facilities = { { .set = "life", .name = "exec", .state = FACILITY_LOADED } }
	};
	*out = FAKE_PRESENT;
	return 0;
}

void life_close(struct life *l)
{
	(void)l;
}

int life_read(struct life *l, life_fn each, void *ctx)
{
	(void)l;
	(void)each;
	(void)ctx;
	return 0;
}

void life_forget(struct life *l, int32_t pid)
{
	(void)l;
	(void)pid;
}

void life_look(const struct life *l, struct probe_state *state)
{
	(void)l;
	memset(state, 0, sizeof(*state));
}

uint64_t life_dropped(const struct life *l)
{
	(void)l;
	return fake_life.dropped;
}

static void a_lost_event_is_doubted_until_a_round_has_passed(void **state)
{
	struct broker b = { .probes = { .life = FAKE_PRESENT, .told = true } };
	uint64_t now_ns = 100 * BROKER_SECOND_NS;

	(void)state;
	fake_life.dropped = 0;
	assert_true(broker_told(&b, now_ns));
	fake_life.dropped = 1;
	assert_false(broker_told(&b, now_ns));
	assert_false(broker_told(&b, now_ns + 10 * BROKER_SECOND_NS)); /* the slowest round */
	assert_true(broker_told(&b, now_ns + BROKER_DOUBT_NS));
	fake_life.dropped = 2;
	assert_false(broker_told(&b, now_ns + BROKER_DOUBT_NS));
	fake_life.dropped = 0;
}

static void memory_is_read_in_turn_and_within_a_share(void **state)
{
	(void)state;
	assert_int_equal(broker_memory_share(0), 0);
	assert_int_equal(broker_memory_share(1), 1);
	assert_int_equal(broker_memory_share(5), 1);
	assert_int_equal(broker_memory_share(6), 2);
	assert_int_equal(broker_memory_share(320), 64);
	assert_int_equal(broker_memory_share(16384), BROKER_MEMORY_SHARE);
}

#define TURN_TARGETS 8 /* more messages than the smallest link has room for */

static void turn_found(void *ctx, struct finder_target *found)
{
	(void)ctx;
	found->sent = 1;
}

static void turn_gone(void *ctx, const struct finder_target *gone)
{
	(void)ctx;
	(void)gone;
}

static void turn_name(const char *folder, const struct watched *children)
{
	char path[64], line[ATTACH_LINE];
	struct proc_stat stat;
	FILE *out;

	snprintf(path, sizeof(path), "%s/" ATTACH_FILE, folder);
	out = fopen(path, "w");
	assert_non_null(out);
	for (int i = 0; i < TURN_TARGETS; i++) {
		assert_int_equal(proc_stat_read(children[i].pid, &stat), 0);
		attach_line(children[i].pid, stat.start_ticks, line);
		fprintf(out, "%s\n", line);
	}
	fclose(out);
}

/* Which keys were told, as bits; the link is empty again. */
static uint32_t turn_told(int link)
{
	struct link_message message;
	uint32_t keys = 0;

	while (link_receive(link, &message, NULL) == 1)
		keys |= 1u << message.key;
	return keys;
}

/* The link has room for some of them: each second others must be among those. */
static void each_target_is_told_in_turn_while_the_worker_is_behind(void **state)
{
	const struct finder_sink sink = { .found = turn_found, .gone = turn_gone };
	struct watched children[TURN_TARGETS] = { 0 };
	char folder[32] = "/tmp/rs_turn_XXXXXX", path[64];
	struct broker_config config = { .run_dir = folder };
	struct broker b = { .config = &config };
	uint32_t told = 0, first;
	int link[2], least = 1;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < TURN_TARGETS; i++)
		watched_start(&children[i]);
	turn_name(folder, children);
	assert_int_equal(link_open(link), 0);
	assert_int_equal(setsockopt(link[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
	config.link = link[0];
	outbox_init(&b.outbox, link[0]);
	outbox_hello(&b.outbox);
	assert_int_equal(attach_open(&b.attach, folder, NULL), 0);
	assert_int_equal(finder_open(&b.finder, folder, &sink), 0);
	finder_attach_set(b.finder, b.attach);
	for (uint64_t i = 1; i <= 3; i++) /* one that was just made may not be found at once */
		finder_step(b.finder, i * BROKER_SECOND_NS, false);
	assert_int_equal(finder_size(b.finder), TURN_TARGETS);
	broker_read_targets(&b, BROKER_SECOND_NS);
	first = turn_told(link[1]);
	assert_true(first && first != (2u << TURN_TARGETS) - 2);
	for (int i = 0; i < TURN_TARGETS; i++) {
		broker_read_targets(&b, BROKER_SECOND_NS);
		told |= turn_told(link[1]);
	}
	assert_int_equal(told, (2u << TURN_TARGETS) - 2);
	finder_close(b.finder);
	attach_close(b.attach);
	for (int i = 0; i < TURN_TARGETS; i++)
		watched_end(&children[i]);
	close(link[0]);
	close(link[1]);
	snprintf(path, sizeof(path), "%s/" ATTACH_FILE, folder);
	unlink(path);
	rmdir(folder);
}

/* A whole broker in a process of its own; the test is its worker. */
struct stage {
	char folder[32], wake_path[64], file[64];
	int link, wake;
	pid_t pid, nursery;
};

/* In the broker's process: a nursery that ends with the pipe or by a signal, then the broker. */
static void stage_broker(const struct stage *g, int link, const int *told)
{
	struct options options = { .file = g->file };
	struct broker_config config = {
		.options = &options, .run_dir = g->folder, .link = link, .wake = g->wake
	};
	struct config *settings;
	int alive[2];
	char byte;

	if (config_open(&settings) || pipe2(alive, O_CLOEXEC))
		_exit(9);
	config.config = settings;
	config.nursery = fork();
	if (config.nursery == 0) {
		close(alive[1]);
		_exit(read(alive[0], &byte, 1) != 0);
	}
	close(alive[0]);
	config.alive = alive[1];
	if (write(told[1], &config.nursery, sizeof(pid_t)) != sizeof(pid_t))
		_exit(9);
	log_open("test", LOG_LEVEL_ERROR);
	close(STDERR_FILENO);
	_exit(broker_run(&config));
}

static int stage_setup(void **state)
{
	static struct stage g;
	int link[2], told[2], fd;

	*state = &g;
	fake_life.state = FACILITY_REFUSED; /* looks around each second */
	strcpy(g.folder, "/tmp/rs_broker_XXXXXX");
	if (!mkdtemp(g.folder) || link_open(link) || pipe2(told, O_CLOEXEC))
		return -1;
	snprintf(g.wake_path, sizeof(g.wake_path), "%s/shim.sock", g.folder);
	snprintf(g.file, sizeof(g.file), "%s/ringside.json", g.folder);
	fd = open(g.file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "{}", 2) != 2 || wake_open(g.wake_path, &g.wake))
		return -1;
	close(fd);
	g.pid = fork();
	if (g.pid == 0) {
		close(link[1]);
		stage_broker(&g, link[0], told);
	}
	close(link[0]);
	g.link = link[1];
	if (read(told[0], &g.nursery, sizeof(g.nursery)) != sizeof(g.nursery))
		return -1;
	close(told[0]);
	close(told[1]);
	return 0;
}

static int stage_code(struct stage *g)
{
	int status;

	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	g->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stage_teardown(void **state)
{
	struct stage *g = *state;

	if (g->pid) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
	}
	close(g->link);
	close(g->wake);
	unlink(g->wake_path);
	unlink(g->file);
	return rmdir(g->folder);
}

static void worker_says(const struct stage *g, uint32_t kind)
{
	const struct link_message m = { .kind = kind };

	assert_int_equal(link_send(g->link, &m, -1), 0);
}

/* The next message of this kind; what else comes is passed over. */
static void worker_awaits(const struct stage *g, uint32_t kind, struct link_message *out,
			  int *passed)
{
	struct pollfd room = { .fd = g->link, .events = POLLIN };
	int result;

	for (;;) {
		assert_int_equal(poll(&room, 1, 20000), 1);
		result = link_receive(g->link, out, passed);
		assert_int_equal(result, 1);
		if (out->kind == kind)
			return;
		if (*passed >= 0)
			close(*passed);
	}
}

static void a_worker_is_told_what_there_is_once_it_serves(void **state)
{
	struct stage *g = *state;
	struct link_message m;
	int passed, result;

	worker_says(g, LINK_HELLO);
	worker_says(g, LINK_SERVING);
	worker_awaits(g, LINK_PART, &m, &passed);
	assert_string_equal(m.part.name, "privileges");
	worker_awaits(g, LINK_FACILITY, &m, &passed);
	assert_string_equal(m.facility.name, "exec");
	worker_awaits(g, LINK_COMPLETE, &m, &passed);
	assert_string_equal(m.part.reason, "");
	kill(g->pid, SIGTERM);
	assert_int_equal(stage_code(g), 0);
	while ((result = link_receive(g->link, &m, &passed)) == 1)
		if (passed >= 0)
			close(passed);
	assert_int_equal(result, 0); /* the end of the link is ours */
}

static void a_new_worker_is_told_all_of_it_again(void **state)
{
	struct stage *g = *state;
	struct link_message m;
	int passed;

	for (int i = 0; i < 2; i++) {
		worker_says(g, LINK_HELLO);
		worker_says(g, LINK_SERVING);
		worker_awaits(g, LINK_PART, &m, &passed);
		worker_awaits(g, LINK_COMPLETE, &m, &passed);
	}
}

static void a_target_comes_with_its_segment_its_numbers_and_its_end(void **state)
{
	struct stage *g = *state;
	struct watched child = { .run_dir = g->folder };
	struct link_message m;
	uint64_t key;
	int passed;

	if (geteuid() != 0)
		rs_skip("map_files needs root");
	worker_says(g, LINK_HELLO);
	worker_says(g, LINK_SERVING);
	worker_awaits(g, LINK_COMPLETE, &m, &passed);
	watched_start(&child);
	watched_tell(&child, WATCHED_SEGMENT);
	worker_awaits(g, LINK_TARGET, &m, &passed);
	assert_int_equal(m.target.pid, child.pid);
	assert_int_equal(fcntl(passed, F_GET_SEALS), CAPTURE_SEALS);
	close(passed);
	key = m.target.key;
	worker_awaits(g, LINK_READING, &m, &passed);
	assert_int_equal(m.key, key);
	assert_true(m.usage.pss > 0);
	assert_true(m.usage.read_bytes >= 0);
	watched_end(&child);
	worker_awaits(g, LINK_DIED, &m, &passed);
	assert_int_equal(m.key, key);
}

static void a_reload_passes_the_file_as_a_descriptor(void **state)
{
	struct stage *g = *state;
	struct link_message m;
	char text[8] = "";
	int passed;

	worker_says(g, LINK_HELLO);
	worker_says(g, LINK_SERVING);
	worker_awaits(g, LINK_COMPLETE, &m, &passed);
	kill(g->pid, SIGHUP);
	worker_awaits(g, LINK_RELOAD, &m, &passed);
	assert_int_equal(pread(passed, text, sizeof(text), 0), 2);
	assert_string_equal(text, "{}");
	close(passed);
}

static void it_ends_with_an_error_when_no_worker_can_run(void **state)
{
	struct stage *g = *state;

	kill(g->nursery, SIGKILL);
	assert_int_equal(stage_code(g), 1);
}

static void garbage_and_descriptors_of_a_worker_change_nothing(void **state)
{
	const struct link_message odd[] = { { .kind = LINK_DIED, .key = 1 },
					    { .kind = LINK_COMPLETE },
					    { .kind = LINK_KINDS },
					    { .kind = 0 } };
	struct stage *g = *state;
	struct link_message m = { .kind = LINK_RELOAD };
	int passed;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(link_send(g->link, &odd[i], -1), 0);
	assert_int_equal(link_send(g->link, &m, g->wake), 0);
	assert_int_equal(send(g->link, "x", 1, 0), 1);
	worker_says(g, LINK_HELLO);
	worker_says(g, LINK_SERVING);
	worker_awaits(g, LINK_COMPLETE, &m, &passed);
	kill(g->pid, SIGINT);
	assert_int_equal(stage_code(g), 0);
}

#define STAGE(fact) cmocka_unit_test_setup_teardown(fact, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_event_is_doubted_until_a_round_has_passed),
		cmocka_unit_test(memory_is_read_in_turn_and_within_a_share),
		cmocka_unit_test(each_target_is_told_in_turn_while_the_worker_is_behind),
		STAGE(a_worker_is_told_what_there_is_once_it_serves),
		STAGE(a_new_worker_is_told_all_of_it_again),
		STAGE(a_target_comes_with_its_segment_its_numbers_and_its_end),
		STAGE(a_reload_passes_the_file_as_a_descriptor),
		STAGE(it_ends_with_an_error_when_no_worker_can_run),
		STAGE(garbage_and_descriptors_of_a_worker_change_nothing),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
