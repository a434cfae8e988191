#include "compact.h"

#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#define SERIES 20u
#define SLOTS 288u /* a day of five minutes */

static struct folder f;

static uint64_t noise(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % below;
}

/* Ten requests or so of about 20 ms, as seconds times ten have them. */
static void put_requests(struct block *b, uint32_t second)
{
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];

	slot_init(&slot, second);
	slot.sums.count = 5 + noise(10);
	for (uint64_t i = 0; i < slot.sums.count; i++) {
		uint64_t ns = 5000000 + noise(10000000) + noise(10000000);

		slot.sums.span_ns += ns;
		slot.sums.min_ns = ns < slot.sums.min_ns ? ns : slot.sums.min_ns;
		slot.sums.max_ns = ns > slot.sums.max_ns ? ns : slot.sums.max_ns;
		slot.sums.bytes_in += 90 + noise(10);
		slot.sums.bytes_out += 800 + noise(100);
		slot_bucket_add(&slot, rs_hist_slot(ns), 1);
	}
	slot.sums.recorded = slot.sums.status[1] = slot.sums.count;
	block_slot(b, second, bytes, (uint32_t)slot_pack(&slot, bytes));
}

/* A server that is at work: its heap grows and is collected, its CPU is noise about 20 %. */
static void put_gauges(struct block *b, uint32_t second, uint32_t n)
{
	uint64_t heap = 50000000 + n % 40 * 1000000 + noise(200000);
	const double values[METRICS_GAUGES] = {
		[METRICS_GAUGE_IN_FLIGHT] = (double)noise(12),
		[METRICS_GAUGE_CPU_PERCENT] = 15 + (double)noise(1000) / 100,
		[METRICS_GAUGE_RSS] = (double)(heap / 4096 * 4096 + 30 * 1048576),
		[METRICS_GAUGE_HEAP] = (double)heap,
		[METRICS_GAUGE_MEMORY_PERCENT] = (double)heap / 1e7,
		[METRICS_GAUGE_ALLOCATED] = 3e6 + (double)noise(1000000),
		[METRICS_GAUGE_READ] = n % 20 ? 0 : 65536,
		[METRICS_GAUGE_WRITTEN] = (double)noise(8192),
	};

	block_gauges(b, second, values);
}

/* A file of a day, a slot a block, of so many series of this kind. */
static void keep(struct archive *a, enum export_kind kind)
{
	struct block b = { 0 };

	assert_int_equal(archive_open(a, f.fd, SERIES_WIDE, store_boot), 0);
	for (uint32_t n = 0; n < SLOTS; n++) {
		const struct export_span span = { .step = SERIES_WIDE,
						  .from_s = 30000 + n * 300,
						  .until_s = 30300 + n * 300 };

		block_begin(&b, archive_names(a), &span);
		for (uint32_t i = 0; i < SERIES; i++) {
			const struct export_key key = { .kind = kind,
							.pid = (int32_t)(i + 1),
							.service = "shop",
							.environment = "",
							.route = "" };

			if (n < i) /* it came later */
				continue;
			block_series(&b, &key);
			if (block_is_gauges(kind))
				put_gauges(&b, span.from_s, n);
			else
				put_requests(&b, span.from_s);
		}
		assert_int_equal(block_end(&b), 0);
		assert_int_equal(archive_append(a, &b), 0);
	}
	block_fini(&b);
}

/* What a file tells, by one number for each series: in whatever blocks it stands. */
struct told {
	uint64_t sum[SERIES + 1], slots, runs;
	struct slot scratch;
	int32_t pid; /* 0: of all of them */
	bool is_gauges;
};

static bool want(void *ctx, const struct export_key *key)
{
	const struct told *t = ctx;

	return !t->pid || key->pid == t->pid;
}

static bool any_block(void *ctx, const struct block_head *head)
{
	(void)ctx;
	(void)head;
	return true;
}

static bool tell_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct told *t = ctx;
	uint64_t sum = block_sum(second, &slot->sums, sizeof(slot->sums));

	t->sum[t->pid] += block_sum(sum, slot->buckets, sizeof(slot->buckets));
	t->slots++;
	return true;
}

static bool tell_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct told *t = ctx;

	t->sum[t->pid] += block_sum(second, values, sizeof(double) * METRICS_GAUGES);
	t->slots++;
	return true;
}

static bool tell_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct told *t = ctx;
	const struct run_span span = { head->from_s, 300, true, 0 };
	const struct run_reader slots = { &t->scratch, tell_slot, t };
	const struct levels_reader gauges = { tell_gauges, t };

	t->runs++;
	if (t->is_gauges)
		assert_int_equal(levels_unpack(bytes, size, &span, &gauges), 0);
	else
		assert_int_equal(run_unpack(bytes, size, &span, &slots), 0);
	return true;
}

static struct told tell(const struct archive_file *file, bool is_gauges)
{
	struct told t = { .is_gauges = is_gauges };
	const struct archive_walk walk = { &t, want, any_block, tell_run, NULL };

	slot_init(&t.scratch, 0);
	for (t.pid = 1; t.pid <= (int32_t)SERIES; t.pid++)
		assert_int_equal(archive_read(f.fd, SERIES_WIDE, file, &walk), 0);
	return t;
}

static void same(const struct told *a, const struct told *b)
{
	assert_int_equal(a->slots, b->slots);
	assert_memory_equal(a->sum, b->sum, sizeof(a->sum));
}

static void all_is_told_as_before_in_less(enum export_kind kind)
{
	struct told before, after;
	struct archive_file copy;
	struct archive a;
	uint64_t bytes;

	folder_open(&f);
	keep(&a, kind);
	assert_int_equal(archive_loose(&a), -1); /* it is being written to */
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	copy = a.files[0];
	before = tell(&copy, block_is_gauges(kind));
	assert_int_equal(before.slots, SERIES * SLOTS - SERIES * (SERIES - 1) / 2);
	assert_int_equal(archive_loose(&a), 0);
	assert_int_equal(compact_file(f.fd, SERIES_WIDE, &a.files[0], &bytes), 0);
	archive_compacted(&a, 0, bytes);
	assert_int_equal(archive_loose(&a), -1);
	assert_true(bytes < copy.bytes && a.bytes == bytes);
	after = tell(&a.files[0], block_is_gauges(kind));
	same(&after, &before);
	assert_true(after.runs <= SERIES * 5 && before.runs == before.slots);
	after = tell(&copy, block_is_gauges(kind)); /* who took his copy before */
	same(&after, &before);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	assert_int_equal(a.cuts, 0);
	assert_int_equal(a.files[0].bytes, bytes);
	assert_int_equal(a.files[0].from_s, copy.from_s);
	assert_int_equal(archive_until(&a), copy.until_s);
	assert_int_equal(archive_loose(&a), -1);
	archive_close(&a);
	assert_int_equal(folder_each(&f, NULL), 1);
	folder_close(&f);
}

static void requests_are_told_as_before_in_less(void **state)
{
	(void)state;
	all_is_told_as_before_in_less(EXPORT_PROCESS);
}

static void gauges_are_told_as_before_in_less(void **state)
{
	(void)state;
	all_is_told_as_before_in_less(EXPORT_PROCESS_GAUGES);
}

/* Whatever byte of it is not as it was, it stays as it is, and no part of a new one is left. */
static void a_file_that_is_not_sound_stays(void **state)
{
	struct archive_file copy;
	uint64_t bytes;
	struct archive a;
	int fd;

	(void)state;
	folder_open(&f);
	keep(&a, EXPORT_PROCESS_GAUGES);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	copy = a.files[0];
	fd = openat(f.fd, "5m-0000000001.history", O_RDWR | O_CLOEXEC);
	for (uint64_t at = sizeof(struct archive_head); at < copy.bytes; at += copy.bytes / 50) {
		uint8_t was, other;

		assert_int_equal(pread(fd, &was, 1, (off_t)at), 1);
		other = was ^ 0x40;
		assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
		assert_int_equal(compact_file(f.fd, SERIES_WIDE, &copy, &bytes), -EBADMSG);
		assert_int_equal(folder_each(&f, NULL), 1);
		assert_int_equal(pwrite(fd, &was, 1, (off_t)at), 1);
	}
	copy.bytes += 1;
	assert_int_equal(compact_file(f.fd, SERIES_WIDE, &copy, &bytes), -EIO);
	copy.bytes = 3 * ARCHIVE_FILE_BYTES;
	assert_int_equal(compact_file(f.fd, SERIES_WIDE, &copy, &bytes), -EFBIG);
	copy.bytes = a.files[0].bytes;
	assert_int_equal(compact_file(f.fd, SERIES_WIDE, &copy, &bytes), 0);
	close(fd);
	archive_close(&a);
	folder_close(&f);
}

/* Its sums are right, but the first of its series is not number 0. */
static void a_file_whose_numbers_do_not_follow_stays(void **state)
{
	struct block b = { 0 };
	struct archive a;
	uint64_t bytes;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	for (uint32_t n = 0; n < 2; n++) {
		memset(archive_names(&a), 0, sizeof(struct block_names));
		archive_names(&a)->count = 5; /* its key stands in both blocks */
		store_block(&b, archive_names(&a), SERIES_WIDE, 30000 + n * 300, 30300 + n * 300);
		assert_int_equal(archive_append(&a, &b), 0);
	}
	block_fini(&b);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	assert_int_equal(archive_loose(&a), 0);
	assert_int_equal(compact_file(f.fd, SERIES_WIDE, &a.files[0], &bytes), -EBADMSG);
	archive_close(&a);
	folder_close(&f);
}

static void a_full_disk_leaves_the_old_one(void **state)
{
	struct told before, after;
	struct rlimit was, none;
	uint64_t bytes;
	struct archive a;

	(void)state;
	folder_open(&f);
	keep(&a, EXPORT_PROCESS);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	before = tell(&a.files[0], false);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t most = 0; most < 40000; most += 3000) {
		none = (struct rlimit){ most, was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		assert_int_equal(compact_file(f.fd, SERIES_WIDE, &a.files[0], &bytes), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	}
	after = tell(&a.files[0], false);
	same(&after, &before);
	assert_int_equal(folder_each(&f, NULL), 1);
	archive_close(&a);
	folder_close(&f);
}

/* Who was killed in between: the old one is whole, and the part is nobody's. */
static void a_part_is_thrown_away(void **state)
{
	struct archive a;
	int fd;

	(void)state;
	folder_open(&f);
	keep(&a, EXPORT_PROCESS);
	archive_close(&a);
	fd = openat(f.fd, "5m-0000000001.history" ARCHIVE_NEXT, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "a part", 6), 6);
	close(fd);
	fd = openat(f.fd, "somebody's.next", O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(folder_each(&f, NULL), 3); /* it is of another step */
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	assert_int_equal(a.count, 1);
	assert_int_equal(folder_each(&f, NULL), 2);
	archive_close(&a);
	folder_close(&f);
}

/* Bytes of a number, all that a file has divided by the numbers in it. */
static double gauge_bytes(bool is_compact)
{
	struct archive a;
	uint64_t bytes = 0;

	folder_open(&f);
	keep(&a, EXPORT_PROCESS_GAUGES);
	bytes = a.bytes;
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_WIDE, store_boot), 0);
	if (is_compact)
		assert_int_equal(compact_file(f.fd, SERIES_WIDE, &a.files[0], &bytes), 0);
	archive_close(&a);
	folder_close(&f);
	return (double)bytes / (METRICS_GAUGES * (SERIES * SLOTS - SERIES * (SERIES - 1) / 2));
}

/* Those of a column of requests, without their histograms. */
static double column_bytes(size_t at)
{
	uint64_t values[RUN_SLOTS];
	uint8_t bytes[COLUMN_MAX(RUN_SLOTS)];
	size_t all = 0;

	for (int column = 0; column < 100; column++) {
		for (uint32_t i = 0; i < RUN_SLOTS; i++) {
			struct metrics_sums sums = { .count = 5 + noise(10) };

			for (uint64_t n = 0; n < sums.count; n++) {
				sums.span_ns += 5000000 + noise(10000000) + noise(10000000);
				sums.bytes_out += 800 + noise(100);
			}
			memcpy(&values[i], (const char *)&sums + at, sizeof(values[i]));
		}
		all += column_put(bytes, values, RUN_SLOTS);
	}
	return (double)all / (100 * RUN_SLOTS);
}

static void numbers_cost_no_more_than_they_may(void **state)
{
	double loose = gauge_bytes(false), gauges = gauge_bytes(true);
	double counts = column_bytes(offsetof(struct metrics_sums, count));
	double sums = column_bytes(offsetof(struct metrics_sums, span_ns));
	double sizes = column_bytes(offsetof(struct metrics_sums, bytes_out));

	(void)state;
	print_message("bytes of a number: gauges %.2f (%.2f before their file is complete), counts "
		      "%.2f, sums of durations %.2f, of bytes %.2f\n",
		      gauges, loose, counts, sums, sizes);
	assert_true(gauges <= 1.5 && counts <= 1.5);
	assert_true(sums <= 4 && sizes <= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_told_as_before_in_less),
		cmocka_unit_test(gauges_are_told_as_before_in_less),
		cmocka_unit_test(a_file_that_is_not_sound_stays),
		cmocka_unit_test(a_file_whose_numbers_do_not_follow_stays),
		cmocka_unit_test(a_full_disk_leaves_the_old_one),
		cmocka_unit_test(a_part_is_thrown_away),
		cmocka_unit_test(numbers_cost_no_more_than_they_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
