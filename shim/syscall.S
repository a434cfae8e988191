/*
 * syscall - the few numbers that matter to us go to syscall_watched, all others straight on, with
 * every register and the stack as the caller left them.
 */
#include "layout.h"

#if defined(__x86_64__)
#include <cet.h> /* the note that we may be loaded where shadow stacks are in use */
#endif
#include <sys/syscall.h>

	.text
	.globl syscall
	.type syscall, %function
	.p2align 4
syscall:
#if defined(__x86_64__)
	endbr64
	cmpq $SYS_close, %rdi
	je syscall_watched
	cmpq $SYS_accept, %rdi
	je syscall_watched
	cmpq $SYS_accept4, %rdi
	je syscall_watched
	cmpq $SYS_prctl, %rdi
	je syscall_watched
	cmpq $SYS_seccomp, %rdi
	je syscall_watched
	cmpq $SYS_io_uring_setup, %rdi
	je syscall_watched
	cmpq $SYS_close_range, %rdi
	je syscall_watched
	jmp *real+REAL_SYSCALL(%rip)
#elif defined(__aarch64__)
	cmp x0, #SYS_close
	b.eq syscall_watched
	cmp x0, #SYS_accept
	b.eq syscall_watched
	cmp x0, #SYS_accept4
	b.eq syscall_watched
	cmp x0, #SYS_prctl
	b.eq syscall_watched
	cmp x0, #SYS_seccomp
	b.eq syscall_watched
	cmp x0, #SYS_io_uring_setup
	b.eq syscall_watched
	cmp x0, #SYS_close_range
	b.eq syscall_watched
	adrp x9, real
	add x9, x9, :lo12:real
	ldr x9, [x9, #REAL_SYSCALL]
	br x9
#endif
	.size syscall, . - syscall

	.section .note.GNU-stack, "", %progbits
