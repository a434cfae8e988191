#include "../../agent/drain/checkpoint.c" /* white box: the halves of the file */
#include "drain_fixture.h"

static const char boot[CHECKPOINT_BOOT_BYTES] = "the boot of this test";
static const char other_boot[CHECKPOINT_BOOT_BYTES] = "another one";

struct bench {
	char path[64];
	struct checkpoint *c;
};

static void bench_start(struct bench *b)
{
	int fd;

	strcpy(b->path, "/tmp/ringside-checkpoint-XXXXXX");
	fd = mkstemp(b->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(checkpoint_open(&b->c, b->path, boot), 0);
}

static void bench_again(struct bench *b)
{
	checkpoint_close(b->c);
	assert_int_equal(checkpoint_open(&b->c, b->path, boot), 0);
}

static void bench_end(struct bench *b)
{
	checkpoint_close(b->c);
	unlink(b->path);
}

static struct checkpoint_entry bench_entry(int32_t pid, uint64_t requests)
{
	struct checkpoint_entry entry = { .start_ticks = 5, .inode = 6, .pid = pid, .lanes = 2 };

	entry.booked.word[SEGMENT_WORD(requests)] = requests;
	return entry;
}

static const uint64_t bench_tails[RS_LANES + 1] = { 10, 20, 30 };

/* One process, and a blob that is this number. */
static void bench_save(struct bench *b, uint64_t number)
{
	struct checkpoint_entry entry = bench_entry(70, number);
	void *room = checkpoint_begin(b->c);

	memcpy(room, &number, sizeof(number));
	assert_int_equal(checkpoint_put(b->c, &entry, bench_tails), 0);
	assert_int_equal(checkpoint_end(b->c, sizeof(number)), 0);
}

/* What a new agent finds: the number, 0 for nothing; blob and entry are of one moment. */
static uint64_t bench_found(struct bench *b)
{
	const struct checkpoint_entry *entry;
	const uint64_t *blob;
	uint64_t number = 0;
	size_t bytes;

	bench_again(b);
	blob = checkpoint_blob(b->c, &bytes);
	if (!blob)
		return 0;
	assert_int_equal(bytes, sizeof(number));
	memcpy(&number, blob, sizeof(number));
	entry = checkpoint_take(b->c, 70, 5, 6);
	assert_non_null(entry);
	assert_int_equal(entry->booked.word[SEGMENT_WORD(requests)], number);
	assert_memory_equal(checkpoint_tails(entry), bench_tails, 3 * sizeof(uint64_t));
	return number;
}

static void bench_flip(const struct bench *b, uint64_t at)
{
	int fd = open(b->path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

static void the_newest_is_found(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	assert_int_equal(bench_found(&b), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		bench_save(&b, 100 + i);
		assert_int_equal(bench_found(&b), 100 + i);
	}
	bench_end(&b);
}

static void an_entry_is_taken_once_and_by_the_whole_identity(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_save(&b, 1);
	bench_again(&b);
	assert_null(checkpoint_take(b.c, 71, 5, 6));
	assert_null(checkpoint_take(b.c, 70, 4, 6));
	assert_null(checkpoint_take(b.c, 70, 5, 7));
	assert_non_null(checkpoint_take(b.c, 70, 5, 6));
	assert_null(checkpoint_take(b.c, 70, 5, 6));
	bench_end(&b);
}

static void many_are_found_in_any_order(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	checkpoint_begin(b.c);
	for (int32_t pid = 1; pid <= 3000; pid++) {
		struct checkpoint_entry entry = bench_entry(pid, (uint64_t)pid);

		entry.lanes = (uint32_t)pid % (RS_LANES + 1);
		assert_int_equal(checkpoint_put(b.c, &entry, bench_tails), 0);
	}
	assert_int_equal(checkpoint_end(b.c, 0), 0);
	bench_again(&b);
	for (int32_t i = 0; i < 3000; i++) {
		int32_t pid = i * 1789 % 3000 + 1;
		const struct checkpoint_entry *entry = checkpoint_take(b.c, pid, 5, 6);

		assert_non_null(entry);
		assert_int_equal(entry->booked.word[SEGMENT_WORD(requests)], pid);
	}
	bench_end(&b);
}

static void a_bad_half_leaves_the_other_one(void **state)
{
	static const uint64_t places[] = {
		0, 8, 16, 30, CHECKPOINT_HEAD_BYTES + 3, CHECKPOINT_ENTRIES_AT + 40
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct bench b;

		bench_start(&b);
		bench_save(&b, 1);
		bench_save(&b, 2);
		bench_save(&b, 3); /* in half 1 */
		bench_flip(&b, CHECKPOINT_HALF_BYTES + places[i]);
		assert_int_equal(bench_found(&b), 2);
		bench_save(&b, 4);
		assert_int_equal(bench_found(&b), 4);
		bench_end(&b);
	}
}

static void two_bad_halves_are_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_save(&b, 1);
	bench_save(&b, 2);
	bench_flip(&b, CHECKPOINT_HEAD_BYTES);
	bench_flip(&b, CHECKPOINT_HALF_BYTES + CHECKPOINT_HEAD_BYTES);
	assert_int_equal(bench_found(&b), 0);
	bench_end(&b);
}

static void what_another_boot_left_is_not_taken(void **state)
{
	struct bench b;
	size_t bytes;

	(void)state;
	bench_start(&b);
	bench_save(&b, 1);
	checkpoint_close(b.c);
	assert_int_equal(checkpoint_open(&b.c, b.path, other_boot), 0);
	assert_null(checkpoint_blob(b.c, &bytes));
	assert_null(checkpoint_take(b.c, 70, 5, 6));
	bench_end(&b);
}

/* A head with a right sum, but of another make. */
static void bench_forge(struct bench *b, size_t at, uint64_t value, size_t bytes)
{
	struct checkpoint_head head;
	uint8_t *half = b->c->halves[b->c->serial % 2];

	memcpy(&head, half, sizeof(head));
	memcpy((uint8_t *)&head + at, &value, bytes);
	head.sum =
		checkpoint_sum(&head, half + CHECKPOINT_HEAD_BYTES, half + CHECKPOINT_ENTRIES_AT);
	memcpy(half, &head, sizeof(head));
}

static void what_another_version_left_is_not_taken(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_save(&b, 1);
	bench_forge(&b, offsetof(struct checkpoint_head, version), CHECKPOINT_VERSION + 1, 4);
	assert_int_equal(bench_found(&b), 0);
	bench_save(&b, 1);
	bench_forge(&b, offsetof(struct checkpoint_head, words), SEGMENT_WORDS + 1, 4);
	assert_int_equal(bench_found(&b), 0);
	bench_save(&b, 1);
	bench_forge(&b, offsetof(struct checkpoint_head, entries_bytes), 8, 8);
	assert_int_equal(bench_found(&b), 0);
	bench_end(&b);
}

static void without_its_end_the_last_one_stands(void **state)
{
	struct checkpoint_entry entry = bench_entry(70, 9);
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_save(&b, 1);
	bench_save(&b, 2);
	memset(checkpoint_begin(b.c), 7, CHECKPOINT_BLOB_BYTES);
	assert_int_equal(checkpoint_put(b.c, &entry, bench_tails), 0);
	assert_int_equal(bench_found(&b), 2);
	bench_end(&b);
}

static void who_was_not_found_again_is_kept_until_forgotten(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_save(&b, 7);
	for (int i = 0; i < 2; i++) {
		bench_again(&b);
		checkpoint_forget_blob(b.c);
		checkpoint_begin(b.c);
		assert_int_equal(checkpoint_end(b.c, 0), 0);
	}
	bench_again(&b);
	checkpoint_forget(b.c);
	checkpoint_begin(b.c);
	assert_int_equal(checkpoint_end(b.c, 0), 0);
	bench_again(&b);
	assert_null(checkpoint_take(b.c, 70, 5, 6));
	bench_end(&b);
}

static void too_many_do_not_fit_and_the_last_one_stands(void **state)
{
	struct checkpoint_entry entry = bench_entry(1, 1);
	struct bench b;
	uint32_t put = 0;

	(void)state;
	bench_start(&b);
	bench_save(&b, 5);
	checkpoint_begin(b.c);
	entry.lanes = RS_LANES;
	while (checkpoint_put(b.c, &entry, bench_tails) == 0)
		put++;
	assert_in_range(put, 10000, 16384);
	assert_int_equal(checkpoint_end(b.c, 0), -ENOSPC);
	assert_int_equal(bench_found(&b), 5);
	bench_end(&b);
}

static void two_agents_cannot_keep_theirs_in_one_file(void **state)
{
	struct checkpoint *second;
	struct bench b;

	(void)state;
	bench_start(&b);
	assert_int_equal(checkpoint_open(&second, b.path, boot), -EBUSY);
	assert_null(second);
	bench_end(&b);
}

static void what_is_no_file_is_refused(void **state)
{
	struct checkpoint *c;

	(void)state;
	assert_int_equal(checkpoint_open(&c, "/nowhere/at/all", boot), -ENOENT);
	assert_int_equal(checkpoint_open(&c, "/tmp", boot), -EISDIR);
	assert_int_equal(checkpoint_open(&c, "/dev/null", boot), -EINVAL);
}

static void any_bytes_at_all_are_nothing(void **state)
{
	uint64_t words[2048], seed = 88172645463325252u;
	struct bench b;
	int fd;

	(void)state;
	bench_start(&b);
	fd = open(b.path, O_RDWR);
	for (size_t i = 0; i < 2048; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		words[i] = seed;
	}
	assert_int_equal(pwrite(fd, words, sizeof(words), 0), sizeof(words));
	assert_int_equal(ftruncate(fd, sizeof(words)), 0);
	close(fd);
	assert_int_equal(bench_found(&b), 0);
	bench_save(&b, 1);
	assert_int_equal(bench_found(&b), 1);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_is_found),
		cmocka_unit_test(an_entry_is_taken_once_and_by_the_whole_identity),
		cmocka_unit_test(many_are_found_in_any_order),
		cmocka_unit_test(a_bad_half_leaves_the_other_one),
		cmocka_unit_test(two_bad_halves_are_nothing),
		cmocka_unit_test(what_another_boot_left_is_not_taken),
		cmocka_unit_test(what_another_version_left_is_not_taken),
		cmocka_unit_test(without_its_end_the_last_one_stands),
		cmocka_unit_test(who_was_not_found_again_is_kept_until_forgotten),
		cmocka_unit_test(too_many_do_not_fit_and_the_last_one_stands),
		cmocka_unit_test(two_agents_cannot_keep_theirs_in_one_file),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(any_bytes_at_all_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
