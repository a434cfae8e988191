#include "finder.h"

#include "log.h"
#include "proc.h"
#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FINDER_ROUND_NS SCAN_SECOND_NS
#define FINDER_TOLD_ROUND_NS (10 * SCAN_SECOND_NS) /* only what the kernel's ring had no room for */
#define FINDER_EARLY_NS UINT64_C(10000000)         /* a constructor is that far in 10 ms */
#define FINDER_WAITS 30 /* seconds that a server may take until it listens */
#define FINDER_EVENTS 32

struct finder {
	struct finder_sink sink;
	struct accept accept;
	const struct admit *admit;   /* NULL: all are wanted */
	const struct attach *attach; /* NULL: none without a segment is */
	struct scan *scan;
	struct roster roster;
	uint64_t round_ns, hint_ns;
	uint64_t accepted, unseen, refused[ACCEPT_REASONS];
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
	result = roster_open(&f->roster);
	if (result)
		goto out_scan;
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

void finder_close(struct finder *f)
{
	if (!f)
		return;
	roster_close(&f->roster);
	scan_close(f->scan);
	accept_close(&f->accept);
	free(f);
}

void finder_admit_set(struct finder *f, const struct admit *admit)
{
	f->admit = admit;
}

void finder_attach_set(struct finder *f, const struct attach *attach)
{
	f->attach = attach;
}

int finder_fd(const struct finder *f)
{
	return f->roster.epoll;
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

void finder_fork(struct finder *f, int32_t pid, int32_t parent, uint64_t now_ns)
{
	struct scan_entry *entry;

	finder_hint(f, pid, now_ns + SCAN_SECOND_NS);
	entry = scan_find(f->scan, pid);
	if (entry)
		entry->forker = parent;
}

/* False: it is over. A daemon's parent is over before it can be asked for; the kernel told it. */
static bool finder_read(const struct scan_entry *entry, const struct rs_header *claims,
			struct capture_target *out)
{
	if (target_read(entry->pid, claims, out))
		return false;
	if (entry->forker)
		out->parent = entry->forker;
	return true;
}

static void finder_forget(struct finder *f, uint32_t i)
{
	struct finder_target *t = roster_take(&f->roster, i);
	struct scan_entry *entry = scan_find(f->scan, t->target.pid);

	if (entry && entry->key == t->target.key)
		entry->key = 0;
	f->sink.gone(f->sink.ctx, t);
	roster_target_free(t);
}

void finder_exit(struct finder *f, int32_t pid)
{
	struct scan_entry *entry = scan_find(f->scan, pid);

	if (!entry || entry->key) /* a target's end is told by its pidfd, once it is quite over */
		return;
	f->unseen += entry->knocked;
	scan_drop(f->scan, pid);
}

/* Takes t over where it answers ACCEPT_OK. */
static enum accept_reason finder_enter(struct finder *f, struct scan_entry *entry,
				       struct finder_target *t)
{
	enum accept_reason reason = roster_quota(&f->roster, t->inode, t->target.uid);

	if (reason)
		return reason;
	if (roster_add(&f->roster, t))
		return ACCEPT_GONE;
	f->accepted++;
	entry->key = t->target.key;
	log_info("watching %s, pid %d (%s)", t->target.service, t->target.pid, t->target.exe);
	f->sink.found(f->sink.ctx, t);
	return ACCEPT_OK;
}

/* Takes over segment->fd, whatever comes of it. */
static enum accept_reason finder_add(struct finder *f, struct scan_entry *entry,
				     const struct accept_segment *segment)
{
	struct finder_target *t = calloc(1, sizeof(*t));
	enum accept_reason reason = ACCEPT_GONE;

	if (t && finder_read(entry, &segment->claims, &t->target))
		reason = admit_reason(f->admit, &t->target, entry->waits < FINDER_WAITS);
	if (t && reason == ACCEPT_OK) {
		t->inode = segment->inode;
		t->fd = segment->fd;
		reason = finder_enter(f, entry, t);
	}
	if (reason == ACCEPT_OK)
		return reason;
	close(segment->fd);
	free(t);
	return reason;
}

/* The target of this process that has no segment; NULL: there is none. */
static const struct finder_target *finder_attached(const struct finder *f, uint64_t key)
{
	uint32_t i = key ? roster_index(&f->roster, key) : f->roster.count;

	return i < f->roster.count && f->roster.targets[i]->fd < 0 ? f->roster.targets[i] : NULL;
}

/* By its name, or as the child of one that is. */
static bool finder_wants(const struct finder *f, struct capture_target *target)
{
	const struct scan_entry *parent = scan_find(f->scan, target->parent);

	return attach_wants(f->attach, target) || (parent && finder_attached(f, parent->key));
}

/* A process without a segment, attached all the same, now or since long; it stays so over exec. */
static bool finder_attach(struct finder *f, struct scan_entry *entry)
{
	static const struct rs_header nothing; /* nobody claims anything */
	const struct finder_target *now = finder_attached(f, entry->key);
	struct finder_target *t;

	if (!f->attach || (!now && !attach_any(f->attach)))
		return false;
	t = calloc(1, sizeof(*t));
	if (!t || !finder_read(entry, &nothing, &t->target))
		goto out;
	t->target.bare = true;
	t->fd = -1;
	if (f->admit)
		admit_judge(f->admit, &t->target, false); /* how it is called */
	if (!now && !finder_wants(f, &t->target))
		goto out;
	if (now && strcmp(now->target.exe, t->target.exe) == 0 &&
	    strcmp(now->target.service, t->target.service) == 0) {
		free(t);
		return true;
	}
	if (entry->key && roster_index(&f->roster, entry->key) < f->roster.count)
		finder_forget(f, roster_index(&f->roster, entry->key));
	if (finder_enter(f, entry, t) == ACCEPT_OK)
		return true;
out:
	free(t);
	return false;
}

/* Did anybody go? */
static bool finder_let_go(struct finder *f)
{
	bool any = false;
	uint32_t i = 0;

	while (i < f->roster.count) {
		struct finder_target *t = f->roster.targets[i];

		if (t->fd >= 0 || finder_wants(f, &t->target)) {
			i++;
			continue;
		}
		finder_forget(f, i);
		any = true;
	}
	return any;
}

void finder_attach_again(struct finder *f, uint64_t now_ns)
{
	/* whose children were wanted for his sake, whom they may stand before */
	while (finder_let_go(f))
		continue;
	f->round_ns = now_ns; /* it may be one that no round has seen yet */
	for (uint32_t i = 0; i < scan_size(f->scan); i++) {
		struct scan_entry *entry = scan_at(f->scan, i);

		if (entry && !entry->kernel && !entry->key)
			finder_hint(f, entry->pid, now_ns);
	}
}

/* A target has listened since it was judged: its port may be one that is not wanted. */
static enum accept_reason finder_again(struct finder *f, uint32_t i)
{
	struct capture_target target = f->roster.targets[i]->target;
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
	i = roster_index(&f->roster, entry->key);
	if (i < f->roster.count && f->roster.targets[i]->inode == segment.inode) {
		close(segment.fd);
		return finder_again(f, i);
	}
	if (i < f->roster.count)
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
	uint32_t i = roster_index(&f->roster, entry->key);

	if (entry->key && i < f->roster.count)
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
	struct finder_target *t = f->roster.targets[roster_index(&f->roster, entry->key)];
	enum accept_reason reason;
	struct kin kin;

	if (t->kin.fd >= 0 || !kin_find(&kin, &f->accept, entry->pid, maps, own_pid))
		return;
	reason = roster_quota(&f->roster, kin.inode, t->target.uid);
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
	int result = proc_maps_read(entry->pid, &maps);

	if (result == -ESRCH) {
		finder_ended(f, entry);
		return;
	}
	entry->knocked = false;
	if (result && result != -EACCES && result != -EPERM) {
		scan_missed(entry, now_ns); /* nothing is known of it, what was known holds */
		return;
	}
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
		last = reason == ACCEPT_PID && !maps.shim ? ACCEPT_READER : reason;
	}
	if (finder_attach(f, entry)) {
		entry->look_ns = SCAN_NEVER;
		entry->looks = 0;
		return;
	}
	finder_missed(f, entry, &maps, last, now_ns);
}

static void finder_deaths(struct finder *f)
{
	struct epoll_event events[FINDER_EVENTS];
	int n = epoll_wait(f->roster.epoll, events, FINDER_EVENTS, 0);

	for (int i = 0; i < n; i++) {
		uint32_t at = roster_index(&f->roster, events[i].data.u64);
		int32_t pid;

		if (at == f->roster.count)
			continue;
		pid = f->roster.targets[at]->target.pid;
		f->roster.targets[at]->over = true;
		finder_forget(f, at);
		scan_drop(f->scan, pid);
	}
}

void finder_step(struct finder *f, uint64_t now_ns, bool told)
{
	bool round = now_ns >= f->round_ns;

	finder_deaths(f);
	if (round) {
		f->unseen += scan_list(f->scan, now_ns, told);
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
	out->targets = f->roster.count;
	for (uint32_t i = 0; i < scan_size(f->scan); i++) {
		const struct scan_entry *entry = scan_at(f->scan, i);

		out->bare += entry && entry->shim;
	}
}

uint32_t finder_size(const struct finder *f)
{
	return f->roster.count;
}

struct finder_target *finder_at(struct finder *f, uint32_t i)
{
	return i < f->roster.count ? f->roster.targets[i] : NULL;
}
