#include "../../agent/store/archive.c"
#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>

static struct folder f;

static void append(struct archive *a, uint32_t from_s, uint32_t until_s)
{
	struct block b = { 0 };
	struct block_names *names = archive_names(a);

	assert_non_null(names);
	store_block(&b, names, a->step, from_s, until_s);
	assert_int_equal(archive_append(a, &b), 0);
	block_fini(&b);
}

struct counted {
	uint32_t asked, blocks, runs;
};

static bool want(void *ctx, const struct export_key *key)
{
	((struct counted *)ctx)->asked++;
	return !strcmp(key->service, "shop");
}

static bool block(void *ctx, const struct block_head *head)
{
	(void)head;
	((struct counted *)ctx)->blocks++;
	return true;
}

static bool run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	(void)head;
	assert_true(bytes && size);
	((struct counted *)ctx)->runs++;
	return true;
}

static struct counted read_all(const struct archive *a)
{
	struct counted counted = { 0 };
	const struct archive_walk walk = { &counted, want, block, run, NULL };

	for (uint32_t i = 0; i < a->count; i++)
		assert_int_equal(archive_read(f.fd, a->step, &a->files[i], &walk), 0);
	return counted;
}

static void blocks_are_found_again(void **state)
{
	struct counted counted;
	struct archive a;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(archive_until(&a), 0);
	for (uint32_t s = 1000; s < 1100; s += 5)
		append(&a, s, s + 5);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(a.cuts, 0);
	assert_int_equal(archive_until(&a), 1100);
	counted = read_all(&a);
	assert_int_equal(counted.asked, 1);
	assert_int_equal(counted.blocks, 20);
	assert_int_equal(counted.runs, 20);
	append(&a, 1100, 1105); /* a file of its own: the names of the other are its own */
	assert_int_equal(a.count, 2);
	assert_int_equal(read_all(&a).runs, 21);
	archive_close(&a);
	/* another boot has seconds of its own */
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_other_boot), 0);
	assert_int_equal(archive_until(&a), 0);
	assert_int_equal(read_all(&a).runs, 21);
	archive_close(&a);
	folder_close(&f);
}

/* One bit of one byte. */
static void spoil(const char *name, off_t at)
{
	int fd = openat(f.fd, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static uint8_t kept[65536];

static void tear(const char *name, uint64_t whole, uint64_t size)
{
	int fd = openat(f.fd, name, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0 && whole < sizeof(kept));
	if (size == whole)
		assert_int_equal(pread(fd, kept, whole, 0), whole);
	assert_int_equal(pwrite(fd, kept, whole, 0), whole);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static const char *const newest = "1s-0000000001.history";

/* kill -9 at any byte of an append: what was whole before stays, the rest is cut off and told. */
static void a_torn_end_is_cut_off_wherever_it_is(void **state)
{
	uint64_t whole, all;
	struct archive a;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	append(&a, 1000, 1005);
	append(&a, 1005, 1010);
	whole = a.bytes;
	append(&a, 1010, 1015);
	all = a.bytes;
	archive_close(&a);
	tear(newest, all, all);
	for (uint64_t size = all - 1; size > whole; size--) {
		char text[100];

		tear(newest, all, size);
		assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
		assert_int_equal(a.cuts, 1);
		snprintf(text, sizeof(text), "%s was cut off at byte %llu: it ends within", newest,
			 (unsigned long long)whole);
		assert_memory_equal(a.cut, text, strlen(text));
		assert_int_equal(archive_until(&a), 1010);
		assert_int_equal(read_all(&a).runs, 2);
		archive_close(&a);
		/* it is gone: nothing is to be told again */
		assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
		assert_int_equal(a.cuts, 0);
		archive_close(&a);
	}
	folder_close(&f);
}

static void a_corrupted_block_and_what_is_behind_it_is_cut_off(void **state)
{
	uint64_t first;
	struct archive a;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	append(&a, 1000, 1005);
	first = a.bytes;
	append(&a, 1005, 1010);
	append(&a, 1010, 1015);
	archive_close(&a);
	spoil(newest, (off_t)first + 49);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(a.cuts, 1);
	if (!strstr(a.cut, "its sum is not right"))
		fail_msg("%s", a.cut);
	assert_int_equal(archive_until(&a), 1005);
	assert_int_equal(read_all(&a).runs, 1);
	archive_close(&a);
	/* a file that is none of ours is told, counted and left as it is */
	spoil(newest, 3);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_non_null(strstr(a.cut, newest));
	assert_non_null(strstr(a.cut, "is set aside"));
	assert_non_null(strstr(a.cut, "it is no file of this step"));
	assert_true(a.files[0].is_aside);
	assert_int_equal(a.bytes, first);
	assert_int_equal(read_all(&a).runs, 0);
	append(&a, 1100, 1105);
	assert_int_equal(a.files[1].serial, 2);
	archive_close(&a);
	spoil(newest, 3); /* whoever can read it still can */
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(a.cuts, 0);
	assert_int_equal(read_all(&a).runs, 2);
	archive_close(&a);
	folder_close(&f);
}

static void a_new_file_is_begun_in_time_and_the_oldest_dropped(void **state)
{
	struct archive a;
	uint64_t bytes;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	for (uint32_t s = 0; s < 1500; s += 50)
		append(&a, 1000 + s, 1050 + s);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.files[0].until_s, 1600);
	bytes = a.bytes;
	assert_true(archive_drop(&a, 0));
	assert_true(a.bytes < bytes && a.count == 2);
	assert_int_equal(folder_each(&f, NULL), 2);
	assert_true(archive_drop(&a, 0));
	assert_false(archive_drop(&a, 0)); /* the one being written stays */
	append(&a, 2500, 2550);
	archive_close(&a);
	folder_close(&f);
}

/* A disk that takes a part of a block. */
static void a_failed_append_leaves_what_was_there(void **state)
{
	struct block b = { 0 };
	struct archive a;
	int fd;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	append(&a, 1000, 1005);
	fd = a.fd;
	a.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	store_block(&b, archive_names(&a), SERIES_FINE, 1005, 1010);
	assert_true(archive_append(&a, &b) < 0);
	assert_int_equal(a.fd, -1);
	close(fd);
	assert_int_equal(archive_until(&a), 1005);
	append(&a, 1005, 1015); /* it is tried again, into a new file */
	assert_int_equal(a.count, 2);
	assert_int_equal(read_all(&a).runs, 2);
	block_fini(&b);
	archive_close(&a);
	folder_close(&f);
}

/* What of it did get there is taken back: who opens the file later finds nothing to tell. */
static void a_part_of_a_block_is_taken_back(void **state)
{
	struct rlimit limit, before;
	struct block b = { 0 };
	struct archive a;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	append(&a, 1000, 1005);
	store_block(&b, archive_names(&a), SERIES_FINE, 1005, 1010);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = a.files[0].bytes + 20;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(archive_append(&a, &b), -ENOSPC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	assert_int_equal(a.cuts, 0);
	assert_int_equal(archive_until(&a), 1005);
	block_fini(&b);
	archive_close(&a);
	folder_close(&f);
}

static void each_boot_has_a_wall_clock_of_its_own(void **state)
{
	struct archive a;

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	append(&a, 1000, 1005);
	archive_close(&a);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_other_boot), 0);
	append(&a, 2000, 2005);
	a.files[0].wall_offset_ms = 1;
	a.files[1].wall_offset_ms = 2;
	archive_offsets(&a);
	assert_int_equal(a.files[0].wall_offset_ms, 1);
	memcpy(a.files[0].boot, store_other_boot, ARCHIVE_BOOT_BYTES);
	archive_offsets(&a);
	assert_int_equal(a.files[0].wall_offset_ms, 2);
	archive_close(&a);
	folder_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_found_again),
		cmocka_unit_test(a_torn_end_is_cut_off_wherever_it_is),
		cmocka_unit_test(a_corrupted_block_and_what_is_behind_it_is_cut_off),
		cmocka_unit_test(a_new_file_is_begun_in_time_and_the_oldest_dropped),
		cmocka_unit_test(a_failed_append_leaves_what_was_there),
		cmocka_unit_test(a_part_of_a_block_is_taken_back),
		cmocka_unit_test(each_boot_has_a_wall_clock_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
