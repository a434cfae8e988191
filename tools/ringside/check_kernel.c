#include "check_kernel.h"

#include "attempt.h"
#include "cgroup.h"
#include "privilege.h"
#include "procfs.h"
#include "returns.h"
#include "runtime.h"
#include "sets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define KERNEL_PAGE 4096u
#define KERNEL_MOUNTS 65536
#define KERNEL_TEXT 320 /* of a set of probes */
#define KERNEL_CLOCK "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define KERNEL_YAMA "/proc/sys/kernel/yama/ptrace_scope"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static void kernel_check_version(struct checks *c, const struct utsname *name)
{
	unsigned long major = 0, minor = 0;
	char *end;

	if (strcmp(name->machine, "x86_64") != 0 && strcmp(name->machine, "aarch64") != 0) {
		check_add(c, "kernel", CHECK_BAD, "x86_64 and aarch64 alone are supported",
			  "%s on %s", name->release, name->machine);
		return;
	}
	major = strtoul(name->release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	if (major < 5 || (major == 5 && minor < 9))
		check_add(
			c, "kernel", CHECK_WARN,
			"5.9 and newer have what the agent's probes and its few capabilities need",
			"%s is old", name->release);
	else
		check_add(c, "kernel", CHECK_OK, NULL, "%s on %s", name->release, name->machine);
}

static void kernel_check_privileges(struct checks *c)
{
	char missing[128];

	privilege_missing(missing, sizeof(missing));
	if (*missing)
		check_add(
			c, "privileges", CHECK_WARN,
			"sudo ringside doctor tells more, and the agent wants them: sudo ringsided",
			"%s: missing here", missing);
	else
		check_add(c, "privileges", CHECK_OK, NULL,
			  "the five capabilities that the agent keeps are there");
}

/* Each facility with what refused it; a set's names alone where all of it loads. */
static void kernel_probes_text(const struct probe_state *state, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < state->count && n < size; i++) {
		const struct facility *f = &state->facilities[i];

		n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", f->name);
		if (f->state == FACILITY_REFUSED && n < size)
			n += (size_t)snprintf(out + n, size - n, " %s (%s)",
					      strerrorname_np(f->error),
					      facility_error_text(f->error));
	}
}

/* Probes in runtimes' own code, tried on this program's. */
static void kernel_check_pauses(struct checks *c)
{
	int result = attempt_probes();

	if (result)
		check_add(c, "ebpf", CHECK_WARN,
			  "pauses of garbage collection and PostgreSQL's statements are not told",
			  "runtime: refused: uprobe_multi %s (%s)", strerrorname_np(-result),
			  facility_error_text(-result));
	else if (returns_are_safe())
		check_add(c, "ebpf", CHECK_OK, NULL, "runtime: loads: uprobe_multi");
	else
		check_add(c, "ebpf", CHECK_WARN,
			  "a newer kernel; node's and PHP's collections are not told here",
			  "runtime: loads: uprobe_multi, but for return probes: %s",
			  runtime_why_text(RUNTIME_UNSAFE));
}

/* What the agent takes profiles by. */
static void kernel_check_samples(struct checks *c)
{
	static const struct {
		const char *name, *without;
		int (*attempt)(void);
	} kinds[] = {
		{ "profile", "there are no CPU profiles", attempt_samples },
		{ "snapshot", "code without frame pointers is not unwound", attempt_snapshots },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int result = kinds[i].attempt();

		if (result)
			check_add(c, "ebpf", CHECK_WARN, kinds[i].without,
				  "%s: refused: perf_event %s (%s)", kinds[i].name,
				  strerrorname_np(-result), facility_error_text(-result));
		else
			check_add(c, "ebpf", CHECK_OK, NULL, "%s: loads: perf_event",
				  kinds[i].name);
	}
}

/* A trial load and attach of each set of the agent's own; they are gone again at the end. */
static void kernel_check_probes(struct checks *c)
{
	if (geteuid() != 0) {
		check_add(c, "ebpf", CHECK_WARN, "sudo ringside doctor", "not tried without root");
		return;
	}
	for (uint32_t i = 0; i < SETS; i++) {
		const struct probe_set *set = sets_at((enum sets)i);
		struct probe_state state;
		struct probe *probe;
		char text[KERNEL_TEXT];

		probe_open(&probe, set, NULL, &state);
		probe_close(probe);
		kernel_probes_text(&state, text, sizeof(text));
		if (probe_whole(&state))
			check_add(c, "ebpf", CHECK_OK, NULL, "%s: loads: %s", set->name, text);
		else
			check_add(c, "ebpf", CHECK_WARN, set->without, "%s: refused: %s", set->name,
				  text);
	}
	kernel_check_pauses(c);
	kernel_check_samples(c);
}

/* What the library does at the start of its host. */
static int kernel_try_memfd(void)
{
	int fd = memfd_create("ringside-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, KERNEL_PAGE) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		result = -errno;
	close(fd);
	return result;
}

static int kernel_try_advice(int advice)
{
	void *page =
		mmap(NULL, KERNEL_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result = 0;

	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, KERNEL_PAGE, advice))
		result = -errno;
	munmap(page, KERNEL_PAGE);
	return result;
}

static void kernel_check_memory(struct checks *c)
{
	int sealed = kernel_try_memfd();
	int wiped = kernel_try_advice(MADV_WIPEONFORK);
	int populated = kernel_try_advice(MADV_POPULATE_WRITE);

	if (sealed || wiped)
		check_add(c, "memory", CHECK_BAD,
			  "the library stays silent without it: a kernel of 4.14 or newer, and no "
			  "filter of system calls",
			  "%s: %s", sealed ? "a sealed memfd" : "MADV_WIPEONFORK",
			  strerrordesc_np(sealed ? -sealed : -wiped));
	else
		check_add(c, "memory", CHECK_OK, NULL, "sealed memfd and MADV_WIPEONFORK work");
	if (populated)
		check_add(c, "populate", CHECK_WARN,
			  "a kernel of 5.14 or newer; before, first requests take page faults",
			  "MADV_POPULATE_WRITE: %s", strerrordesc_np(-populated));
	else
		check_add(c, "populate", CHECK_OK, NULL, "MADV_POPULATE_WRITE works");
}

/* The first word of a small file; "" where it cannot be read. */
static void kernel_word(const char *root, const char *path, char *out, size_t size)
{
	if (procfs_file_read(root, path, out, size) < 0)
		out[0] = '\0';
	out[strcspn(out, " \n")] = '\0';
}

static bool kernel_has_invariant_tsc(void)
{
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007u, &a, &b, &c, &d) && d & 1u << 8;
#else
	return false;
#endif
}

/* As the library decides it. */
static void kernel_check_clock(struct checks *c, const char *root)
{
	char source[64];

	kernel_word(root, KERNEL_CLOCK, source, sizeof(source));
	if (strcmp(source, "tsc") == 0 && kernel_has_invariant_tsc())
		check_add(c, "clock", CHECK_OK, NULL, "rdtsc, invariant, and the kernel's own");
	else if (kernel_has_invariant_tsc())
		check_add(c, "clock", CHECK_WARN,
			  "nothing is lost but some ns per request: times come from clock_gettime",
			  "the kernel does not trust the TSC: it uses %s",
			  *source ? source : "an unknown clock");
	else
		check_add(c, "clock", CHECK_OK, NULL, "clock_gettime; the kernel uses %s",
			  *source ? source : "an unknown clock");
}

static void kernel_check_pressure(struct checks *c, const char *root)
{
	static const char *const files[] = { "/proc/pressure/cpu", "/proc/pressure/memory",
					     "/proc/pressure/io" };
	char text[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (procfs_file_read(root, files[i], text, sizeof(text)) > 0)
			continue;
		check_add(c, "pressure", CHECK_WARN,
			  "system.pressure stays null; boot with psi=1 if it is wanted",
			  "%s cannot be read", files[i]);
		return;
	}
	check_add(c, "pressure", CHECK_OK, NULL, "stall times of CPU, memory and I/O are there");
}

static void kernel_check_cgroup(struct checks *c, const char *root)
{
	struct cgroup_mounts mounts;
	bool v1, v2;

	if (cgroup_mounts_read(root, &mounts))
		memset(&mounts, 0, sizeof(mounts));
	v1 = mounts.memory.point[0] || mounts.cpu.point[0];
	v2 = mounts.unified.point[0];
	if (v1 || v2)
		check_add(c, "cgroup", CHECK_OK, NULL, "%s%s%s", v2 ? "version 2" : "",
			  v1 && v2 ? " and " : "", v1 ? "version 1" : "");
	else
		check_add(c, "cgroup", CHECK_WARN,
			  "limits of containers are not seen; the machine's own stand in",
			  "no memory or CPU controller is mounted");
}

static void kernel_check_schedstat(struct checks *c, const char *root)
{
	uint64_t numbers[3];
	char text[128];

	if (procfs_file_read(root, "/proc/self/schedstat", text, sizeof(text)) > 0 &&
	    procfs_numbers(text, numbers, 3) == 3 && numbers[0])
		check_add(c, "schedstat", CHECK_OK, NULL, "CPU time in ns, and the wait for it");
	else
		check_add(c, "schedstat", CHECK_WARN,
			  "a kernel with CONFIG_SCHED_INFO; CPU is told in steps of 10 ms without",
			  "/proc/self/schedstat tells nothing");
}

/* The agent reads, it never attaches: the file is shown because everybody asks. */
static void kernel_check_yama(struct checks *c, const char *root)
{
	char scope[16];

	kernel_word(root, KERNEL_YAMA, scope, sizeof(scope));
	check_add(c, "yama", CHECK_OK, NULL,
		  *scope ? "ptrace_scope %s: no matter, nothing attaches" : "not there%s", scope);
}

/* The value of hidepid= in the options of the mount of /proc, "" where it hides nothing. */
static void kernel_hidepid(char *mounts, char *out, size_t size)
{
	char *rest = NULL;

	out[0] = '\0';
	for (char *line = strtok_r(mounts, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *option = strstr(line, "hidepid=");

		if (!strstr(line, " /proc ") || !strstr(line, " - proc ") || !option)
			continue;
		option += strlen("hidepid=");
		snprintf(out, size, "%.*s", (int)strcspn(option, ", "), option);
	}
	if (strcmp(out, "0") == 0 || strcmp(out, "off") == 0)
		out[0] = '\0';
}

static void kernel_check_hidepid(struct checks *c, const char *root)
{
	char *mounts = malloc(KERNEL_MOUNTS);
	char value[32] = "";

	if (mounts && procfs_file_read(root, "/proc/self/mountinfo", mounts, KERNEL_MOUNTS) > 0)
		kernel_hidepid(mounts, value, sizeof(value));
	free(mounts);
	if (*value)
		check_add(c, "hidepid", CHECK_WARN,
			  "mount -o remount,hidepid=0 /proc; the agent's worker has no privileges, "
			  "and cannot read CPU and memory of other users' servers",
			  "/proc is mounted with hidepid=%s", value);
	else
		check_add(c, "hidepid", CHECK_OK, NULL, "/proc shows the processes of all users");
}

static void kernel_check_memlock(struct checks *c)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		check_add(c, "memlock", CHECK_OK, NULL, "RLIMIT_MEMLOCK is unlimited");
	else
		check_add(c, "memlock", CHECK_OK, NULL,
			  "RLIMIT_MEMLOCK %llu KiB: a server that calls mlockall locks up to 2 MiB "
			  "of ours too; RINGSIDE=disabled spares it that",
			  (unsigned long long)limit.rlim_cur / 1024);
}

void check_kernel(struct checks *c, const char *root)
{
	struct utsname name;

	if (uname(&name) == 0)
		kernel_check_version(c, &name);
	kernel_check_privileges(c);
	kernel_check_probes(c);
	kernel_check_memory(c);
	kernel_check_clock(c, root);
	kernel_check_pressure(c, root);
	kernel_check_cgroup(c, root);
	kernel_check_schedstat(c, root);
	kernel_check_yama(c, root);
	kernel_check_hidepid(c, root);
	kernel_check_memlock(c);
}
