/*
 * vfork - a child in the parent's memory and on the parent's stack: it must not write the segment.
 *
 * The return address is kept in the thread's block, not on the stack, which the child overwrites
 * below its caller's frame. here.busy is HERE_IN_VFORK while the child lives, so that its hooks
 * pass through; the parent, which the kernel holds until then, puts the old value back. A vfork
 * inside such a child finds the mark and leaves it alone.
 */
#include "layout.h"

#if defined(__x86_64__)
#include <cet.h> /* the note that we may be loaded where shadow stacks are in use */
#endif

	.text
	.globl vfork
	.type vfork, %function
	.p2align 4
vfork:
#if defined(__x86_64__)
	endbr64
	movq here@gottpoff(%rip), %rcx
	movq %fs:HERE_BUSY(%rcx), %rax
	cmpq $HERE_IN_VFORK, %rax
	je .Lnested
	movq %rax, %fs:HERE_BUSY_BEFORE(%rcx)
	popq %rdx
	movq %rdx, %fs:HERE_VFORK_RETURN(%rcx)
	movq $HERE_IN_VFORK, %fs:HERE_BUSY(%rcx)
	call *real+REAL_VFORK(%rip)
	movq here@gottpoff(%rip), %rcx
	movq %fs:HERE_VFORK_RETURN(%rcx), %rdx
	testl %eax, %eax
	je .Lchild
	movq %fs:HERE_BUSY_BEFORE(%rcx), %rsi
	movq %rsi, %fs:HERE_BUSY(%rcx)
.Lreturn:
	pushq %rdx
	ret
	/* Its shadow stack is the parent's: nothing is taken from it, as in the C library's own. */
.Lchild:
	xorl %esi, %esi
	rdsspq %rsi
	testq %rsi, %rsi
	je .Lreturn
	jmp *%rdx
.Lnested:
	jmp *real+REAL_VFORK(%rip)
#elif defined(__aarch64__)
	mrs x9, tpidr_el0
	adrp x10, :gottprel:here
	ldr x10, [x10, :gottprel_lo12:here]
	add x9, x9, x10
	adrp x11, real
	add x11, x11, :lo12:real
	ldr x11, [x11, #REAL_VFORK]
	ldr x12, [x9, #HERE_BUSY]
	cmp x12, #HERE_IN_VFORK
	b.eq 2f
	str x12, [x9, #HERE_BUSY_BEFORE]
	str x30, [x9, #HERE_VFORK_RETURN]
	mov x12, #HERE_IN_VFORK
	str x12, [x9, #HERE_BUSY]
	blr x11
	mrs x9, tpidr_el0
	adrp x10, :gottprel:here
	ldr x10, [x10, :gottprel_lo12:here]
	add x9, x9, x10
	ldr x30, [x9, #HERE_VFORK_RETURN]
	cbz w0, 1f
	ldr x12, [x9, #HERE_BUSY_BEFORE]
	str x12, [x9, #HERE_BUSY]
1:
	ret
2:
	br x11
#endif
	.size vfork, . - vfork

	.section .note.GNU-stack, "", %progbits
