#include "runtimes.h"

#include "facility.h"
#include "link.h"
#include "mapped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNTIMES_SECOND_NS UINT64_C(1000000000)
#define RUNTIMES_LOOKS 8 /* at once, then after 1, 2, 4 … 64 s: two minutes in all */
#define RUNTIMES_SHUNNED_NS UINT64_C(10000000000)
#define RUNTIMES_AT_ONCE 64 /* looks between two rounds of the broker's loop */
#define RUNTIMES_MAPPED 4   /* files of runtimes in one process */
#define RUNTIMES_QUIET 8u   /* seconds between two words of a process that tells nothing */

struct runtimes_process {
	uint64_t look_ns, key; /* key 0: not told yet */
	int32_t pid;
	bool all;
	uint32_t quiet;
	uint8_t looks, file_count;
	uint8_t files[RUNTIMES_MAPPED];
	uint32_t odd; /* enum runtime_why of a file that could not be had; RUNTIME_UNKNOWN: none */
	struct pause_row row;
	struct runtime_state state;
};

void runtimes_open(struct runtimes *r, struct outbox *outbox, int targets)
{
	memset(r, 0, sizeof(*r));
	r->outbox = outbox;
	r->look_ns = UINT64_MAX;
	runtime_files_init(&r->files, targets);
	runtimes_second(r);
}

void runtimes_close(struct runtimes *r)
{
	runtime_files_fini(&r->files);
	free(r->processes);
	r->processes = NULL;
	r->count = r->room = 0;
}

/* The first that has this pid or a higher one. */
static uint32_t runtimes_place(const struct runtimes *r, int32_t pid)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->processes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct runtimes_process *runtimes_find(const struct runtimes *r, int32_t pid)
{
	uint32_t i = runtimes_place(r, pid);

	return i < r->count && r->processes[i].pid == pid ? &r->processes[i] : NULL;
}

/* It is looked at anew where more is asked of it than before. */
static void runtimes_ask(struct runtimes *r, struct runtimes_process *p, bool all)
{
	if (!all || p->all)
		return;
	p->all = true;
	p->looks = 0;
	p->look_ns = 0;
	r->look_ns = 0;
}

void runtimes_watch(struct runtimes *r, int32_t pid, bool all)
{
	uint32_t i = runtimes_place(r, pid), room = r->room ? 2 * r->room : 16;
	struct runtimes_process *more;

	if (i < r->count && r->processes[i].pid == pid) {
		runtimes_ask(r, &r->processes[i], all);
		return;
	}
	if (r->count == r->room) {
		more = realloc(r->processes, room * sizeof(*more));
		if (!more)
			return; /* watched without */
		r->processes = more;
		r->room = room;
	}
	memmove(r->processes + i + 1, r->processes + i, (r->count - i) * sizeof(*r->processes));
	r->count++;
	r->processes[i] = (struct runtimes_process){ .pid = pid, .all = all };
	r->look_ns = 0;
}

static void runtimes_files_put(struct runtimes *r, struct runtimes_process *p)
{
	for (uint8_t i = 0; i < p->file_count; i++)
		runtime_files_put(&r->files, p->files[i]);
	p->file_count = 0;
}

struct runtimes_look {
	struct runtimes *runtimes;
	struct runtimes_process *process;
};

static bool runtimes_wanted(const char *name)
{
	return runtime_of_file(name) != RUNTIME_NONE;
}

/* One of the mappings of a file that may be a runtime's. */
static int runtimes_file(void *ctx, const struct mapped_file *file, int fd)
{
	const struct runtimes_look *look = ctx;
	struct runtimes_process *p = look->process;
	int i = -EACCES;

	if (!p->all && runtime_of_file(file->name) == RUNTIME_POSTGRES)
		return 0; /* the library counts them, and for less */
	if (fd >= 0)
		i = runtime_files_get(&look->runtimes->files, fd, runtime_of_file(file->name));
	for (uint8_t k = 0; i >= 0 && k < p->file_count; k++) {
		if (p->files[k] != i)
			continue;
		runtime_files_put(&look->runtimes->files, (uint32_t)i);
		return 0;
	}
	if (i >= 0 && p->file_count < RUNTIMES_MAPPED)
		p->files[p->file_count++] = (uint8_t)i;
	else if (i >= 0)
		runtime_files_put(&look->runtimes->files, (uint32_t)i);
	else
		p->odd = i == -ENOSPC ? RUNTIME_FULL : RUNTIME_UNREADABLE;
	return 0;
}

/* Both, where it runs on two. */
static void runtimes_tells(struct runtime_state *s, const struct runtime_file *file)
{
	if (file->why != RUNTIME_ATTACHED)
		return;
	s->full = file->sites.collections ? file->sites.full : s->full;
	s->collections = s->collections || file->sites.collections;
	s->statements = s->statements || file->sites.statements;
}

/* By the best of its files: one may be a mere launcher, and another the runtime. */
static void runtimes_judge(const struct runtimes *r, struct runtimes_process *p)
{
	struct runtime_state *s = &p->state;
	bool waiting = false;

	s->collections = s->full = s->statements = false;
	s->why = p->odd;
	s->runtime = RUNTIME_NONE;
	for (uint8_t i = 0; i < p->file_count; i++) {
		const struct runtime_file *file = &r->files.at[p->files[i]];

		runtimes_tells(s, file);
		waiting = waiting || file->why == RUNTIME_UNKNOWN;
		if (s->why == RUNTIME_ATTACHED || file->why == RUNTIME_UNKNOWN ||
		    (s->why && file->why == RUNTIME_BARE))
			continue;
		s->why = file->why;
		s->runtime = file->runtime;
	}
	if (waiting && s->why != RUNTIME_ATTACHED)
		s->why = RUNTIME_UNKNOWN;
	else if (!s->why && p->looks)
		s->why = RUNTIME_FOREIGN;
}

/* Is it left alone by whoever asks processes (scout.h)? Then it was not looked at. */
static bool runtimes_is_shunned(int result)
{
	return result == -ETIMEDOUT || result == -EBUSY || result == -EAGAIN || result == -EPIPE;
}

static void runtimes_look(struct runtimes *r, struct runtimes_process *p, uint64_t now_ns)
{
	struct runtimes_look look = { r, p };
	struct runtimes_process old = *p;

	p->file_count = 0;
	p->odd = RUNTIME_UNKNOWN;
	if (runtimes_is_shunned(mapped_wanted(p->pid, runtimes_wanted, runtimes_file, &look))) {
		*p = old;
		p->look_ns = now_ns + RUNTIMES_SHUNNED_NS;
		return;
	}
	runtimes_files_put(r, &old); /* behind the new ones: what stays is not let go */
	p->look_ns = p->looks < RUNTIMES_LOOKS - 1 ? now_ns + (RUNTIMES_SECOND_NS << p->looks)
						   : UINT64_MAX;
	p->looks++;
}

void runtimes_step(struct runtimes *r, uint64_t now_ns)
{
	uint32_t looks = 0;

	runtime_files_step(&r->files, now_ns);
	if (now_ns < r->look_ns)
		return;
	r->look_ns = UINT64_MAX;
	for (uint32_t i = 0; i < r->count; i++) {
		struct runtimes_process *p = &r->processes[i];

		if (p->look_ns <= now_ns && p->state.why == RUNTIME_ATTACHED)
			p->look_ns = UINT64_MAX;
		if (p->look_ns <= now_ns && looks < RUNTIMES_AT_ONCE) {
			runtimes_look(r, p, now_ns);
			looks++;
		}
		if (p->look_ns < r->look_ns)
			r->look_ns = p->look_ns;
	}
}

/* Programs that were loaded again begin at 0. */
static void runtimes_add(struct runtime_sums *sums, const struct pause_sums *now,
			 const struct pause_sums *before)
{
	bool anew = now->count < before->count || now->ns < before->ns;
	uint64_t longest = pauses_max_ns(now, before);

	sums->count += now->count - (anew ? 0 : before->count);
	sums->full += now->full - (anew ? 0 : before->full);
	sums->ns += now->ns - (anew ? 0 : before->ns);
	if (longest > sums->max_ns)
		sums->max_ns = longest;
}

static void runtimes_read(const struct runtimes *r, struct runtimes_process *p)
{
	struct pause_row row;

	runtimes_judge(r, p);
	if (!r->files.pauses || pauses_read(r->files.pauses, p->pid, &row))
		return;
	runtimes_add(&p->state.collected, &row.sums[PAUSE_COLLECTION],
		     &p->row.sums[PAUSE_COLLECTION]);
	runtimes_add(&p->state.served, &row.sums[PAUSE_STATEMENT], &p->row.sums[PAUSE_STATEMENT]);
	p->row = row;
}

static int runtimes_send(const struct runtimes *r, struct runtimes_process *p)
{
	struct link_message message = { .kind = LINK_RUNTIME, .key = p->key };
	int result;

	message.runtime = p->state;
	result = link_send(r->outbox->link, &message, -1);
	if (!result)
		p->state.collected.max_ns = p->state.served.max_ns = 0;
	return result;
}

int runtimes_tell(struct runtimes *r, const struct finder_target *t)
{
	struct runtimes_process *p = runtimes_find(r, t->target.pid);
	uint32_t before;
	bool quiet;

	if (!p)
		return 0;
	p->key = t->target.key;
	before = p->state.why;
	runtimes_read(r, p);
	quiet = p->state.why == before && p->state.why != RUNTIME_ATTACHED;
	return quiet && p->quiet++ % RUNTIMES_QUIET ? 0 : runtimes_send(r, p);
}

void runtimes_forget(struct runtimes *r, int32_t pid)
{
	struct runtimes_process *p = runtimes_find(r, pid);

	if (!p)
		return;
	runtimes_read(r, p);
	if (p->key && p->state.why == RUNTIME_ATTACHED)
		runtimes_send(r, p); /* behind: what it did in its last second is lost */
	if (r->files.pauses)
		pauses_forget(r->files.pauses, pid);
	runtimes_files_put(r, p);
	r->count--;
	memmove(p, p + 1, (size_t)(r->processes + r->count - p) * sizeof(*p));
}

void runtimes_second(const struct runtimes *r)
{
	uint64_t dropped = r->files.pauses ? pauses_dropped(r->files.pauses) : 0;

	for (uint32_t i = RUNTIME_NONE + 1; i < RUNTIMES; i++) {
		struct facility f = { .set = "runtime",
				      .error = -r->files.errors[i],
				      .runs = FACILITY_UNKNOWN,
				      .run_ns = FACILITY_UNKNOWN,
				      .dropped = dropped };

		snprintf(f.name, sizeof(f.name), "%s", runtime_name(i));
		f.state = f.error ? FACILITY_REFUSED : FACILITY_IDLE;
		if (runtime_files_attached(&r->files, (enum runtime)i))
			f.state = FACILITY_LOADED;
		outbox_facility(r->outbox, &f);
	}
}
