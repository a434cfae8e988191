#include "../../agent/taps.c" /* the test itself is the process that is tapped, and looked at */
#include "child.h"
#include "filter.h"
#include "tls_fixture.h"
#include "tls_kind.h"
#include "uprobes.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

static struct probe_filter *filter;
static struct http *http;
static struct outbox outbox;
static struct taps taps;

static int test_setup(void **state)
{
	struct probe_state now;

	(void)state;
	if (!probe_filter_open(&filter))
		http_open(&http, HTTP_SOCKETS, filter, &now);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	http_close(http);
	probe_filter_close(filter);
	return 0;
}

static void fixture_open(void)
{
	outbox_init(&outbox, -1);
	taps_open(&taps, &outbox, filter);
}

static void fixture_close(void)
{
	taps_close(&taps);
	taps_close(&taps);
	outbox_fini(&outbox);
}

static uint32_t state_of(const char *name)
{
	for (uint32_t i = 0; i < outbox.facility_count; i++)
		if (!strcmp(outbox.facilities[i].name, name))
			return outbox.facilities[i].state;
	return FACILITY_STATES;
}

/* Until its file was looked at, and what was found there is used. */
static void step_until_tapped(void)
{
	for (int i = 0; i < 2000 && !taps.processes[0].tapped; i++) {
		taps_step(&taps, http, 1000);
		poll(NULL, 0, 10);
	}
	assert_true(taps.processes[0].tapped);
}

static void a_process_is_tapped_where_its_functions_are(void **state)
{
	(void)state;
	if (!http || SANITIZED)
		rs_skip("bpf() is refused here, or the jail has no room for a sanitizer");
	fixture_open();
	assert_int_equal(state_of("tls_call"), FACILITY_IDLE);
	taps_watch(&taps, getpid());
	taps_watch(&taps, getpid());
	assert_int_equal(taps.count, 1);
	step_until_tapped();
	assert_true(tls_any(taps.tls));
	assert_int_equal(taps.processes[0].due_ns, UINT64_MAX); /* and that is all */
	taps_second(&taps);
	assert_int_equal(state_of("tls_call"), FACILITY_LOADED);
	taps_forget(&taps, getpid());
	assert_null(taps.tls);
	assert_int_equal(state_of("tls_call"), FACILITY_IDLE);
	fixture_close();
}

static void a_file_is_looked_at_once(void **state)
{
	(void)state;
	if (!http || SANITIZED)
		rs_skip("bpf() is refused here, or the jail has no room for a sanitizer");
	fixture_open();
	taps_watch(&taps, getpid());
	step_until_tapped();
	taps_forget(&taps, getpid());
	taps_watch(&taps, getpid());
	taps_step(&taps, http, 1000);
	assert_int_equal(taps.asking.pid, 0);
	assert_true(taps.processes[0].tapped);
	taps_rest(&taps);
	assert_int_equal(taps.count, 0);
	assert_null(taps.tls);
	fixture_close();
}

struct late {
	int calls, good; /* so many of them come in time */
};

static int late_attach(void *ctx, const struct uprobes *u)
{
	struct late *late = ctx;

	(void)u;
	return ++late->calls <= late->good ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -ETIMEDOUT;
}

static void late_detach(void *ctx, int link)
{
	(void)ctx;
	close(link);
}

static bool late_waits(void *ctx)
{
	(void)ctx;
	return false;
}

/* Of what came in time nothing stays: all of it is tried again. */
static void what_is_too_late_is_put_there_in_the_end(void **state)
{
	struct late ctx = { .good = 1 };
	const struct uprobes_maker late = { late_attach, late_detach, late_waits, &ctx };

	(void)state;
	if (!http || SANITIZED)
		rs_skip("bpf() is refused here, or the jail has no room for a sanitizer");
	fixture_open();
	uprobes_maker_set(&late);
	taps_watch(&taps, getpid());
	for (int i = 0; i < 2000 && ctx.calls < 2; i++) {
		taps_step(&taps, http, 1000);
		poll(NULL, 0, 10);
	}
	assert_int_equal(ctx.calls, 2);
	assert_false(taps.processes[0].tapped);
	assert_false(tls_any(taps.tls));
	assert_int_equal(taps.processes[0].due_ns, 1000 + TAPS_FIRST_NS);
	taps_second(&taps);
	assert_int_equal(state_of("tls_call"), FACILITY_REFUSED);
	uprobes_maker_set(NULL);
	taps_step(&taps, http, 1000 + TAPS_FIRST_NS);
	assert_true(taps.processes[0].tapped);
	taps_second(&taps);
	assert_int_equal(state_of("tls_call"), FACILITY_LOADED);
	taps_again(&taps); /* whoever held the links has ended */
	assert_false(taps.processes[0].tapped);
	taps_step(&taps, http, 1000 + TAPS_FIRST_NS);
	assert_true(tls_any(taps.tls));
	fixture_close();
}

/* The program's, and a library's beside it, of which there is time for one. */
static void of_two_files_both_are_tried_again(void **state)
{
	struct late ctx = { .good = 2 };
	const struct uprobes_maker late = { late_attach, late_detach, late_waits, &ctx };
	char path[] = "/tmp/libssl.XXXXXX";
	int file = mkstemp(path);
	struct taps_file other;
	void *mapped;

	(void)state;
	if (!http || SANITIZED)
		rs_skip("bpf() is refused here, or the jail has no room for a sanitizer");
	assert_int_equal(ftruncate(file, 4096), 0);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	assert_true(mapped != MAP_FAILED && taps_identity_read(file, &other.is));
	fixture_open();
	taps_watch(&taps, getpid());
	uprobes_maker_set(&late);
	other.sites = (struct sites){ .count = 1 };
	other.sites.at[0] = (struct site){ .cookie = TLS_READ, .role = TLS_C_CALL };
	taps.files[taps.file_count++] = other;
	for (int i = 0; i < 2000 && ctx.calls < 3; i++) {
		taps_step(&taps, http, 1000);
		poll(NULL, 0, 10);
	}
	assert_int_equal(ctx.calls, 3);
	assert_false(taps.processes[0].tapped);
	assert_false(tls_any(taps.tls));
	uprobes_maker_set(NULL);
	munmap(mapped, 4096);
	close(file);
	unlink(path);
	fixture_close();
}

/* Ever more rarely: it may load one. */
static void a_process_without_a_library_is_looked_at_again(void **state)
{
	struct taps_identity is;
	int file = self_open();

	(void)state;
	fixture_open();
	taps.filter = (const struct probe_filter *)(const void *)&outbox; /* it is not used */
	taps_watch(&taps, getpid());
	assert_true(taps_identity_read(file, &is));
	taps.files[taps.file_count++] = (struct taps_file){ .is = is };
	taps_step(&taps, (struct http *)(void *)&outbox, 1000);
	assert_false(taps.processes[0].tapped);
	assert_int_equal(taps.processes[0].due_ns, 1000 + TAPS_FIRST_NS);
	assert_int_equal(taps.processes[0].wait_ns, 2 * TAPS_FIRST_NS);
	taps_step(&taps, (struct http *)(void *)&outbox, 2000); /* not yet */
	assert_int_equal(taps.processes[0].wait_ns, 2 * TAPS_FIRST_NS);
	close(file);
	fixture_close();
}

/* As it would be on a disk that does not answer. */
static void whoever_looks_too_long_is_ended(void **state)
{
	struct http *some = (struct http *)(void *)&outbox; /* it is not used */
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		alarm(60);
		pause();
		_exit(0);
	}
	fixture_open();
	taps.asking = (struct places){ .pid = pid,
				       .answer = memfd_create("answer", MFD_CLOEXEC),
				       .until_ns = 5000 };
	taps.asked.inode = 7;
	taps_step(&taps, some, 4999);
	assert_int_equal(taps.asking.pid, pid);
	taps_step(&taps, some, 5000);
	assert_int_equal(taps.asking.pid, 0);
	assert_int_equal(waitpid(pid, NULL, 0), -1);
	assert_non_null(taps_known(&taps, &taps.asked)); /* it is not looked at again */
	assert_int_equal(taps.files[0].sites.count, 0);
	fixture_close();
}

/* Whose file is new each time would keep all others waiting. */
static void who_has_a_file_looked_at_comes_last(void **state)
{
	(void)state;
	if (geteuid() != 0)
		rs_skip("map_files needs CAP_CHECKPOINT_RESTORE");
	fixture_open();
	taps.filter = (const struct probe_filter *)(const void *)&outbox; /* it is not used */
	taps_watch(&taps, getpid());
	taps_watch(&taps, INT32_MAX); /* nobody */
	taps_step(&taps, (struct http *)(void *)&outbox, 1000);
	assert_int_not_equal(taps.asking.pid, 0);
	assert_int_equal(taps.next, 1);
	taps_rest(&taps);
	assert_int_equal(taps.asking.pid, 0);
	fixture_close();
}

static void the_program_and_its_library_may_have_one(void **state)
{
	struct taps_walk w = { .exe = "/opt/a/long/path/to/a/server" };
	struct mapped_file file = { .name = "/usr/lib/x86_64-linux-gnu/libssl.so.3" };

	(void)state;
	assert_true(taps_may_have_one(&w, &file));
	strcpy(file.name, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	assert_false(taps_may_have_one(&w, &file));
	strcpy(file.name, "path/to/a/server"); /* cut */
	assert_true(taps_may_have_one(&w, &file));
	strcpy(file.name, "");
	assert_false(taps_may_have_one(&w, &file));
}

static void without_bpf_nobody_is_looked_at(void **state)
{
	(void)state;
	outbox_init(&outbox, -1);
	taps_open(&taps, &outbox, NULL);
	taps_watch(&taps, getpid());
	assert_int_equal(taps.count, 0);
	taps_step(&taps, NULL, 1);
	taps_second(&taps);
	taps_forget(&taps, getpid());
	fixture_close();
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_tapped_where_its_functions_are),
		cmocka_unit_test(a_file_is_looked_at_once),
		cmocka_unit_test(what_is_too_late_is_put_there_in_the_end),
		cmocka_unit_test(of_two_files_both_are_tried_again),
		cmocka_unit_test(a_process_without_a_library_is_looked_at_again),
		cmocka_unit_test(whoever_looks_too_long_is_ended),
		cmocka_unit_test(who_has_a_file_looked_at_comes_last),
		cmocka_unit_test(the_program_and_its_library_may_have_one),
		cmocka_unit_test(without_bpf_nobody_is_looked_at),
	};

	if (count == 2)
		return child_main(arguments[1]);
	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
