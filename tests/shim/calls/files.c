/*
 * files - bytes that the kernel moves by itself: sendfile and splice.
 */
#include "calls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES_TEXT "0123456789abcdef"

static char buffer[4096];

static void by_sendfile(void)
{
	int file = calls_file(FILES_TEXT);
	off_t at = 4;
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL("sendfile", "all", sendfile(tcp.a, file, NULL, 100));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL("sendfile", "at the end", sendfile(tcp.a, file, NULL, 100));
	CALL("sendfile", "at 4", sendfile(tcp.a, file, &at, 5));
	calls_note("at", (long)at);
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL("sendfile", "nothing", sendfile(tcp.a, file, &at, 0));
	CALL("sendfile", "more than there can be", sendfile(tcp.a, file, &at, (size_t)-1));
	calls_bytes(buffer, calls_drain(tcp.b, buffer, sizeof(buffer)));
	at = -1;
	CALL("sendfile", "at -1", sendfile(tcp.a, file, &at, 5));
	CALL("sendfile", "an offset nowhere", sendfile(tcp.a, file, calls_nowhere, 5));
	CALL("sendfile", "to -1", sendfile(-1, file, NULL, 5));
	CALL("sendfile", "to a closed one", sendfile(CALLS_CLOSED, file, NULL, 5));
	CALL("sendfile", "from -1", sendfile(tcp.a, -1, NULL, 5));
	CALL("sendfile", "from a socket", sendfile(file, tcp.a, NULL, 5));
	CALL("sendfile", "from a listener", sendfile(tcp.a, tcp.a, NULL, 5));
	calls_close(&tcp);
	close(file);
}

static void by_sendfile64(void)
{
	int file = calls_file(FILES_TEXT);
	off64_t at = 10;
	struct calls_pair pair;

	calls_unix(&pair, SOCK_STREAM);
	CALL("sendfile64", "at 10", sendfile64(pair.a, file, &at, 100));
	calls_note("at", (long)at);
	CALL("sendfile64", "beyond the end", sendfile64(pair.a, file, &at, 100));
	calls_bytes(buffer, calls_drain(pair.b, buffer, sizeof(buffer)));
	at = 0;
	calls_fill(pair.a);
	calls_block(pair.a, false);
	CALL("sendfile64", "full", sendfile64(pair.a, file, &at, 100));
	calls_block(pair.a, true);
	calls_alarm(true);
	CALL("sendfile64", "interrupted", sendfile64(pair.a, file, &at, 100));
	calls_alarm(false);
	calls_signals();
	close(pair.b);
	CALL("sendfile64", "broken", sendfile64(pair.a, file, &at, 100));
	calls_signals();
	close(pair.a);
	close(file);
}

static void in_and_out(void)
{
	struct calls_pair tcp, pipe;

	calls_tcp(&tcp);
	calls_pipe(&pipe);
	CALLS_DO(write(tcp.b, FILES_TEXT, 16) == 16);
	CALL("splice", "a socket to a pipe", splice(tcp.a, NULL, pipe.b, NULL, 100, 0));
	CALL("splice", "a part back", splice(pipe.a, NULL, tcp.a, NULL, 5, SPLICE_F_MORE));
	CALL("splice", "the rest back", splice(pipe.a, NULL, tcp.a, NULL, 100, 0));
	calls_bytes(buffer, calls_drain(tcp.b, buffer, sizeof(buffer)));
	CALL("splice", "an empty pipe", splice(pipe.a, NULL, tcp.a, NULL, 5, SPLICE_F_NONBLOCK));
	calls_block(tcp.a, false);
	CALL("splice", "a quiet socket", splice(tcp.a, NULL, pipe.b, NULL, 5, 0));
	calls_block(tcp.a, true);
	CALL("splice", "nothing", splice(tcp.a, NULL, pipe.b, NULL, 0, 0));
	calls_alarm(true);
	CALL("splice", "interrupted", splice(tcp.a, NULL, pipe.b, NULL, 5, 0));
	calls_alarm(false);
	calls_signals();
	shutdown(tcp.b, SHUT_WR);
	CALL("splice", "the end", splice(tcp.a, NULL, pipe.b, NULL, 5, 0));
	close(pipe.b);
	CALL("splice", "the end of a pipe", splice(pipe.a, NULL, tcp.a, NULL, 5, 0));
	close(pipe.a);
	calls_close(&tcp);
}

static void odd_splices(void)
{
	struct calls_pair tcp, pipe;
	int file = calls_file(FILES_TEXT);
	off64_t at = 3;

	calls_tcp(&tcp);
	calls_pipe(&pipe);
	CALL("splice", "no pipe", splice(tcp.a, NULL, tcp.b, NULL, 5, 0));
	CALL("splice", "an unknown flag", splice(tcp.a, NULL, pipe.b, NULL, 5, 0x100));
	CALL("splice", "an offset of a pipe", splice(pipe.a, &at, tcp.a, NULL, 5, 0));
	CALL("splice", "an offset of a socket", splice(tcp.a, &at, pipe.b, NULL, 5, 0));
	CALL("splice", "an offset nowhere", splice(file, calls_nowhere, pipe.b, NULL, 5, 0));
	CALL("splice", "from -1", splice(-1, NULL, pipe.b, NULL, 5, 0));
	CALL("splice", "to -1", splice(pipe.a, NULL, -1, NULL, 5, 0));
	CALL("splice", "a file at 3", splice(file, &at, pipe.b, NULL, 5, 0));
	calls_note("at", (long)at);
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL("splice", "a pipe to a file", splice(pipe.a, NULL, file, NULL, 5, 0));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL("splice", "one pipe", splice(pipe.a, NULL, pipe.b, NULL, 5, 0));
	calls_close(&tcp);
	calls_close(&pipe);
	close(file);
}

/* Neither is ours; both end where ours do. */
static void neighbours(void)
{
	int file = calls_file(FILES_TEXT), other = calls_file("");
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL("pread", "a file", pread(file, buffer, 4, 6));
	calls_bytes(buffer, 4);
	CALL("pread", "a socket", pread(tcp.a, buffer, 4, 0));
	CALL("pwrite", "a socket", pwrite(tcp.a, buffer, 4, 0));
	CALL("copy_file_range", "two files", copy_file_range(file, NULL, other, NULL, 100, 0));
	CALL("copy_file_range", "a socket", copy_file_range(file, NULL, tcp.a, NULL, 100, 0));
	CALL("ftruncate", "a socket", ftruncate(tcp.a, 0));
	CALL("lseek", "a socket", lseek(tcp.a, 0, SEEK_CUR));
	calls_close(&tcp);
	close(file);
	close(other);
}

void calls_of_files(void)
{
	by_sendfile();
	by_sendfile64();
	in_and_out();
	odd_splices();
	neighbours();
	calls_descriptors();
}
