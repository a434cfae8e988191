#include "peer.h"

#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_ESTABLISHED 1 /* TCP_ESTABLISHED of the kernel */
#define PEER_WAIT_MS 100   /* the kernel answers at once, or somebody else's trouble is ours */

struct peer_ask {
	struct nlmsghdr head;
	struct inet_diag_req_v2 what;
};

struct peer_answer {
	struct nlmsghdr head;
	struct inet_diag_msg is;
	char rest[1024];
};

/* One end of it as the kernel is asked for it; false: it is not on a loopback address. */
static bool peer_end(const struct sockaddr_storage *end, __be16 *port, __be32 address[4])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)end;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)end;

	if (end->ss_family == AF_INET) {
		*port = v4->sin_port;
		address[0] = v4->sin_addr.s_addr;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	if (end->ss_family != AF_INET6)
		return false;
	*port = v6->sin6_port;
	memcpy(address, &v6->sin6_addr, sizeof(v6->sin6_addr));
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Its end is the one whose peer is ours. */
static bool peer_question(int fd, struct peer_ask *out)
{
	struct sockaddr_storage theirs = { 0 }, ours = { 0 };
	socklen_t of_theirs = sizeof(theirs), of_ours = sizeof(ours);

	if (getpeername(fd, (struct sockaddr *)&theirs, &of_theirs) ||
	    getsockname(fd, (struct sockaddr *)&ours, &of_ours))
		return false;
	*out = (struct peer_ask){
		.head = { .nlmsg_len = sizeof(*out),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.what = { .sdiag_family = (uint8_t)theirs.ss_family,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = UINT32_MAX,
			  .id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
	return peer_end(&theirs, &out->what.id.idiag_sport, out->what.id.idiag_src) &&
	       peer_end(&ours, &out->what.id.idiag_dport, out->what.id.idiag_dst);
}

static bool peer_told(const struct peer_ask *ask, struct inet_diag_msg *out)
{
	const struct timeval wait = { .tv_usec = PEER_WAIT_MS * 1000 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct peer_answer answer;
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    send(fd, ask, sizeof(*ask), 0) == sizeof(*ask))
		n = recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	if (n < (ssize_t)(sizeof(answer.head) + sizeof(answer.is)) ||
	    answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	*out = answer.is;
	/* Where the connection has ended the kernel tells a listener of that address instead. */
	return answer.is.idiag_state == PEER_ESTABLISHED &&
	       answer.is.id.idiag_dport == ask->what.id.idiag_dport;
}

/* What this process sends to itself was asked for by somebody else. */
static bool peer_is_own(uint32_t inode)
{
	DIR *folder = opendir("/proc/self/fd");
	char wanted[32], link[32];
	bool own = folder == NULL;

	snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else has this folder */
	for (const struct dirent *e; folder && !own && (e = readdir(folder));) {
		ssize_t n = readlinkat(dirfd(folder), e->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		own = !strcmp(link, wanted);
	}
	if (folder)
		closedir(folder);
	return own;
}

bool peer_is_root(int fd)
{
	struct inet_diag_msg is;
	struct peer_ask ask;

	return fd >= 0 && peer_question(fd, &ask) && peer_told(&ask, &is) && is.idiag_inode &&
	       is.idiag_uid == 0 && !peer_is_own(is.idiag_inode);
}
