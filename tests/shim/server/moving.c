/*
 * moving - servers that move bytes in unusual ways, some of which no preload sees.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define MOVING_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
#define MOVING_BYTES 300000u
#define MOVING_MOST 1024

static ssize_t peek_first(int fd, void *to, size_t bytes)
{
	ssize_t n = recv(fd, to, bytes, MSG_PEEK);
	ssize_t first;

	if (n <= 0)
		return n;
	first = read(fd, to, 1); /* and then all of it, in two steps */
	if (first != 1 || n == 1)
		return first;
	n = recv(fd, (char *)to + 1, (size_t)n - 1, MSG_WAITALL);
	return n < 0 ? n : n + 1;
}

void server_peek(int listener)
{
	for (;;) {
		int fd = server_accept(listener);

		server_serve_by(fd, SERVER_EVER, peek_first);
		close(fd);
	}
}

/* What a client is still to get: left counts down to 0. */
static size_t moving_left[MOVING_MOST];

static void on_alarm(int number)
{
	(void)number;
}

static void send_more(int fd)
{
	static char reply[sizeof(MOVING_HEAD) - 1 + MOVING_BYTES];
	size_t left = moving_left[fd];

	memcpy(reply, MOVING_HEAD, sizeof(MOVING_HEAD) - 1);
	while (left) {
		ssize_t n = write(fd, reply + sizeof(reply) - left, left);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			left = 0;
		if (n < 0 && errno == EAGAIN)
			break;
		left -= n < 0 ? 0 : (size_t)n;
	}
	moving_left[fd] = left;
}

static void move(int fd)
{
	char head[1024];
	ssize_t n = moving_left[fd] ? -1 : read(fd, head, sizeof(head));

	if (!n) {
		close(fd);
		return;
	}
	/* Requests are small: each comes in one piece. */
	if (n > 0)
		moving_left[fd] = sizeof(MOVING_HEAD) - 1 + MOVING_BYTES;
	send_more(fd);
}

/* One thread, no waiting, answers larger than a socket takes, a signal each millisecond. */
void server_events(int listener)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction action = { .sa_handler = on_alarm };
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
	int loop = epoll_create1(EPOLL_CLOEXEC), small = 16384;

	SERVER_DO(!epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event));
	SERVER_DO(!sigaction(SIGALRM, &action, NULL) && !setitimer(ITIMER_REAL, &often, NULL));
	for (;;) {
		if (epoll_wait(loop, &event, 1, -1) < 1)
			continue;
		if (event.data.fd != listener) {
			move(event.data.fd);
			continue;
		}
		event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (event.data.fd < 0 || event.data.fd >= MOVING_MOST)
			continue;
		setsockopt(event.data.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		event.events = EPOLLIN | EPOLLOUT | EPOLLET;
		SERVER_DO(!epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event));
	}
}

static void converse(FILE *in, FILE *out)
{
	char line[1024];

	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, "\r\n"))
			continue;
		fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 2, "ok");
		fflush(out);
	}
}

void server_stdio(int listener)
{
	for (;;) {
		int fd = server_accept(listener);
		FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");

		SERVER_DO(in && out);
		converse(in, out);
		fclose(in);
		fclose(out);
	}
}

struct ring {
	int fd;
	struct io_uring_params parameters;
	char *queue; /* indices of both queues */
	struct io_uring_sqe *entries;
};

/* As liburing does it: no function of the C library is called. */
static long ring_call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	register long r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#else
	return syscall(number, a, b, c, d, 0, 0);
#endif
}

static void ring_open(struct ring *ring, bool by_function)
{
	struct io_uring_params *p = &ring->parameters;

	ring->fd = (int)(by_function ? syscall(SYS_io_uring_setup, 8, p)
				     : ring_call(SYS_io_uring_setup, 8, (long)p, 0, 0));
	SERVER_DO(ring->fd >= 0 && p->features & IORING_FEAT_SINGLE_MMAP);
	ring->queue = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			   PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe),
			     PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	SERVER_DO(ring->queue != MAP_FAILED && ring->entries != MAP_FAILED);
}

static unsigned int *ring_word(struct ring *ring, unsigned int offset)
{
	return (unsigned int *)(void *)(ring->queue + offset);
}

/* One operation, and its result. */
static int ring_do(struct ring *ring, const struct io_uring_sqe *what)
{
	const struct io_sqring_offsets *s = &ring->parameters.sq_off;
	const struct io_cqring_offsets *c = &ring->parameters.cq_off;
	unsigned int tail = *ring_word(ring, s->tail), mask = *ring_word(ring, s->ring_mask);
	const struct io_uring_cqe *done;

	ring->entries[tail & mask] = *what;
	ring_word(ring, s->array)[tail & mask] = tail & mask;
	__atomic_store_n(ring_word(ring, s->tail), tail + 1, __ATOMIC_RELEASE);
	SERVER_DO(ring_call(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS) == 1);
	tail = *ring_word(ring, c->head);
	done = (const struct io_uring_cqe *)(const void *)(ring->queue + c->cqes);
	done += tail & *ring_word(ring, c->ring_mask);
	__atomic_store_n(ring_word(ring, c->head), tail + 1, __ATOMIC_RELEASE);
	return done->res;
}

/* Neither its connections nor their bytes pass a function. */
void server_ring(int listener, bool by_function)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	static char head[1024];
	struct ring ring = { 0 };
	int fd;

	ring_open(&ring, by_function);
	for (;;) {
		const struct io_uring_sqe wait = { .opcode = IORING_OP_ACCEPT, .fd = listener };
		struct io_uring_sqe get = { .opcode = IORING_OP_RECV, .len = sizeof(head) };
		struct io_uring_sqe put = { .opcode = IORING_OP_SEND, .len = sizeof(reply) - 1 };

		fd = ring_do(&ring, &wait);
		SERVER_DO(fd >= 0);
		get.fd = put.fd = fd;
		get.addr = (unsigned long)head;
		put.addr = (unsigned long)reply;
		while (ring_do(&ring, &get) > 0)
			ring_do(&ring, &put);
		close(fd);
	}
}
