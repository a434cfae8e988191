/*
 * store_fixture - a folder of its own, a service with requests, and blocks of it.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "archive.h"
#include "metrics_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char store_boot[ARCHIVE_BOOT_BYTES] = "11111111-1111-1111-1111-111111111111";
static const char store_other_boot[ARCHIVE_BOOT_BYTES] = "22222222-2222-2222-2222-222222222222";

struct folder {
	char path[48];
	int fd;
};

static inline void folder_open(struct folder *f)
{
	strcpy(f->path, "/tmp/rs_store_XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

/* Calls fn with the name of each file; how many. */
static inline unsigned int folder_each(const struct folder *f,
				       void (*fn)(const struct folder *f, const char *name))
{
	DIR *folder = opendir(f->path);
	struct dirent *entry;
	unsigned int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (fn)
			fn(f, entry->d_name);
	}
	closedir(folder);
	return count;
}

static inline void folder_unlink(const struct folder *f, const char *name)
{
	unlinkat(f->fd, name, 0);
}

static inline void folder_close(struct folder *f)
{
	folder_each(f, folder_unlink);
	close(f->fd);
	assert_int_equal(rmdir(f->path), 0);
}

/* One block of one service: a request of 10 ms in each slot of [from_s, until_s). */
static inline void store_block(struct block *b, struct block_names *names, enum series_step step,
			       uint32_t from_s, uint32_t until_s)
{
	const struct export_key key = {
		.kind = EXPORT_SERVICE, .service = "shop", .environment = "", .route = ""
	};
	const struct export_span span = { .step = step, .from_s = from_s, .until_s = until_s };
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];

	block_begin(b, names, &span);
	block_series(b, &key);
	for (uint32_t s = from_s; s < until_s; s += series_step_s[step]) {
		slot_init(&slot, s);
		slot.sums.count = slot.sums.recorded = slot.sums.status[1] = 1;
		slot.sums.span_ns = slot.sums.min_ns = slot.sums.max_ns = 10 * MILLISECOND;
		slot_bucket_add(&slot, rs_hist_slot(10 * MILLISECOND), 1);
		block_slot(b, s, bytes, (uint32_t)slot_pack(&slot, bytes));
	}
	assert_int_equal(block_end(b), 0);
}

/* The same of gauges: what the service's one process, 70, has resident, and its CPU, 40 %. */
static inline void store_gauge_block(struct block *b, struct block_names *names,
				     const struct export_span *span, double rss)
{
	struct export_key key = {
		.kind = EXPORT_SERVICE_GAUGES, .service = "shop", .environment = "", .route = ""
	};
	double values[METRICS_GAUGES];

	gauges_init(values);
	values[METRICS_GAUGE_RSS] = rss;
	values[METRICS_GAUGE_CPU_PERCENT] = 40;
	block_begin(b, names, span);
	for (int i = 0; i < 2; i++) {
		block_series(b, &key);
		for (uint32_t s = span->from_s; s < span->until_s; s += series_step_s[span->step])
			block_gauges(b, s, values);
		key.kind = EXPORT_PROCESS_GAUGES;
		key.pid = 70;
	}
	assert_int_equal(block_end(b), 0);
}

#endif
