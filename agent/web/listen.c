#include "listen.h"

#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 128

static int listen_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int listen_tcp(const char *address)
{
	struct sockaddr_storage where;
	socklen_t length;
	int fd, ret, one = 1;

	if (text_address(address, &where, &length))
		return -EINVAL;
	fd = listen_socket(where.ss_family);
	if (fd < 0)
		return fd;
	/* A restart must not wait for the connections of the last run to time out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (where.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&where, length) && !listen(fd, LISTEN_BACKLOG))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Takes away a socket file that nobody answers on. */
static int listen_unix_clear(const struct sockaddr_un *where, socklen_t length)
{
	struct stat st;
	int fd, ret;

	if (lstat(where->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = listen_socket(AF_UNIX);
	if (fd < 0)
		return fd;
	ret = connect(fd, (const struct sockaddr *)where, length) ? -errno : 0;
	close(fd);
	if (ret != -ECONNREFUSED && ret != -ENOENT)
		return -EADDRINUSE;
	return unlink(where->sun_path) && errno != ENOENT ? -errno : 0;
}

int listen_unix(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd, ret;

	if (!n || n >= sizeof(where.sun_path))
		return -ENAMETOOLONG;
	memcpy(where.sun_path, path, n + 1);
	ret = listen_unix_clear(&where, sizeof(where));
	if (ret)
		return ret;
	fd = listen_socket(AF_UNIX);
	if (fd < 0)
		return fd;
	if (!bind(fd, (struct sockaddr *)&where, sizeof(where)) && !chmod(path, 0666) &&
	    !listen(fd, LISTEN_BACKLOG))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

bool listen_local_name(int fd, char *out, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} at = { .any.sa_family = AF_UNSPEC };
	socklen_t length = sizeof(at);
	char text[INET6_ADDRSTRLEN] = "";

	out[0] = '\0';
	if (getsockname(fd, &at.any, &length))
		return false;
	if (at.any.sa_family == AF_INET && inet_ntop(AF_INET, &at.v4.sin_addr, text, sizeof(text)))
		snprintf(out, size, "%s", text);
	if (at.any.sa_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &at.v6.sin6_addr, text, sizeof(text)))
		snprintf(out, size, "[%s]", text);
	return at.any.sa_family == AF_UNIX;
}
