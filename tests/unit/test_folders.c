#include "folders.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKER 65534

static char root[32];
static struct config *config;

static int remove_one(const char *name, const struct stat *s, int kind, struct FTW *at)
{
	(void)s;
	(void)kind;
	(void)at;
	return remove(name);
}

static void configure(const char *flag, const char *below)
{
	struct config_error error;
	char path[300];

	snprintf(path, sizeof(path), "%s%s", root, below);
	assert_int_equal(config_flag(config, flag, path, &error), 0);
}

static int folders_setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/rs_folders_XXXXXX");
	if (!mkdtemp(root) || config_open(&config))
		return -1;
	configure("run-dir", "/a/run");
	configure("state-dir", "/b/c/state");
	return 0;
}

static int folders_teardown(void **state)
{
	(void)state;
	config_close(config);
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int folders_opened(struct folders *f, struct config_error *error)
{
	memset(f, 0x55, sizeof(*f));
	error->text[0] = '\0';
	return folders_open(f, config, WORKER, WORKER, error);
}

static void both_are_made_with_a_part_for_the_worker(void **state)
{
	struct config_error error;
	struct folders f;
	struct stat s;

	(void)state;
	assert_int_equal(folders_opened(&f, &error), 0);
	assert_string_equal(f.run + strlen(root), "/a/run");
	assert_string_equal(f.state + strlen(root), "/b/c/state");
	assert_int_equal(fstat(f.run_fd, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0755);
	assert_int_equal(s.st_uid, geteuid());
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			fstatat(i ? f.run_fd : f.state_fd, FOLDERS_WORKER, &s, AT_SYMLINK_NOFOLLOW),
			0);
		assert_true(S_ISDIR(s.st_mode));
		assert_int_equal(s.st_mode & 0777, 0750);
		assert_int_equal(s.st_uid, geteuid() ? geteuid() : WORKER);
	}
	folders_close(&f);
	assert_int_equal(f.run_fd, -1);
	folders_close(&f); /* twice does no harm */
}

static void what_is_there_already_is_taken(void **state)
{
	struct config_error error;
	struct folders f;

	(void)state;
	assert_int_equal(folders_opened(&f, &error), 0);
	folders_close(&f);
	assert_int_equal(folders_opened(&f, &error), 0);
	folders_close(&f);
}

static void a_second_agent_is_refused_while_the_first_lives(void **state)
{
	struct folders first, second;
	struct config_error error;

	(void)state;
	assert_int_equal(folders_opened(&first, &error), 0);
	assert_int_equal(folders_opened(&second, &error), -EBUSY);
	assert_non_null(strstr(error.text, "another agent runs in "));
	assert_non_null(strstr(error.text, first.run));
	configure("run-dir", "/other");
	assert_int_equal(folders_opened(&second, &error), -EBUSY); /* the state is shared still */
	assert_non_null(strstr(error.text, first.state));
	configure("state-dir", "/other-state");
	assert_int_equal(folders_opened(&second, &error), 0);
	folders_close(&second);
	folders_close(&first);
}

static void what_failed_half_way_leaves_no_lock(void **state)
{
	struct config_error error;
	struct folders f;
	char file[64];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/b", root);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(folders_opened(&f, &error), -ENOTDIR);
	assert_non_null(strstr(error.text, "cannot be made"));
	assert_int_equal(f.run_fd, -1);
	assert_int_equal(f.state_fd, -1);
	close(fd);
	unlink(file);
	assert_int_equal(folders_opened(&f, &error), 0);
	folders_close(&f);
}

static void one_folder_cannot_be_both(void **state)
{
	struct config_error error;
	struct folders f;

	(void)state;
	configure("state-dir", "/a/run");
	assert_true(folders_opened(&f, &error) < 0);
	configure("state-dir", "/state");
	assert_int_equal(folders_opened(&f, &error), 0);
	folders_close(&f);
}

static void a_path_too_long_for_a_socket_in_it_is_refused(void **state)
{
	struct config_error error;
	struct folders f;
	char below[FOLDERS_PATH];

	(void)state;
	memset(below, 'x', sizeof(below));
	below[0] = '/';
	below[FOLDERS_PATH - 16 - strlen(root)] = '\0';
	configure("run-dir", below);
	assert_int_equal(folders_opened(&f, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.text, "too long for a socket in it"));
	below[FOLDERS_PATH - 17 - strlen(root)] = '\0';
	configure("run-dir", below);
	assert_int_equal(folders_opened(&f, &error), 0);
	folders_close(&f);
}

#define FOLDERS(fact) cmocka_unit_test_setup_teardown(fact, folders_setup, folders_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDERS(both_are_made_with_a_part_for_the_worker),
		FOLDERS(what_is_there_already_is_taken),
		FOLDERS(a_second_agent_is_refused_while_the_first_lives),
		FOLDERS(what_failed_half_way_leaves_no_lock),
		FOLDERS(one_folder_cannot_be_both),
		FOLDERS(a_path_too_long_for_a_socket_in_it_is_refused),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
