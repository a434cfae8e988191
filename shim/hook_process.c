/*
 * hook_process - what the host does to itself: it turns into a server, or into a sandbox.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   results and errno are the real function's; what we did ahead of a call that failed is
 *           undone.
 * Cost:     none of these is on a request's path.
 */
#include "cage.h"
#include "home.h"
#include "hooks.h"
#include "library.h"
#include "real.h"
#include "thread.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum process_sandbox {
	PROCESS_FREE,
	PROCESS_FILTERED, /* any further system call for our own sake may kill */
	PROCESS_STRICT,   /* and so does reading the clock: strict seccomp traps rdtsc too */
	PROCESS_NO_TSC,   /* only the clock kills */
};

struct process_before {
	enum process_sandbox sandbox;
	enum rs_clock clock;
};

long syscall_watched(long number, long a, long b, long c, long d, long e, long f);

static enum process_sandbox process_prctl_asks(long option, long value)
{
	if (option == PR_SET_TSC && value == PR_TSC_SIGSEGV)
		return PROCESS_NO_TSC;
	if (option != PR_SET_SECCOMP)
		return PROCESS_FREE;
	return value == SECCOMP_MODE_STRICT ? PROCESS_STRICT : PROCESS_FILTERED;
}

/* It must be done ahead of the call: afterwards it could be too late already. */
static struct process_before process_ahead(enum process_sandbox sandbox)
{
	struct process_before before = { .sandbox = sandbox, .clock = home.clock };

	if (sandbox == PROCESS_FREE || here.busy == THREAD_IN_VFORK) {
		before.sandbox = PROCESS_FREE;
		return before;
	}
	if (sandbox != PROCESS_NO_TSC)
		home_freeze();
	if (sandbox != PROCESS_FILTERED)
		home_clock_off(sandbox == PROCESS_STRICT ? RS_WHY_SECCOMP : RS_WHY_NO_TSC);
	return before;
}

static void process_undo(const struct process_before *before)
{
	if (before->sandbox == PROCESS_FREE)
		return;
	if (before->sandbox != PROCESS_NO_TSC)
		home_unfreeze();
	if (before->sandbox != PROCESS_FILTERED && before->clock != RS_CLOCK_NONE)
		home_clock_on(before->clock);
}

/*
 * A filter that lets our own calls through, as one against a few others does, changes nothing here.
 * It is read only now: the kernel has found it readable, or who answers in its place took none.
 */
static void process_behind(const struct process_before *before, long result, long argument)
{
	const struct sock_fprog *program = (const struct sock_fprog *)argument;

	if (result < 0)
		process_undo(before);
	else if (before->sandbox == PROCESS_FILTERED && program && program->filter &&
		 cage_permits(program))
		home_unfreeze();
}

EXPORT int prctl(int option, ...)
{
	struct process_before before;
	va_list list;
	long a, b, c, d;
	int result;

	va_start(list, option);
	a = va_arg(list, long);
	b = va_arg(list, long);
	c = va_arg(list, long);
	d = va_arg(list, long);
	va_end(list);
	before = process_ahead(process_prctl_asks(option, a));
	result = real.prctl(option, a, b, c, d);
	process_behind(&before, result, b);
	return result;
}

/* A handler that has a stack of its own must not be taken for an older frame (guard.c). */
EXPORT int sigaltstack(const stack_t *restrict stack, stack_t *restrict before)
{
	int result = real.sigaltstack(stack, before);
	stack_t now;

	if (result || !stack || here.busy == THREAD_IN_VFORK)
		return result;
	/* One place for both: the old one is there by now, the new one the kernel alone knows. */
	if (stack == before && real.sigaltstack(NULL, &now))
		return result;
	if (stack != before)
		now = *stack;
	here.handlers_at = (uintptr_t)now.ss_sp;
	here.handlers_bytes = now.ss_flags & SS_DISABLE ? 0 : now.ss_size;
	return result;
}

/* A process that listens is a server: its agent may know at once, before the first request. */
EXPORT int listen(int fd, int backlog)
{
	int result = real.listen(fd, backlog);

	if (!result && here.busy != THREAD_IN_VFORK) {
		atomic_store_explicit(&home.listens, 1, memory_order_relaxed);
		home_activate();
	}
	return result;
}

/* What is known of the libraries of TLS may be of the past. */
EXPORT int dlclose(void *object)
{
	int (*real_dlclose)(void *) = real.dlclose;
	void *found = NULL;
	int result;

	if (real_dlclose == real_no_dlclose)
		found = library_function("dlclose");
	if (found)
		*(void **)&real_dlclose = found;
	result = real_dlclose(object);
	library_doubt();
	return result;
}

/* Whether sockets will move by it or files alone, as node's do, is not known. */
static long process_io_uring(long number, long entries, long parameters)
{
	long result = real.syscall(number, entries, parameters);

	if (result >= 0 && atomic_load_explicit(&control.live, memory_order_relaxed))
		atomic_fetch_or_explicit(&home.header->unseen, RS_UNSEEN_IO_URING,
					 memory_order_relaxed);
	return result;
}

static long process_prctl(long option, long a, long b, long c, long d)
{
	struct process_before before = process_ahead(process_prctl_asks(option, a));
	long result = real.syscall(SYS_prctl, option, a, b, c, d);

	process_behind(&before, result, b);
	return result;
}

static long process_seccomp(long number, long operation, long flags, long argument)
{
	enum process_sandbox sandbox = PROCESS_FREE;
	struct process_before before;
	long result;

	if (operation == SECCOMP_SET_MODE_STRICT)
		sandbox = PROCESS_STRICT;
	else if (operation == SECCOMP_SET_MODE_FILTER)
		sandbox = PROCESS_FILTERED;
	before = process_ahead(sandbox);
	result = real.syscall(number, operation, flags, argument);
	process_behind(&before, result, argument);
	return result;
}

/* From syscall.S, with the arguments of syscall(2) as they came. */
long syscall_watched(long number, long a, long b, long c, long d, long e, long f)
{
	switch (number) {
	case SYS_close:
	case SYS_close_range:
	case SYS_accept:
	case SYS_accept4:
		return hook_fd_by_number(number, a, b, c, d);
	case SYS_prctl:
		return process_prctl(a, b, c, d, e);
	case SYS_seccomp:
		return process_seccomp(number, a, b, c);
	case SYS_io_uring_setup:
		return process_io_uring(number, a, b);
	default:
		return real.syscall(number, a, b, c, d, e, f);
	}
}
