#include "../../agent/privilege.c" /* white box: the mask of what is kept */
#include "rs_test.h"

#include <fcntl.h>
#include <sys/wait.h>

#define OTHER 65533

static char status_text[8192];

/* The value of a field of /proc/self/status, as it stands there. */
static const char *status_field(const char *name)
{
	static char value[128];
	int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, status_text, sizeof(status_text) - 1);
	char key[32];
	const char *at;

	close(fd);
	status_text[n > 0 ? n : 0] = '\0';
	snprintf(key, sizeof(key), "\n%s:\t", name);
	at = strstr(status_text, key);
	snprintf(value, sizeof(value), "%.*s", at ? (int)strcspn(at + strlen(key), "\n") : 0,
		 at ? at + strlen(key) : "");
	return value;
}

static uint64_t status_mask(const char *name)
{
	return strtoull(status_field(name), NULL, 16);
}

/* What a program that this process runs may do: its effective capabilities. */
static uint64_t mask_after_exec(void)
{
	char text[64] = "";
	FILE *out = popen("/bin/sed -n 's/^CapEff:\t//p' /proc/self/status", "r");

	if (!fgets(text, sizeof(text), out))
		text[0] = 'x';
	pclose(out);
	return strtoull(text, NULL, 16);
}

/* Runs in a child, since there is no way back; 0, or the line that failed. */
static int in_a_child(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define HOLDS(fact)                                                                                \
	do {                                                                                       \
		if (!(fact))                                                                       \
			return __LINE__ & 0xff ? __LINE__ & 0xff : 1;                              \
	} while (0)

static int run_broker(void)
{
	uint64_t mask = privilege_broker_mask() & status_mask("CapPrm");
	uint64_t bound = privilege_broker_mask() & status_mask("CapBnd");

	HOLDS(privilege_broker() == 0);
	HOLDS(status_mask("CapEff") == mask);
	HOLDS(status_mask("CapPrm") == mask);
	HOLDS(status_mask("CapBnd") == bound);
	HOLDS(status_mask("CapInh") == 0);
	HOLDS(status_mask("CapAmb") == 0);
	HOLDS(strcmp(status_field("NoNewPrivs"), "1") == 0);
	HOLDS(prctl(PR_GET_SECUREBITS) & SECBIT_NOROOT);
	return 0;
}

static int run_broker_regains_nothing(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[2] = { { ~0u, ~0u, 0 }, { ~0u, ~0u, 0 } };

	HOLDS(privilege_broker() == 0);
	HOLDS(syscall(SYS_capset, &header, all) < 0 && errno == EPERM);
	HOLDS(setresuid(OTHER, OTHER, OTHER) < 0 && errno == EPERM);
	HOLDS(setgroups(0, NULL) < 0 && errno == EPERM);
	HOLDS(prctl(PR_SET_SECUREBITS, 0) < 0 && errno == EPERM);
	HOLDS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_BPF, 0, 0) < 0);
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0);
	HOLDS(mask_after_exec() == 0);  /* root means nothing any more */
	HOLDS(privilege_broker() == 0); /* and a second drop does no harm */
	return 0;
}

static int run_nursery(void)
{
	const struct privilege_user user = { .uid = OTHER, .gid = OTHER };
	static const char ids[] = "65533\t65533\t65533\t65533";

	HOLDS(privilege_nursery(&user) == 0);
	HOLDS(strcmp(status_field("Uid"), ids) == 0);
	HOLDS(strcmp(status_field("Gid"), ids) == 0);
	HOLDS(strspn(status_field("Groups"), " ") == strlen(status_field("Groups")));
	HOLDS(status_mask("CapEff") == 0);
	HOLDS(status_mask("CapPrm") == 0);
	HOLDS(status_mask("CapBnd") == 0);
	HOLDS(status_mask("CapInh") == 0);
	HOLDS(strcmp(status_field("NoNewPrivs"), "1") == 0);
	HOLDS(setresuid(0, 0, 0) < 0 && errno == EPERM);
	HOLDS(setresgid(0, 0, 0) < 0 && errno == EPERM);
	HOLDS(mask_after_exec() == 0);
	return 0;
}

/* --user root: a name without power. */
static int run_nursery_as_root(void)
{
	const struct privilege_user user = { .uid = 0, .gid = 0 };

	HOLDS(privilege_nursery(&user) == 0);
	HOLDS(geteuid() == 0);
	HOLDS(status_mask("CapEff") == 0);
	HOLDS(status_mask("CapBnd") == 0);
	HOLDS(mask_after_exec() == 0);
	HOLDS(setresuid(OTHER, OTHER, OTHER) < 0);
	return 0;
}

/* An agent that somebody without privileges started: there is nothing to drop but the future. */
static int run_unprivileged(void)
{
	const struct privilege_user user = { .uid = OTHER - 1, .gid = OTHER - 1 };
	char missing[256];

	HOLDS(setresgid(OTHER, OTHER, OTHER) == 0 && setresuid(OTHER, OTHER, OTHER) == 0);
	privilege_missing(missing, sizeof(missing));
	HOLDS(strcmp(missing, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, "
			      "CAP_CHECKPOINT_RESTORE") == 0);
	privilege_missing(missing, 12);
	HOLDS(strcmp(missing, "CAP_BPF, CA") == 0);
	HOLDS(privilege_broker() == 0);
	HOLDS(privilege_nursery(&user) == 0);
	HOLDS(geteuid() == OTHER);
	HOLDS(status_mask("CapPrm") == 0);
	HOLDS(strcmp(status_field("NoNewPrivs"), "1") == 0);
	return 0;
}

static void only_for_root(void)
{
	if (geteuid() != 0)
		rs_skip("needs root");
}

static void the_broker_keeps_five_capabilities_and_no_others(void **state)
{
	(void)state;
	only_for_root();
	assert_int_equal(in_a_child(run_broker), 0);
}

/* A forked child of a program under ThreadSanitizer may not start another one. */
static void not_under_tsan(void)
{
#ifdef __SANITIZE_THREAD__
	rs_skip("a child that runs a program dies under ThreadSanitizer");
#endif
}

static void the_broker_regains_nothing(void **state)
{
	(void)state;
	only_for_root();
	not_under_tsan();
	assert_int_equal(in_a_child(run_broker_regains_nothing), 0);
}

static void the_nursery_is_the_user_without_any_capability(void **state)
{
	(void)state;
	only_for_root();
	assert_int_equal(in_a_child(run_nursery), 0);
}

static void a_nursery_of_root_has_no_capability_either(void **state)
{
	(void)state;
	only_for_root();
	not_under_tsan();
	assert_int_equal(in_a_child(run_nursery_as_root), 0);
}

static void who_has_no_privileges_starts_all_the_same(void **state)
{
	(void)state;
	only_for_root(); /* to become nobody in particular */
	assert_int_equal(in_a_child(run_unprivileged), 0);
}

static void users_are_found_by_name_and_by_number(void **state)
{
	struct privilege_user user;

	(void)state;
	assert_int_equal(privilege_user_find("root", &user), 0);
	assert_int_equal(user.uid, 0);
	assert_int_equal(user.gid, 0);
	assert_false(user.fallback);
	assert_int_equal(privilege_user_find("0", &user), 0);
	assert_int_equal(user.uid, 0);
	assert_int_equal(privilege_user_find("3999999999", &user), 0); /* nobody's number */
	assert_int_equal(user.uid, 3999999999);
	assert_int_equal(user.gid, 3999999999);
	assert_false(user.fallback);
}

static void a_user_that_does_not_exist_is_refused(void **state)
{
	struct privilege_user user;

	(void)state;
	assert_int_equal(privilege_user_find("no-such-user", &user), -ENOENT);
	assert_int_equal(privilege_user_find("4294967295", &user), -ENOENT); /* -1: "no change" */
	assert_int_equal(privilege_user_find("12x", &user), -ENOENT);
	assert_int_equal(privilege_user_find("-1", &user), -ENOENT);
}

static void the_usual_user_may_be_missing(void **state)
{
	const struct passwd *usual = getpwnam(PRIVILEGE_USER);
	uid_t uid = usual ? usual->pw_uid : PRIVILEGE_NOBODY;
	bool missing = !usual;
	struct privilege_user user;

	(void)state;
	assert_int_equal(privilege_user_find("", &user), 0);
	assert_int_equal(user.uid, uid);
	assert_int_equal(user.fallback, missing);
	assert_int_equal(privilege_user_find(PRIVILEGE_USER, &user), 0);
	assert_int_equal(user.uid, uid);
	assert_int_equal(user.fallback, missing);
}

/* It stays root with what it takes to become somebody else, who has nothing at all. */
static int run_runner(void)
{
	const struct privilege_user other = { .uid = OTHER, .gid = OTHER };
	uint64_t mask = PRIVILEGE_RUNNER & status_mask("CapPrm");

	HOLDS(privilege_runner() == 0);
	HOLDS(geteuid() == 0);
	HOLDS(mask == 0x1e0);
	HOLDS(status_mask("CapEff") == mask);
	HOLDS(status_mask("CapBnd") == mask);
	HOLDS(mask_after_exec() == 0);
	HOLDS(strcmp(status_field("NoNewPrivs"), "1") == 0);
	HOLDS(privilege_nursery(&other) == 0);
	HOLDS(getuid() == OTHER && geteuid() == OTHER && getgid() == OTHER);
	HOLDS(status_mask("CapPrm") == 0);
	HOLDS(status_mask("CapBnd") == 0);
	HOLDS(setuid(0) != 0);
	return 0;
}

static void who_does_actions_can_become_another_and_no_more(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_a_child(run_runner), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_does_actions_can_become_another_and_no_more),
		cmocka_unit_test(the_broker_keeps_five_capabilities_and_no_others),
		cmocka_unit_test(the_broker_regains_nothing),
		cmocka_unit_test(the_nursery_is_the_user_without_any_capability),
		cmocka_unit_test(a_nursery_of_root_has_no_capability_either),
		cmocka_unit_test(who_has_no_privileges_starts_all_the_same),
		cmocka_unit_test(users_are_found_by_name_and_by_number),
		cmocka_unit_test(a_user_that_does_not_exist_is_refused),
		cmocka_unit_test(the_usual_user_may_be_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
