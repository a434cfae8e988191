#include "silence.h"

#include "proc.h"
#include "target.h"

#include <ringside/list.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SILENCE_LOOKS 5 /* at /proc: processes may be starting all the time */
#define SILENCE_WORD (offsetof(struct rs_header, agent) + offsetof(struct rs_agent, off))

/* A way to the header of a process's segment. */
struct silence_hand {
	int fd;
	off_t at; /* of the header */
	struct rs_header claims;
};

const char *silence_result_text(enum silence_result result)
{
	static const char *const texts[] = { "off", "already off", "not watched", "failed" };

	return texts[result];
}

int silence_open(struct silence *s, const char *run_dir, const struct config *config)
{
	int result = accept_open(&s->accept, run_dir);

	if (result)
		return result;
	result = admit_open(&s->admit, config);
	if (result)
		accept_close(&s->accept);
	return result;
}

void silence_close(struct silence *s)
{
	admit_close(s->admit);
	accept_close(&s->accept);
}

/* Through the memory of the process: what its own user may do, who may not open its mappings. */
static enum accept_reason silence_by_memory(const struct silence *s, pid_t pid, const char *range,
					    struct silence_hand *out)
{
	char path[PROC_PATH_BYTES];
	enum accept_reason reason;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	out->at = (off_t)strtoull(range, NULL, 16);
	out->fd = open(path, O_RDWR | O_CLOEXEC);
	if (out->fd < 0)
		return ACCEPT_ACCESS;
	if (pread(out->fd, &out->claims, sizeof(out->claims), out->at) != sizeof(out->claims))
		reason = ACCEPT_GONE;
	else
		reason = accept_claims(&s->accept, proc_own_pid(pid), &out->claims);
	if (!reason)
		return ACCEPT_OK;
	close(out->fd);
	out->fd = -1;
	return reason;
}

static enum accept_reason silence_reach_one(const struct silence *s, pid_t pid, const char *range,
					    struct silence_hand *out)
{
	struct accept_segment segment;
	enum accept_reason reason =
		accept_mapping(&s->accept, pid, range, proc_own_pid(pid), &segment);

	if (reason == ACCEPT_ACCESS)
		return silence_by_memory(s, pid, range, out);
	*out = (struct silence_hand){ .fd = segment.fd };
	if (reason == ACCEPT_OK)
		out->claims = segment.claims;
	return reason;
}

/* Its segment; NULL, or why there is none. */
static const char *silence_reach(const struct silence *s, pid_t pid, struct silence_hand *out)
{
	enum accept_reason reason = ACCEPT_GONE;
	struct proc_maps maps;
	int result = proc_maps_read(pid, &maps);

	if (result == -EACCES || result == -EPERM)
		return "its memory map is not for this user to read";
	if (result)
		return "there is no such process";
	if (!maps.segments)
		return maps.shim ? "it has the library, but no segment: it is inert"
				 : "it does not have the library";
	for (uint32_t i = 0; i < maps.segments && reason; i++)
		reason = silence_reach_one(s, pid, maps.range[i], out);
	return reason ? accept_reason_text(reason) : NULL;
}

static enum silence_result silence_write(const struct silence_hand *hand)
{
	const uint32_t off = 1;

	if (atomic_load_explicit(&hand->claims.state, memory_order_relaxed) == RS_STATE_OFF)
		return SILENCE_ALREADY;
	return pwrite(hand->fd, &off, sizeof(off), hand->at + (off_t)SILENCE_WORD) == sizeof(off)
		       ? SILENCE_OFF
		       : SILENCE_FAILED;
}

/* As the agent would call it; whether it would watch it does not matter here. */
static void silence_name(const struct silence *s, pid_t pid, const struct rs_header *claims,
			 struct silence_row *out)
{
	struct capture_target target;

	if (target_read(pid, claims, &target))
		return;
	admit_judge(s->admit, &target, false);
	memcpy(out->service, target.service, sizeof(out->service));
	memcpy(out->exe, target.exe, sizeof(out->exe));
}

void silence_process(const struct silence *s, pid_t pid, const char *pattern,
		     struct silence_row *out)
{
	struct silence_hand hand = { .fd = -1 };

	memset(out, 0, sizeof(*out));
	out->pid = pid;
	out->result = SILENCE_NONE;
	out->why = silence_reach(s, pid, &hand);
	if (out->why)
		return;
	silence_name(s, pid, &hand.claims, out);
	if (pattern && !rs_list_names(pattern, strlen(pattern), out->service, out->exe)) {
		out->why = "it goes by another name";
	} else {
		out->result = silence_write(&hand);
		out->why = out->result == SILENCE_FAILED ? "its segment cannot be written" : NULL;
	}
	close(hand.fd);
}

struct silence_rows {
	struct silence_row *rows;
	int count;
};

static bool silence_has(const struct silence_rows *list, pid_t pid)
{
	for (int i = 0; i < list->count; i++)
		if (list->rows[i].pid == pid)
			return true;
	return false;
}

static int silence_add(struct silence_rows *list, const struct silence_row *row)
{
	struct silence_row *rows =
		realloc(list->rows, ((size_t)list->count + 1) * sizeof(*list->rows));

	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	rows[list->count++] = *row;
	return 0;
}

/* One look at all processes: how many were told, or -errno. */
static int silence_look(const struct silence *s, const char *pattern, struct silence_rows *list)
{
	DIR *proc = opendir("/proc");
	struct silence_row row;
	int told = 0, result = 0;

	if (!proc)
		return -errno;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	for (const struct dirent *e = readdir(proc); e && !result; e = readdir(proc)) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 0 || silence_has(list, pid))
			continue;
		silence_process(s, pid, pattern, &row);
		if (row.result == SILENCE_NONE)
			continue;
		told += row.result == SILENCE_OFF;
		result = silence_add(list, &row);
	}
	closedir(proc);
	return result ? result : told;
}

int silence_all(const struct silence *s, const char *pattern, struct silence_row **out)
{
	struct silence_rows list = { .rows = NULL };
	int told = 1;

	for (int i = 0; i < SILENCE_LOOKS && told > 0; i++)
		told = silence_look(s, pattern, &list);
	*out = list.rows;
	if (told >= 0)
		return list.count;
	free(list.rows);
	*out = NULL;
	return told;
}
