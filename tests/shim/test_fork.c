/*
 * Children made by fork, _Fork, daemon and forkpty have segments of their own and count in them
 * once they are found; the parent's stays as it was.
 */
#include "host.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host_pair pair;
static void *kept;

/* In a child: what must hold. Exits 0. */
static void be_child(uint32_t parent)
{
	struct rs_header *header = host_segment_wanted();

	HOST_CHECK(header->pid != parent);
	host_listen_as_agent(header);
	HOST_CHECK(HOST_SUM(header, requests) == 0);
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	/* It inherited what is allocated: freeing that does not make live bytes negative. */
	HOST_CHECK(HOST_SUM(header, allocated_bytes) >= 100000);
	free(kept);
	HOST_CHECK(HOST_SUM(header, allocated_bytes) >= HOST_SUM(header, freed_bytes));
	_exit(0);
}

static void by_daemon(uint32_t parent)
{
	int ends[2];
	char verdict = 'n';
	int pid;

	HOST_CHECK(!pipe(ends));
	pid = fork();
	if (!pid) {
		HOST_CHECK(!daemon(1, 1));
		pid = fork();
		if (!pid)
			be_child(parent);
		verdict = host_wait(pid, 5000) ? 'n' : 'y';
		_exit(write(ends[1], &verdict, 1) != 1);
	}
	close(ends[1]);
	HOST_CHECK(host_wait(pid, 5000) == 0);
	HOST_CHECK(read(ends[0], &verdict, 1) == 1 && verdict == 'y');
}

/* A parent that was switched off and serves nothing itself has children that are off too. */
static void after_off(struct rs_header *header)
{
	int pid;

	atomic_store(&header->agent.off, 1);
	pid = fork();
	if (!pid)
		_exit(host_segment() || !host_serve(&pair, "/child") ? 1 : 0);
	HOST_CHECK(host_wait(pid, 5000) == 0);
	HOST_CHECK(atomic_load(&header->state) == RS_STATE_OFF);
	HOST_CHECK(atomic_load(&header->why) == RS_WHY_ASKED);
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	uint32_t self = header->pid; /* a child finds its own header there */
	char text[512];
	int terminal;
	int pid;

	kept = malloc(100000);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/parent"));

	pid = fork();
	if (!pid)
		be_child(self);
	HOST_CHECK(host_wait(pid, 5000) == 0);

	pid = _Fork();
	if (!pid)
		be_child(self);
	HOST_CHECK(host_wait(pid, 5000) == 0);

	pid = forkpty(&terminal, NULL, NULL, NULL);
	if (!pid)
		be_child(self);
	HOST_CHECK(read(terminal, text, sizeof(text)) <= 0); /* else its complaint is in text */
	HOST_CHECK(host_wait(pid, 5000) == 0);

	by_daemon(self);
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	HOST_CHECK(host_serve(&pair, "/parent"));
	HOST_CHECK(HOST_SUM(header, requests) == 2);
	after_off(header);
	return 0;
}
