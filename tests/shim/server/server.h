/*
 * server - a small HTTP server in many process models: what watches it must count every request.
 *
 * Threads:  as the model has it.
 * Memory:   static.
 * Errors:   a step that fails ends the process with a line on stderr.
 */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SERVER_DO(fact)                                                                            \
	do {                                                                                       \
		if (!(fact))                                                                       \
			server_fail(__FILE__, __LINE__, #fact);                                    \
	} while (0)

#define SERVER_EVER 1000000000

void server_fail(const char *file, int line, const char *fact) __attribute__((noreturn));
int server_listen(bool share);   /* prints its port on stdout; share: SO_REUSEPORT */
int server_listen_at(int port);  /* one more, shared */
int server_accept(int listener); /* waits */
int server_fork(void);           /* a child that ends with its parent */

/* Answers up to so many requests of a connection; how many, fewer when it ended. */
int server_serve(int fd, int most);
int server_serve_by(int fd, int most, ssize_t (*get)(int fd, void *to, size_t bytes));

/* Models; each returns only when all is over. */
void server_prefork(int listener);
void server_restart(int listener);
void server_again(int listener, char **argv);
void server_pass(int listener);
void server_inetd(int listener, const char *self);
void server_over(int listener);
void server_high(int listener);
void server_drop(int listener);
void server_filter(int listener);
void server_threads(int listener);
void server_churn(int listener);
void server_events(int listener);
void server_peek(int listener);
void server_spawn(int listener);
void server_module(int listener, const char *library);
void server_stdio(int listener);
void server_ring(int listener, bool by_function);

#endif
