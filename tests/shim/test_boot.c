/*
 * May the shim watch, and under which name: what the environment, a file and the kernel say to it.
 */
#include "host.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRELOAD_MAX 512
#define TRUSTED_LIBRARY "/lib/x86_64-linux-gnu/libBrokenLocale.so.1" /* anything of libc's own */

static char self[256];

/* Runs this program again with so many variables more; what it must find is its argument. */
static int run_with(const char *expected, const char *const *variables)
{
	int pid = fork();

	if (!pid) {
		for (; *variables; variables += 2)
			setenv(variables[0], variables[1], 1);
		execl(self, self, expected, NULL);
		_exit(126);
	}
	return host_wait(pid, 5000);
}

#define RUN(expected, ...) run_with(expected, (const char *const[]){ __VA_ARGS__, NULL })

/* The header's words are of the start: argv by NULs, in a fork child too, whatever became of it. */
static void arguments_stand(const char *second)
{
	const struct rs_header *header = host_segment();
	const char *first = header->arguments;

	HOST_CHECK(strlen(first) > 9 && !strcmp(first + strlen(first) - 9, "host_boot"));
	HOST_CHECK(!strcmp(first + strlen(first) + 1, second));
}

static void a_fork_child_claims_the_same(char *title, const char *service)
{
	char second[128];
	int pid;

	snprintf(second, sizeof(second), "%s", title);
	memset(title, 'x', strlen(title)); /* as those do that show a title */
	clearenv();
	pid = fork();
	if (!pid) {
		arguments_stand(second);
		HOST_CHECK(!strcmp(host_segment()->service, service));
		_exit(42);
	}
	HOST_CHECK(host_wait(pid, 5000) == 42);
}

/* "inert", or "run_dir|service|from|environment". */
static int be_second(char *expected)
{
	struct rs_header *header = host_segment();
	char found[512];

	HOST_CHECK(host_segments() == (strcmp(expected, "inert") != 0));
	if (!header)
		return 42;
	snprintf(found, sizeof(found), "%s|%s|%d|%s", header->run_dir, header->service,
		 header->service_from, header->environment);
	if (strcmp(found, expected))
		host_fail(__FILE__, __LINE__, found);
	arguments_stand(expected);
	snprintf(found, sizeof(found), "%s", header->service);
	a_fork_child_claims_the_same(expected, found);
	return 42;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	HOST_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void opting_out(void)
{
	char folder[] = "/tmp/ringside-boot-XXXXXX";
	char file[64], named[64];

	HOST_CHECK(RUN("inert", "RINGSIDE", "disabled") == 42);
	HOST_CHECK(RUN("inert", "PERFORMANCE_MONITORING_ENABLED", "false") == 42);
	HOST_CHECK(RUN("|||", "A", "b") != 42); /* this test can fail */
	HOST_CHECK(RUN("||0|", "PERFORMANCE_MONITORING_ENABLED", "true", "RINGSIDE", "disable") ==
		   42);
	HOST_CHECK(mkdtemp(folder) != NULL);
	snprintf(file, sizeof(file), "%s/off", folder);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	HOST_CHECK(RUN("inert", "RINGSIDE_RUN_DIR", folder) == 42);
	write_file(file, "shop\n");
	HOST_CHECK(RUN("inert", "RINGSIDE_RUN_DIR", folder, "RINGSIDE_SERVICE", "shop") == 42);
	snprintf(named, sizeof(named), "%s|bank|1|", folder);
	HOST_CHECK(RUN(named, "RINGSIDE_RUN_DIR", folder, "RINGSIDE_SERVICE", "bank") == 42);
	unlink(file);
	snprintf(file, sizeof(file), "%s||0|", folder);
	HOST_CHECK(RUN(file, "RINGSIDE_RUN_DIR", folder) == 42);
	rmdir(folder);
}

static void names(void)
{
	static const char attributes[] =
		"k=v,service.name=third,deployment.environment=staging,x.service.name=no";

	HOST_CHECK(RUN("|first|1|", "RINGSIDE_SERVICE", "first", "OTEL_SERVICE_NAME", "second",
		       "OTEL_RESOURCE_ATTRIBUTES", "service.name=third") == 42);
	HOST_CHECK(RUN("|second|2|", "OTEL_SERVICE_NAME", "second", "OTEL_RESOURCE_ATTRIBUTES",
		       "service.name=third") == 42);
	HOST_CHECK(RUN("|third|3|staging", "OTEL_RESOURCE_ATTRIBUTES", attributes, "NODE_ENV",
		       "production") == 42);
	HOST_CHECK(RUN("||0|production", "NODE_ENV", "production") == 42);
	HOST_CHECK(
		RUN("|0123456789012345678901234567890123456789012345678901234567890123456789a|1|",
		    "RINGSIDE_SERVICE",
		    "0123456789012345678901234567890123456789012345678901234567890123456789abcde"
		    "f") == 42);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	HOST_CHECK(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		HOST_CHECK(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
}

static void a_second_copy_stays_inert(const char *preload, const char *folder)
{
	char both[PRELOAD_MAX * 2];
	char copy[PRELOAD_MAX];

	snprintf(copy, sizeof(copy), "%s/copy.so", folder);
	copy_file(preload, copy);
	snprintf(both, sizeof(both), "%s %s", preload, copy);
	HOST_CHECK(RUN("||0|", "LD_PRELOAD", both) == 42);
	unlink(copy);
}

/* A set-user-id program takes only a set-user-id library, from a trusted folder. */
static int run_secure(const char *preload, const char *folder)
{
	char library[PRELOAD_MAX], program[PRELOAD_MAX];
	int pid;

	snprintf(library, sizeof(library), "%s/secure.so", folder);
	snprintf(program, sizeof(program), "%s/program", folder);
	copy_file(preload, library);
	copy_file(self, program);
	HOST_CHECK(!chmod(folder, 0755) && !chmod(library, 04755) && !chmod(program, 04755));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount(library, TRUSTED_LIBRARY, NULL, MS_BIND, NULL) ||
		    mount(folder, folder, NULL, MS_BIND, NULL) ||
		    mount("none", folder, NULL, MS_REMOUNT | MS_BIND, NULL))
			_exit(HOST_SKIPPED);
		setenv("LD_PRELOAD", strrchr(TRUSTED_LIBRARY, '/') + 1, 1);
		if (setresuid(65534, 65534, 65534))
			_exit(HOST_SKIPPED);
		execl(program, program, "secure", NULL);
		_exit(126);
	}
	pid = host_wait(pid, 5000);
	unlink(library);
	unlink(program);
	return pid;
}

static int be_secure(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool preloaded = false;

	while (maps && fgets(line, sizeof(line), maps))
		preloaded |= strstr(line, strrchr(TRUSTED_LIBRARY, '/')) != NULL;
	HOST_CHECK(getauxval(AT_SECURE) == 1);
	HOST_CHECK(!host_segment());
	return maps && !preloaded ? HOST_SKIPPED : 42;
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/ringside-boot-XXXXXX";
	const char *preload = getenv("LD_PRELOAD");
	int secure;

	if (argc > 1)
		return strcmp(argv[1], "secure") ? be_second(argv[1]) : be_secure();
	host_segment_wanted();
	HOST_CHECK(preload != NULL);
	HOST_CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	opting_out();
	names();
	HOST_CHECK(mkdtemp(folder) != NULL);
	a_second_copy_stays_inert(preload, folder);
	secure = run_secure(preload, folder);
	HOST_CHECK(secure == 42 || secure == HOST_SKIPPED);
	if (secure == HOST_SKIPPED)
		printf("AT_SECURE was not tried: no mount namespace, or no such library\n");
	rmdir(folder);
	return 0;
}
