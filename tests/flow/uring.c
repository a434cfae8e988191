/*
 * uring - a server of one connection at a time that moves all its bytes by io_uring.
 *
 * uring PORT [NAME=MS]...: answers each request, which must come in one piece, with 200; one for
 * /NAME after so many milliseconds.
 */
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4
#define UNAVAILABLE 77

struct ring {
	int fd;
	char *memory; /* both queues: IORING_FEAT_SINGLE_MMAP */
	struct io_uring_sqe *entries;
	struct io_uring_params p;
};

static void ring_open(struct ring *r)
{
	size_t bytes;

	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &r->p);
	if (r->fd < 0 || !(r->p.features & IORING_FEAT_SINGLE_MMAP))
		exit(UNAVAILABLE);
	bytes = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe) +
		r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t);
	r->memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->entries = mmap(NULL, r->p.sq_entries * sizeof(*r->entries), PROT_READ | PROT_WRITE,
			  MAP_SHARED, r->fd, IORING_OFF_SQES);
	if (r->memory == MAP_FAILED || r->entries == MAP_FAILED)
		exit(UNAVAILABLE);
}

static _Atomic uint32_t *word(const struct ring *r, uint32_t at)
{
	return (_Atomic uint32_t *)(void *)(r->memory + at);
}

/* One operation, waited for; its result. */
static int ring_do(const struct ring *r, uint8_t code, int fd, void *bytes, uint32_t length)
{
	uint32_t tail = atomic_load(word(r, r->p.sq_off.tail));
	uint32_t slot = tail & (r->p.sq_entries - 1);
	uint32_t head = atomic_load(word(r, r->p.cq_off.head));
	struct io_uring_cqe *done = (void *)(r->memory + r->p.cq_off.cqes);

	r->entries[slot] = (struct io_uring_sqe){
		.opcode = code, .fd = fd, .addr = (uint64_t)(uintptr_t)bytes, .len = length
	};
	atomic_store(word(r, r->p.sq_off.array + slot * (uint32_t)sizeof(uint32_t)), slot);
	atomic_store(word(r, r->p.sq_off.tail), tail + 1);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		exit(UNAVAILABLE);
	done += head & (r->p.cq_entries - 1);
	fd = done->res;
	atomic_store(word(r, r->p.cq_off.head), head + 1);
	return fd;
}

static void take_time(const char *request, char **pairs)
{
	for (; *pairs; pairs++) {
		size_t name = strcspn(*pairs, "=");

		if (strncmp(request, "GET /", 5) == 0 && strncmp(request + 5, *pairs, name) == 0 &&
		    request[5 + name] == ' ')
			usleep((useconds_t)(1000 * atoi(*pairs + name + 1)));
	}
}

/* One request after the other, until the client leaves. */
static void serve(const struct ring *r, int peer, char **pairs)
{
	static char answer[] = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"
			       "Content-Length: 14\r\n\r\nringside seat\n";
	char request[4096];
	int n;

	while ((n = ring_do(r, IORING_OP_RECV, peer, request, sizeof(request) - 1)) > 0) {
		request[n] = '\0';
		take_time(request, pairs);
		ring_do(r, IORING_OP_SEND, peer, answer, sizeof(answer) - 1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "0")),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct ring r;

	ring_open(&r);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64))
		return 1;
	for (;;) {
		int peer = ring_do(&r, IORING_OP_ACCEPT, listener, NULL, 0);

		if (peer < 0)
			return 1;
		serve(&r, peer, argc > 2 ? argv + 2 : argv + argc);
		close(peer);
	}
}
