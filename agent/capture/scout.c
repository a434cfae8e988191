#include "scout.h"

#include "aside.h"
#include "moment.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCOUT_MINUTE_NS UINT64_C(60000000000)
#define SCOUT_BUSY_WAITS 8 /* as long as it runs itself, nobody keeps it: so many times longer */
#define SCOUT_LONGEST 6u   /* 64 minutes */
#define SCOUT_ROWS 1021u   /* a prime: one look is enough, and who is pushed out is asked again */
#define SCOUT_MOST (64u << 20)   /* of one file, in memory */
#define SCOUT_FORGET_MINUTES 120 /* longer than anybody is shunned */
#define SCOUT_PID_BITS 22        /* PID_MAX_LIMIT */
#define SCOUT_PID ((1u << SCOUT_PID_BITS) - 1)
#define SCOUT_COPY 4096 /* what a read of /proc gives at a time */

struct scout_order {
	int32_t pid;
	int32_t flags;
	char name[64];
};

/* A process or a user that kept us waiting. */
struct scout_row {
	uint64_t key; /* 0: none */
	uint64_t until_ns, last_ns;
	uint32_t times;
};

struct scout {
	pid_t child; /* 0: none */
	int socket;
	pid_t spare; /* 0: none; takes its place while no process can be forked */
	int spare_socket;
	bool held;
	pid_t left[SCOUT_LEFT];
	struct scout_counts counts;
	uint64_t shuns_ns; /* nobody is shunned from then on */
	/* apart: who chooses its pid cannot push its user out */
	struct scout_row processes[SCOUT_ROWS], users[SCOUT_ROWS];
};

union scout_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* The child's half. */

static int scout_copy(int from)
{
	int to = memfd_create("scout", MFD_CLOEXEC);
	char bytes[SCOUT_COPY];
	ssize_t n = to < 0 ? -1 : 0;
	size_t all = 0;

	while (n >= 0 && all < SCOUT_MOST && (n = read(from, bytes, sizeof(bytes))) > 0) {
		all += (size_t)n;
		n = write(to, bytes, (size_t)n) == n ? n : -1;
	}
	if (all >= SCOUT_MOST) {
		n = -1;
		errno = EFBIG;
	}
	if (n < 0 || lseek(to, 0, SEEK_SET)) {
		n = -errno;
		if (to >= 0)
			close(to);
		return (int)n;
	}
	return to;
}

static int scout_obey(const struct scout_order *order)
{
	char path[PROC_PATH_BYTES + sizeof(order->name)];
	int fd, copy;

	snprintf(path, sizeof(path), "/proc/%d/%s", order->pid, order->name);
	fd = open(path, order->flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (order->flags & O_PATH)
		return fd;
	copy = scout_copy(fd);
	close(fd);
	return copy;
}

static int scout_answer(int socket, int result)
{
	struct iovec io = { .iov_base = &result, .iov_len = sizeof(result) };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };
	union scout_control control = { .bytes = { 0 } };
	struct cmsghdr *c;

	if (result >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(result));
		memcpy(CMSG_DATA(c), &result, sizeof(result));
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void scout_live(void)
{
	struct scout_order order;

	while (recv(ASIDE_SOCKET, &order, sizeof(order), 0) == sizeof(order)) {
		int result = scout_obey(&order);
		int told = scout_answer(ASIDE_SOCKET, result);

		if (result >= 0)
			close(result);
		if (told)
			return;
	}
}

/* The parent's half. */

static void scout_reap(struct scout *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->counts.left; i++)
		if (waitpid(s->left[i], NULL, WNOHANG) == 0)
			s->left[kept++] = s->left[i];
	s->counts.left = kept;
}

static int scout_fork(pid_t *out, int *socket)
{
	pid_t child = aside_start("ringsided-scout", scout_live, socket);

	if (child < 0)
		return child;
	*out = child;
	return 0;
}

static int scout_start(struct scout *s)
{
	scout_reap(s);
	if (s->child)
		return 0;
	if (s->counts.left == SCOUT_LEFT)
		return -EBUSY;
	if (!s->held)
		return scout_fork(&s->child, &s->socket);
	s->child = s->spare;
	s->socket = s->spare_socket;
	s->spare = 0;
	return s->child ? 0 : -EAGAIN;
}

int scout_open(struct scout **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	scout_start(*out); /* in vain: it is tried again at the first question */
	return 0;
}

/* It is left behind where that does not end it at once; scout_start made room. */
static void scout_end(struct scout *s)
{
	kill(s->child, SIGKILL);
	close(s->socket);
	s->left[s->counts.left++] = s->child;
	s->child = 0;
}

/* An answer is there; -EAGAIN: none came in time; -ETIMEDOUT: nor would one. */
static int scout_wait(const struct scout *s)
{
	struct pollfd answer = { .fd = s->socket, .events = POLLIN };
	struct proc_stat self;

	for (int i = 0; i < SCOUT_BUSY_WAITS; i++) {
		if (poll(&answer, 1, SCOUT_WAIT_MS) > 0)
			return 0;
		if (proc_stat_read(s->child, &self) == 0 &&
		    (self.state == 'S' || self.state == 'D'))
			return poll(&answer, 1, 0) > 0 ? 0 : -ETIMEDOUT; /* it may sleep, done */
	}
	return -EAGAIN;
}

/* False: the child has ended. *out: a descriptor, or the error that it met. */
static bool scout_take(const struct scout *s, int *out)
{
	union scout_control control;
	struct iovec io = { .iov_base = out, .iov_len = sizeof(*out) };
	struct msghdr header = { .msg_iov = &io,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;

	if (recvmsg(s->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(*out)) {
		*out = -EPIPE;
		return false;
	}
	c = CMSG_FIRSTHDR(&header);
	if (c)
		memcpy(out, CMSG_DATA(c), sizeof(*out));
	else if (*out >= 0)
		*out = -EMFILE; /* we have no room for what was sent */
	return true;
}

static struct scout_row *scout_row(struct scout *s, uint64_t key)
{
	bool is_user = key >= UINT64_MAX - UINT32_MAX;

	return &(is_user ? s->users : s->processes)[key % SCOUT_ROWS];
}

static uint64_t scout_process(int32_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) ? 0 : stat.start_ticks << SCOUT_PID_BITS | (uint32_t)pid;
}

static uint64_t scout_user(int32_t pid)
{
	return UINT64_MAX - proc_owner(pid);
}

static bool scout_shuns(struct scout *s, uint64_t key, uint64_t now_ns)
{
	const struct scout_row *row = scout_row(s, key);

	return key && row->key == key && now_ns < row->until_ns;
}

static struct scout_row *scout_blame(struct scout *s, uint64_t key, uint64_t now_ns)
{
	struct scout_row *row = scout_row(s, key);

	if (row->key != key || now_ns - row->last_ns > SCOUT_FORGET_MINUTES * SCOUT_MINUTE_NS)
		*row = (struct scout_row){ .key = key };
	row->last_ns = now_ns;
	row->times++;
	return row;
}

static void scout_shun(struct scout *s, struct scout_row *row, uint64_t until_ns)
{
	row->until_ns = until_ns;
	if (s->shuns_ns < until_ns)
		s->shuns_ns = until_ns;
}

static void scout_blocked(struct scout *s, int32_t pid, uint64_t now_ns)
{
	struct scout_row *row = scout_blame(s, scout_process(pid), now_ns);
	uint32_t rounds;

	s->counts.blocked++;
	s->counts.pid = pid;
	scout_shun(s, row, now_ns + SCOUT_PROCESS_MINUTES * SCOUT_MINUTE_NS);
	row = scout_blame(s, scout_user(pid), now_ns);
	if (row->times % SCOUT_USER_PROCESSES)
		return;
	rounds = row->times / SCOUT_USER_PROCESSES - 1;
	rounds = rounds < SCOUT_LONGEST ? rounds : SCOUT_LONGEST;
	scout_shun(s, row, now_ns + (SCOUT_USER_MINUTES * SCOUT_MINUTE_NS << rounds));
}

int scout_fetch(void *scout, int32_t pid, const char *name, int flags)
{
	struct scout *s = scout;
	struct scout_order order = { .pid = pid, .flags = flags };
	uint64_t now_ns = moment_monotonic_ns();
	int result;

	if (now_ns < s->shuns_ns &&
	    (scout_shuns(s, scout_process(pid), now_ns) || scout_shuns(s, scout_user(pid), now_ns)))
		return -ETIMEDOUT;
	snprintf(order.name, sizeof(order.name), "%s", name);
	result = scout_start(s);
	if (result)
		return result;
	result = send(s->socket, &order, sizeof(order), MSG_NOSIGNAL) < 0 ? -EPIPE : scout_wait(s);
	if (result == 0 && scout_take(s, &result))
		return result;
	scout_end(s);
	if (result == -ETIMEDOUT)
		scout_blocked(s, pid, now_ns);
	else if (result == -EAGAIN) /* it takes too long, by whoever's fault: not each second */
		scout_shun(s, scout_blame(s, scout_process(pid), now_ns), now_ns + SCOUT_MINUTE_NS);
	return result;
}

void scout_reserve(struct scout *s)
{
	if (!s->spare && !s->held)
		scout_fork(&s->spare, &s->spare_socket); /* in vain: the next time */
}

void scout_hold(struct scout *s, bool held)
{
	s->held = held;
}

int32_t scout_suspect(const struct scout *s)
{
	uint64_t now_ns = moment_monotonic_ns();

	for (uint32_t i = 0; i < SCOUT_ROWS && now_ns < s->shuns_ns; i++) {
		int32_t pid = (int32_t)(s->processes[i].key & SCOUT_PID);

		if (now_ns < s->users[i].until_ns)
			return s->counts.pid; /* of others of his nothing is known */
		if (pid && now_ns < s->processes[i].until_ns &&
		    scout_process(pid) == s->processes[i].key)
			return pid;
	}
	return 0;
}

void scout_counts_get(struct scout *s, struct scout_counts *out)
{
	scout_reap(s);
	*out = s->counts;
	out->shuns = moment_monotonic_ns() < s->shuns_ns;
}

/* Nothing is asked of it: it ends at once. */
static void scout_dismiss(pid_t child, int socket)
{
	if (!child)
		return;
	kill(child, SIGKILL);
	close(socket);
	waitpid(child, NULL, 0);
}

void scout_close(struct scout *s)
{
	if (!s)
		return;
	scout_dismiss(s->child, s->socket);
	scout_dismiss(s->spare, s->spare_socket);
	free(s);
}
