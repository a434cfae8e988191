#include "attempt.h"

#include "filter.h"
#include "keeper.h"
#include "mapped.h"
#include "pauses.h"
#include "probe.h"
#include "sampler.h"
#include "snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static __attribute__((noinline)) void attempt_begin(void)
{
	asm volatile("" ::: "memory");
}

static __attribute__((noinline)) void attempt_end(void)
{
	asm volatile("nop" ::: "memory"); /* or it would be the same function */
}

/* Where a function of this program stands in its file; 0: not found. */
static uint64_t attempt_place(void (*function)(void))
{
	uint64_t address = (uint64_t)(uintptr_t)function, place = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	struct mapped_file file;
	char *line = NULL;
	size_t size = 0;

	while (maps && !place && getline(&line, &size, maps) > 0)
		if (mapped_line(line, &file) && !file.why && address >= file.start &&
		    address < file.end)
			place = address - file.start + file.offset;
	free(line);
	if (maps)
		fclose(maps);
	return place;
}

static int attempt_run(const struct pauses *p, int file)
{
	struct sites sites = { .count = 2 };
	struct pauses_links links;
	struct pause_row row;
	int result;

	for (uint32_t i = 0; i < sites.count; i++) {
		sites.at[i].offset = attempt_place(i ? attempt_end : attempt_begin);
		sites.at[i].cookie = PAUSE_COOKIE_COUNTS;
		sites.at[i].role = i ? SITES_END : SITES_BEGIN;
	}
	result = pauses_attach(p, file, &sites, &links);
	if (result)
		return result;
	attempt_begin();
	attempt_end();
	result = pauses_read(p, getpid(), &row) || row.sums[PAUSE_COLLECTION].count != 1
			 ? -EPFNOSUPPORT
			 : 0;
	pauses_detach(&links);
	return result;
}

/* By a child: whoever maps this program may keep the kernel waiting (keeper.h). */
static int attempt_kept(const struct pauses *p, int file)
{
	struct uprobes_maker maker;
	struct keeper *keeper;
	int result = keeper_open(&keeper);

	if (result)
		return result;
	keeper_maker(keeper, &maker);
	uprobes_maker_set(&maker);
	result = attempt_run(p, file);
	uprobes_maker_set(NULL);
	keeper_close(keeper);
	return result;
}

int attempt_probes(void)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), result;
	struct probe_filter *filter = NULL;
	struct pauses *p = NULL;

	if (file < 0)
		return -errno;
	result = probe_filter_open(&filter);
	if (!result)
		result = probe_filter_put(filter, getpid(), FILTER_WATCHED);
	if (!result)
		result = pauses_open(&p, probe_filter_fd(filter));
	if (!result)
		result = attempt_kept(p, file);
	pauses_close(p);
	probe_filter_close(filter);
	close(file);
	return result;
}

int attempt_samples(void)
{
	struct probe_filter *filter = NULL;
	struct sampler *s = NULL;
	int result = probe_filter_open(&filter);

	if (!result)
		result = sampler_open(&s, probe_filter_fd(filter));
	if (!result)
		result = sampler_run(s, true);
	sampler_close(s);
	probe_filter_close(filter);
	return result;
}

int attempt_snapshots(void)
{
	struct snapshots *s;
	int result = snapshots_open(&s, getpid());

	if (!result)
		snapshots_close(s);
	return result;
}
