#include "../../agent/capture/mapped.c"
#include "rs_test.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

struct heard {
	uint32_t files, opened, perf;
	bool libc, self; /* the right file came with it */
};

static int hear(void *ctx, const struct mapped_file *file, int fd)
{
	uintptr_t here = (uintptr_t)hear;
	struct heard *h = ctx;
	char magic[4] = "";

	h->files++;
	if (!file->end) {
		h->perf++;
		return 0;
	}
	if (fd < 0)
		return 0;
	h->opened++;
	if (pread(fd, magic, 4, 0) != 4 || memcmp(magic, "\177ELF", 4) != 0)
		return 0;
	h->libc = h->libc || strstr(file->name, "libc.so");
	h->self = h->self || (here >= file->start && here < file->end);
	return 0;
}

static void every_executable_mapping_comes_with_its_file(void **state)
{
	struct heard h = { 0 };

	(void)state;
	if (geteuid() != 0)
		rs_skip("map_files needs CAP_CHECKPOINT_RESTORE");
	assert_int_equal(mapped_each(getpid(), hear, &h), 0);
	assert_true(h.self);
	assert_true(h.libc || h.opened > 0);
	assert_int_equal(h.perf, 0);
}

static void a_runtimes_own_names_are_found_when_they_are_its_users(void **state)
{
	struct heard h = { 0 };
	char path[64];
	int fd;

	(void)state;
	if (geteuid() != 0)
		rs_skip("only root may read that of a process");
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	mapped_each(getpid(), hear, &h);
	assert_int_equal(h.perf, 1);
	assert_int_equal(fchown(fd, 1, 1), 0);
	mapped_each(getpid(), hear, &h);
	assert_int_equal(h.perf, 1);
	close(fd);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	mapped_each(getpid(), hear, &h);
	assert_int_equal(h.perf, 1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	mapped_each(getpid(), hear, &h);
	assert_int_equal(h.perf, 1);
	unlink(path);
}

static void layers_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(1);
	close(fd);
}

/* Files can be made by who has a number there. */
static void layers_user(void)
{
	layers_write("/proc/self/setgroups", "deny");
	layers_write("/proc/self/uid_map", "0 0 1");
	layers_write("/proc/self/gid_map", "0 0 1");
}

/* A child that runs code from layers; those below are a tmpfs, and might be its own FUSE. */
static void layers_child(int namespaces, int told)
{
	char done = 'n';
	int file = -1;

	alarm(60);
	if (unshare(namespaces))
		_exit(1);
	if (namespaces & CLONE_NEWUSER)
		layers_user();
	if (!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("none", "/mnt", "tmpfs", 0, NULL) && !mkdir("/mnt/low", 0700) &&
	    !mkdir("/mnt/up", 0700) && !mkdir("/mnt/work", 0700) && !mkdir("/mnt/all", 0700) &&
	    !mount("none", "/mnt/all", "overlay", 0,
		   "lowerdir=/mnt/low,upperdir=/mnt/up,workdir=/mnt/work"))
		file = open("/mnt/all/layered", O_CREAT | O_RDWR | O_CLOEXEC, 0700);
	if (file >= 0 && !ftruncate(file, 4096) &&
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) != MAP_FAILED)
		done = 'y';
	if (write(told, &done, 1) == 1)
		pause();
	_exit(0);
}

static int hear_layered(void *ctx, const struct mapped_file *file, int fd)
{
	uint32_t *why = ctx;

	(void)fd;
	if (strstr(file->name, "/layered"))
		*why = file->why;
	return 0;
}

/* MAPPED_WHYS: there is no such file. */
static uint32_t layers_why(int namespaces)
{
	uint32_t why = MAPPED_WHYS;
	char done = 'n';
	int told[2];
	pid_t pid;

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		layers_child(namespaces, told[1]);
	close(told[1]);
	if (read(told[0], &done, 1) == 1 && done == 'y')
		mapped_each(pid, hear_layered, &why);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(told[0]);
	return why;
}

/* Whoever has a user namespace may lay them over files that he serves, and block who opens one. */
static void layers_that_anybody_may_lay_are_not_opened(void **state)
{
	uint32_t roots, anybodys;

	(void)state;
	if (geteuid() != 0)
		rs_skip("map_files needs CAP_CHECKPOINT_RESTORE");
	roots = layers_why(CLONE_NEWNS);
	anybodys = layers_why(CLONE_NEWNS | CLONE_NEWUSER);
	if (roots == MAPPED_WHYS || anybodys == MAPPED_WHYS)
		rs_skip("no layers can be mounted here, or not in a user namespace");
	assert_int_equal(roots, MAPPED_OPENED);
	assert_int_equal(anybodys, MAPPED_MOUNT);
}

static bool is_libc(const char *name)
{
	return strstr(name, "libc.so") != NULL;
}

static bool is_nothing(const char *name)
{
	(void)name;
	return false;
}

static void those_alone_that_are_wanted_by_name_are_opened(void **state)
{
	struct heard h = { 0 }, none = { 0 };

	(void)state;
	if (geteuid() != 0)
		rs_skip("only root may read that of a process");
	assert_int_equal(mapped_wanted(getpid(), is_libc, hear, &h), 0);
	assert_true(h.libc);
	assert_false(h.self);
	assert_int_equal(h.files, h.opened);
	assert_int_equal(mapped_wanted(getpid(), is_nothing, hear, &none), 0);
	assert_int_equal(none.files, 0);
	assert_int_equal(mapped_wanted(0, is_libc, hear, &none), -ENOENT);
}

static void a_line_of_maps_gives_range_offset_and_name(void **state)
{
	struct mapped_file f;

	(void)state;
	assert_true(mapped_line(
		"7f00-7f10 r-xp 00028000 08:01 42                 /usr/lib/a b.so\n", &f));
	assert_int_equal(f.start, 0x7f00);
	assert_int_equal(f.end, 0x7f10);
	assert_int_equal(f.offset, 0x28000);
	assert_string_equal(f.name, "/usr/lib/a%20b.so");
	assert_int_equal(f.why, MAPPED_OPENED);
	assert_false(mapped_line("7f00-7f10 rw-p 00028000 08:01 42 /usr/lib/a.so\n", &f));
	assert_true(mapped_line("7f00-7f10 r-xp 00000000 00:00 0 [vdso]\n", &f));
	assert_string_equal(f.name, "[vdso]");
	assert_int_equal(f.why, MAPPED_MADE);
	assert_true(mapped_line("7f00-7f10 rwxp 00000000 00:00 0\n", &f));
	assert_string_equal(f.name, "[anonymous]");
	assert_false(mapped_line("7f00-7f10 rw-p 00000000 00:00 0 [stack]\n", &f));
	assert_false(mapped_line("rubbish\n", &f));
}

static void a_mount_that_another_process_serves_is_not_safe(void **state)
{
	static const char line[] = "36 35 98:7 / / rw,noatime shared:1 - ext4 /dev/root rw\n";
	const struct mapped_mount it = { 36, 1, 2 }, same = { 3, 98, 7 },
				  others[] = {
					  { 3, 98, 0 },
					  { 3, 0, 7 },
					  { 360, 1, 2 },
				  };
	char type[MAPPED_TYPE] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(mapped_mount_line(line, &others[i], type, sizeof(type)));
	assert_false(mapped_mount_line("36 35 - ext4", &it, type, sizeof(type)));
	assert_true(mapped_mount_line(line, &same, type, sizeof(type))); /* its file system */
	assert_string_equal(type, "ext4");
	assert_true(mapped_mount_line(line, &it, type, sizeof(type)));
	assert_true(mapped_type_is_safe(type));
	assert_false(mapped_type_is_safe("fuse.sshfs"));
	assert_false(mapped_type_is_safe("nfs4"));
	assert_false(mapped_type_is_safe(""));
}

/* It does not see the mount that its files are on. */
static void the_files_of_who_has_another_root_are_found(void **state)
{
	char folder[] = "/tmp/ringside-XXXXXX", byte;
	struct heard h = { 0 };
	int ready[2];
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		rs_skip("chroot is root's");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		if (chroot(folder) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(mapped_each(pid, hear, &h), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rmdir(folder);
	close(ready[0]);
	close(ready[1]);
	assert_true(h.self);
}

static void every_reason_has_its_text(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MAPPED_WHYS; i++)
		assert_non_null(mapped_why_text(i));
	assert_string_equal(mapped_why_text(MAPPED_WHYS), "unknown");
	assert_int_equal(mapped_each(0, hear, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_executable_mapping_comes_with_its_file),
		cmocka_unit_test(a_runtimes_own_names_are_found_when_they_are_its_users),
		cmocka_unit_test(layers_that_anybody_may_lay_are_not_opened),
		cmocka_unit_test(those_alone_that_are_wanted_by_name_are_opened),
		cmocka_unit_test(a_line_of_maps_gives_range_offset_and_name),
		cmocka_unit_test(a_mount_that_another_process_serves_is_not_safe),
		cmocka_unit_test(the_files_of_who_has_another_root_are_found),
		cmocka_unit_test(every_reason_has_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
