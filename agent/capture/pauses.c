#include "pauses.h"

#include "pause.skel.h"
#include "uprobes.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

struct pauses {
	struct pause_bpf *probes;
};

static int pauses_load(struct pauses *p, int targets)
{
	int result;

	p->probes = pause_bpf__open();
	if (!p->probes)
		return -errno;
	bpf_program__set_expected_attach_type(p->probes->progs.pause_begin, UPROBES_ATTACH_TYPE);
	bpf_program__set_expected_attach_type(p->probes->progs.pause_end, UPROBES_ATTACH_TYPE);
	result = targets >= 0 ? bpf_map__reuse_fd(p->probes->maps.targets, targets) : 0;
	return result ? result : pause_bpf__load(p->probes);
}

int pauses_open(struct pauses **out, int targets)
{
	struct pauses *p = calloc(1, sizeof(*p));
	int result;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	result = pauses_load(p, targets);
	malloc_trim(0); /* reading the kernel's BTF took megabytes that are free again */
	if (result) {
		pauses_close(p);
		return result;
	}
	*out = p;
	return 0;
}

void pauses_close(struct pauses *p)
{
	if (!p)
		return;
	pause_bpf__destroy(p->probes);
	free(p);
}

/* One link of all sites of this kind; -1: there are none, else an error. */
static int pauses_link(const struct pauses *p, int file, const struct sites *sites, uint32_t end)
{
	const struct bpf_program *program =
		end == SITES_BEGIN ? p->probes->progs.pause_begin : p->probes->progs.pause_end;
	uint64_t offsets[SITES], semaphores[SITES], cookies[SITES], any = 0;
	struct uprobes u = { .program = bpf_program__fd(program),
			     .file = file,
			     .offsets = offsets,
			     .cookies = cookies,
			     .returns = end == SITES_RETURN };

	for (uint32_t i = 0; i < sites->count; i++) {
		if (sites->at[i].role != end)
			continue;
		offsets[u.count] = sites->at[i].offset;
		semaphores[u.count] = sites->at[i].semaphore;
		cookies[u.count++] = sites->at[i].cookie;
		any |= sites->at[i].semaphore;
	}
	u.semaphores = any ? semaphores : NULL;
	return u.count ? uprobes_attach(&u) : 0;
}

/* Ends first: a begin that is seen has an end that is seen. */
int pauses_attach(const struct pauses *p, int file, const struct sites *sites,
		  struct pauses_links *out)
{
	static const uint32_t order[PAUSES_LINKS] = { SITES_END, SITES_RETURN, SITES_BEGIN };

	for (int i = 0; i < PAUSES_LINKS; i++)
		out->fds[i] = -1;
	for (int i = 0; i < PAUSES_LINKS; i++) {
		int fd = pauses_link(p, file, sites, order[i]);

		if (fd < 0) {
			pauses_detach(out);
			return fd;
		}
		out->fds[i] = fd ? fd : -1;
	}
	return 0;
}

void pauses_detach(struct pauses_links *links)
{
	for (int i = PAUSES_LINKS - 1; i >= 0; i--) {
		if (links->fds[i] >= 0)
			uprobes_detach(links->fds[i]);
		links->fds[i] = -1;
	}
}

int pauses_read(const struct pauses *p, int32_t pid, struct pause_row *out)
{
	uint32_t key = (uint32_t)pid;

	return bpf_map__lookup_elem(p->probes->maps.pauses, &key, sizeof(key), out, sizeof(*out),
				    0);
}

void pauses_forget(const struct pauses *p, int32_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map__delete_elem(p->probes->maps.pauses, &key, sizeof(key), 0);
}

uint64_t pauses_dropped(const struct pauses *p)
{
	return p->probes->bss->dropped;
}

uint64_t pauses_max_ns(const struct pause_sums *now, const struct pause_sums *told)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < PAUSE_EPOCHS; i++) {
		uint64_t ns = now->max[i] & PAUSE_MAX_NS;

		if (now->max[i] != told->max[i] && ns > most)
			most = ns;
	}
	return most;
}
