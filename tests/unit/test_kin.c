#include "capture_fixture.h"
#include "kin.h"

static char run_dir[] = "/run/kin-test";

/* Maps it as the process itself would have; fd is closed. */
static void *mapped(int fd)
{
	void *at = mmap(NULL, RS_LANES_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd);
	return at;
}

static void note(struct proc_maps *maps, const void *at)
{
	snprintf(maps->kin[maps->kins++], sizeof(maps->kin[0]), "%lx-%lx", (unsigned long)at,
		 (unsigned long)at + RS_LANES_AT);
}

static bool found(struct kin *kin, const struct proc_maps *maps, uint32_t own_pid)
{
	struct accept accept;
	bool result;

	kin_init(kin);
	assert_int_equal(accept_open(&accept, run_dir), 0);
	result = kin_find(kin, &accept, getpid(), maps, own_pid);
	accept_close(&accept);
	return result;
}

static void its_own_is_found_behind_an_inherited_one(void **state)
{
	void *inherited = mapped(capture_segment(run_dir, 41)), *own;
	struct proc_maps maps = { 0 };
	struct rs_header header;
	struct kin kin;

	(void)state;
	note(&maps, inherited);
	assert_false(found(&kin, &maps, 42));
	assert_int_equal(kin.fd, -1);
	own = mapped(capture_segment(run_dir, 42));
	note(&maps, own);
	assert_true(found(&kin, &maps, 42));
	assert_int_equal(pread(kin.fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(header.pid, 42);
	assert_int_not_equal(kin.inode, 0);
	assert_int_equal(kin.sent, 0);
	kin_fini(&kin);
	assert_int_equal(kin.fd, -1);
	munmap(inherited, RS_LANES_AT);
	munmap(own, RS_LANES_AT);
}

static void what_is_no_segment_of_ours_is_none(void **state)
{
	void *open = mapped(capture_memfd(RS_SEGMENT_BYTES, 0)), *other;
	struct proc_maps maps = { 0 };
	struct kin kin;

	(void)state;
	other = mapped(capture_segment("/run/another", 42));
	note(&maps, open);
	note(&maps, other);
	assert_false(found(&kin, &maps, 42));
	munmap(open, RS_LANES_AT);
	munmap(other, RS_LANES_AT);
}

/* Whose it is cannot be told: it would be anybody's. */
static void without_a_pid_there_is_none(void **state)
{
	void *own = mapped(capture_segment(run_dir, 42));
	struct proc_maps maps = { 0 };
	struct kin kin;

	(void)state;
	note(&maps, own);
	assert_false(found(&kin, &maps, 0));
	munmap(own, RS_LANES_AT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_own_is_found_behind_an_inherited_one),
		cmocka_unit_test(what_is_no_segment_of_ours_is_none),
		cmocka_unit_test(without_a_pid_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
