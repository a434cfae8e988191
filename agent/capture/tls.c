#include "tls.h"

#include "returns.h"
#include "sets.h"
#include "tls_kind.h"
#include "uprobes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A program, and which of the sites it is put at. */
static const struct tls_program {
	const char *name;
	uint32_t roles; /* bits */
	bool at_return;
} tls_programs[] = {
	{ "tls_call", 1u << TLS_C | 1u << TLS_C_CALL, false }, { "tls_return", 1u << TLS_C, true },
	{ "tls_return", 1u << TLS_C_RETURN, false },           { "go_call", 1u << TLS_GO, false },
	{ "go_return", 1u << TLS_GO_RETURN, false },
};

#define TLS_PROGRAMS (sizeof(tls_programs) / sizeof(tls_programs[0]))

struct tls_link {
	int32_t pid;
	int fd;
	uint32_t program; /* of tls_programs */
};

struct tls {
	struct http *http;
	struct probe *probe;
	struct tls_link *links;
	uint32_t count, room;
	uint32_t loaded[TLS_PROGRAMS]; /* links of it */
	int error[TLS_PROGRAMS];       /* of the first that was refused: each would be */
	bool asked, returns;           /* whether return probes are safe was found out: they are */
};

int tls_open(struct tls **out, const struct probe_filter *filter, struct http *http,
	     struct probe_state *state)
{
	struct tls *t = calloc(1, sizeof(*t));
	int result;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->http = http;
	result = probe_open_beside(&t->probe, sets_at(SETS_TLS), filter, http_probe(http), state);
	if (result == 0)
		result = http_secure(http, TLS_SECURE_THREADS);
	if (result) {
		tls_close(t);
		return result;
	}
	*out = t;
	return 0;
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		uprobes_detach(t->links[i].fd);
	if (t->probe)
		http_secure(t->http, 0);
	probe_close(t->probe);
	free(t->links);
	free(t);
}

static int tls_room(struct tls *t)
{
	uint32_t room = t->room ? 2 * t->room : 16;
	struct tls_link *links;

	if (t->count < t->room)
		return 0;
	links = realloc(t->links, room * sizeof(*links));
	if (!links)
		return -ENOMEM;
	t->links = links;
	t->room = room;
	return 0;
}

/* How many of the sites are this program's. */
static uint32_t tls_choose(const struct tls_program *program, const struct sites *sites,
			   uint64_t *offsets, uint64_t *cookies)
{
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < sites->count; i++) {
		const struct site *s = &sites->at[i];

		if (!(program->roles & 1u << s->role) ||
		    (program->at_return && s->cookie >= TLS_FREE))
			continue;
		offsets[chosen] = s->offset;
		cookies[chosen++] = s->cookie;
	}
	return chosen;
}

static int tls_put(struct tls *t, uint32_t program, const struct uprobes *at)
{
	int fd, result = tls_room(t);

	if (result)
		return result;
	fd = uprobes_attach(at);
	if (fd != -ESRCH) /* it ended meanwhile: nothing was refused */
		t->error[program] = fd < 0 ? fd : 0;
	if (fd < 0)
		return fd;
	t->links[t->count++] = (struct tls_link){ at->pid, fd, program };
	t->loaded[program]++;
	return 0;
}

/* The kernel notes what goroutines receive while one is looked at. */
static int tls_secure(struct tls *t)
{
	uint32_t what = TLS_SECURE_THREADS;

	for (uint32_t i = 0; i < TLS_PROGRAMS; i++)
		if (tls_programs[i].roles & 1u << TLS_GO && t->loaded[i])
			what |= TLS_SECURE_GOROUTINES;
	return http_secure(t->http, what);
}

static bool tls_returns_are_safe(struct tls *t)
{
	if (!t->asked)
		t->returns = returns_are_safe();
	t->asked = true;
	return t->returns;
}

/* May they be put there? On some kernels a return probe ends who filters system calls. */
static int tls_check(struct tls *t, const struct sites *sites)
{
	uint64_t offsets[SITES], cookies[SITES];

	if (uprobes_wait())
		return -ETIMEDOUT;
	for (uint32_t i = 0; i < TLS_PROGRAMS; i++) {
		const struct tls_program *p = &tls_programs[i];

		if (!p->at_return || !tls_choose(p, sites, offsets, cookies) ||
		    tls_returns_are_safe(t))
			continue;
		t->error[i] = -EOPNOTSUPP;
		return -EOPNOTSUPP;
	}
	return 0;
}

int tls_attach(struct tls *t, int32_t pid, int file, const struct sites *sites)
{
	uint64_t offsets[SITES], cookies[SITES];
	uint32_t before = t->count;
	int result = tls_check(t, sites);

	/* the last one first: no call is noted whose return is not */
	for (uint32_t i = TLS_PROGRAMS; i-- > 0 && !result;) {
		const struct tls_program *p = &tls_programs[i];
		const struct uprobes at = {
			.program = probe_program(t->probe, p->name),
			.file = file,
			.pid = pid,
			.offsets = offsets,
			.cookies = cookies,
			.count = tls_choose(p, sites, offsets, cookies),
			.returns = p->at_return,
		};

		if (at.count)
			result = tls_put(t, i, &at);
	}
	if (!result)
		result = tls_secure(t);
	while (result && t->count > before) {
		uprobes_detach(t->links[--t->count].fd);
		t->loaded[t->links[t->count].program]--;
	}
	return result;
}

void tls_forget(struct tls *t, int32_t pid)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		if (t->links[i].pid == pid) {
			uprobes_detach(t->links[i].fd);
			t->loaded[t->links[i].program]--;
			continue;
		}
		t->links[kept++] = t->links[i];
	}
	t->count = kept;
	tls_secure(t);
}

bool tls_any(const struct tls *t)
{
	return t->count != 0;
}

static void tls_look_at(const struct tls *t, struct facility *f)
{
	if (f->state == FACILITY_REFUSED)
		return;
	f->state = FACILITY_IDLE;
	for (uint32_t i = 0; i < TLS_PROGRAMS && f->state != FACILITY_REFUSED; i++) {
		if (strcmp(tls_programs[i].name, f->name) != 0)
			continue;
		f->error = -t->error[i];
		if (f->error)
			f->state = FACILITY_REFUSED;
		else if (t->loaded[i])
			f->state = FACILITY_LOADED;
	}
}

void tls_look(const struct tls *t, struct probe_state *state)
{
	probe_look(t->probe, state);
	for (uint32_t i = 0; i < state->count; i++)
		tls_look_at(t, &state->facilities[i]);
}
