#include "keeper.h"

#include "aside.h"
#include "probe_site.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPER_STEP_MS 100 /* most are gone by then: else somebody keeps the kernel waiting */

enum { KEEPER_PROGRAM, KEEPER_FILE, KEEPER_END, KEEPER_PASSED };

struct keeper_order {
	uint32_t count; /* of SITES */
	int32_t pid;
	uint32_t returns;
	uint32_t reserved;
	uint64_t offsets[SITES], semaphores[SITES], cookies[SITES];
};

union keeper_control {
	char bytes[CMSG_SPACE(KEEPER_PASSED * sizeof(int))];
	struct cmsghdr align;
};

struct keeper {
	pid_t child; /* 0: none */
	int socket;
	int late; /* the link that comes or goes at this moment, and is not waited for; -1: none */
	int *closing; /* links that are to go later */
	uint32_t closing_count, room;
	bool held;
};

/* The child's half: at 0 the socket that orders come by, then the ends of links. */

struct keeper_kept {
	struct pollfd *ends;
	int *links;
	uint32_t count, room;
};

static int keeper_keep(struct keeper_kept *k, int end, int link)
{
	uint32_t room = k->room ? 2 * k->room : 16;

	if (k->count == k->room) {
		struct pollfd *ends = realloc(k->ends, room * sizeof(*ends));
		int *links;

		k->ends = ends ? ends : k->ends;
		links = ends ? realloc(k->links, room * sizeof(*links)) : NULL;
		if (!links)
			return -ENOMEM;
		k->links = links;
		k->room = room;
	}
	k->ends[k->count] = (struct pollfd){ .fd = end, .events = POLLIN };
	k->links[k->count++] = link;
	return 0;
}

/* The link first: who waits is told by the end. */
static void keeper_let_go(struct keeper_kept *k, uint32_t i)
{
	close(k->links[i]);
	close(k->ends[i].fd);
	k->count--;
	k->links[i] = k->links[k->count];
	k->ends[i] = k->ends[k->count];
}

/* 1: an order; 0: one that there is no room for; -1: there will be none any more. */
static int keeper_take(struct keeper_order *order, int passed[KEEPER_PASSED])
{
	union keeper_control control;
	struct iovec io = { .iov_base = order, .iov_len = sizeof(*order) };
	struct msghdr header = { .msg_iov = &io,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_LEN(KEEPER_PASSED * sizeof(int)) };
	ssize_t n = recvmsg(ASIDE_SOCKET, &header, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	size_t count = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	if (n <= 0)
		return -1;
	if (count)
		memcpy(passed, CMSG_DATA(c), count * sizeof(int));
	if (n == (ssize_t)sizeof(*order) && count == KEEPER_PASSED && order->count <= SITES)
		return 1;
	/* without its end here whoever waits for the answer sees that there is none */
	while (count)
		close(passed[--count]);
	return 0;
}

static void keeper_obey(struct keeper_kept *k, const struct keeper_order *order, const int *passed)
{
	const struct uprobes at = { .program = passed[KEEPER_PROGRAM],
				    .file = passed[KEEPER_FILE],
				    .offsets = order->offsets,
				    .semaphores = order->semaphores,
				    .cookies = order->cookies,
				    .count = order->count,
				    .returns = order->returns,
				    .pid = order->pid };
	int link = uprobes_link(&at), result = link < 0 ? link : 0;

	if (!result) {
		result = keeper_keep(k, passed[KEEPER_END], link);
		if (result)
			close(link);
	}
	close(passed[KEEPER_PROGRAM]);
	close(passed[KEEPER_FILE]);
	/* who gave it up meanwhile has closed it: the next look finds that */
	send(passed[KEEPER_END], &result, sizeof(result), MSG_NOSIGNAL);
	if (result)
		close(passed[KEEPER_END]);
}

static void keeper_live(void)
{
	struct keeper_kept k = { .count = 0 };
	struct keeper_order order;
	int passed[KEEPER_PASSED];

	if (keeper_keep(&k, ASIDE_SOCKET, -1))
		return;
	while (poll(k.ends, k.count, -1) > 0) {
		bool ordered = k.ends[0].revents;
		int taken;

		for (uint32_t i = k.count - 1; i > 0; i--)
			if (k.ends[i].revents)
				keeper_let_go(&k, i);
		taken = ordered ? keeper_take(&order, passed) : 0;
		if (taken < 0)
			return;
		if (taken)
			keeper_obey(&k, &order, passed);
	}
}

/* The parent's half. */

static int keeper_start(struct keeper *k)
{
	pid_t child =
		k->child ? k->child : aside_start("ringsided-keeper", keeper_live, &k->socket);

	if (child < 0)
		return child;
	k->child = child;
	return 0;
}

int keeper_open(struct keeper **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->late = -1;
	return 0;
}

/* In time, or not at all: what its links are put into may keep it. */
static bool keeper_reads(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, wait_ms) > 0;
}

static void keeper_end(struct keeper *k)
{
	if (!k->child)
		return;
	close(k->socket);
	kill(k->child, SIGKILL);
	for (int i = 0; i < KEEPER_WAIT_MS && !waitpid(k->child, NULL, WNOHANG); i++)
		usleep(1000);
	k->child = 0;
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->closing_count; i++)
		close(k->closing[i]);
	if (k->late >= 0)
		close(k->late);
	keeper_end(k);
	free(k->closing);
	free(k);
}

bool keeper_works(const struct keeper *k)
{
	return k->child != 0;
}

/* It is to go later; false: there is no memory to note that. */
static bool keeper_defer(struct keeper *k, int link)
{
	uint32_t room = k->room ? 2 * k->room : 16;
	int *closing = k->closing;

	if (k->closing_count == k->room) {
		closing = realloc(closing, room * sizeof(*closing));
		if (!closing)
			return false;
		k->closing = closing;
		k->room = room;
	}
	closing[k->closing_count++] = link;
	return true;
}

/* The child sees it, and closes its end behind that. */
static void keeper_take_out(struct keeper *k, int link)
{
	shutdown(link, SHUT_WR);
	k->late = link;
}

/* One that has come is to go again, as any; one that has gone is closed. */
static void keeper_arrived(struct keeper *k)
{
	int link = k->late, result = -1;
	bool has_come =
		recv(link, &result, sizeof(result), MSG_DONTWAIT) == sizeof(result) && result == 0;

	k->late = -1;
	if (has_come && !keeper_defer(k, link))
		keeper_take_out(k, link);
	else if (!has_come)
		close(link);
}

bool keeper_waits(struct keeper *k)
{
	while (k->late >= 0 && keeper_reads(k->late, 0))
		keeper_arrived(k);
	return k->late >= 0;
}

static int keeper_send(const struct keeper *k, const struct uprobes *u, int end)
{
	struct keeper_order order = { .count = u->count, .pid = u->pid, .returns = u->returns };
	const int passed[KEEPER_PASSED] = { u->program, u->file, end };
	union keeper_control control = { .bytes = { 0 } };
	struct iovec io = { .iov_base = &order, .iov_len = sizeof(order) };
	struct msghdr header = { .msg_iov = &io,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	size_t bytes = u->count * sizeof(order.offsets[0]);

	if (u->count > SITES)
		return -E2BIG;
	memcpy(order.offsets, u->offsets, bytes);
	if (u->semaphores)
		memcpy(order.semaphores, u->semaphores, bytes);
	if (u->cookies)
		memcpy(order.cookies, u->cookies, bytes);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(c), passed, sizeof(passed));
	if (sendmsg(k->socket, &header, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE ? -ETIMEDOUT : -errno; /* as in keeper_answer */
}

/* Its answer; the link is taken over where there is none yet. */
static int keeper_answer(struct keeper *k, int link)
{
	int result;

	if (!keeper_reads(link, KEEPER_WAIT_MS)) {
		k->late = link;
		return -ETIMEDOUT;
	}
	if (recv(link, &result, sizeof(result), 0) != sizeof(result))
		result = -ETIMEDOUT; /* it has ended, which keeper_lost finds, or no room */
	if (result)
		close(link);
	return result;
}

/* What is to go may be what is wanted again: not both at once. */
static bool keeper_is_busy(void *keeper)
{
	struct keeper *k = keeper;

	return k->held || keeper_waits(k) || k->closing_count;
}

static int keeper_attach(void *keeper, const struct uprobes *u)
{
	struct keeper *k = keeper;
	int ends[2], result;

	if (keeper_is_busy(k))
		return -ETIMEDOUT;
	result = keeper_start(k);
	if (result)
		return result;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	result = keeper_send(k, u, ends[1]);
	close(ends[1]);
	if (result) {
		close(ends[0]);
		return result;
	}
	result = keeper_answer(k, ends[0]);
	return result ? result : ends[0];
}

static void keeper_detach(void *keeper, int link)
{
	struct keeper *k = keeper;

	if (!keeper_is_busy(k)) {
		keeper_take_out(k, link);
		keeper_reads(link, KEEPER_WAIT_MS);
		keeper_waits(k);
	} else if (!keeper_defer(k, link)) {
		close(link); /* now, with nobody to watch it */
	}
}

void keeper_maker(struct keeper *k, struct uprobes_maker *out)
{
	*out = (struct uprobes_maker){ keeper_attach, keeper_detach, keeper_is_busy, k };
}

void keeper_hold(struct keeper *k, bool held)
{
	k->held = held;
	if (held || keeper_waits(k) || !k->closing_count)
		return;
	keeper_take_out(k, k->closing[--k->closing_count]);
	keeper_reads(k->late, KEEPER_STEP_MS);
}

bool keeper_lost(struct keeper *k)
{
	int status;

	if (!k->child || waitpid(k->child, &status, WNOHANG) != k->child)
		return false;
	close(k->socket);
	k->child = 0;
	return true;
}
