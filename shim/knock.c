/*
 * knock - one datagram that tells the agent to look for a new segment now.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   none.
 * Cost:     three system calls; never blocks, and carries no descriptor.
 */
#include "knock.h"

#include "mem.h"
#include "sys.h"

#include <ringside/abi.h>

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

void knock(const char *run_dir, uint32_t pid)
{
	struct knock message = { .abi = RS_ABI_VERSION, .pid = pid };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = mem_copy_text(to.sun_path, sizeof(to.sun_path), run_dir);
	long fd;

	if (n + sizeof(KNOCK_SOCKET) > sizeof(to.sun_path))
		return;
	memcpy(to.sun_path + n, KNOCK_SOCKET, sizeof(KNOCK_SOCKET));
	fd = sys_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sys_failed(fd))
		return;
	sys_call(SYS_sendto, fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL, &to,
		 offsetof(struct sockaddr_un, sun_path) + n + sizeof(KNOCK_SOCKET));
	sys_call(SYS_close, fd);
}
