/*
 * unwind - the symbolizer that unwinds snapshots of one process's stacks as they come.
 *
 * Threads:  one.
 * Memory:   its own until it ends; the distinct stacks take STACKS_BYTES at the most. A snapshot is
 *           copied, its slot zeroed at once, the copy zeroed after use: nothing else keeps it.
 * Errors:   the exit code; CHILD_NO_LIBRARY: libdw is not installed.
 * Like symbolize it begins as a fresh program and locks itself in before it reads any file or
 * stack; its descriptors are the question (0), the answer (1), the slots and the files.
 */
#ifndef PROFILE_UNWIND_H
#define PROFILE_UNWIND_H

#include <stdint.h>

#define UNWIND_FRAMES 127u /* of the user's, as the kernel gives by frame pointers */
#define UNWIND_SECONDS 300u
#define UNWIND_VDSO (-2) /* the descriptor of what is no file, but the kernel's code */

/* The question: head, then files as symbolize takes them. */
struct unwind_head {
	uint32_t file_count, seconds;
	int32_t slots;    /* descriptor */
	uint32_t samples; /* how many there may be */
};

/*
 * The answer: head, then each stack, its addresses behind it: the kernel's, then the user's. The
 * last one is 0 where the stack goes on.
 */
struct unwind_answer {
	uint64_t taken, dropped; /* by the kernel: in all, and for want of a slot */
	uint64_t no_room;        /* lost: too many distinct stacks */
	uint32_t stack_count, reserved;
};

struct unwind_stack {
	uint32_t samples;
	uint16_t kernel_count, user_count;
};

int unwind_main(void); /* the whole life of the process */

#endif
