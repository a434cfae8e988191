/*
 * producer - serves checked requests to itself as fast as it can, by some threads, until it is
 * killed.
 */
#include "checked.h"
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#define THREADS 3
#define NUMBERS_A_THREAD (1u << 28)

static bool serve(const struct host_pair *pair, const struct checked *c)
{
	char got[1024];

	return write(pair->client, c->request, c->request_bytes) == (ssize_t)c->request_bytes &&
	       read(pair->server, got, sizeof(got)) == (ssize_t)c->request_bytes &&
	       write(pair->server, c->response, c->response_bytes) == (ssize_t)c->response_bytes &&
	       read(pair->client, got, sizeof(got)) == (ssize_t)c->response_bytes;
}

static void *serve_for_ever(void *first)
{
	uint32_t number = (uint32_t)(uintptr_t)first;
	struct host_pair pair;
	struct checked c;

	host_connect(&pair);
	do
		checked_make(&c, number++);
	while (serve(&pair, &c));
	_exit(3);
}

int main(void)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (uintptr_t i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, serve_for_ever, (void *)(i * NUMBERS_A_THREAD));
	serve_for_ever(NULL);
	return 1;
}
