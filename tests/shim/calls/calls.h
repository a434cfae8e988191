/*
 * calls - a list of calls, and what each of them answered and left behind.
 *
 * Threads:  one.
 * Memory:   static.
 * Errors:   those of the calls are printed; a step of the test's own that fails ends it.
 *
 * The program runs without the shim and with it, and prints the same lines: no address, no process
 * id, no time is in them.
 */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CALLS_UNTOUCHED 4242 /* errno ahead of each call: a success must leave it */
#define CALLS_CLOSED 900     /* a number that is never open */
#define CALLS_BEYOND ((1 << 20) + 5)

#define CALL(name, of, call)                                                                       \
	do {                                                                                       \
		long calls_result;                                                                 \
		errno = CALLS_UNTOUCHED;                                                           \
		calls_result = (long)(call);                                                       \
		calls_say(name, of, calls_result, errno);                                          \
	} while (0)

/* A step of the test's own. */
#define CALLS_DO(fact)                                                                             \
	do {                                                                                       \
		if (!(fact))                                                                       \
			calls_fail(__FILE__, __LINE__, #fact);                                     \
	} while (0)

struct calls_pair {
	int a;
	int b;
};

extern void *volatile calls_nowhere; /* no page there: EFAULT */
extern void *volatile calls_null;    /* NULL, which the compiler does not know */
extern volatile long calls_negative; /* -1, as above */

void calls_say(const char *name, const char *of, long result, int error);
void calls_note(const char *what, long value); /* a side effect */
void calls_bytes(const void *bytes, size_t n); /* what was moved */
void calls_descriptors(void);                  /* every open number and what it is */
void calls_signals(void);                      /* those that came since the last time */
void calls_child(const char *what, int pid);   /* how it ended */
void calls_fail(const char *file, int line, const char *fact) __attribute__((noreturn));

void calls_tcp(struct calls_pair *pair);
void calls_unix(struct calls_pair *pair, int type);
void calls_pipe(struct calls_pair *pair);   /* a: read from, b: written to */
int calls_file(const char *text);           /* without a name, at offset 0 */
int calls_listener(void);                   /* TCP, at a port of its own */
int calls_connect(int listener, int flags); /* a client of it */
void calls_close(const struct calls_pair *pair);
void calls_close_all(void); /* but the first three */
void calls_block(int fd, bool block);
void calls_fill(int fd);                           /* until nothing more fits, and blocking again */
void calls_alarm(bool on);                         /* a signal every 2 ms, without SA_RESTART */
size_t calls_drain(int fd, void *to, size_t room); /* what is there, without waiting */

void calls_of_reading(void);
void calls_of_messages(void);
void calls_of_writing(void);
void calls_of_files(void);
void calls_of_descriptors(void);
void calls_of_closing(void);
void calls_of_processes(void);
void calls_of_sandboxes(void);
void calls_of_numbers(void);
void calls_of_memory(void);

#endif
