#include "../../agent/capture/accept.c" /* white box: another mount is one with another number */
#include "capture_fixture.h"

#include "proc.h"

#include <stdlib.h>
#include <sys/wait.h>

#define HERE "/run/ringside-test"
#define NOEXEC_SEAL 0x8u /* MFD_NOEXEC_SEAL, kernels from 6.3 */

static enum accept_reason accept_fd_as(const char *run_dir, int fd, uint32_t own_pid,
				       struct accept_segment *out)
{
	struct accept a;
	enum accept_reason reason;
	char path[32];
	int seen;

	assert_int_equal(accept_open(&a, run_dir), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	seen = open(path, O_PATH | O_CLOEXEC);
	assert_true(seen >= 0);
	reason = accept_check(&a, seen, own_pid, out);
	close(seen);
	accept_close(&a);
	return reason;
}

/* The reason for a file that is closed then; what is refused is not left open. */
static enum accept_reason accept_fd(int fd)
{
	struct accept_segment got;
	enum accept_reason reason = accept_fd_as(HERE, fd, 7, &got);

	if (reason)
		assert_int_equal(got.fd, -1);
	else
		close(got.fd);
	close(fd);
	return reason;
}

static enum accept_reason accept_header(const struct rs_header *h)
{
	int fd = capture_memfd(RS_SEGMENT_BYTES, CAPTURE_SEALS);

	capture_write(fd, h);
	return accept_fd(fd);
}

static void a_segment_as_the_shim_makes_it_is_accepted(void **state)
{
	int fd = capture_segment(HERE, 7);
	struct accept_segment got;
	struct stat s;
	char byte = 1;

	(void)state;
	assert_int_equal(accept_fd_as(HERE, fd, 7, &got), ACCEPT_OK);
	assert_int_equal(fstat(fd, &s), 0);
	assert_int_equal(got.inode, s.st_ino);
	assert_int_equal(got.claims.pid, 7);
	assert_int_equal(pwrite(got.fd, &byte, 1, 4096), 1); /* open for writing */
	assert_true(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
	close(got.fd);
	close(fd);
}

static void files_that_are_no_memfd_are_refused_unopened(void **state)
{
	char path[] = "/tmp/rs_accept_XXXXXX", shared[] = "/dev/shm/rs_accept_XXXXXX";
	int fd = mkstemp(path), ends[2];
	struct rs_header h = capture_header(HERE, 7);

	(void)state;
	assert_int_equal(ftruncate(fd, RS_SEGMENT_BYTES), 0);
	capture_write(fd, &h);
	assert_int_equal(accept_fd(fd), ACCEPT_DEVICE);
	unlink(path);
	fd = mkstemp(shared);
	if (fd >= 0) {
		assert_int_equal(ftruncate(fd, RS_SEGMENT_BYTES), 0);
		assert_int_equal(accept_fd(fd), ACCEPT_DEVICE);
		unlink(shared);
	}
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(accept_fd(ends[0]), ACCEPT_DEVICE);
	close(ends[1]);
}

static void a_hugetlb_memfd_is_refused(void **state)
{
	int fd = memfd_create(RS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	(void)state;
	if (fd < 0)
		rs_skip("a kernel without huge pages");
	assert_int_equal(accept_fd(fd), ACCEPT_DEVICE);
}

static void another_mount_of_the_same_device_is_refused(void **state)
{
	int fd = capture_segment(HERE, 7);
	struct accept_segment got;
	struct accept a;

	(void)state;
	assert_int_equal(accept_open(&a, HERE), 0);
	assert_int_equal(accept_check(&a, fd, 7, &got), ACCEPT_OK);
	close(got.fd);
	a.mount++;
	assert_int_equal(accept_check(&a, fd, 7, &got), ACCEPT_MOUNT);
	accept_close(&a);
	close(fd);
}

static void what_is_no_memory_file_is_refused_inside_too(void **state)
{
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(accept_inside(fd), ACCEPT_TYPE);
	close(fd);
}

static void the_size_is_exact(void **state)
{
	(void)state;
	assert_int_equal(accept_fd(capture_memfd(RS_SEGMENT_BYTES - 1, CAPTURE_SEALS)),
			 ACCEPT_SIZE);
	assert_int_equal(accept_fd(capture_memfd(RS_SEGMENT_BYTES + RS_PAGE, CAPTURE_SEALS)),
			 ACCEPT_SIZE);
	assert_int_equal(accept_fd(capture_memfd(0, CAPTURE_SEALS)), ACCEPT_SIZE);
}

static void a_file_that_may_change_its_size_is_refused(void **state)
{
	static const int seals[] = { 0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_SEAL,
				     F_SEAL_GROW | F_SEAL_SEAL,
				     CAPTURE_SEALS | F_SEAL_FUTURE_WRITE };

	(void)state;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = capture_memfd(RS_SEGMENT_BYTES, 0);
		struct rs_header h = capture_header(HERE, 7);

		capture_write(fd, &h);
		if (seals[i])
			assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_int_equal(accept_fd(fd), ACCEPT_SEALS);
	}
}

static void the_seal_of_a_machine_without_executable_memfds_is_no_harm(void **state)
{
	int fd = memfd_create(RS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | NOEXEC_SEAL);
	struct rs_header h = capture_header(HERE, 7);

	(void)state;
	if (fd < 0)
		rs_skip("a kernel before 6.3");
	assert_int_equal(ftruncate(fd, RS_SEGMENT_BYTES), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, CAPTURE_SEALS), 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), CAPTURE_SEALS | ACCEPT_SEAL_EXEC);
	capture_write(fd, &h);
	assert_int_equal(accept_fd(fd), ACCEPT_OK);
}

static void a_header_that_is_not_written_yet_is_early(void **state)
{
	struct rs_header h = capture_header(HERE, 7);

	(void)state;
	h.magic = 0;
	assert_int_equal(accept_header(&h), ACCEPT_EARLY);
}

static void each_wrong_field_of_the_header_has_its_reason(void **state)
{
	struct rs_header h = capture_header(HERE, 7);

	(void)state;
	h.magic = RS_MAGIC + 1;
	assert_int_equal(accept_header(&h), ACCEPT_MAGIC);
	h = capture_header(HERE, 7);
	h.abi = RS_ABI_VERSION + 1;
	assert_int_equal(accept_header(&h), ACCEPT_ABI);
	h = capture_header(HERE, 7);
	h.bytes = RS_SEGMENT_BYTES - 1;
	assert_int_equal(accept_header(&h), ACCEPT_ABI);
	h = capture_header(HERE, 8);
	assert_int_equal(accept_header(&h), ACCEPT_PID);
}

static void a_pid_that_is_not_known_is_not_compared(void **state)
{
	int fd = capture_segment(HERE, 8);
	struct accept_segment got;

	(void)state;
	assert_int_equal(accept_fd_as(HERE, fd, 0, &got), ACCEPT_OK);
	close(got.fd);
	close(fd);
}

static enum accept_reason accept_folders(const char *agent, const char *named)
{
	int fd = capture_segment(named, 7);
	struct accept_segment got;
	enum accept_reason reason = accept_fd_as(agent, fd, 7, &got);

	if (got.fd >= 0)
		close(got.fd);
	close(fd);
	return reason;
}

static void segments_of_another_agent_are_foreign(void **state)
{
	(void)state;
	assert_int_equal(accept_folders("/run/a", "/run/b"), ACCEPT_FOREIGN);
	assert_int_equal(accept_folders("/run/a", "/run/ab"), ACCEPT_FOREIGN);
	assert_int_equal(accept_folders("/run/ab", "/run/a"), ACCEPT_FOREIGN);
	assert_int_equal(accept_folders("/run/a", "/run/a/b"), ACCEPT_FOREIGN);
	assert_int_equal(accept_folders("/run/a", "/runa"), ACCEPT_FOREIGN);
	assert_int_equal(accept_folders("/run/a", ""), ACCEPT_FOREIGN);
}

static void a_slash_too_many_names_the_same_folder(void **state)
{
	(void)state;
	assert_int_equal(accept_folders("/run/a/", "/run/a"), ACCEPT_OK);
	assert_int_equal(accept_folders("/run/a", "/run//a///"), ACCEPT_OK);
	assert_int_equal(accept_folders("//run/a", "/run/a"), ACCEPT_OK);
}

static void a_segment_that_names_none_belongs_to_the_usual_agent(void **state)
{
	(void)state;
	assert_int_equal(accept_folders(ACCEPT_DEFAULT_RUN_DIR, ""), ACCEPT_OK);
	assert_int_equal(accept_folders(ACCEPT_DEFAULT_RUN_DIR, ACCEPT_DEFAULT_RUN_DIR), ACCEPT_OK);
}

static void texts_without_an_end_get_one(void **state)
{
	struct rs_header h = capture_header(HERE, 7);
	int fd = capture_memfd(RS_SEGMENT_BYTES, CAPTURE_SEALS);
	struct accept_segment got;

	(void)state;
	memset(h.service, 's', sizeof(h.service));
	memset(h.environment, 'e', sizeof(h.environment));
	memset(h.arguments, 'a', sizeof(h.arguments));
	capture_write(fd, &h);
	assert_int_equal(accept_fd_as(HERE, fd, 7, &got), ACCEPT_OK);
	assert_int_equal(strlen(got.claims.service), sizeof(h.service) - 1);
	assert_int_equal(strlen(got.claims.environment), sizeof(h.environment) - 1);
	assert_int_equal(strlen(got.claims.arguments), sizeof(h.arguments) - 1);
	close(got.fd);
	memset(h.run_dir, 'r', sizeof(h.run_dir));
	capture_write(fd, &h);
	assert_int_equal(accept_fd_as(HERE, fd, 7, &got), ACCEPT_FOREIGN);
	close(fd);
}

static void a_file_that_may_not_be_opened_is_told_apart(void **state)
{
	int fd = capture_segment(HERE, 7), status;
	struct accept_segment got;
	pid_t child;

	(void)state;
	assert_int_equal(fchmod(fd, 0), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		_exit(accept_fd_as(HERE, fd, 7, &got) == ACCEPT_ACCESS ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
}

static void a_mapping_is_found_by_its_range_and_gone_with_it(void **state)
{
	int fd = capture_segment(HERE, (uint32_t)getpid());
	void *at = mmap(NULL, RS_START_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct accept_segment got;
	enum accept_reason reason;
	struct proc_maps maps;
	struct accept a;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd); /* as the shim does */
	assert_int_equal(accept_open(&a, HERE), 0);
	assert_int_equal(proc_maps_read(getpid(), &maps), 0);
	assert_int_equal(maps.segments, 1);
	reason = accept_mapping(&a, getpid(), maps.range[0], (uint32_t)getpid(), &got);
	if (reason == ACCEPT_ACCESS)
		rs_skip("map_files needs CAP_CHECKPOINT_RESTORE");
	assert_int_equal(reason, ACCEPT_OK);
	close(got.fd);
	munmap(at, RS_START_BYTES);
	assert_int_equal(accept_mapping(&a, getpid(), maps.range[0], 0, &got), ACCEPT_GONE);
	assert_int_equal(got.fd, -1);
	assert_int_equal(accept_mapping(&a, getpid(), "../fd", 0, &got), ACCEPT_DEVICE);
	accept_close(&a);
}

static void a_run_directory_too_long_is_refused(void **state)
{
	char name[200];
	struct accept a;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(a.run_dir)] = '\0';
	assert_int_equal(accept_open(&a, name), -ENAMETOOLONG);
	name[sizeof(a.run_dir) - 1] = '\0';
	assert_int_equal(accept_open(&a, name), 0);
	accept_close(&a);
}

static void every_reason_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < ACCEPT_REASONS; i++)
		assert_non_null(accept_reason_text((enum accept_reason)i));
	assert_string_equal(accept_reason_text(ACCEPT_REASONS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_as_the_shim_makes_it_is_accepted),
		cmocka_unit_test(files_that_are_no_memfd_are_refused_unopened),
		cmocka_unit_test(a_hugetlb_memfd_is_refused),
		cmocka_unit_test(another_mount_of_the_same_device_is_refused),
		cmocka_unit_test(what_is_no_memory_file_is_refused_inside_too),
		cmocka_unit_test(the_size_is_exact),
		cmocka_unit_test(a_file_that_may_change_its_size_is_refused),
		cmocka_unit_test(the_seal_of_a_machine_without_executable_memfds_is_no_harm),
		cmocka_unit_test(a_header_that_is_not_written_yet_is_early),
		cmocka_unit_test(each_wrong_field_of_the_header_has_its_reason),
		cmocka_unit_test(a_pid_that_is_not_known_is_not_compared),
		cmocka_unit_test(segments_of_another_agent_are_foreign),
		cmocka_unit_test(a_slash_too_many_names_the_same_folder),
		cmocka_unit_test(a_segment_that_names_none_belongs_to_the_usual_agent),
		cmocka_unit_test(texts_without_an_end_get_one),
		cmocka_unit_test(a_file_that_may_not_be_opened_is_told_apart),
		cmocka_unit_test(a_mapping_is_found_by_its_range_and_gone_with_it),
		cmocka_unit_test(a_run_directory_too_long_is_refused),
		cmocka_unit_test(every_reason_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
