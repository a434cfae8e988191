/*
 * What children of a process that accepts connections count is in the kin segment, until their own
 * is found; nothing is counted twice, and nothing there can hurt a sibling. So it is with children
 * of one that only listens, once an agent has that segment; and those ask to be found.
 */
#include "../../shim/knock.h"
#include "host.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define THREADS 4u
#define EACH 50u

static struct host_pair pair;
static struct rs_header *kin;
static int door; /* the agent's socket */

static uint64_t cells(void)
{
	const struct rs_cell *cell = (const void *)((const uint8_t *)kin + RS_CELLS_AT);
	uint64_t count = 0;

	for (uint32_t i = 0; i < RS_CELLS; i++)
		count += atomic_load(&cell[i].count);
	return count;
}

/* Runs it in a child: its exit status. */
static int in_child(void (*run)(void))
{
	int pid = fork();

	if (!pid) {
		run();
		_exit(0);
	}
	return host_wait(pid, 10000);
}

static void nothing(void)
{
}

static void find_no_kin(void)
{
	HOST_CHECK(!host_kin());
}

static void refuse_large_files(void)
{
	const struct rlimit small = { 1 << 20, 1 << 20 };

	HOST_CHECK(!setrlimit(RLIMIT_FSIZE, &small));
	host_connect(&pair);
	HOST_CHECK(in_child(nothing) == 0);
	HOST_CHECK(!host_kin());
}

static void serve_one(void)
{
	const struct rs_header *own = host_segment_wanted();

	free(malloc(100000));
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(HOST_SUM(own, requests) == 0 && HOST_SUM(own, begun) == 0);
	HOST_CHECK(HOST_SUM(own, allocated_bytes) >= 100000);
	HOST_CHECK(HOST_SUM(kin, allocations) == 0);
}

static void serve_and_die(void)
{
	HOST_CHECK(host_serve(&pair, "/child"));
	raise(SIGKILL);
}

static void move_to_its_own(void)
{
	struct rs_header *own = host_segment_wanted();

	HOST_CHECK(host_serve(&pair, "/child"));
	host_listen_as_agent(own);
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(HOST_SUM(own, requests) == 2 && HOST_SUM(own, begun) == 2);
	HOST_CHECK(HOST_SUM(own, pushed[RS_KIND_REQUEST]) == 2);
}

/* Found while a request is open: it is begun and ended in the child's own. */
static void move_in_between(void)
{
	static const char request[] = "GET /between HTTP/1.1\r\nHost: x\r\n\r\n",
			  reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct rs_header *own = host_segment_wanted();
	char got[256];

	HOST_CHECK(write(pair.client, request, sizeof(request) - 1) > 0);
	HOST_CHECK(read(pair.server, got, sizeof(got)) > 0);
	HOST_CHECK(HOST_SUM(own, begun) == 0);
	host_listen_as_agent(own);
	HOST_CHECK(write(pair.server, reply, sizeof(reply) - 1) > 0);
	HOST_CHECK(read(pair.client, got, sizeof(got)) > 0);
	HOST_CHECK(HOST_SUM(own, requests) == 1 && HOST_SUM(own, begun) == 1);
}

static void *serve_many(void *unused)
{
	struct host_pair mine;

	host_connect(&mine);
	for (uint32_t i = 0; i < EACH; i++)
		HOST_CHECK(host_serve(&mine, "/thread"));
	host_disconnect(&mine);
	return unused;
}

/* All threads leave while they serve; all that they served is here or there. */
static void move_with_threads(void)
{
	struct rs_header *own = host_segment_wanted();
	uint64_t before = HOST_SUM(kin, requests);
	pthread_t threads[THREADS];

	for (uint32_t i = 0; i < THREADS; i++)
		HOST_CHECK(!pthread_create(&threads[i], NULL, serve_many, NULL));
	while (HOST_SUM(kin, requests) < before + EACH)
		;
	host_listen_as_agent(own);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	HOST_CHECK(HOST_SUM(own, requests) + HOST_SUM(kin, requests) - before == THREADS * EACH);
	HOST_CHECK(HOST_SUM(own, requests) == HOST_SUM(own, begun));
	HOST_CHECK(HOST_SUM(kin, requests) == HOST_SUM(kin, begun));
}

static void serve_in_grandchild(void)
{
	struct host_pair mine;

	host_connect(&mine); /* accepts, but nobody has found it: its kin is the inherited one */
	HOST_CHECK(in_child(serve_one) == 0);
	HOST_CHECK(host_kin() == kin);
}

static void find_another(void)
{
	HOST_CHECK(host_serve(&pair, "/grandchild"));
	HOST_CHECK(HOST_SUM(host_segment_wanted(), requests) == 0);
}

/* One that was found and accepts has a kin of its own, named after it. */
static void make_another(void)
{
	uint64_t before = HOST_SUM(kin, requests);
	struct host_pair mine;
	uint64_t both;

	host_listen_as_agent(host_segment_wanted());
	host_connect(&mine);
	HOST_CHECK(in_child(nothing) == 0); /* the last line of maps: either of the two */
	HOST_CHECK(in_child(find_another) == 0);
	both = HOST_SUM(kin, requests);
	HOST_CHECK(both == before);
}

static void count_alone(void)
{
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(HOST_SUM(host_segment_wanted(), requests) == 1);
}

static void serve_in_a_sandbox(void)
{
	HOST_CHECK(host_serve(&pair, "/child"));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
		_exit(HOST_SKIPPED);
	host_serve(&pair, "/sandbox");
	syscall(SYS_exit, 0);
}

/* Every word that a sibling could have left there. */
static void spoil(uint8_t with)
{
	memset((uint8_t *)kin + RS_SHAPES_AT, with, RS_SHAPES_BYTES);
	atomic_store(&kin->shapes, with * 0x01010101u);
	atomic_store(&kin->shape_end, with * 0x01010101u);
}

static void serve_anyway(void)
{
	HOST_CHECK(host_serve(&pair, "/spoilt"));
	HOST_CHECK(host_serve(&pair, "/spoilt/1/too"));
}

/* How many wake-ups came of a process since the last look; 0: of any. */
static int knocks(uint32_t pid)
{
	struct knock message;
	int count = 0;

	while (recv(door, &message, sizeof(message), MSG_DONTWAIT) == sizeof(message))
		count += !pid || message.pid == pid;
	return count;
}

static void listen_only(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	HOST_CHECK(!bind(listener, (struct sockaddr *)&at, sizeof(at)) && !listen(listener, 1));
}

static void work_alone(void)
{
	struct host_pair mine;

	host_connect(&mine);
	HOST_CHECK(host_serve(&mine, "/worker"));
	HOST_CHECK(HOST_SUM(host_segment_wanted(), requests) == 1);
	HOST_CHECK(knocks((uint32_t)getpid()) == 1);
}

/* As a worker that is told to end before the agent's next look. */
static void work_and_die(void)
{
	struct host_pair mine;

	host_connect(&mine);
	HOST_CHECK(host_serve(&mine, "/worker"));
	HOST_CHECK(HOST_SUM(host_segment_wanted(), requests) == 0);
	HOST_CHECK(knocks((uint32_t)getpid()) == 1);
	raise(SIGKILL);
}

/* Its parent may be gone by now, and nobody has what that made. */
static void go_on_as_a_daemon(void)
{
	HOST_CHECK(in_child(nothing) == 0);
	kin = host_kin();
	HOST_CHECK(kin && kin->pid == (uint32_t)getpid());
	host_listen_as_agent(kin);
	HOST_CHECK(in_child(work_and_die) == 128 + SIGKILL);
	HOST_CHECK(HOST_SUM(kin, requests) == 1);
}

static void of_a_listener(void)
{
	struct rs_header *own = host_segment_wanted();

	listen_only();
	HOST_CHECK(!host_kin());
	host_listen_as_agent(own);
	HOST_CHECK(in_child(work_alone) == 0); /* makes it, and no agent can have it yet */
	kin = host_kin();
	HOST_CHECK(kin && kin->pid == own->pid && !kin->agent.epoch);
	HOST_CHECK(HOST_SUM(kin, requests) == 0);
	HOST_CHECK(in_child(go_on_as_a_daemon) == 0);
	kin = host_kin();
	host_listen_as_agent(kin);
	HOST_CHECK(in_child(work_and_die) == 128 + SIGKILL);
	HOST_CHECK(HOST_SUM(kin, requests) == 1 && HOST_SUM(kin, begun) == 1);
	HOST_CHECK(HOST_SUM(kin, folded[RS_KIND_REQUEST]) == 1);
}

/* Once it accepts itself, its children count there whatever the agent does. */
static void of_one_that_accepts_later(void)
{
	listen_only();
	HOST_CHECK(in_child(work_alone) == 0);
	kin = host_kin();
	host_connect(&pair);
	knocks(0);
	HOST_CHECK(in_child(serve_and_die) == 128 + SIGKILL);
	HOST_CHECK(HOST_SUM(kin, requests) == 1 && knocks(0) == 0);
}

static void counted(void)
{
	uint64_t before = HOST_SUM(kin, requests);

	HOST_CHECK(in_child(serve_one) == 0);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 1 && HOST_SUM(kin, begun) == before + 1);
	HOST_CHECK(HOST_SUM(kin, status[1]) == before + 1);
	HOST_CHECK(in_child(serve_and_die) == 128 + SIGKILL);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 2);
	HOST_CHECK(in_child(serve_in_grandchild) == 0);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 3);
}

static void folded(void)
{
	uint64_t before = HOST_SUM(kin, folded[RS_KIND_REQUEST]), in_cells = cells();

	HOST_CHECK(in_child(serve_one) == 0);
	HOST_CHECK(in_child(serve_one) == 0);
	HOST_CHECK(HOST_SUM(kin, folded[RS_KIND_REQUEST]) == before + 2);
	HOST_CHECK(HOST_SUM(kin, lost[RS_LOST_LANE_FULL]) == 0);
	HOST_CHECK(cells() == in_cells + 2 && atomic_load(&kin->cells[0]) == 1);
	HOST_CHECK(atomic_load(&kin->shapes) == 1);
}

static void left(void)
{
	uint64_t before = HOST_SUM(kin, requests);

	HOST_CHECK(in_child(move_to_its_own) == 0);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 1 && HOST_SUM(kin, begun) == before + 1);
	HOST_CHECK(in_child(move_in_between) == 0);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 1 && HOST_SUM(kin, begun) == before + 1);
	HOST_CHECK(in_child(move_with_threads) == 0);
	HOST_CHECK(in_child(make_another) == 0);
}

static void in_a_sandbox(void)
{
	uint64_t before = HOST_SUM(kin, requests);

	HOST_CHECK(in_child(serve_in_a_sandbox) == 0);
	HOST_CHECK(HOST_SUM(kin, requests) == before + 2);
}

static void survived(void)
{
	static const uint8_t with[] = { 0xff, 0x7f, 0x01, 0x10, 0 };
	uint64_t before = HOST_SUM(kin, requests);

	for (size_t i = 0; i < sizeof(with); i++) {
		spoil(with[i]);
		HOST_CHECK(in_child(serve_anyway) == 0);
	}
	HOST_CHECK(HOST_SUM(kin, requests) == before + 2 * sizeof(with));
}

/* Again, with a run directory where wake-ups can be seen. */
static void open_the_door(int argc, char **argv)
{
	char folder[] = "/tmp/ringside-kin-XXXXXX";
	char *again[] = { argv[0], folder, NULL };
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (argc == 1) {
		HOST_CHECK(mkdtemp(folder) && !setenv("RINGSIDE_RUN_DIR", folder, 1));
		execv("/proc/self/exe", again);
		HOST_CHECK(false);
	}
	snprintf(at.sun_path, sizeof(at.sun_path), "%.40s" KNOCK_SOCKET, argv[1]);
	door = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	HOST_CHECK(!bind(door, (struct sockaddr *)&at, sizeof(at)));
}

static void close_the_door(char **argv)
{
	char path[64];

	snprintf(path, sizeof(path), "%.40s" KNOCK_SOCKET, argv[1]);
	unlink(path);
	rmdir(argv[1]);
}

int main(int argc, char **argv)
{
	struct rs_header *own;

	open_the_door(argc, argv);
	own = host_segment_wanted();
	HOST_CHECK(in_child(find_no_kin) == 0); /* none without a listener */
	HOST_CHECK(in_child(of_a_listener) == 0);
	HOST_CHECK(in_child(of_one_that_accepts_later) == 0);
	HOST_CHECK(in_child(refuse_large_files) == 0);
	host_connect(&pair);
	HOST_CHECK(!host_kin());
	HOST_CHECK(in_child(nothing) == 0);
	kin = host_kin();
	HOST_CHECK(kin && kin->pid == own->pid && kin->magic == RS_MAGIC && kin->overflow == 1);
	HOST_CHECK(host_segments() == 1);

	knocks(0);
	counted();
	HOST_CHECK(knocks(0) == 0);
	HOST_CHECK(cells() == 0); /* nobody listens: counters only */
	host_listen_as_agent(kin);
	folded();
	left();
	in_a_sandbox();
	HOST_CHECK(host_serve(&pair, "/parent"));
	HOST_CHECK(HOST_SUM(own, requests) == 1);
	survived();
	atomic_store(&kin->agent.off, 1);
	HOST_CHECK(in_child(count_alone) == 0);
	close_the_door(argv);
	return 0;
}
