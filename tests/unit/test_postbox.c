#include "../../agent/send/postbox.c" /* white box: lines written by hand */
#include "rs_test.h"

#include <signal.h>
#include <sys/resource.h>

static const struct postbox_names names = { { "log", "ops", "mail" }, 3 };
static char folder[32];
static struct scribe *scribe;
static struct postbox *p;

static struct notice notice(uint64_t sequence)
{
	return (struct notice){ .sequence = sequence, .id = 7, .rule = "slow", .value = 2.5 };
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_postbox_XXXXXX");
	if (!mkdtemp(folder) || scribe_open(&scribe, folder))
		return -1;
	return postbox_open(&p, scribe, &names);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	postbox_close(p);
	scribe_close(scribe);
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", folder, folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

/* The agent was killed and comes back. */
static void again(void)
{
	postbox_close(p);
	assert_int_equal(postbox_open(&p, scribe, &names), 0);
}

/* It has to write into this folder. */
static void move(const char *to)
{
	scribe_close(scribe);
	assert_int_equal(scribe_open(&scribe, to), 0);
	p->scribe = scribe;
	p->number = 0;
}

static const struct postbox_entry *first(uint32_t channel)
{
	static const struct postbox_entry none;
	const struct postbox_entry *entry = postbox_first(p, channel);

	return entry ? entry : &none; /* whose sequence is 0 */
}

static void put(uint64_t sequence, uint32_t channels)
{
	struct notice n = notice(sequence);

	assert_int_equal(postbox_put(p, &n, channels), 0);
}

static char *contents(size_t *length)
{
	char path[64];
	static char bytes[1 << 20];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" POSTBOX_FILE, folder);
	file = fopen(path, "r");
	assert_non_null(file);
	*length = fread(bytes, 1, sizeof(bytes) - 1, file);
	bytes[*length] = '\0';
	fclose(file);
	return bytes;
}

static void replace(const char *bytes, size_t length)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" POSTBOX_FILE, folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void what_waits_survives_a_kill(void **state)
{
	(void)state;
	put(1, 6);
	put(2, 2);
	assert_int_equal(postbox_done(p, 1, 1), 0);
	again();
	assert_int_equal(postbox_waiting(p, 1), 1);
	assert_int_equal(postbox_waiting(p, 2), 1);
	assert_int_equal(first(1)->notice.sequence, 2);
	assert_int_equal(first(2)->notice.sequence, 1);
	assert_string_equal(first(2)->notice.rule, "slow");
	assert_true(first(2)->notice.value == 2.5);
	assert_int_equal(postbox_done(p, 1, 2), 0);
	assert_int_equal(postbox_done(p, 2, 1), 0);
	assert_int_equal(postbox_done(p, 2, 1), 0); /* twice is no harm */
	again();
	assert_int_equal(p->count, 0);
	assert_int_equal(p->damaged, 0);
}

static void what_is_begun_is_so_for_good(void **state)
{
	(void)state;
	put(1, 6);
	put(2, 6);
	postbox_begin(p, 1, 1, 1234);
	assert_true(postbox_is_settled(p));
	assert_int_equal(p->error, 0);
	assert_int_equal(first(1)->notice.sequence, 2);
	again();
	assert_int_equal(first(1)->notice.sequence, 2);
	assert_int_equal(first(2)->notice.sequence, 1);
	assert_int_equal(p->begun_ms[1], 1234);
	postbox_begin(p, 0, 2, 99); /* of no notice */
	assert_int_equal(first(2)->notice.sequence, 1);
	again();
	again(); /* written anew as a whole */
	assert_int_equal(p->begun_ms[0], 0);
	assert_int_equal(p->begun_ms[1], 1234);
	assert_int_equal(p->begun_ms[2], 99);
	assert_int_equal(p->damaged, 0);
	move("/there/is/no/such/folder");
	postbox_begin(p, 2, 1, 5678);
	assert_true(postbox_is_settled(p));
	assert_int_equal(p->error, -ENOENT);
}

static void what_waits_for_a_name_waits_on_under_it(void **state)
{
	static const struct postbox_names others = { { "log", "mail", "new", "ops" }, 4 };

	(void)state;
	put(1, 6); /* ops and mail */
	put(2, 2); /* ops */
	put(3, 1); /* the log, which is there still */
	p->dropped[1] = 5;
	postbox_begin(p, 0, 2, 77);
	assert_int_equal(postbox_rename(p, &others), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(postbox_waiting(p, 0), 1);
		assert_int_equal(postbox_waiting(p, 1), 1);
		assert_int_equal(postbox_waiting(p, 2), 0);
		assert_int_equal(postbox_waiting(p, 3), 2);
		assert_int_equal(p->begun_ms[1], 77);
		assert_int_equal(p->dropped[3], i ? 0 : 5);
		postbox_close(p);
		assert_int_equal(postbox_open(&p, scribe, &others), 0);
	}
	assert_int_equal(postbox_rename(p, &(struct postbox_names){ { "ops" }, 1 }), 0);
	assert_int_equal(p->count, 2);
	assert_int_equal(first(0)->notice.sequence, 1);
}

static void one_that_comes_again_is_not_taken_twice(void **state)
{
	struct notice n = notice(5);

	(void)state;
	put(5, 2);
	again();
	n.again = true;
	assert_int_equal(postbox_put(p, &n, 2), 0);
	assert_int_equal(postbox_waiting(p, 1), 1);
	postbox_done(p, 5, 1);
	again();
	assert_int_equal(postbox_put(p, &n, 2), 0);
	assert_int_equal(postbox_waiting(p, 1), 0);
	n.sequence = 6; /* decided, and killed before it came here */
	assert_int_equal(postbox_put(p, &n, 2), 0);
	assert_int_equal(postbox_waiting(p, 1), 1);
}

static void numbers_that_begin_anew_are_news(void **state)
{
	struct notice n = notice(2);

	(void)state;
	put(900, 2);
	postbox_done(p, 900, 1);
	put(1, 2); /* the state of alerts was lost, and counts from 1 */
	again();
	n.again = true;
	assert_int_equal(postbox_put(p, &n, 2), 0);
	assert_int_equal(postbox_waiting(p, 1), 2);
}

static void of_two_of_one_number_each_has_its_end(void **state)
{
	(void)state;
	put(50, 2);
	put(50, 6); /* numbers began anew */
	postbox_done(p, 50, 2);
	assert_int_equal(first(2)->notice.sequence, 0);
	assert_int_equal(postbox_waiting(p, 1), 2);
	again();
	assert_int_equal(first(2)->notice.sequence, 0);
	postbox_done(p, 50, 1);
	postbox_done(p, 50, 1);
	assert_int_equal(first(1)->notice.sequence, 0);
}

static void a_line_cut_off_costs_itself_alone(void **state)
{
	size_t length, first;
	char *bytes;

	(void)state;
	put(1, 2);
	contents(&first);
	for (size_t cut = 1;; cut += 9) { /* bytes of the second line that are left */
		put(2, 2);
		bytes = contents(&length);
		assert_true(length > first + 200);
		if (first + cut >= length)
			break;
		replace(bytes, first + cut);
		again();
		assert_int_equal(postbox_waiting(p, 1), 1);
		assert_int_equal(p->damaged, 0);
		bytes = contents(&first); /* mended: the next line begins at the beginning of one */
		assert_int_equal(bytes[first - 1], '\n');
	}
	again();
	assert_int_equal(postbox_waiting(p, 1), 2);
}

static void a_damaged_line_costs_itself_alone(void **state)
{
	size_t length;
	char *bytes;

	(void)state;
	put(1, 2);
	put(2, 2);
	put(3, 2);
	bytes = contents(&length);
	strstr(bytes, "\"sequence\":2")[12] = '9';
	replace(bytes, length);
	again();
	assert_int_equal(p->damaged, 1);
	assert_int_equal(p->place.line, 3); /* behind what all that is past was said to be */
	assert_int_equal(p->place.byte, strchr(strchr(bytes, '\n') + 1, '\n') + 1 - bytes);
	assert_int_equal(postbox_waiting(p, 1), 2);
	assert_int_equal(first(1)->notice.sequence, 1);
	memset(bytes, 0xff, length);
	replace(bytes, length);
	again();
	assert_int_equal(p->count, 0);
	put(4, 2);
	again();
	assert_int_equal(postbox_waiting(p, 1), 1);
}

static void a_channel_that_is_full_loses_its_oldest(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= POSTBOX_WAITING; i++)
		put(i, 6);
	assert_int_equal(p->dropped[1], 0);
	for (uint64_t i = 1; i <= POSTBOX_WAITING; i++)
		postbox_done(p, i, 2); /* the other is not held up */
	put(POSTBOX_WAITING + 1, 6);
	assert_int_equal(p->dropped[1], 1);
	assert_int_equal(p->dropped[2], 0);
	assert_int_equal(postbox_waiting(p, 1), POSTBOX_WAITING);
	assert_int_equal(first(1)->notice.sequence, 1); /* it may be under way */
	postbox_done(p, 1, 1);
	assert_int_equal(first(1)->notice.sequence, 3);
	again();
	assert_int_equal(first(1)->notice.sequence, 3);
	assert_int_equal(postbox_waiting(p, 2), 1);
}

static void a_channel_that_is_no_more_waits_for_nothing(void **state)
{
	static const struct postbox_names fewer = { { "log", "mail" }, 2 };

	(void)state;
	put(1, 6);
	put(2, 2);
	postbox_close(p);
	assert_int_equal(postbox_open(&p, scribe, &fewer), 0);
	assert_int_equal(p->count, 1);
	assert_int_equal(first(1)->notice.sequence, 1);
}

static void a_file_of_the_past_is_written_anew(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 3000; i++) {
		put(i, 2);
		postbox_done(p, i, 1);
	}
	assert_true(p->bytes < POSTBOX_ANEW + 4096);
	put(3001, 2);
	again();
	assert_int_equal(postbox_waiting(p, 1), 1);
	assert_int_equal(p->last, 3001);
}

static void without_a_disk_it_works_on_in_memory(void **state)
{
	(void)state;
	put(1, 2);
	move("/nonexistent");
	put(2, 2);
	postbox_sync(p);
	assert_int_equal(postbox_waiting(p, 1), 2);
	assert_true(postbox_is_settled(p)); /* it cannot be said better than in memory */
	assert_int_equal(p->error, -ENOENT);
	postbox_second(p);
	assert_true(postbox_is_settled(p));
	assert_int_equal(p->error, -ENOENT);
	move(folder); /* there is room again */
	postbox_second(p);
	assert_true(postbox_is_settled(p));
	assert_int_equal(p->error, 0);
	again();
	assert_int_equal(postbox_waiting(p, 1), 2);
}

static void a_line_cut_short_by_a_full_disk_is_written_again(void **state)
{
	struct rlimit before, few;

	(void)state;
	put(1, 2);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	few = (struct rlimit){ p->bytes + 10, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	put(2, 2);
	assert_true(postbox_is_settled(p));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(p->error, -EFBIG);
	put(3, 2);
	assert_true(postbox_is_settled(p));
	assert_int_equal(p->error, 0);
	again();
	assert_int_equal(p->damaged, 0);
	assert_int_equal(postbox_waiting(p, 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_waits_survives_a_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_begun_is_so_for_good, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_for_a_name_waits_on_under_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_that_comes_again_is_not_taken_twice, setup,
						teardown),
		cmocka_unit_test_setup_teardown(numbers_that_begin_anew_are_news, setup, teardown),
		cmocka_unit_test_setup_teardown(of_two_of_one_number_each_has_its_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_line_cut_off_costs_itself_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_line_costs_itself_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_channel_that_is_full_loses_its_oldest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_channel_that_is_no_more_waits_for_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_of_the_past_is_written_anew, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_line_cut_short_by_a_full_disk_is_written_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_disk_it_works_on_in_memory, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
