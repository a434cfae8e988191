#include "../../tools/ringside/silence.c" /* white box: root need not go by memory */
#include "rs_test.h"
#include "target_process.h"

#define RUN_DIR "/run/ringside-silence-test"

static struct watched child;
static struct silence silence;
static struct config *config;
static char own_name[72]; /* of this program, and so of its child */

static int setup(void **state)
{
	const struct rs_header nobody = { .service = "" };
	struct capture_target target;

	(void)state;
	child = (struct watched){ .run_dir = RUN_DIR };
	watched_start(&child);
	assert_int_equal(target_read(getpid(), &nobody, &target), 0);
	memcpy(own_name, target.service, sizeof(own_name));
	assert_int_equal(config_open(&config), 0);
	return silence_open(&silence, RUN_DIR, config);
}

static int teardown(void **state)
{
	(void)state;
	watched_end(&child);
	silence_close(&silence);
	config_close(config);
	return 0;
}

static int header_open(pid_t pid, off_t *at)
{
	struct proc_maps maps;
	char path[64];

	assert_int_equal(proc_maps_read(pid, &maps), 0);
	*at = (off_t)strtoull(maps.range[0], NULL, 16);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* A segment of a process that records. */
static void child_records(void)
{
	const uint32_t on = RS_STATE_ON;
	off_t at;
	int fd;

	watched_tell(&child, WATCHED_SEGMENT);
	fd = header_open(child.pid, &at);
	assert_int_equal(pwrite(fd, &on, sizeof(on), at + (off_t)offsetof(struct rs_header, state)),
			 sizeof(on));
	close(fd);
}

/* The word, as the process itself sees it. */
static uint32_t word_of(pid_t pid)
{
	uint32_t word = 99;
	off_t at;
	int fd = header_open(pid, &at);

	assert_int_equal(pread(fd, &word, sizeof(word), at + (off_t)SILENCE_WORD), sizeof(word));
	close(fd);
	return word;
}

static void a_process_is_told_by_its_pid(void **state)
{
	struct silence_row row;

	(void)state;
	if (!may_open_mappings(RUN_DIR))
		rs_skip("mappings may not be opened here");
	child_records();
	assert_int_equal(word_of(child.pid), 0);
	silence_process(&silence, child.pid, NULL, &row);
	assert_int_equal(row.result, SILENCE_OFF);
	assert_null(row.why);
	assert_string_equal(row.service, own_name);
	assert_int_equal(word_of(child.pid), 1);
}

static void the_memory_of_a_process_is_a_way_too(void **state)
{
	struct silence_hand hand;
	struct proc_maps maps;

	(void)state;
	child_records();
	assert_int_equal(proc_maps_read(child.pid, &maps), 0);
	assert_int_equal(silence_by_memory(&silence, child.pid, maps.range[0], &hand), ACCEPT_OK);
	assert_int_equal(silence_write(&hand), SILENCE_OFF);
	close(hand.fd);
	assert_int_equal(word_of(child.pid), 1);
	watched_tell(&child, WATCHED_WRONG);
	assert_int_equal(proc_maps_read(child.pid, &maps), 0);
	assert_int_equal(silence_by_memory(&silence, child.pid, maps.range[0], &hand), ACCEPT_ABI);
	assert_int_equal(silence_by_memory(&silence, child.pid, "1000-2000", &hand), ACCEPT_GONE);
}

static void one_that_is_off_is_left_as_it_is(void **state)
{
	struct silence_hand hand = { .fd = -1 };

	(void)state;
	hand.claims.state = RS_STATE_OFF;
	assert_int_equal(silence_write(&hand), SILENCE_ALREADY);
	hand.claims.state = RS_STATE_ON;
	assert_int_equal(silence_write(&hand), SILENCE_FAILED);
}

static void who_is_not_watched_is_told_why(void **state)
{
	struct silence_row row;

	(void)state;
	silence_process(&silence, child.pid, NULL, &row);
	assert_int_equal(row.result, SILENCE_NONE);
	assert_string_equal(row.why, "it does not have the library");
	watched_end(&child);
	silence_process(&silence, 2147483647, NULL, &row);
	assert_int_equal(row.result, SILENCE_NONE);
	assert_string_equal(row.why, "there is no such process");
}

static void another_agents_process_is_left_alone(void **state)
{
	struct silence_row row;

	(void)state;
	if (!may_open_mappings(RUN_DIR))
		rs_skip("mappings may not be opened here");
	watched_end(&child);
	child = (struct watched){ .run_dir = "/run/another" };
	watched_start(&child);
	child_records();
	silence_process(&silence, child.pid, NULL, &row);
	assert_int_equal(row.result, SILENCE_NONE);
	assert_string_equal(row.why, accept_reason_text(ACCEPT_FOREIGN));
	assert_int_equal(word_of(child.pid), 0);
}

static void a_pattern_finds_its_processes_and_no_others(void **state)
{
	struct silence_row *rows;

	(void)state;
	if (!may_open_mappings(RUN_DIR))
		rs_skip("mappings may not be opened here");
	child_records();
	assert_int_equal(silence_all(&silence, "no_such_service", &rows), 0);
	assert_int_equal(silence_all(&silence, "*/no_such_program", &rows), 0);
	assert_int_equal(word_of(child.pid), 0);
	assert_int_equal(silence_all(&silence, own_name, &rows), 1);
	assert_true(rows && rows->pid == child.pid && rows->result == SILENCE_OFF);
	assert_int_equal(word_of(child.pid), 1);
	free(rows);
	assert_int_equal(silence_all(&silence, NULL, &rows), 1);
	free(rows);
}

static void a_name_that_the_configuration_gives_counts(void **state)
{
	static const char text[] =
		"{\"targets\": {\"names\": [{\"exe\": \"test_silence\", \"service\": \"shop\"}]}}";
	struct config_error error;
	struct silence_row *rows;

	(void)state;
	if (!may_open_mappings(RUN_DIR))
		rs_skip("mappings may not be opened here");
	silence_close(&silence);
	assert_int_equal(config_read(config, "test", text, sizeof(text) - 1, &error), 0);
	assert_int_equal(silence_open(&silence, RUN_DIR, config), 0);
	child_records();
	assert_int_equal(silence_all(&silence, own_name, &rows), 0);
	assert_int_equal(silence_all(&silence, "shop", &rows), 1);
	assert_int_equal(word_of(child.pid), 1);
	free(rows);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_is_told_by_its_pid),
		TEST(the_memory_of_a_process_is_a_way_too),
		TEST(one_that_is_off_is_left_as_it_is),
		TEST(who_is_not_watched_is_told_why),
		TEST(another_agents_process_is_left_alone),
		TEST(a_pattern_finds_its_processes_and_no_others),
		TEST(a_name_that_the_configuration_gives_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
