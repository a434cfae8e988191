#include "hostwide.h"
#include "replace.h"
#include "rs_test.h"
#include "tree_fixture.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIB (sizeof(RS_MULTIARCH) > 1 ? "/lib/" RS_MULTIARCH "/" : "/lib64/")
#define ENTRY "/usr/$LIB/libringside.so"

static struct tree tree;
static struct hostwide_error error;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static void became(const char *text, const char *entry, const char *wanted)
{
	char *out = hostwide_text(text, entry);

	assert_non_null(out);
	assert_string_equal(out, wanted);
	free(out);
}

static void file_holds(const char *wanted)
{
	char path[128], text[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s" HOSTWIDE_FILE, tree.root);
	file = fopen(path, "r");
	if (!wanted) {
		assert_null(file);
		return;
	}
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen(wanted));
	fclose(file);
	assert_string_equal(text, wanted);
}

static void our_entry_goes_in_front_once(void **state)
{
	(void)state;
	became(NULL, ENTRY, ENTRY "\n");
	became("/a.so\n", ENTRY, ENTRY "\n/a.so\n");
	became("/a.so /old/libringside.so.1 /b.so\n", ENTRY, ENTRY "\n/a.so /b.so\n");
	became(ENTRY "\n/a.so\n", ENTRY, ENTRY "\n/a.so\n");
}

static void all_else_stays_to_the_byte(void **state)
{
	static const char *const texts[] = { "",
					     "/a.so",
					     "/a.so\n",
					     "# x\n\n/a.so:/b.so  /c.so\n",
					     "# /x/libringside.so\n/a.so",
					     "\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *with = hostwide_text(texts[i], ENTRY);

		assert_memory_equal(with, ENTRY "\n", strlen(ENTRY) + 1);
		became(with, NULL, texts[i]);
		free(with);
		became(texts[i], NULL, texts[i]);
	}
	became("/x/libringside.so # mine\n", NULL, "# mine\n");
}

static void the_file_is_written_and_taken_back(void **state)
{
	bool changed;

	(void)state;
	assert_int_equal(hostwide_take(tree.root, &changed, &error), 0);
	assert_false(changed);
	assert_int_equal(hostwide_put(tree.root, ENTRY, &changed, &error), 0);
	assert_true(changed);
	file_holds(ENTRY "\n");
	assert_int_equal(hostwide_put(tree.root, ENTRY, &changed, &error), 0);
	assert_false(changed);
	assert_int_equal(hostwide_take(tree.root, &changed, &error), 0);
	assert_true(changed);
	file_holds(NULL);
	tree_put(&tree, HOSTWIDE_FILE, "/a.so");
	assert_int_equal(hostwide_put(tree.root, ENTRY, &changed, &error), 0);
	file_holds(ENTRY "\n/a.so");
	assert_int_equal(hostwide_take(tree.root, &changed, &error), 0);
	file_holds("/a.so");
}

static void the_loaders_own_folder_becomes_lib(void **state)
{
	char library[128], entry[HOSTWIDE_PATH];

	(void)state;
	snprintf(library, sizeof(library), "/usr%slibringside.so", LIB);
	hostwide_entry(library, entry);
	assert_string_equal(entry, "/usr/$LIB/libringside.so");
	hostwide_entry("/usr/lib/libringside.so", entry);
	assert_string_equal(entry, "/usr/lib/libringside.so");
	hostwide_entry("/x/libringside.so", entry);
	assert_string_equal(entry, "/x/libringside.so");
}

static void programs_of_32_bits_need_a_library_of_theirs(void **state)
{
	char missing[HOSTWIDE_PATH];

	(void)state;
	assert_false(hostwide_lacks_32(tree.root, ENTRY, missing));
	tree_put(&tree, "/lib/ld-linux.so.2", "");
	assert_true(hostwide_lacks_32(tree.root, "/opt/libringside.so", missing));
	assert_true(hostwide_lacks_32(tree.root, ENTRY, missing));
	tree_put(&tree, missing + strlen(tree.root), "");
	assert_false(hostwide_lacks_32(tree.root, ENTRY, missing));
}

static void what_others_may_change_is_not_preloaded_everywhere(void **state)
{
	char path[128];

	(void)state;
	if (geteuid() != 0)
		rs_skip("only root has files of root's");
	tree_put(&tree, "/opt/l/libringside.so", "");
	assert_int_equal(hostwide_trusted(tree.root, "/opt/l/libringside.so", &error), 0);
	snprintf(path, sizeof(path), "%s/opt", tree.root);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(hostwide_trusted(tree.root, "/opt/l/libringside.so", &error), -EPERM);
	assert_non_null(strstr(error.text, "/opt "));
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/opt/l/libringside.so", tree.root);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(hostwide_trusted(tree.root, "/opt/l/libringside.so", &error), -EPERM);
	assert_int_equal(hostwide_trusted(tree.root, "/opt/l/none", &error), -ENOENT);
}

static void somebody_has_to_be_allowed(void **state)
{
	char nginx[] = "/usr/sbin/nginx", odd[] = "a\nb";
	char *one[] = { nginx, NULL }, *none[] = { NULL }, *wrong[] = { nginx, odd, NULL };
	char path[128], text[64] = "";
	FILE *file;

	(void)state;
	assert_int_equal(hostwide_allow(tree.root, none, &error), -EINVAL);
	assert_int_equal(hostwide_allow(tree.root, wrong, &error), -EINVAL);
	assert_int_equal(hostwide_allow(tree.root, one, &error), 0);
	assert_int_equal(hostwide_allow(tree.root, one, &error), 0);
	assert_int_equal(hostwide_allow(tree.root, none, &error), 0); /* it is there already */
	snprintf(path, sizeof(path), "%s/etc/ringside/preload.allow", tree.root);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen("/usr/sbin/nginx\n"));
	fclose(file);
}

/* Each reads the list and replaces it: of two that do so at a time, one's name would be lost. */
static void of_those_who_come_at_once_none_is_lost(void **state)
{
	enum { COUNT = 12, ROUNDS = 20 };
	char path[128], name[64];
	pid_t children[COUNT];
	char *text;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		for (int k = 0; k < ROUNDS; k++) {
			char *names[] = { name, NULL };

			snprintf(name, sizeof(name), "/usr/bin/p%d_%d", i, k);
			if (hostwide_allow(tree.root, names, &error))
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < COUNT; i++) {
		int status = 1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	snprintf(path, sizeof(path), "%s/etc/ringside/preload.allow", tree.root);
	assert_int_equal(replace_read(path, &text), 0);
	for (int i = 0; i < COUNT * ROUNDS; i++) {
		snprintf(name, sizeof(name), "/usr/bin/p%d_%d\n", i / ROUNDS, i % ROUNDS);
		assert_non_null(strstr(text, name));
	}
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(our_entry_goes_in_front_once),
		TEST(all_else_stays_to_the_byte),
		TEST(the_file_is_written_and_taken_back),
		TEST(the_loaders_own_folder_becomes_lib),
		TEST(programs_of_32_bits_need_a_library_of_theirs),
		TEST(what_others_may_change_is_not_preloaded_everywhere),
		TEST(somebody_has_to_be_allowed),
		TEST(of_those_who_come_at_once_none_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
