/*
 * A core dump does not hold the segment, nor what was mapped of it later: by the flags of its
 * mappings, and in a real core where the kernel writes plain files.
 */
#include "host.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDLE_KILOBYTES 48 /* 8 of the segment, the rest is the library's own data */
#define THREADS 12        /* more than the lanes that a new process maps */

static pthread_barrier_t all_served;

static void *serve_once(void *unused)
{
	struct host_pair pair;

	host_connect(&pair);
	host_serve(&pair, "/thread");
	pthread_barrier_wait(&all_served);
	pthread_barrier_wait(&all_served);
	return unused;
}

/* Mappings of the segment, and how many lack a flag that keeps them out of cores and children. */
static int count_mappings(int *unflagged)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool ours = false;
	char line[512];
	int all = 0;

	*unflagged = 0;
	while (fgets(line, sizeof(line), smaps)) {
		if (strstr(line, "/memfd:" RS_SEGMENT_NAME)) {
			ours = true;
			all++;
		}
		if (!ours || strncmp(line, "VmFlags:", 8))
			continue;
		ours = false;
		if (!strstr(line, " dd") || !strstr(line, " dc"))
			++*unflagged;
	}
	fclose(smaps);
	return all;
}

/* What a process pays that never serves: pages of the segment, and of the library's own data. */
static int idle_kilobytes(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool segment = false, library = false;
	char line[512];
	int all = 0;

	while (fgets(line, sizeof(line), smaps)) {
		int path = 0, kilobytes = 0;

		if (sscanf(line, "%*x-%*x %*s %*s %*s %*s %n", &path) == 0 && path) {
			segment = strstr(line, "/memfd:" RS_SEGMENT_NAME);
			/* Its .bss has no name. */
			library = strstr(line, "/libringside.so") ||
				  (library && (size_t)path == strlen(line));
		} else if ((library && sscanf(line, "Anonymous: %d", &kilobytes) == 1) ||
			   (segment && sscanf(line, "Rss: %d", &kilobytes) == 1)) {
			all += kilobytes;
		}
	}
	fclose(smaps);
	return all;
}

static bool cores_are_files(void)
{
	char pattern[128] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, pattern, sizeof(pattern) - 1);

	close(fd);
	return n > 0 && pattern[0] != '|' && !strchr(pattern, '/') && !strchr(pattern, '%');
}

/* Whether a file holds the segment's magic where a page begins. */
static bool holds_magic(const char *path)
{
	const uint64_t magic = RS_MAGIC;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about;
	bool found = false;
	char *bytes;

	HOST_CHECK(fd >= 0 && !fstat(fd, &about) && about.st_size > 0);
	bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	HOST_CHECK(bytes != MAP_FAILED);
	/* The header begins on a page. */
	for (off_t at = 0; at + 8 <= about.st_size; at += 4096)
		found |= !memcmp(bytes + at, &magic, sizeof(magic));
	munmap(bytes, (size_t)about.st_size);
	close(fd);
	return found;
}

static void dump_and_look(void)
{
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	char folder[] = "/tmp/ringside-core-XXXXXX";
	char name[64];
	int pid;

	HOST_CHECK(mkdtemp(folder) && !chdir(folder));
	pid = fork();
	if (!pid) {
		host_segment_wanted();
		setrlimit(RLIMIT_CORE, &any);
		abort();
	}
	HOST_CHECK(host_wait(pid, 10000) == 128 + 6);
	snprintf(name, sizeof(name), "core.%d", pid);
	if (access(name, R_OK))
		strcpy(name, "core");
	HOST_CHECK(!holds_magic(name));
	HOST_CHECK(!unlink(name) && !chdir("/") && !rmdir(folder));
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	pthread_t threads[THREADS];
	int unflagged;

	HOST_CHECK(idle_kilobytes() >= 8 && idle_kilobytes() <= IDLE_KILOBYTES);
	pthread_barrier_init(&all_served, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		HOST_CHECK(!pthread_create(&threads[i], NULL, serve_once, NULL));
	pthread_barrier_wait(&all_served);
	HOST_CHECK(HOST_SUM(header, requests) == THREADS);
	HOST_CHECK(count_mappings(&unflagged) > 1);
	HOST_CHECK(unflagged == 0);
	pthread_barrier_wait(&all_served);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (cores_are_files())
		dump_and_look();
	else
		printf("no core was written: core_pattern names a program or a path\n");
	return 0;
}
