/*
 * A library, opened late, that serves by calls of its own.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void module_serve(int listener);

void module_serve(int listener)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	static char head[1024];

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		while (recv(fd, head, sizeof(head), 0) > 0) {
			if (send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) < 0)
				break;
		}
		close(fd);
	}
}
