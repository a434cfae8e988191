#include "../../agent/runtime_files.c" /* the test itself is the child that it starts */
#include "elf_fixture.h"
#include "jailed.h"
#include "probe.h"

#include <poll.h>

static struct probe_filter *filter; /* NULL: bpf() is refused here */

static void steps(struct runtime_files *f, uint32_t i)
{
	for (int n = 0; n < 4000 && f->at[i].why == RUNTIME_UNKNOWN; n++) {
		runtime_files_step(f, 0);
		poll(NULL, 0, 5);
	}
}

static int python_fd(void)
{
	struct elf_fixture e;

	elf_python(&e);
	return elf_memfd(&e, e.length);
}

static void a_file_has_one_place_until_its_last_user_goes(void **state)
{
	struct runtime_files f;
	int fd = python_fd(), again = dup(fd), other = python_fd();

	(void)state;
	runtime_files_init(&f, -EPERM);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	assert_int_equal(runtime_files_get(&f, again, RUNTIME_PYTHON), 0);
	assert_int_equal(runtime_files_get(&f, other, RUNTIME_PYTHON), 1);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_RUBY), 2); /* looked into as that, too */
	assert_int_equal(f.at[0].users, 2);
	runtime_files_put(&f, 0);
	assert_int_equal(f.at[0].users, 1);
	runtime_files_put(&f, 0);
	assert_int_equal(f.at[0].users, 0);
	assert_int_equal(runtime_files_get(&f, other, RUNTIME_PYTHON), 1);
	for (uint32_t i = 0; i < RUNTIME_FILES + 2; i++) {
		int more = python_fd(), got = runtime_files_get(&f, more, RUNTIME_PYTHON);

		close(more);
		assert_true(got == -ENOSPC || got < (int)RUNTIME_FILES);
		assert_int_equal(got == -ENOSPC, i >= RUNTIME_FILES - 2);
	}
	assert_true(runtime_files_get(&f, -1, RUNTIME_PYTHON) < 0);
	runtime_files_fini(&f);
	close(fd);
	close(again);
	close(other);
}

static void without_the_kernel_it_is_refused_and_said(void **state)
{
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	runtime_files_init(&f, -EPERM);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	steps(&f, 0);
	assert_int_equal(f.at[0].why, RUNTIME_REFUSED);
	assert_int_equal(f.errors[RUNTIME_PYTHON], -EPERM);
	assert_false(runtime_files_attached(&f, RUNTIME_PYTHON));
	runtime_files_fini(&f);
	close(fd);
}

static void a_file_without_probes_is_bare_and_loads_nothing(void **state)
{
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	runtime_files_init(&f, -EPERM);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_RUBY), 0);
	steps(&f, 0);
	assert_int_equal(f.at[0].why, RUNTIME_BARE);
	assert_int_equal(f.errors[RUNTIME_RUBY], 0);
	assert_null(f.pauses);
	runtime_files_fini(&f);
	close(fd);
}

static void return_probes_are_not_set_where_they_could_harm(void **state)
{
	struct runtime_files f;
	struct elf_fixture e;
	int fd;

	(void)state;
	elf_init(&e);
	elf_function(&e, "zend_gc_collect_cycles", 8);
	elf_finish(&e);
	fd = elf_memfd(&e, e.length);
	runtime_files_init(&f, -EPERM);
	f.asked = true; /* and the answer was no */
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PHP), 0);
	steps(&f, 0);
	assert_int_equal(f.at[0].why, RUNTIME_UNSAFE);
	assert_int_equal(f.errors[RUNTIME_PHP], -EOPNOTSUPP);
	runtime_files_fini(&f);
	close(fd);
}

static void programs_are_loaded_while_a_file_uses_them(void **state)
{
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	if (!filter)
		rs_skip("bpf() is refused here");
	runtime_files_init(&f, probe_filter_fd(filter));
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	assert_null(f.pauses);
	steps(&f, 0);
	if (f.at[0].why == RUNTIME_REFUSED)
		rs_skip("the kernel refuses uprobe_multi");
	assert_int_equal(f.at[0].why, RUNTIME_ATTACHED);
	assert_non_null(f.pauses);
	assert_true(runtime_files_attached(&f, RUNTIME_PYTHON));
	assert_false(runtime_files_attached(&f, RUNTIME_RUBY));
	runtime_files_put(&f, 0);
	assert_null(f.pauses);
	assert_false(runtime_files_attached(&f, RUNTIME_PYTHON));
	runtime_files_fini(&f);
	close(fd);
}

static void one_file_that_is_refused_does_not_refuse_the_next(void **state)
{
	struct runtime_file odd = { .runtime = RUNTIME_PYTHON, .fd = -1 };
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	if (!filter)
		rs_skip("bpf() is refused here");
	runtime_files_init(&f, probe_filter_fd(filter));
	odd.sites = (struct sites){ .why = RUNTIME_ATTACHED, .count = 1 };
	assert_int_equal(runtime_file_attach(&f, &odd, 1), RUNTIME_REFUSED); /* no file at all */
	assert_true(f.errors[RUNTIME_PYTHON] < 0);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	steps(&f, 0);
	if (f.refused || f.at[0].why == RUNTIME_REFUSED)
		rs_skip("the kernel refuses uprobe_multi");
	assert_int_equal(f.at[0].why, RUNTIME_ATTACHED);
	assert_int_equal(f.errors[RUNTIME_PYTHON], 0);
	runtime_files_fini(&f);
	close(fd);
}

static int late_attach(void *ctx, const struct uprobes *u)
{
	(void)ctx, (void)u;
	return -ETIMEDOUT;
}

static void late_detach(void *ctx, int link)
{
	(void)ctx;
	close(link);
}

static bool late_waits(void *ctx)
{
	return *(bool *)ctx;
}

/* Whoever keeps the kernel waiting may let go. */
static void what_is_too_late_is_attached_in_the_end(void **state)
{
	bool waits = true;
	const struct uprobes_maker late = { late_attach, late_detach, late_waits, &waits };
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	if (!filter)
		rs_skip("bpf() is refused here");
	runtime_files_init(&f, probe_filter_fd(filter));
	uprobes_maker_set(&late);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	steps(&f, 0);
	assert_int_equal(f.at[0].why, RUNTIME_REFUSED);
	assert_int_equal(f.errors[RUNTIME_PYTHON], -ETIMEDOUT);
	assert_null(f.pauses); /* nothing was tried */
	runtime_files_put(&f, 0);
	assert_int_equal(f.errors[RUNTIME_PYTHON], 0); /* nobody waits for it any more */
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	steps(&f, 0);
	assert_int_equal(f.errors[RUNTIME_PYTHON], -ETIMEDOUT);
	waits = false;
	runtime_files_step(&f, RUNTIME_FILES_AGAIN_NS - 1);
	assert_int_equal(f.at[0].again_ns, RUNTIME_FILES_AGAIN_NS);
	runtime_files_step(&f, RUNTIME_FILES_AGAIN_NS);
	assert_int_equal(f.at[0].why, RUNTIME_REFUSED);
	assert_int_equal(f.at[0].again_ns, 2 * RUNTIME_FILES_AGAIN_NS);
	uprobes_maker_set(NULL);
	runtime_files_step(&f, 2 * RUNTIME_FILES_AGAIN_NS);
	if (f.at[0].why == RUNTIME_REFUSED && f.errors[RUNTIME_PYTHON] != -ETIMEDOUT)
		rs_skip("the kernel refuses uprobe_multi");
	assert_int_equal(f.at[0].why, RUNTIME_ATTACHED);
	assert_int_equal(f.errors[RUNTIME_PYTHON], 0);
	assert_int_equal(f.at[0].again_ns, 0);
	runtime_files_again(&f); /* whoever held the links has ended */
	assert_false(runtime_files_attached(&f, RUNTIME_PYTHON));
	runtime_files_step(&f, 2 * RUNTIME_FILES_AGAIN_NS);
	assert_true(runtime_files_attached(&f, RUNTIME_PYTHON));
	runtime_files_fini(&f);
	close(fd);
}

static void a_file_that_goes_while_it_is_looked_into_takes_the_child_along(void **state)
{
	struct runtime_files f;
	int fd = python_fd();

	(void)state;
	runtime_files_init(&f, -EPERM);
	assert_int_equal(runtime_files_get(&f, fd, RUNTIME_PYTHON), 0);
	runtime_files_step(&f, 0);
	assert_true(f.asking.pid > 0);
	runtime_files_put(&f, 0);
	assert_int_equal(f.asking.pid, 0);
	runtime_files_step(&f, 0);
	assert_int_equal(f.asking.pid, 0);
	runtime_files_fini(&f);
	close(fd);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_one_place_until_its_last_user_goes),
		cmocka_unit_test(without_the_kernel_it_is_refused_and_said),
		cmocka_unit_test(a_file_without_probes_is_bare_and_loads_nothing),
		cmocka_unit_test(return_probes_are_not_set_where_they_could_harm),
		cmocka_unit_test(programs_are_loaded_while_a_file_uses_them),
		cmocka_unit_test(one_file_that_is_refused_does_not_refuse_the_next),
		cmocka_unit_test(what_is_too_late_is_attached_in_the_end),
		cmocka_unit_test(a_file_that_goes_while_it_is_looked_into_takes_the_child_along),
	};
	int result;

	if (count == 2)
		return jailed_main(arguments[1]);
	probe_filter_open(&filter);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	probe_filter_close(filter);
	return result;
}
