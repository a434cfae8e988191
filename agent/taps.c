#include "taps.h"

#include "log.h"
#include "mapped.h"
#include "sets.h"
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TAPS_LIBRARY "libssl"
#define TAPS_FIRST_NS UINT64_C(500000000)
#define TAPS_MOST_NS UINT64_C(32000000000)

/* One process is looked at. */
struct taps_walk {
	struct taps *taps;
	struct http *http;
	struct taps_process *process;
	uint64_t now_ns;
	char exe[256];
	struct taps_identity done[8]; /* in this walk: a file may be mapped in pieces */
	uint32_t done_count;
	bool waits; /* for a file that is being looked at */
	bool put;   /* all of its files are known: none is tapped twice */
	bool late;  /* not now (uprobes.h) */
};

static void taps_tell(const struct taps *t, const struct probe_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		outbox_facility(t->outbox, &state->facilities[i]);
}

static void taps_tell_idle(const struct taps *t)
{
	struct probe_state state;

	if (t->refused || !t->outbox)
		return;
	probe_idle(sets_at(SETS_TLS), &state);
	taps_tell(t, &state);
}

void taps_open(struct taps *t, struct outbox *outbox, const struct probe_filter *filter)
{
	memset(t, 0, sizeof(*t));
	t->outbox = outbox;
	t->filter = filter;
	taps_tell_idle(t);
}

static void taps_set_close(struct taps *t)
{
	if (!t->tls)
		return;
	tls_close(t->tls);
	t->tls = NULL;
	taps_tell_idle(t);
}

void taps_rest(struct taps *t)
{
	taps_set_close(t);
	if (t->asking.pid)
		places_end(&t->asking); /* nobody would ask for its answer */
	t->count = 0;
}

void taps_again(struct taps *t)
{
	taps_set_close(t);
	for (uint32_t i = 0; i < t->count; i++) {
		t->processes[i].tapped = false;
		t->processes[i].due_ns = 0;
	}
}

void taps_close(struct taps *t)
{
	if (!t->outbox)
		return;
	tls_close(t->tls);
	places_end(&t->asking);
	free(t->processes);
	memset(t, 0, sizeof(*t));
}

static struct taps_process *taps_find(const struct taps *t, int32_t pid)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->processes[i].pid == pid)
			return &t->processes[i];
	return NULL;
}

void taps_watch(struct taps *t, int32_t pid)
{
	uint32_t room = t->room ? 2 * t->room : 16;
	struct taps_process *more;

	if (!t->filter || taps_find(t, pid))
		return;
	if (t->count == t->room) {
		more = realloc(t->processes, room * sizeof(*more));
		if (!more)
			return; /* its TLS is said to be there, and not seen */
		t->processes = more;
		t->room = room;
	}
	t->processes[t->count++] = (struct taps_process){ .pid = pid, .wait_ns = TAPS_FIRST_NS };
}

void taps_forget(struct taps *t, int32_t pid)
{
	struct taps_process *p = taps_find(t, pid);

	if (!p)
		return;
	*p = t->processes[--t->count];
	if (!t->tls)
		return;
	tls_forget(t->tls, pid);
	if (!tls_any(t->tls))
		taps_set_close(t);
}

static bool taps_identity_read(int file, struct taps_identity *out)
{
	struct stat s;

	if (fstat(file, &s))
		return false;
	*out = (struct taps_identity){ s.st_dev, s.st_ino, (uint64_t)s.st_size,
				       (uint64_t)s.st_mtim.tv_sec * 1000000000u +
					       (uint64_t)s.st_mtim.tv_nsec };
	return true;
}

static bool taps_same(const struct taps_identity *a, const struct taps_identity *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static const struct taps_file *taps_known(const struct taps *t, const struct taps_identity *is)
{
	for (uint32_t i = 0; i < t->file_count && i < TAPS_FILES; i++)
		if (taps_same(&t->files[i].is, is))
			return &t->files[i];
	return NULL;
}

/* The program, and what is called like OpenSSL's or its likes' library. Both names may be cut. */
static bool taps_may_have_one(const struct taps_walk *w, const struct mapped_file *file)
{
	const char *base = strrchr(file->name, '/');
	size_t name = strlen(file->name), exe = strlen(w->exe);
	size_t least = name < exe ? name : exe;

	if (base && strncmp(base + 1, TAPS_LIBRARY, sizeof(TAPS_LIBRARY) - 1) == 0)
		return true;
	return least && memcmp(file->name + name - least, w->exe + exe - least, least) == 0;
}

static void taps_open_set(struct taps *t, struct http *http)
{
	struct probe_state state;
	int result;

	if (t->tls || t->refused)
		return;
	result = tls_open(&t->tls, t->filter, http, &state);
	t->refused = result != 0;
	if (!result)
		tls_look(t->tls, &state);
	if (result)
		log_warning("TLS is not looked into: %s", facility_error_text(-result));
	taps_tell(t, &state);
}

static void taps_put(struct taps_walk *w, int file, const struct taps_file *known)
{
	struct taps *t = w->taps;
	int result;

	taps_open_set(t, w->http);
	if (!t->tls)
		return;
	result = tls_attach(t->tls, w->process->pid, file, &known->sites);
	w->late = result == -ETIMEDOUT;
	if (result)
		log_warning("TLS of pid %d is not looked into: %s", w->process->pid,
			    strerrorname_np(-result));
	else
		log_info("looking into the TLS of pid %d", w->process->pid);
	w->process->tapped = true; /* refused: it would be again */
}

static bool taps_is_done(struct taps_walk *w, const struct taps_identity *is)
{
	for (uint32_t i = 0; i < w->done_count; i++)
		if (taps_same(&w->done[i], is))
			return true;
	if (w->done_count == sizeof(w->done) / sizeof(w->done[0]))
		return true;
	w->done[w->done_count++] = *is;
	return false;
}

static int taps_mapped(void *ctx, const struct mapped_file *file, int fd)
{
	struct taps_walk *w = ctx;
	const struct taps_file *known;
	struct taps_identity is;

	if (fd < 0 || !file->end || !taps_may_have_one(w, file) || !taps_identity_read(fd, &is) ||
	    taps_is_done(w, &is))
		return 0;
	known = taps_known(w->taps, &is);
	if (known && known->sites.count && w->put && !w->late)
		taps_put(w, fd, known);
	if (known)
		return 0;
	w->waits = true;
	if (!w->taps->asking.pid && !places_begin(&w->taps->asking, fd, PLACES_TLS, w->now_ns))
		w->taps->asked = is;
	return -EAGAIN;
}

static void taps_look(struct taps *t, struct http *http, struct taps_process *p, uint64_t now_ns)
{
	struct taps_walk w = { .taps = t, .http = http, .process = p, .now_ns = now_ns };

	target_exe_read(p->pid, w.exe, sizeof(w.exe));
	mapped_each(p->pid, taps_mapped, &w);
	w.done_count = 0;
	w.put = true;
	if (w.waits || mapped_each(p->pid, taps_mapped, &w) == -EAGAIN)
		return;
	if (w.late && t->tls)
		tls_forget(t->tls, p->pid); /* all of its files or none: it is tried again */
	p->tapped = p->tapped && !w.late;
	p->due_ns = p->tapped ? UINT64_MAX : now_ns + p->wait_ns;
	if (p->wait_ns < TAPS_MOST_NS)
		p->wait_ns *= 2;
}

/* What was found out about a file; nothing, too: it would not be another time. */
static void taps_answer(struct taps *t, uint64_t now_ns)
{
	struct sites sites = { 0 };
	int result = places_take(&t->asking, now_ns, &sites);
	struct taps_file *file;

	if (result == -EAGAIN)
		return;
	if (result)
		log_warning("a file is not looked into for TLS: %s", strerrorname_np(-result));
	file = &t->files[t->file_count++ % TAPS_FILES];
	file->is = t->asked;
	file->sites = sites; /* none where it could not be found out */
}

void taps_step(struct taps *t, struct http *http, uint64_t now_ns)
{
	if (!http)
		return;
	if (t->asking.pid)
		taps_answer(t, now_ns);
	for (uint32_t k = 0; k < t->count && !t->asking.pid; k++) {
		uint32_t i = (t->next + k) % t->count;

		if (t->processes[i].due_ns <= now_ns)
			taps_look(t, http, &t->processes[i], now_ns);
		if (t->asking.pid)
			t->next = i + 1;
	}
}

void taps_second(struct taps *t)
{
	struct probe_state state;

	if (!t->tls)
		return;
	tls_look(t->tls, &state);
	taps_tell(t, &state);
}
