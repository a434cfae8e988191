#include "finder.h"

#include "log.h"
#include "proc.h"
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FINDER_ROUND_NS SCAN_SECOND_NS
#define FINDER_TOLD_ROUND_NS (10 * SCAN_SECOND_NS) /* only what the kernel's ring had no room for */
#define FINDER_EARLY_NS UINT64_C(10000000)         /* a constructor is that far in 10 ms */
#define FINDER_WAITS 30 /* seconds that a server may take until it listens */
#define FINDER_EVENTS 32

struct finder {
	struct finder_sink sink;
	struct accept accept;
	const struct admit *admit; /* NULL: all are wanted */
	struct scan *scan;
	struct finder_target **targets;
	uint32_t count, room;
	uint64_t key; /* the last given */
	uint64_t round_ns, hint_ns;
	uint64_t accepted, unseen, refused[ACCEPT_REASONS];
	uint32_t round;
	int epoll; /* of the pidfds */
};

int finder_open(struct finder **out, const char *run_dir, const struct finder_sink *sink)
{
	struct finder *f = calloc(1, sizeof(*f));
	int result;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	f->sink = *sink;
	f->hint_ns = SCAN_NEVER;
	result = accept_open(&f->accept, run_dir);
	if (result)
		goto out_free;
	result = scan_open(&f->scan);
	if (result)
		goto out_accept;
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll < 0) {
		result = -errno;
		goto out_scan;
	}
	*out = f;
	return 0;
out_scan:
	scan_close(f->scan);
out_accept:
	accept_close(&f->accept);
out_free:
	free(f);
	return result;
}

static void finder_target_free(struct finder_target *t)
{
	kin_fini(&t->kin);
	close(t->fd);
	close(t->pidfd);
	free(t);
}

void finder_close(struct finder *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->count; i++)
		finder_target_free(f->targets[i]);
	free(f->targets);
	close(f->epoll);
	scan_close(f->scan);
	accept_close(&f->accept);
	free(f);
}

void finder_admit_set(struct finder *f, const struct admit *admit)
{
	f->admit = admit;
}

int finder_fd(const struct finder *f)
{
	return f->epoll;
}

static void finder_hint(struct finder *f, int32_t pid, uint64_t at_ns)
{
	if (scan_hint(f->scan, pid, at_ns) == 0 && at_ns < f->hint_ns)
		f->hint_ns = at_ns;
}

void finder_knock(struct finder *f, int32_t pid, uint64_t now_ns)
{
	struct scan_entry *entry;

	finder_hint(f, pid, now_ns);
	entry = scan_find(f->scan, pid);
	if (entry)
		entry->knocked = true;
}

void finder_exec(struct finder *f, int32_t pid, uint64_t now_ns)
{
	/* ld.so maps and the constructor runs in some milliseconds; a look before is in vain */
	finder_hint(f, pid, now_ns + FINDER_EARLY_NS);
}

void finder_fork(struct finder *f, int32_t pid, uint64_t now_ns)
{
	finder_hint(f, pid, now_ns + SCAN_SECOND_NS);
}

static void finder_forget(struct finder *f, uint32_t i)
{
	struct finder_target *t = f->targets[i];
	struct scan_entry *entry = scan_find(f->scan, t->target.pid);

	if (entry && entry->key == t->target.key)
		entry->key = 0;
	f->targets[i] = f->targets[--f->count];
	f->sink.gone(f->sink.ctx, t);
	finder_target_free(t);
}

static uint32_t finder_index(const struct finder *f, uint64_t key)
{
	uint32_t i = 0;

	while (i < f->count && f->targets[i]->target.key != key)
		i++;
	return i;
}

void finder_exit(struct finder *f, int32_t pid)
{
	struct scan_entry *entry = scan_find(f->scan, pid);

	if (!entry || entry->key) /* a target's end is told by its pidfd, once it is quite over */
		return;
	f->unseen += entry->knocked;
	scan_drop(f->scan, pid);
}

/* Is this segment watched already, or are there too many? */
static enum accept_reason finder_quota(const struct finder *f, uint64_t inode, uint32_t uid)
{
	uint32_t of_uid = 0, all = f->count;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct finder_target *t = f->targets[i];
		uint32_t kins = t->kin.fd >= 0;

		if (t->inode == inode || (kins && t->kin.inode == inode))
			return ACCEPT_TWICE;
		of_uid += t->target.uid == uid ? 1 + kins : 0;
		all += kins;
	}
	if (all >= ACCEPT_IN_ALL)
		return ACCEPT_QUOTA_ALL;
	return of_uid >= ACCEPT_PER_UID ? ACCEPT_QUOTA_UID : ACCEPT_OK;
}

static int finder_room(struct finder *f)
{
	uint32_t room = f->room ? f->room * 2 : 16;
	struct finder_target **more;

	if (f->count < f->room)
		return 0;
	more = realloc(f->targets, room * sizeof(struct finder_target *));
	if (!more)
		return -ENOMEM;
	f->targets = more;
	f->room = room;
	return 0;
}

/* A pidfd that surely is of the process that was read: its start time is read again behind it. */
static int finder_pidfd(struct finder *f, struct finder_target *t)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = t->target.key };
	struct proc_stat now;

	t->pidfd = (int)syscall(SYS_pidfd_open, t->target.pid, 0);
	if (t->pidfd < 0)
		return -errno;
	if (proc_stat_read(t->target.pid, &now) || now.start_ticks != t->target.start_ticks ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, t->pidfd, &event)) {
		close(t->pidfd);
		return -ESRCH;
	}
	return 0;
}

/* Takes over segment->fd, whatever comes of it. */
static enum accept_reason finder_add(struct finder *f, struct scan_entry *entry,
				     const struct accept_segment *segment)
{
	struct finder_target *t = calloc(1, sizeof(*t));
	enum accept_reason reason = ACCEPT_GONE;

	if (!t || finder_room(f) || target_read(entry->pid, &segment->claims, &t->target))
		goto out;
	reason = admit_reason(f->admit, &t->target, entry->waits < FINDER_WAITS);
	if (reason == ACCEPT_OK)
		reason = finder_quota(f, segment->inode, t->target.uid);
	if (reason)
		goto out;
	t->target.key = ++f->key;
	t->inode = segment->inode;
	t->fd = segment->fd;
	kin_init(&t->kin);
	t->pss = -1.0;
	t->anonymous = -1.0;
	if (finder_pidfd(f, t)) {
		reason = ACCEPT_GONE;
		goto out;
	}
	f->targets[f->count++] = t;
	f->accepted++;
	entry->key = t->target.key;
	log_info("watching %s, pid %d (%s)", t->target.service, t->target.pid, t->target.exe);
	f->sink.found(f->sink.ctx, t);
	return ACCEPT_OK;
out:
	close(segment->fd);
	free(t);
	return reason;
}

/* A target has listened since it was judged: its port may be one that is not wanted. */
static enum accept_reason finder_again(struct finder *f, uint32_t i)
{
	struct capture_target target = f->targets[i]->target;
	enum accept_reason reason = ACCEPT_OK;

	if (f->admit && admit_by_port(f->admit))
		reason = admit_reason(f->admit, &target, false);
	if (reason)
		finder_forget(f, i);
	return reason;
}

/* One of its mappings; ACCEPT_OK: it is watched, now or since long. */
static enum accept_reason finder_try(struct finder *f, struct scan_entry *entry, const char *range,
				     uint32_t own_pid)
{
	struct accept_segment segment;
	enum accept_reason reason =
		accept_mapping(&f->accept, entry->pid, range, own_pid, &segment);
	uint32_t i;

	if (reason)
		return reason;
	i = finder_index(f, entry->key);
	if (i < f->count && f->targets[i]->inode == segment.inode) {
		close(segment.fd);
		return finder_again(f, i);
	}
	if (i < f->count)
		finder_forget(f, i); /* another program in the same process */
	return finder_add(f, entry, &segment);
}

static void finder_refuse(struct finder *f, struct scan_entry *entry, enum accept_reason reason)
{
	if (reason == ACCEPT_OK || entry->refused == reason)
		return; /* told once a process, not at each look */
	entry->refused = (uint8_t)reason;
	f->refused[reason]++;
	if (reason == ACCEPT_RULED)
		log_info("pid %d (%s) is not watched: %s", entry->pid, entry->comm,
			 accept_reason_text(reason));
	if (reason > ACCEPT_FOREIGN)
		log_warning("segment of pid %d (%s) refused: %s", entry->pid, entry->comm,
			    accept_reason_text(reason));
}

static void finder_missed(struct finder *f, struct scan_entry *entry, const struct proc_maps *maps,
			  enum accept_reason reason, uint64_t now_ns)
{
	uint32_t i = finder_index(f, entry->key);

	if (entry->key && i < f->count)
		finder_forget(f, i); /* it became a program without a segment */
	finder_refuse(f, entry, reason);
	entry->shim = maps->shim && reason != ACCEPT_FOREIGN && reason != ACCEPT_LATER &&
		      reason != ACCEPT_RULED;
	scan_missed(entry, now_ns);
	if (reason != ACCEPT_EARLY && reason != ACCEPT_LATER)
		return;
	if (reason == ACCEPT_EARLY)
		entry->look_ns = now_ns + (FINDER_EARLY_NS << entry->looks); /* 20 … 640 ms */
	else
		entry->look_ns = now_ns + SCAN_SECOND_NS;
	entry->waits = (uint8_t)(entry->waits + (reason == ACCEPT_LATER));
	if (entry->look_ns < f->hint_ns)
		f->hint_ns = entry->look_ns;
}

/* It has no memory any more: it is over, or only its first thread is. */
static void finder_ended(struct finder *f, struct scan_entry *entry)
{
	if (entry->key) {
		entry->knocked = false;
		entry->look_ns = SCAN_NEVER; /* its pidfd tells */
		return;
	}
	f->unseen += entry->knocked;
	scan_drop(f->scan, entry->pid);
}

/* The first one that is its own; it makes no second. */
static void finder_kin(struct finder *f, struct scan_entry *entry, const struct proc_maps *maps,
		       uint32_t own_pid)
{
	struct finder_target *t = f->targets[finder_index(f, entry->key)];
	enum accept_reason reason;
	struct kin kin;

	if (t->kin.fd >= 0 || !kin_find(&kin, &f->accept, entry->pid, maps, own_pid))
		return;
	reason = finder_quota(f, kin.inode, t->target.uid);
	if (reason)
		kin_fini(&kin);
	else
		t->kin = kin;
	finder_refuse(f, entry, reason);
}

static void finder_look(struct finder *f, struct scan_entry *entry, uint64_t now_ns)
{
	struct proc_maps maps;
	enum accept_reason reason = ACCEPT_OK, last = ACCEPT_OK;
	uint32_t own_pid = 0;

	if (proc_maps_read(entry->pid, &maps) == -ESRCH) {
		finder_ended(f, entry);
		return;
	}
	entry->knocked = false;
	if (maps.segments)
		own_pid = proc_own_pid(entry->pid);
	for (uint32_t i = 0; i < maps.segments; i++) {
		reason = finder_try(f, entry, maps.range[i], own_pid);
		if (reason == ACCEPT_OK) {
			finder_kin(f, entry, &maps, own_pid);
			entry->shim = false;
			entry->look_ns = SCAN_NEVER;
			entry->looks = 0;
			return;
		}
		last = reason;
	}
	finder_missed(f, entry, &maps, last, now_ns);
}

static void finder_list_one(struct finder *f, int32_t pid, uint64_t now_ns, bool told)
{
	struct scan_entry *entry = scan_find(f->scan, pid);
	struct proc_stat stat;

	if (entry)
		entry->round = f->round;
	/* kernel threads change their names; their pids are given anew rarely */
	if (entry && entry->kernel && f->round % 16)
		return;
	if ((entry && told && entry->start_ticks) || proc_stat_read(pid, &stat))
		return;
	scan_note(f->scan, &stat, now_ns);
	entry = scan_find(f->scan, pid);
	if (entry)
		entry->round = f->round;
}

/* What /proc lists: new pids are noted, known ones too unless the kernel tells their changes. */
static void finder_list(struct finder *f, uint64_t now_ns, bool told)
{
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	f->round++;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own */
	for (const struct dirent *e = readdir(proc); e; e = readdir(proc)) {
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			finder_list_one(f, (int32_t)strtol(e->d_name, NULL, 10), now_ns, told);
	}
	closedir(proc);
}

static void finder_deaths(struct finder *f)
{
	struct epoll_event events[FINDER_EVENTS];
	int n = epoll_wait(f->epoll, events, FINDER_EVENTS, 0);

	for (int i = 0; i < n; i++) {
		uint32_t at = finder_index(f, events[i].data.u64);
		int32_t pid;

		if (at == f->count)
			continue;
		pid = f->targets[at]->target.pid;
		finder_forget(f, at);
		scan_drop(f->scan, pid);
	}
}

/* Drops what the last listing no longer had; i stays, since another entry may have moved there. */
static void finder_sweep(struct finder *f)
{
	uint32_t i = 0;

	while (i < scan_size(f->scan)) {
		struct scan_entry *entry = scan_at(f->scan, i);

		if (!entry || entry->round == f->round || entry->key || !entry->start_ticks) {
			i++;
			continue;
		}
		f->unseen += entry->knocked;
		scan_drop(f->scan, entry->pid);
	}
}

void finder_step(struct finder *f, uint64_t now_ns, bool told)
{
	bool round = now_ns >= f->round_ns;

	finder_deaths(f);
	if (round) {
		finder_list(f, now_ns, told);
		finder_sweep(f);
		f->round_ns = now_ns + (told ? FINDER_TOLD_ROUND_NS : FINDER_ROUND_NS);
	}
	if (!round && now_ns < f->hint_ns)
		return;
	f->hint_ns = SCAN_NEVER;
	for (uint32_t i = 0; i < scan_size(f->scan); i++) {
		struct scan_entry *entry = scan_at(f->scan, i);

		if (entry && !entry->kernel && entry->look_ns <= now_ns)
			finder_look(f, entry, now_ns);
		entry = scan_at(f->scan, i);
		if (entry && !entry->kernel && entry->look_ns < f->hint_ns)
			f->hint_ns = entry->look_ns;
	}
	/* looks that are due anyway wait for each other: one wake-up a second is enough */
	if (f->hint_ns < SCAN_NEVER && f->hint_ns > now_ns + SCAN_SECOND_NS)
		f->hint_ns = now_ns + SCAN_SECOND_NS * ((f->hint_ns - now_ns) / SCAN_SECOND_NS);
}

uint64_t finder_due_ns(const struct finder *f)
{
	return f->hint_ns < f->round_ns ? f->hint_ns : f->round_ns;
}

void finder_counts_get(struct finder *f, struct finder_counts *out)
{
	memset(out, 0, sizeof(*out));
	out->accepted = f->accepted;
	out->unseen = f->unseen;
	memcpy(out->refused, f->refused, sizeof(out->refused));
	out->targets = f->count;
	for (uint32_t i = 0; i < scan_size(f->scan); i++) {
		const struct scan_entry *entry = scan_at(f->scan, i);

		out->bare += entry && entry->shim;
	}
}

uint32_t finder_size(const struct finder *f)
{
	return f->count;
}

struct finder_target *finder_at(struct finder *f, uint32_t i)
{
	return i < f->count ? f->targets[i] : NULL;
}
