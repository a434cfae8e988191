#include "procfs.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCFS_TICK_NS UINT64_C(10000000) /* USER_HZ is 100 on every Linux that we build for */
#define PROCFS_NAME_LOOKS 3u              /* a thread names itself soon after it began */
#define PROCFS_STAT_FIELDS 22             /* the last one read: starttime */
#define PROCFS_STAT_TEXT 1024
#define PROCFS_STAT_USER 14
#define PROCFS_STAT_SYSTEM 15
#define PROCFS_STAT_DISK 42 /* delayacct_blkio_ticks, of one thread */

long procfs_file_read(const char *root, const char *path, char *out, size_t size)
{
	char name[PATH_MAX];
	ssize_t length;
	int fd;

	if (snprintf(name, sizeof(name), "%s%s", root, path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && !strncmp(path, "/proc/", 6) ? -ESRCH : -errno;
	length = file_read(fd, out, size - 1);
	close(fd);
	out[length > 0 ? length : 0] = '\0';
	return length;
}

/* comm may hold anything: the fields begin behind the last parenthesis. */
static int procfs_stat_parse(const char *text, struct procfs_process *out)
{
	const char *at = strrchr(text, ')');
	uint64_t field[PROCFS_STAT_FIELDS + 1] = { 0 };

	if (!at || at[1] != ' ' || !at[2])
		return -EPROTO;
	at += 3; /* behind the state, which is field 3 */
	for (int i = 4; i <= PROCFS_STAT_FIELDS; i++) {
		char *end;

		field[i] = (uint64_t)strtoll(at, &end, 10);
		if (end == at)
			return -EPROTO;
		at = end;
	}
	out->minor_faults = field[10];
	out->major_faults = field[12];
	out->user_ns = field[PROCFS_STAT_USER] * PROCFS_TICK_NS;
	out->system_ns = field[PROCFS_STAT_SYSTEM] * PROCFS_TICK_NS;
	out->threads = (uint32_t)field[20];
	out->start_ticks = field[22];
	return 0;
}

uint32_t procfs_numbers(const char *text, uint64_t *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char *end;

		text += strspn(text, " \t");
		if (*text < '0' || *text > '9')
			return i;
		out[i] = strtoull(text, &end, 10);
		text = end;
	}
	return n;
}

uint32_t procfs_list_count(const char *list)
{
	uint32_t count = 0;

	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last - first > UINT16_MAX)
			return 0;
		count += (uint32_t)(last - first + 1);
		list = *end == ',' ? end + 1 : end;
	}
	return count;
}

/* The value of a line "Name:\t…"; NULL: no such line. */
static const char *procfs_line(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (text) {
		if (!strncmp(text, name, length))
			return text + length + strspn(text + length, " \t");
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

static uint64_t procfs_line_bytes(const char *text, const char *name)
{
	const char *value = procfs_line(text, name);

	return value ? strtoull(value, NULL, 10) * 1024 : 0;
}

int procfs_process_read(const char *root, int32_t pid, struct procfs_process *out)
{
	char path[64], text[8192];
	const char *cpus;
	long n;
	int ret;

	memset(out, 0, sizeof(*out));
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/stat", pid);
	n = procfs_file_read(root, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	ret = procfs_stat_parse(text, out);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/status", pid);
	n = procfs_file_read(root, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	out->rss = procfs_line_bytes(text, "VmRSS:");
	out->anonymous = procfs_line_bytes(text, "RssAnon:");
	out->data = procfs_line_bytes(text, "VmData:");
	out->virtual = procfs_line_bytes(text, "VmSize:");
	cpus = procfs_line(text, "Cpus_allowed_list:");
	out->cpus = cpus ? procfs_list_count(cpus) : 0;
	return 0;
}

static uint64_t procfs_limit(const char *text, const char *name)
{
	const char *value = procfs_line(text, name);

	if (!value || *value < '0' || *value > '9')
		return PROCFS_NONE;
	return strtoull(value, NULL, 10);
}

int procfs_limits_read(const char *root, int32_t pid, struct procfs_limits *out)
{
	char path[64], text[4096];
	long n;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/limits", pid);
	n = procfs_file_read(root, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	out->address_space = procfs_limit(text, "Max address space");
	out->data = procfs_limit(text, "Max data size");
	return 0;
}

static int procfs_thread_compare(const void *a, const void *b)
{
	const struct procfs_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static bool procfs_thread_read(const char *root, int32_t pid, struct procfs_thread *thread)
{
	char path[96], text[128];
	uint64_t run_wait[2];

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/task/%" PRId32 "/schedstat", pid,
		 thread->tid);
	if (procfs_file_read(root, path, text, sizeof(text)) <= 0)
		return false;
	if (procfs_numbers(text, run_wait, 2) != 2)
		return false;
	thread->run_ns = run_wait[0];
	thread->wait_ns = run_wait[1];
	return true;
}

bool procfs_delays(const char *root)
{
	char text[8];

	return procfs_file_read(root, "/proc/sys/kernel/task_delayacct", text, sizeof(text)) > 0 &&
	       text[0] == '1';
}

static bool procfs_thread_stat(const char *root, int32_t pid, int32_t tid,
			       char text[PROCFS_STAT_TEXT])
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/task/%" PRId32 "/stat", pid, tid);
	return procfs_file_read(root, path, text, PROCFS_STAT_TEXT) > 0;
}

/* A number of ticks in a line of stat, as ns; 0: it is not there. */
static uint64_t procfs_stat_ns(const char *text, int wanted)
{
	const char *at = strrchr(text, ')');

	for (int field = 2; at && field < wanted; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) * PROCFS_TICK_NS : 0;
}

static uint64_t procfs_thread_disk_ns(const char *root, int32_t pid, int32_t tid)
{
	char text[PROCFS_STAT_TEXT];

	return procfs_thread_stat(root, pid, tid, text) ? procfs_stat_ns(text, PROCFS_STAT_DISK)
							: 0;
}

int procfs_thread_times(const char *root, int32_t pid, int32_t tid, uint64_t *user_ns,
			uint64_t *system_ns)
{
	char text[PROCFS_STAT_TEXT];

	if (!procfs_thread_stat(root, pid, tid, text))
		return -ESRCH;
	*user_ns = procfs_stat_ns(text, PROCFS_STAT_USER);
	*system_ns = procfs_stat_ns(text, PROCFS_STAT_SYSTEM);
	return 0;
}

static void procfs_threads_disk(const char *root, int32_t pid, struct procfs_thread *now,
				uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		now[i].disk_ns = procfs_thread_disk_ns(root, pid, now[i].tid);
}

static int procfs_threads_list(const char *root, int32_t pid, struct procfs_thread *out,
			       uint32_t *count)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	*count = 0;
	if (snprintf(path, sizeof(path), "%s/proc/%" PRId32 "/task", root, pid) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (*count < PROCFS_THREADS_MAX &&
	       (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): our DIR */
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid <= 0 || tid > INT32_MAX)
			continue;
		out[*count] = (struct procfs_thread){ .tid = (int32_t)tid };
		if (procfs_thread_read(root, pid, &out[*count]))
			(*count)++;
	}
	closedir(dir);
	return 0;
}

/* Threads that ended, or whose tid another one has now, leave what they were last seen with. */
static void procfs_threads_bury(struct procfs_threads *threads, struct procfs_thread *now,
				uint32_t count)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < threads->count; i++) {
		const struct procfs_thread *old = &threads->seen[i];

		while (j < count && now[j].tid < old->tid)
			j++;
		if (j < count && now[j].tid == old->tid && now[j].run_ns >= old->run_ns) {
			now[j].before_ns = old->run_ns;
			now[j].looks = old->looks + 1;
			memcpy(now[j].name, old->name, sizeof(now[j].name));
			continue;
		}
		threads->gone_run_ns += old->run_ns;
		threads->gone_wait_ns += old->wait_ns;
		threads->gone_disk_ns += old->disk_ns;
	}
}

static void procfs_threads_name(const char *root, int32_t pid, struct procfs_thread *now,
				uint32_t count)
{
	char path[96];

	for (uint32_t i = 0; i < count; i++) {
		if (now[i].looks >= PROCFS_NAME_LOOKS)
			continue;
		snprintf(path, sizeof(path), "/proc/%" PRId32 "/task/%" PRId32 "/comm", pid,
			 now[i].tid);
		if (procfs_file_read(root, path, now[i].name, sizeof(now[i].name)) > 0)
			now[i].name[strcspn(now[i].name, "\n")] = '\0';
	}
}

int procfs_threads_read(struct procfs_threads *threads, const char *root, int32_t pid,
			uint64_t stat_ns)
{
	struct procfs_thread *now = malloc(PROCFS_THREADS_MAX * sizeof(*now)), *less;
	uint64_t run, wait, disk;
	uint32_t count;
	int ret;

	if (!now)
		return -ENOMEM;
	ret = procfs_threads_list(root, pid, now, &count);
	if (ret < 0) {
		free(now);
		return ret;
	}
	qsort(now, count, sizeof(*now), procfs_thread_compare);
	if (threads->delays)
		procfs_threads_disk(root, pid, now, count);
	procfs_threads_bury(threads, now, count);
	procfs_threads_name(root, pid, now, count);
	free(threads->seen);
	less = count ? realloc(now, count * sizeof(*now)) : NULL;
	if (!less && count)
		less = now;
	if (!count)
		free(now);
	threads->seen = less;
	threads->count = count;
	run = threads->gone_run_ns;
	wait = threads->gone_wait_ns;
	disk = threads->gone_disk_ns;
	for (uint32_t i = 0; i < count; i++) {
		run += threads->seen[i].run_ns;
		wait += threads->seen[i].wait_ns;
		disk += threads->seen[i].disk_ns;
	}
	/* Each is at most the truth: a thread runs on after it was seen, a tick is cut off. */
	run = run > stat_ns ? run : stat_ns;
	threads->run_ns = run > threads->run_ns ? run : threads->run_ns;
	threads->wait_ns = wait > threads->wait_ns ? wait : threads->wait_ns;
	threads->disk_ns = disk > threads->disk_ns ? disk : threads->disk_ns;
	return 0;
}

void procfs_threads_fini(struct procfs_threads *threads)
{
	free(threads->seen);
	memset(threads, 0, sizeof(*threads));
}
