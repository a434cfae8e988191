/*
 * killed - a loaded producer is killed at any moment, 30 times (300 with RINGSIDE_TEST_FULL): all
 * that its lanes hold is whole, and its counters agree with that to a request a thread.
 *
 * usage: fault_killed PRODUCER LIBRARY
 */
#include "checked.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MOST 3
#define ROUNDS 30
#define ROUNDS_FULL 300
#define START_MS 10000
#define LIFE_US_MOST 15000

/* What a reader knows of one producer. */
struct reader {
	uint8_t *base;
	struct lane lanes[RS_BLOCKS];
	uint64_t accepted;
	uint64_t torn; /* holes that a dead writer left */
};

static void pause_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

static pid_t start(const char *program, const char *library)
{
	pid_t pid = fork();

	if (!pid) {
		setenv("LD_PRELOAD", library, 1);
		execl(program, program, NULL);
		_exit(126);
	}
	return pid;
}

/* As the broker finds it: the mapping's own file, opened again. -1: not there yet. */
static int open_segment(pid_t pid)
{
	char path[64], line[512], range[40];
	int fd = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fd < 0 && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/memfd:" RS_SEGMENT_NAME) || sscanf(line, "%39s", range) != 1)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid, range);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 && errno == EPERM)
			exit(host_skip("/proc/PID/map_files needs more privilege"));
	}
	if (maps)
		fclose(maps);
	return fd;
}

static void attach(struct reader *r, pid_t pid)
{
	const struct rs_header *header;
	int fd = -1;

	for (int i = 0; i < START_MS && fd < 0; i++) {
		pause_us(1000);
		fd = open_segment(pid);
	}
	HOST_CHECK(fd >= 0);
	memset(r, 0, sizeof(*r));
	r->base = mmap(NULL, RS_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	HOST_CHECK(r->base != MAP_FAILED);
	header = (const struct rs_header *)(const void *)r->base;
	for (int i = 0; i < START_MS && atomic_load(&header->magic) != RS_MAGIC; i++)
		pause_us(1000);
	host_listen_as_agent((struct rs_header *)(void *)r->base);
}

static struct rs_block *block_at(const struct reader *r, uint32_t n)
{
	return (struct rs_block *)(void *)(r->base + RS_BLOCKS_AT) + n;
}

static void accept_record(struct reader *r, const struct lane_record *record)
{
	const char *fault = checked_fault(record);

	if (fault)
		host_fail(__FILE__, __LINE__, fault);
	r->accepted++;
}

static void drain_lane(struct reader *r, uint32_t n, bool dead)
{
	struct lane *lane = &r->lanes[n];
	struct lane_record record;
	enum lane_result result;
	bool torn;

	if (!lane->slots) {
		lane->slots = (struct rs_head *)(void *)(r->base + rs_lane_at(n));
		lane->count = rs_lane_slots(n);
	}
	do {
		while ((result = lane_take(lane, &record)) == LANE_RECORD)
			accept_record(r, &record);
		/* Of one writer a later record never stands before an earlier one is whole. */
		HOST_CHECK(result == LANE_EMPTY);
		if (!dead)
			break;
		dead = lane_skip(lane, &torn);
		HOST_CHECK(!dead);
		r->torn += torn;
	} while (dead);
	lane_release(lane, &block_at(r, n)->tail);
}

static void drain(struct reader *r, bool dead)
{
	const struct rs_header *header = (const struct rs_header *)(const void *)r->base;
	uint32_t lanes = atomic_load(&header->lanes);

	for (uint32_t n = 0; n < lanes && n < RS_LANES; n++)
		drain_lane(r, n, dead);
}

static void counters_agree(const struct reader *r)
{
	const struct rs_header *header = (const struct rs_header *)(const void *)r->base;
	uint64_t pushed = HOST_SUM(header, pushed[RS_KIND_REQUEST]);
	uint64_t rest = HOST_SUM(header, folded[RS_KIND_REQUEST]) +
			HOST_SUM(header, dropped[RS_KIND_REQUEST]);
	uint64_t counted = HOST_SUM(header, counted[RS_KIND_REQUEST]);

	HOST_CHECK(r->accepted >= pushed && r->accepted <= pushed + THREADS_MOST);
	HOST_CHECK(counted >= pushed + rest && counted <= pushed + rest + THREADS_MOST);
	HOST_CHECK(HOST_SUM(header, requests) >= counted);
}

static struct reader reader;

static void play_round(const char *program, const char *library, long life_us)
{
	pid_t pid = start(program, library);
	int status;

	HOST_CHECK(pid > 0);
	attach(&reader, pid);
	for (int i = 0; i < START_MS && !reader.accepted; i++) {
		pause_us(500);
		drain(&reader, false);
	}
	HOST_CHECK(reader.accepted > 0);
	for (; life_us > 0; life_us -= 500) {
		pause_us(life_us < 500 ? life_us : 500);
		drain(&reader, false);
	}
	HOST_CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	HOST_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	drain(&reader, true);
	counters_agree(&reader);
	munmap(reader.base, RS_SEGMENT_BYTES);
}

int main(int argc, char **argv)
{
	const char *full = getenv("RINGSIDE_TEST_FULL");
	int rounds = full && *full ? ROUNDS_FULL : ROUNDS;
	uint64_t accepted = 0;
	uint64_t torn = 0;

	if (argc != 3)
		return 2;
	for (int i = 0; i < rounds; i++) {
		play_round(argv[1], argv[2], (long)i * 7919 % LIFE_US_MOST);
		accepted += reader.accepted;
		torn += reader.torn;
	}
	printf("killed %d times: %lu records, each of them whole; %lu holes\n", rounds,
	       (unsigned long)accepted, (unsigned long)torn);
	return 0;
}
