#include "../../agent/capture/inputs.c" /* white box: what is known, and an event by hand */
#include "filter.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define PAGE 4096
#define PAGES 16
#define READS 3000
#define CLOSE_WAIT 8 /* TCP_CLOSE_WAIT: netinet/tcp.h has it, and an older tcp_info */

static struct probe_filter *filter;
static struct inputs *inputs; /* NULL: refused here */

struct pair {
	int listener, client, server;
};

static void pair_open(struct pair *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(listen(p->listener, 1), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &bytes), 0);
	assert_int_equal(connect(p->client, (struct sockaddr *)&at, bytes), 0);
	p->server = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p->server >= 0);
}

static void pair_close(struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

static struct tcp_info tcp_now(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t bytes = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	return info;
}

/* One byte either way, n times. */
static void pair_talk(const struct pair *p, int n)
{
	char byte = 'x';

	for (int i = 0; i < n; i++) {
		assert_int_equal(send(p->client, &byte, 1, 0), 1);
		assert_int_equal(recv(p->server, &byte, 1, 0), 1);
		assert_int_equal(send(p->server, &byte, 1, 0), 1);
		assert_int_equal(recv(p->client, &byte, 1, 0), 1);
	}
}

static void watch(void)
{
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED), 0);
	assert_int_equal(inputs_watch(inputs, getpid()), 0);
}

static struct strain take(void)
{
	struct strain s;

	assert_int_equal(inputs_strain_take(inputs, getpid(), &s), 0);
	return s;
}

static void what_lacks_a_program_is_not_known(void **state)
{
	struct probe_state all = { .count = 6 };

	(void)state;
	for (uint32_t i = 0; i < all.count; i++) {
		all.facilities[i].state = FACILITY_LOADED;
		snprintf(all.facilities[i].name, FACILITY_NAME, "%s", inputs_needs[i].name);
	}
	assert_int_equal(inputs_known(&all), STRAIN_KILLS | STRAIN_TCP | STRAIN_DISK);
	all.facilities[2].state = FACILITY_REFUSED;
	assert_int_equal(inputs_known(&all), STRAIN_KILLS | STRAIN_DISK);
	all.facilities[0].state = FACILITY_REFUSED;
	all.facilities[4].state = FACILITY_IDLE;
	assert_int_equal(inputs_known(&all), 0);
}

static void segments_are_those_that_the_sockets_count(void **state)
{
	struct strain before, now;
	uint64_t segments;
	struct pair p;

	(void)state;
	watch();
	before = take();
	pair_open(&p);
	pair_talk(&p, 7);
	segments = tcp_now(p.client).tcpi_data_segs_out + tcp_now(p.server).tcpi_data_segs_out;
	assert_int_equal(segments, 14);
	assert_int_equal(inputs_walk(inputs), 0);
	now = take();
	assert_int_equal(now.segments - before.segments, segments);
	assert_int_equal(now.retransmits, before.retransmits);
	assert_int_equal(now.looks - before.looks, 2);
	/* and again: nothing is booked twice */
	assert_int_equal(inputs_walk(inputs), 0);
	assert_int_equal(take().segments - before.segments, segments);
	pair_close(&p);
}

static void a_round_trip_is_the_sockets_own_and_the_shortest_is_taken_once(void **state)
{
	struct strain before, now;
	uint32_t client_us, server_us;
	struct pair p;

	(void)state;
	watch();
	pair_open(&p);
	pair_talk(&p, 20);
	before = take();
	client_us = tcp_now(p.client).tcpi_rtt;
	server_us = tcp_now(p.server).tcpi_rtt;
	assert_int_equal(inputs_walk(inputs), 0);
	now = take();
	assert_int_equal(now.trips_us - before.trips_us, client_us + server_us);
	assert_int_equal(now.shortest_us, client_us < server_us ? client_us : server_us);
	assert_int_equal(take().shortest_us, 0);
	pair_close(&p);
}

static void a_connection_between_two_walks_is_told_at_its_end(void **state)
{
	struct strain before;
	struct pair p;

	(void)state;
	watch();
	assert_int_equal(inputs_walk(inputs), 0);
	before = take();
	for (int i = 1; i <= 3; i++) {
		pair_open(&p);
		pair_talk(&p, 5);
		close(p.server);
		while (tcp_now(p.client).tcpi_state != CLOSE_WAIT)
			;
		pair_close(&p);
	}
	/* the last acknowledgement is on its way through the loopback */
	for (int i = 0; i < 1000 && take().segments - before.segments < 30; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(take().segments - before.segments, 30);
}

/* The other end takes nothing in, so that it is sent again until it does. */
static void what_was_sent_again_is_counted_as_the_socket_does(void **state)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = { .len = 1, .filter = &nothing };
	struct strain before, now;
	uint32_t retransmits;
	struct pair p;
	char byte = 'x';
	int none = 0;

	(void)state;
	watch();
	pair_open(&p);
	pair_talk(&p, 1);
	assert_int_equal(inputs_walk(inputs), 0);
	before = take();
	assert_int_equal(
		setsockopt(p.server, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	assert_int_equal(send(p.client, &byte, 1, 0), 1);
	while (tcp_now(p.client).tcpi_total_retrans < 2)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_int_equal(setsockopt(p.server, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)),
			 0);
	assert_int_equal(recv(p.server, &byte, 1, 0), 1);
	retransmits = tcp_now(p.client).tcpi_total_retrans;
	assert_int_equal(inputs_walk(inputs), 0);
	now = take();
	assert_int_equal(now.retransmits - before.retransmits, retransmits);
	assert_true(now.segments - before.segments > retransmits);
	pair_close(&p);
}

static void nothing_is_told_of_who_is_no_target(void **state)
{
	struct strain s, before;
	struct pair p;

	(void)state;
	watch();
	assert_int_equal(probe_filter_put(filter, getpid(), 0), 0);
	take();
	before = take(); /* without a shortest trip */
	pair_open(&p);
	pair_talk(&p, 3);
	assert_int_equal(inputs_walk(inputs), 0);
	pair_close(&p);
	s = take();
	assert_memory_equal(&s, &before, sizeof(s));
	inputs_forget(inputs, getpid());
	assert_int_equal(inputs_strain_take(inputs, getpid(), &s), -ENOENT);
}

/* A file that is not in memory; -1: this file system cannot. */
static int disk_file(char name[32])
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	int fd;

	snprintf(name, 32, "inputs.XXXXXX");
	fd = mkostemp(name, O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(write(fd, page, PAGE), PAGE);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	return open(name, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static void io_of_a_disk_is_counted_and_timed(void **state)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	struct strain before, now;
	char name[32];
	int fd = disk_file(name);

	(void)state;
	unlink(name);
	if (fd < 0)
		rs_skip("no direct I/O on this file system");
	watch();
	before = take();
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(pread(fd, page, PAGE, (PAGES - 1 - i) * (off_t)PAGE), PAGE);
	now = take();
	if (now.reads == before.reads)
		rs_skip("this file system has no block device of its own");
	assert_int_equal(now.reads - before.reads, PAGES);
	assert_int_equal(now.writes, before.writes);
	assert_true(now.read_ns - before.read_ns > PAGES * UINT64_C(1000));
	before = now;
	assert_int_equal(pwrite(fd, page, PAGE, 0), PAGE);
	now = take();
	assert_int_equal(now.reads, before.reads);
	assert_in_range(now.writes - before.writes, 1, 3); /* a journal may be waited for */
	assert_true(now.write_ns > before.write_ns);
	close(fd);
}

/* The map of I/Os under way, among our own descriptors; -1: there is none. */
static int places(void)
{
	for (int fd = 0; fd < 256; fd++) {
		struct bpf_map_info info = { .name = "" };
		uint32_t bytes = sizeof(info);

		if (!bpf_obj_get_info_by_fd(fd, &info, &bytes) && strcmp(info.name, "bios") == 0)
			return fd;
	}
	return -1;
}

static void *read_on(void *file)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));

	for (int i = 0; i < READS; i++)
		if (pread(*(int *)file, page, PAGE, 0) != PAGE)
			break;
	return NULL;
}

/* On a CPU that is always the same, whose addresses are given anew soon. */
static pthread_t reads(int *file)
{
	pthread_attr_t attributes;
	pthread_t thread;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
	assert_int_equal(pthread_create(&thread, &attributes, read_on, file), 0);
	pthread_attr_destroy(&attributes);
	return thread;
}

/* As inputs.bpf.c keeps it. */
struct place {
	uint64_t since_ns;
	uint32_t owner, operation;
};

static void a_place_that_was_left_behind_is_not_the_next_ones(void **state)
{
	uint64_t seen[64], key;
	uint32_t count = 0, gone = 0;
	/* an I/O of ours, of long ago */
	const struct place stale = { .since_ns = 1, .owner = (uint32_t)getpid() };
	struct strain before, now;
	struct place place;
	char name[32];
	int fd = disk_file(name), map = places();
	pthread_t reader;

	(void)state;
	unlink(name);
	if (fd < 0 || map < 0)
		rs_skip("no direct I/O on this file system");
	watch();
	reader = reads(&fd);
	while (pthread_tryjoin_np(reader, NULL) != 0)
		if (count < 64 && bpf_map_get_next_key(map, NULL, &key) == 0)
			seen[count++] = key;
	if (!count)
		rs_skip("this file system has no block device of its own");
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bpf_map_update_elem(map, &seen[i], &stale, BPF_ANY), 0);
	before = take();
	probe_filter_put(filter, getpid(), 0);
	pthread_join(reads(&fd), NULL); /* as a bystander */
	now = take();
	for (uint32_t i = 0; i < count; i++)
		gone += bpf_map_lookup_elem(map, &seen[i], &place) != 0;
	assert_int_equal(now.reads, before.reads);
	assert_int_equal(now.read_ns, before.read_ns);
	for (uint32_t i = 0; i < count; i++)
		bpf_map_delete_elem(map, &seen[i]);
	close(fd);
	if (!gone)
		rs_skip("no address was given anew");
}

static void hear(void *ctx, int32_t pid)
{
	*(int32_t *)ctx = pid;
}

static void a_kill_is_handed_on_by_its_pid(void **state)
{
	const struct inputs_kill kill = { .pid = 4711 };
	int32_t heard = 0;

	(void)state;
	inputs_kills_read(inputs, hear, &heard);
	heard = 0;
	inputs_event(inputs, &kill, sizeof(kill) - 1);
	assert_int_equal(heard, 0);
	inputs_event(inputs, &kill, sizeof(kill));
	assert_int_equal(heard, 4711);
}

static void nothing_was_lost(void **state)
{
	struct probe_state now;

	(void)state;
	inputs_look(inputs, &now);
	assert_int_equal(now.count, 6);
	for (uint32_t i = 0; i < now.count; i++)
		assert_int_equal(now.facilities[i].dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lacks_a_program_is_not_known),
		cmocka_unit_test(segments_are_those_that_the_sockets_count),
		cmocka_unit_test(a_round_trip_is_the_sockets_own_and_the_shortest_is_taken_once),
		cmocka_unit_test(a_connection_between_two_walks_is_told_at_its_end),
		cmocka_unit_test(what_was_sent_again_is_counted_as_the_socket_does),
		cmocka_unit_test(nothing_is_told_of_who_is_no_target),
		cmocka_unit_test(io_of_a_disk_is_counted_and_timed),
		cmocka_unit_test(a_place_that_was_left_behind_is_not_the_next_ones),
		cmocka_unit_test(a_kill_is_handed_on_by_its_pid),
		cmocka_unit_test(nothing_was_lost),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = inputs_open(&inputs, filter, &now);
	if (result || !probe_whole(&now)) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		inputs_close(inputs);
		probe_filter_close(filter);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	inputs_close(inputs);
	inputs_close(NULL);
	probe_filter_close(filter);
	return failed;
}
