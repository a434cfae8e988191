#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_BUFFER_BYTES (1 << 20) /* about a thousand messages, both ways */

union link_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int link_open(int out[2])
{
	int bytes = LINK_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out))
		return -errno;
	for (int i = 0; i < 2; i++) /* a smaller buffer only means more rounds */
		setsockopt(out[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

int link_send(int fd, const struct link_message *message, int passed)
{
	struct iovec io = { .iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message) };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };
	union link_control control;
	struct cmsghdr *c;

	if (passed >= 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(passed));
		memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	}
	if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* ETOOMANYREFS, ENOBUFS: too many descriptors or bytes are under way: as good as full */
	return errno == ETOOMANYREFS || errno == ENOBUFS ? -EAGAIN : -errno;
}

static int link_passed(struct msghdr *header)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static bool link_carries(uint32_t kind)
{
	return kind == LINK_TARGET || kind == LINK_KIN || kind == LINK_RELOAD ||
	       kind == LINK_RULES || kind == LINK_RING || kind == LINK_HTTP || kind == LINK_FILE ||
	       kind == LINK_SNAPSHOTS || kind == LINK_ROWS;
}

static int link_take(int fd, struct link_message *out, int *passed, int flags)
{
	union link_control control;
	struct iovec io = { .iov_base = out, .iov_len = sizeof(*out) };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };
	int came = -1;
	ssize_t n;

	if (passed) {
		*passed = -1;
		header.msg_control = control.bytes;
		/* without the padding, in which a second descriptor would find room */
		header.msg_controllen = CMSG_LEN(sizeof(came));
	}
	n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n == 0)
		return 0;
	came = link_passed(&header);
	if (n == sizeof(*out) && out->kind >= LINK_HELLO && out->kind < LINK_KINDS &&
	    link_carries(out->kind) == (came >= 0) &&
	    !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		if (passed)
			*passed = came;
		return 1;
	}
	if (came >= 0)
		close(came);
	return -EBADMSG;
}

int link_receive(int fd, struct link_message *out, int *passed)
{
	return link_take(fd, out, passed, 0);
}

int link_peek(int fd, struct link_message *out, int *passed)
{
	return link_take(fd, out, passed, MSG_PEEK);
}
