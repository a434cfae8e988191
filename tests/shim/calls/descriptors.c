/*
 * descriptors - the calls that make and copy descriptors.
 */
#include "calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[64];

static void sockets(void)
{
	int pair[2] = { -7, -7 };

	CALL("socket", "an unknown family", socket(12345, SOCK_STREAM, 0));
	CALL("socket", "an unknown type", socket(AF_INET, 14, 0));
	CALL("socket", "a negative type", socket(AF_INET, -1, 0));
	CALL("socket", "an unknown protocol", socket(AF_INET, SOCK_STREAM, 250));
	CALL("socket", "unknown flags", socket(AF_INET, SOCK_STREAM | 0x1000, 0));
	CALL("socket", "a stream", socket(AF_INET, SOCK_STREAM, 0));
	CALL("socket", "datagrams", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CALL("socket", "no waiting", socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
	CALL("socketpair", "of the internet", socketpair(AF_INET, SOCK_STREAM, 0, pair));
	CALL("socketpair", "nowhere", socketpair(AF_UNIX, SOCK_STREAM, 0, calls_nowhere));
	CALL("socketpair", "datagrams", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
	calls_note("one", pair[0]);
	calls_note("other", pair[1]);
	calls_descriptors();
	calls_close_all();
}

static void connections(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un gone = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/socket" };
	int fd = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	int listener = calls_listener(), file = calls_file("");
	socklen_t length = sizeof(at);

	CALLS_DO(!getsockname(listener, (struct sockaddr *)&at, &length));
	CALL("connect", "-1", connect(-1, (struct sockaddr *)&at, length));
	CALL("connect", "closed", connect(CALLS_CLOSED, (struct sockaddr *)&at, length));
	CALL("connect", "a file", connect(file, (struct sockaddr *)&at, length));
	CALL("connect", "nowhere", connect(fd, calls_nowhere, length));
	CALL("connect", "a short address", connect(fd, (struct sockaddr *)&at, 3));
	CALL("connect", "no such path", connect(local, (struct sockaddr *)&gone, sizeof(gone)));
	CALL("connect", "a listener", connect(fd, (struct sockaddr *)&at, length));
	CALL("connect", "connected already", connect(fd, (struct sockaddr *)&at, length));
	close(listener);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect", "nobody there", connect(fd, (struct sockaddr *)&at, length));
	CALL("listen", "-1", listen(-1, 1));
	CALL("listen", "a file", listen(file, 1));
	CALL("listen", "without an address", listen(fd, 1));
	CALL("listen", "a negative queue", listen(fd, -1));
	close(fd);
	close(local);
	close(file);
}

static void accepted(void)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);
	int listener = calls_listener(), file = calls_file("");
	int clients[5]; /* musl accepts one whatever the flags */

	calls_block(listener, false);
	CALL("accept", "nobody", accept(listener, NULL, NULL));
	CALL("accept4", "nobody", accept4(listener, NULL, NULL, 0));
	for (int i = 0; i < 5; i++)
		clients[i] = calls_connect(listener, 0);
	calls_block(listener, true);
	CALL("accept", "-1", accept(-1, NULL, NULL));
	CALL("accept", "a file", accept(file, NULL, NULL));
	CALL("accept", "no listener", accept(clients[0], NULL, NULL));
	CALL("accept4", "unknown flags", accept4(listener, NULL, NULL, 0x10));
	CALL("accept", "a client", accept(listener, (struct sockaddr *)&at, &length));
	calls_note("length", length);
	calls_note("family", at.sin_family);
	CALL("accept4", "another", accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	length = 4;
	CALL("accept4", "a short address", accept4(listener, (struct sockaddr *)&at, &length, 0));
	calls_note("length", length);
	CALL("accept", "an address nowhere", accept(listener, calls_nowhere, calls_nowhere));
	calls_block(listener, false);
	while (accept(listener, NULL, NULL) >= 0)
		;
	calls_block(listener, true);
	calls_alarm(true);
	CALL("accept", "interrupted", accept(listener, NULL, NULL));
	CALL("accept4", "interrupted", accept4(listener, NULL, NULL, 0));
	calls_alarm(false);
	calls_signals();
	calls_descriptors();
	calls_close_all();
}

static void shut(void)
{
	struct calls_pair tcp;
	int file = calls_file(""), lonely = socket(AF_INET, SOCK_STREAM, 0);

	calls_tcp(&tcp);
	CALL("shutdown", "-1", shutdown(-1, SHUT_RD));
	CALL("shutdown", "a file", shutdown(file, SHUT_RD));
	CALL("shutdown", "not connected", shutdown(lonely, SHUT_WR));
	CALL("shutdown", "an unknown way", shutdown(tcp.a, 7));
	CALL("shutdown", "reading", shutdown(tcp.a, SHUT_RD));
	CALL("read", "after it", read(tcp.a, buffer, 8));
	CALL("shutdown", "writing", shutdown(tcp.a, SHUT_WR));
	CALL("read", "the end", read(tcp.b, buffer, 8));
	CALL("shutdown", "both, again", shutdown(tcp.a, SHUT_RDWR));
	calls_close(&tcp);
	close(file);
	close(lonely);
}

static void copies(void)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL("dup", "-1", dup(-1));
	CALL("dup", "closed", dup(CALLS_CLOSED));
	CALL("dup", "a connection", dup(tcp.a));
	CALL("dup2", "-1", dup2(-1, 20));
	CALL("dup2", "to -1", dup2(tcp.a, -1));
	CALL("dup2", "beyond any limit", dup2(tcp.a, 1 << 30));
	CALL("dup2", "closed, over an open one", dup2(CALLS_CLOSED, tcp.a));
	CALL("dup2", "to itself", dup2(tcp.a, tcp.a));
	CALL("dup2", "a closed one to itself", dup2(CALLS_CLOSED, CALLS_CLOSED));
	CALL("dup2", "to 20", dup2(tcp.a, 20));
	CALL("dup2", "over 20", dup2(tcp.b, 20));
	CALL("dup3", "to itself", dup3(tcp.a, tcp.a, 0));
	CALL("dup3", "an unknown flag", dup3(tcp.a, 21, 7));
	CALL("dup3", "to 600", dup3(tcp.a, 600, O_CLOEXEC));
	CALL("write", "through 600", write(600, "abc", 3));
	CALL("read", "at the other side", read(20, buffer, 8));
	calls_descriptors();
	calls_close_all();
}

static void by_fcntl(void)
{
	struct calls_pair tcp;
	struct flock lock = { .l_type = F_WRLCK };
	int file = calls_file("abc");

	calls_tcp(&tcp);
	CALL("fcntl", "-1", fcntl(-1, F_DUPFD, 0));
	CALL("fcntl", "F_DUPFD", fcntl(tcp.a, F_DUPFD, 30));
	CALL("fcntl", "F_DUPFD again", fcntl(tcp.a, F_DUPFD, 30));
	CALL("fcntl", "F_DUPFD_CLOEXEC", fcntl(tcp.a, F_DUPFD_CLOEXEC, 700));
	CALL("fcntl", "F_DUPFD, negative", fcntl(tcp.a, F_DUPFD, -1));
	CALL("fcntl", "F_DUPFD, too high", fcntl(tcp.a, F_DUPFD, 1 << 30));
	CALL("fcntl", "F_GETFD", fcntl(700, F_GETFD));
	CALL("fcntl", "F_SETFD", fcntl(700, F_SETFD, 0));
	CALL("fcntl", "F_GETFL", fcntl(tcp.a, F_GETFL));
	CALL("fcntl", "F_SETFL", fcntl(tcp.a, F_SETFL, O_NONBLOCK | O_APPEND));
	CALL("fcntl", "F_GETFL again", fcntl(tcp.a, F_GETFL));
	CALL("fcntl", "F_SETLK", fcntl(file, F_SETLK, &lock));
	CALL("fcntl", "F_GETLK nowhere", fcntl(file, F_GETLK, calls_nowhere));
	CALL("fcntl", "F_GETPIPE_SZ of a socket", fcntl(tcp.a, 1032));
	CALL("fcntl", "F_GET_SEALS", fcntl(file, 1034));
	CALL("fcntl", "an unknown command", fcntl(tcp.a, 4711, 1L));
#ifdef __GLIBC__
	CALL("fcntl64", "F_DUPFD", fcntl64(tcp.a, F_DUPFD, 30));
	CALL("fcntl64", "F_DUPFD_CLOEXEC", fcntl64(tcp.a, F_DUPFD_CLOEXEC, 0));
	CALL("fcntl64", "an unknown command", fcntl64(tcp.a, 4711, 1L));
#endif
	calls_descriptors();
	calls_close_all();
}

static void no_number_left(void)
{
	struct rlimit before, low;
	struct calls_pair tcp;
	int listener = calls_listener(), client = calls_connect(listener, 0), pair[2];

	calls_tcp(&tcp);
	CALLS_DO(!getrlimit(RLIMIT_NOFILE, &before));
	low = before;
	low.rlim_cur = (rlim_t)tcp.a + 1; /* the highest that is open: the connect came first */
	CALLS_DO(tcp.a > tcp.b && !setrlimit(RLIMIT_NOFILE, &low));
	while (dup(0) >= 0)
		;
	CALL("socket", "no number left", socket(AF_INET, SOCK_STREAM, 0));
	CALL("socketpair", "no number left", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL("accept", "no number left", accept(listener, NULL, NULL));
	CALL("accept4", "no number left", accept4(listener, NULL, NULL, 0));
	CALL("dup", "no number left", dup(tcp.a));
	CALL("dup2", "no number left", dup2(tcp.a, tcp.a + 5));
	CALL("fcntl", "no number left", fcntl(tcp.a, F_DUPFD, 0));
	CALLS_DO(!setrlimit(RLIMIT_NOFILE, &before));
	CALL("accept", "a number again", accept(listener, NULL, NULL));
	close(client);
	calls_close_all();
}

static void streams(void)
{
	struct calls_pair tcp;
	FILE *stream;

	calls_tcp(&tcp);
	CALL("fdopen", "-1", fdopen(-1, "r") != NULL);
	CALL("fdopen", "a mode that is none", fdopen(tcp.a, "x") != NULL);
	CALLS_DO(write(tcp.b, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
	errno = CALLS_UNTOUCHED;
	stream = fdopen(tcp.a, "r+");
	calls_say("fdopen", "a connection", stream != NULL, errno);
	CALLS_DO(stream);
	CALL("fgets", "a line", fgets(buffer, sizeof(buffer), stream) != NULL);
	calls_bytes(buffer, strlen(buffer));
	CALL("fprintf", "an answer", fprintf(stream, "HTTP/1.1 %d OK\r\n\r\n", 200));
	CALL("fflush", "an answer", fflush(stream));
	CALL("fclose", "a connection", fclose(stream));
	calls_bytes(buffer, calls_drain(tcp.b, buffer, sizeof(buffer)));
	close(tcp.b);
}

void calls_of_descriptors(void)
{
	sockets();
	connections();
	accepted();
	shut();
	copies();
	by_fcntl();
	no_number_left();
	streams();
	calls_descriptors();
}
