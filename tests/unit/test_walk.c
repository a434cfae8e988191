#include "../../agent/store/walk.c"
#include "store_fixture.h"

struct seen {
	uint32_t blocks, runs, most;
	uint32_t from_s; /* blocks before are not wanted */
	uint32_t last_s; /* where the last one was said to end */
};

static struct folder f;
static struct archive a;

static bool want(void *ctx, const struct export_key *key)
{
	(void)ctx;
	return !strcmp(key->service, "shop");
}

static bool block(void *ctx, const struct block_head *head)
{
	struct seen *seen = ctx;

	seen->blocks++;
	return head->from_s >= seen->from_s;
}

static bool run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct seen *seen = ctx;

	assert_true(head->from_s >= seen->from_s && bytes && size);
	seen->last_s = head->until_s;
	return ++seen->runs < seen->most;
}

static int seen_of(struct seen *seen)
{
	const struct archive_walk walk = { seen, want, block, run, NULL };

	return archive_read(f.fd, SERIES_FINE, &a.files[0], &walk);
}

static int setup(void **state)
{
	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_FINE, store_boot), 0);
	for (uint32_t s = 1000; s < 1050; s += 5) {
		struct block b = { 0 };

		store_block(&b, archive_names(&a), SERIES_FINE, s, s + 5);
		assert_int_equal(archive_append(&a, &b), 0);
		block_fini(&b);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	archive_close(&a);
	folder_close(&f);
	return 0;
}

static void blocks_that_are_not_wanted_are_passed_over(void **state)
{
	struct seen seen = { .most = 100, .from_s = 1030 };

	(void)state;
	assert_int_equal(seen_of(&seen), 0);
	assert_int_equal(seen.blocks, 10);
	assert_int_equal(seen.runs, 4);
}

static void a_walk_ends_when_it_is_told_to(void **state)
{
	struct seen seen = { .most = 3 };

	(void)state;
	assert_int_equal(seen_of(&seen), 0);
	assert_int_equal(seen.runs, 3);
}

static void of_a_file_that_is_set_aside_nothing_is_read(void **state)
{
	struct seen seen = { .most = 100 };

	(void)state;
	a.files[0].is_aside = true;
	assert_int_equal(seen_of(&seen), 0);
	assert_int_equal(seen.blocks, 0);
}

static void of_what_a_later_file_has_nothing_is_read(void **state)
{
	struct seen seen = { .most = 100 };

	(void)state;
	a.files[0].over_s = 1033;
	assert_int_equal(seen_of(&seen), 0);
	assert_int_equal(seen.blocks, 7);
	assert_int_equal(seen.last_s, 1033); /* of the one of 1030 to 1035 */
}

static void a_file_that_is_gone_or_spoiled_is_an_error(void **state)
{
	struct seen seen = { .most = 100 };
	int fd = openat(f.fd, "1s-0000000001.history", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pwrite(fd, "?", 1, sizeof(struct archive_head)), 1);
	close(fd);
	assert_int_equal(seen_of(&seen), -EBADMSG);
	assert_int_equal(seen.blocks, 0);
	unlinkat(f.fd, "1s-0000000001.history", 0);
	assert_int_equal(seen_of(&seen), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocks_that_are_not_wanted_are_passed_over),
		TEST(a_walk_ends_when_it_is_told_to),
		TEST(of_a_file_that_is_set_aside_nothing_is_read),
		TEST(of_what_a_later_file_has_nothing_is_read),
		TEST(a_file_that_is_gone_or_spoiled_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
