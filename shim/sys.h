/*
 * sys - system calls by inline assembly: the result or -errno.
 *
 * Threads:  any, also in signal handlers and in children of vfork.
 * Memory:   none.
 * Errors:   -errno is returned; the variable errno of the host is never touched.
 * Cost:     the bare call.
 */
#ifndef SHIM_SYS_H
#define SHIM_SYS_H

#include <sys/syscall.h>

#if defined(__x86_64__)

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "no system calls for this machine"
#endif

/* sys_call(number, up to six arguments): integers and pointers alike. */
#define SYS_LONG(x) ((long)(x))
#define SYS_0(n) sys_call6(n, 0, 0, 0, 0, 0, 0)
#define SYS_1(n, a) sys_call6(n, SYS_LONG(a), 0, 0, 0, 0, 0)
#define SYS_2(n, a, b) sys_call6(n, SYS_LONG(a), SYS_LONG(b), 0, 0, 0, 0)
#define SYS_3(n, a, b, c) sys_call6(n, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), 0, 0, 0)
#define SYS_4(n, a, b, c, d) sys_call6(n, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), 0, 0)
#define SYS_5(n, a, b, c, d, e)                                                                    \
	sys_call6(n, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), SYS_LONG(e), 0)
#define SYS_6(n, a, b, c, d, e, f)                                                                 \
	sys_call6(n, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), SYS_LONG(e), SYS_LONG(f))
#define SYS_COUNTED(n, a, b, c, d, e, f, name, ...) name
#define sys_call(...)                                                                              \
	SYS_COUNTED(__VA_ARGS__, SYS_6, SYS_5, SYS_4, SYS_3, SYS_2, SYS_1, SYS_0)(__VA_ARGS__)

/* A pointer may be negative as a number; only the last 4095 values are errors. */
static inline int sys_failed(long result)
{
	return (unsigned long)result > -4096UL;
}

#endif
