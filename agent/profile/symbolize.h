/*
 * symbolize - the symbolizer: a process of its own that reads hostile files and answers with names.
 *
 * Threads:  one.
 * Memory:   its own until it ends; RLIMIT_AS bounds it.
 * Errors:   the exit code; an answer that ends early says what was found until then.
 * It begins as a fresh program, so that it inherits no secret; its descriptors are the question
 * (0), the answer (1) and the files that the question names. It locks itself in before it reads
 * any of them: no new descriptor, process, socket or signal from then on, 2 s of CPU.
 */
#ifndef PROFILE_SYMBOLIZE_H
#define PROFILE_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

#define SYMBOLIZE_FILES 256u
#define SYMBOLIZE_ADDRESSES (256u * 1024)
#define SYMBOLIZE_NAME 256u /* longer names are cut */
#define SYMBOLIZE_CPU_S 2

/* The question: head, files, addresses in order of size. The kernel's are above all others. */
struct symbolize_head {
	uint32_t file_count, address_count;
	int32_t kallsyms; /* descriptor; -1: none */
	uint32_t reserved;
};

struct symbolize_file {
	uint64_t start, end, offset; /* 0, 0: a perf map */
	int32_t fd, debug;           /* -1: none */
};

/*
 * The answer: for each file a line "whole" or "part" and its build id ("-": none), or "none"; then
 * for each address a line with its name, empty where there is none. Those are whole; then come, as
 * far as there was time, lines with the number of an address and what was put into the function
 * there, innermost first, each behind a tab.
 */
int symbolize_main(void); /* the whole life of the process */

int symbolize_take(void *at, size_t bytes); /* of the question, from standard input; -EPIPE */

#endif
