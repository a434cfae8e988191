#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAKE_PASS_RIGHTS 83 /* SO_PASSRIGHTS, on x86 and ARM */

static int wake_bind(int fd, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int on = 1, off = 0;

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s", path) >= (int)sizeof(at.sun_path))
		return -ENAMETOOLONG;
	/* before the name: whoever finds it is known by his credentials from the first byte on */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return -errno;
	/* kernels from 6.16 refuse a sender's descriptors; an older one lets go of them below */
	setsockopt(fd, SOL_SOCKET, WAKE_PASS_RIGHTS, &off, sizeof(off));
	unlink(path);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0666) ? -errno : 0;
}

int wake_open(const char *path, int *fd)
{
	int result;

	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return -errno;
	result = wake_bind(*fd, path);
	if (result) {
		close(*fd);
		*fd = -1;
	}
	return result;
}

int32_t wake_read(int fd)
{
	/* exactly the credentials: descriptors that come along find no room and are let go by the
	 * kernel before they were ours */
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	uint8_t body[8];
	struct iovec io = { .iov_base = body, .iov_len = sizeof(body) };
	struct msghdr message = { .msg_iov = &io,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	struct ucred who;

	if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return errno == EAGAIN ? 0 : -EBADMSG;
	c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(who)))
		return -EBADMSG;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who.pid > 0 ? who.pid : -EBADMSG;
}
