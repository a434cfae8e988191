#include "program.h"
#include "rs_test.h"
#include "tree_fixture.h"

#include <elf.h>
#include <errno.h>
#include <sys/statvfs.h>

#if defined(__x86_64__)
#define TEST_MACHINE EM_X86_64
#else
#define TEST_MACHINE EM_AARCH64
#endif

static struct tree tree;

static const char *test_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", tree.root, name);
	return path;
}

/* An ELF file with one segment, executable. */
static void test_put_elf(const char *name, unsigned char class, uint16_t machine, uint32_t segment)
{
	Elf64_Ehdr e = { .e_machine = machine,
			 .e_phoff = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1 };
	Elf64_Phdr p = { .p_type = segment };
	FILE *file = fopen(test_path(name), "w");

	assert_non_null(file);
	memcpy(e.e_ident, ELFMAG, SELFMAG);
	e.e_ident[EI_CLASS] = class;
	assert_int_equal(fwrite(&e, sizeof(e), 1, file), 1);
	assert_int_equal(fwrite(&p, sizeof(p), 1, file), 1);
	fclose(file);
	assert_int_equal(chmod(test_path(name), 0755), 0);
}

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	test_put_elf("dynamic", ELFCLASS64, TEST_MACHINE, PT_INTERP);
	test_put_elf("static", ELFCLASS64, TEST_MACHINE, PT_LOAD);
	test_put_elf("narrow", ELFCLASS32, TEST_MACHINE, PT_INTERP);
	test_put_elf("other", ELFCLASS64, EM_S390, PT_INTERP);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static enum program_kind test_look(const char *name, char reason[PROGRAM_REASON])
{
	strcpy(reason, "untouched");
	return program_look(test_path(name), reason);
}

static void program_is_judged_by_its_headers(void **state)
{
	char reason[PROGRAM_REASON];

	(void)state;
	assert_int_equal(test_look("dynamic", reason), PROGRAM_DYNAMIC);
	assert_string_equal(reason, "");
	assert_int_equal(test_look("static", reason), PROGRAM_STATIC);
	assert_non_null(strstr(reason, "/static is statically linked"));
	assert_int_equal(test_look("narrow", reason), PROGRAM_FOREIGN);
	assert_non_null(strstr(reason, "32-bit"));
	assert_int_equal(test_look("other", reason), PROGRAM_FOREIGN);
	assert_non_null(strstr(reason, "another machine"));
}

static void script_is_judged_by_its_interpreter(void **state)
{
	char reason[PROGRAM_REASON], text[600];

	(void)state;
	snprintf(text, sizeof(text), "#! \t%s -x\nbody\n", test_path("static"));
	tree_put(&tree, "/script", text);
	assert_int_equal(test_look("script", reason), PROGRAM_STATIC);
	snprintf(text, sizeof(text), "#!%s", test_path("dynamic"));
	tree_put(&tree, "/script", text);
	assert_int_equal(test_look("script", reason), PROGRAM_DYNAMIC);
	snprintf(text, sizeof(text), "#!%s\n", test_path("script"));
	tree_put(&tree, "/script", text);
	assert_int_equal(test_look("script", reason), PROGRAM_UNKNOWN);
	assert_non_null(strstr(reason, "too many scripts"));
}

static void what_is_no_program_is_unknown(void **state)
{
	char reason[PROGRAM_REASON];

	(void)state;
	tree_put(&tree, "/text", "hello\n");
	tree_put(&tree, "/empty", "");
	tree_put(&tree, "/bare", "#!  \n");
	tree_put(&tree, "/short", ELFMAG);
	assert_int_equal(test_look("text", reason), PROGRAM_UNKNOWN);
	assert_int_equal(test_look("empty", reason), PROGRAM_UNKNOWN);
	assert_int_equal(test_look("bare", reason), PROGRAM_UNKNOWN);
	assert_int_equal(test_look("short", reason), PROGRAM_UNKNOWN);
	assert_int_equal(test_look("absent", reason), PROGRAM_UNKNOWN);
	assert_non_null(strstr(reason, "cannot be read"));
}

static void setuid_of_another_user_is_privileged_and_of_ones_own_is_not(void **state)
{
	char reason[PROGRAM_REASON];
	struct statvfs mount;

	(void)state;
	if (geteuid() != 0 || statvfs(tree.root, &mount) || mount.f_flag & ST_NOSUID)
		rs_skip("needs root and a file system that honours setuid");
	test_put_elf("raised", ELFCLASS64, TEST_MACHINE, PT_INTERP);
	assert_int_equal(chmod(test_path("raised"), 04755), 0);
	assert_int_equal(test_look("raised", reason), PROGRAM_DYNAMIC);
	assert_int_equal(chown(test_path("raised"), 65534, 65534), 0);
	assert_int_equal(chmod(test_path("raised"), 04755), 0);
	assert_int_equal(test_look("raised", reason), PROGRAM_PRIVILEGED);
	assert_non_null(strstr(reason, "is setuid"));
	assert_int_equal(chmod(test_path("raised"), 02755), 0);
	assert_int_equal(test_look("raised", reason), PROGRAM_PRIVILEGED);
	assert_non_null(strstr(reason, "is setgid"));
}

static void name_is_found_on_the_path_as_exec_finds_it(void **state)
{
	char list[600], out[PROGRAM_PATH];

	(void)state;
	tree_put(&tree, "/a/thing", "no program\n"); /* not executable: passed by */
	tree_put(&tree, "/b/thing", "#!/bin/sh\n");
	snprintf(list, sizeof(list), "/nonexistent:%s/a:%s/b", tree.root, tree.root);
	assert_int_equal(program_find("thing", list, out), -EACCES);
	assert_int_equal(chmod(test_path("b/thing"), 0755), 0);
	assert_int_equal(program_find("thing", list, out), 0);
	assert_string_equal(out, test_path("b/thing"));
	assert_int_equal(program_find("nothing", list, out), -ENOENT);
	assert_int_equal(program_find("", list, out), -ENOENT);
	assert_int_equal(program_find("thing", NULL, out), -ENOENT);
	assert_int_equal(program_find(test_path("b/thing"), NULL, out), 0);
	assert_int_equal(program_find(test_path("a"), NULL, out), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_is_judged_by_its_headers),
		cmocka_unit_test(script_is_judged_by_its_interpreter),
		cmocka_unit_test(what_is_no_program_is_unknown),
		cmocka_unit_test(setuid_of_another_user_is_privileged_and_of_ones_own_is_not),
		cmocka_unit_test(name_is_found_on_the_path_as_exec_finds_it),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
