#include "../../agent/profile/handover.c" /* the broker is the test, and answers at once */
#include "rs_test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

struct fixture {
	struct handover h;
	struct symbols_file file; /* what is handed over; fd -1: nothing */
	int slots, error, result;
	uint64_t key; /* for whom it is handed over; 0: who asks */
	uint32_t seconds;
};

static int memory(void)
{
	int fd = memfd_create("handed", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int on_ask(void *ctx, uint64_t key)
{
	struct fixture *f = ctx;

	if (f->file.fd >= 0)
		handover_file_put(&f->h, f->key ? f->key : key, &f->file);
	handover_files_end(&f->h, key + 1); /* somebody else's */
	if (!f->result)
		handover_files_end(&f->h, key);
	return f->result;
}

static int on_unwind(void *ctx, uint64_t key, uint32_t seconds)
{
	struct fixture *f = ctx;

	f->seconds = seconds;
	if (seconds && !f->result)
		handover_slots_put(&f->h, f->key ? f->key : key, f->slots, f->error);
	return f->result;
}

static int on_offcpu(void *ctx, uint64_t key, uint32_t seconds)
{
	struct fixture *f = ctx;

	f->seconds = seconds;
	handover_slots_put(&f->h, key, memory(), 0); /* not what is asked for: closed */
	handover_rows_put(&f->h, key, seconds ? -1 : f->slots, f->error);
	return f->result;
}

static void fixture_open(struct fixture *f)
{
	*f = (struct fixture){ .file.fd = -1, .slots = -1 };
	f->h.ask = on_ask;
	f->h.unwind = on_unwind;
	f->h.offcpu = on_offcpu;
	f->h.ctx = f;
	handover_init(&f->h);
}

static void files_come_to_who_asked(void **state)
{
	static struct handover_files files;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.file.fd = memory();
	assert_null(handover_files(&f.h, 7, &files));
	assert_int_equal(files.count, 1);
	assert_int_equal(files.files[0].fd, f.file.fd);
	assert_true(is_open(f.file.fd));
	handover_close(&files);
	assert_false(is_open(f.file.fd));
	assert_int_equal(files.count, 0);
	handover_fini(&f.h);
}

static void what_comes_for_nobody_is_closed(void **state)
{
	static struct handover_files files;
	struct fixture f;
	int late = memory();

	(void)state;
	fixture_open(&f);
	f.file.fd = memory();
	f.key = 8;
	assert_non_null(strstr(handover_files(&f.h, 7, &files), "has ended"));
	assert_false(is_open(f.file.fd));
	handover_slots_put(&f.h, 7, late, 0); /* nobody asks for slots */
	assert_false(is_open(late));
	f.file.fd = memory();
	handover_file_put(&f.h, 7, &f.file); /* nobody asks for files */
	assert_false(is_open(f.file.fd));
	handover_fini(&f.h);
}

static void a_broker_that_is_behind_is_told(void **state)
{
	static struct handover_files files;
	struct fixture f;
	int slots;

	(void)state;
	fixture_open(&f);
	f.result = -EAGAIN;
	assert_non_null(strstr(handover_files(&f.h, 7, &files), "could not be asked"));
	assert_int_equal(handover_slots(&f.h, 7, 5, &slots), -EAGAIN);
	assert_int_equal(slots, -1);
	handover_fini(&f.h);
}

static void slots_come_or_the_reason(void **state)
{
	struct fixture f;
	int slots;

	(void)state;
	fixture_open(&f);
	f.slots = memory();
	assert_int_equal(handover_slots(&f.h, 7, 5, &slots), 0);
	assert_int_equal(f.seconds, 5);
	assert_int_equal(slots, f.slots);
	assert_true(is_open(slots));
	close(slots);
	handover_slots_end(&f.h, 7);
	assert_int_equal(f.seconds, 0);
	f.slots = -1;
	f.error = -EPERM;
	assert_int_equal(handover_slots(&f.h, 7, 5, &slots), -EPERM);
	assert_int_equal(slots, -1);
	handover_fini(&f.h);
}

static void rows_come_when_they_are_asked_for_after_their_begin(void **state)
{
	struct fixture f;
	int rows;

	(void)state;
	fixture_open(&f);
	f.slots = memory();
	assert_int_equal(handover_rows_begin(&f.h, 7, 5), 0);
	assert_int_equal(f.seconds, 5);
	assert_int_equal(handover_rows(&f.h, 7, &rows), 0);
	assert_int_equal(f.seconds, 0);
	assert_int_equal(rows, f.slots);
	assert_true(is_open(rows));
	close(rows);
	f.slots = -1; /* an answer without what was asked for */
	assert_int_equal(handover_rows(&f.h, 7, &rows), -EPROTO);
	f.error = -ENOENT;
	assert_int_equal(handover_rows(&f.h, 7, &rows), -ENOENT);
	assert_int_equal(handover_rows_begin(&f.h, 7, 5), -ENOENT);
	handover_fini(&f.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_to_who_asked),
		cmocka_unit_test(what_comes_for_nobody_is_closed),
		cmocka_unit_test(a_broker_that_is_behind_is_told),
		cmocka_unit_test(slots_come_or_the_reason),
		cmocka_unit_test(rows_come_when_they_are_asked_for_after_their_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
