/*
 * train - plays dialogues at a server with the library in it, so that the compiler learns which way
 *         its code goes.
 *
 * Threads:  one. The server is a process of its own, the only one that has the library.
 * Memory:   a dialogue's, until the end.
 * Errors:   the first one ends it, with its reason and status 1.
 *
 * usage: train LIBRARY DIALOGUE...
 *
 * A dialogue's file has a line for each call of its server:
 *   > TEXT      what it reads          < TEXT      what it writes
 *   loop        what follows is played ROUNDS times in each connection, what precedes it once
 *   connections COUNT, rounds COUNT    1 each where nothing is said
 *   calls READ WRITE                   read or recv; write, send or writev (head and body apart)
 *   calls secure secure                SSL_read; SSL_write. Left out where there is no OpenSSL
 *   # …         a comment
 * TEXT has \r, \n, \\ and \xHH. All rounds together are fewer requests than a lane has room for:
 * nobody drains it.
 */
#include <ringside/segment.h>

#include "secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* NOLINTBEGIN(concurrency-mt-unsafe, cert-err34-c): one thread; files of our own */

#define LINES_MOST 256
#define LINE_BYTES 16384

struct piece {
	bool read; /* by the server */
	char *bytes;
	size_t n;
};

struct end {
	int fd;
	SSL *ssl; /* NULL: in the clear */
};

struct dialogue {
	struct piece pieces[LINES_MOST];
	unsigned int count, loop, rounds, connections;
	char reads[8], writes[8];
};

static _Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("train: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(1);
}

/* In place. */
static size_t unescape(char *text)
{
	char *to = text;
	unsigned int byte;

	for (const char *at = text; *at; at++) {
		if (*at != '\\') {
			*to++ = *at;
			continue;
		}
		switch (*++at) {
		case 'r':
			*to++ = '\r';
			break;
		case 'n':
			*to++ = '\n';
			break;
		case '\\':
			*to++ = '\\';
			break;
		case 'x':
			if (sscanf(at + 1, "%2x", &byte) != 1)
				fail("\\x without two digits");
			*to++ = (char)byte;
			at += 2;
			break;
		default:
			fail("unknown escape \\%c", *at);
		}
	}
	return (size_t)(to - text);
}

static bool take_setting(struct dialogue *d, const char *line)
{
	if (!strcmp(line, "loop"))
		d->loop = d->count;
	else
		return sscanf(line, "connections %u", &d->connections) == 1 ||
		       sscanf(line, "rounds %u", &d->rounds) == 1 ||
		       sscanf(line, "calls %7s %7s", d->reads, d->writes) == 2;
	return true;
}

static void take_line(struct dialogue *d, const char *line)
{
	struct piece *piece = &d->pieces[d->count];

	if (!*line || *line == '#' || take_setting(d, line))
		return;
	if ((*line != '<' && *line != '>') || line[1] != ' ' || d->count == LINES_MOST)
		fail("not understood: %s", line);
	piece->read = *line == '>';
	piece->bytes = strdup(line + 2);
	if (!piece->bytes)
		fail("no memory");
	piece->n = unescape(piece->bytes);
	d->count++;
}

static void dialogue_load(struct dialogue *d, const char *path)
{
	static char line[LINE_BYTES];
	FILE *file = fopen(path, "re");

	*d = (struct dialogue){ .rounds = 1, .connections = 1, .reads = "read", .writes = "write" };
	if (!file)
		fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(d, line);
	}
	fclose(file);
}

/* The agent's word that it listens, in the library's own segment. */
static void listen_to_library(void)
{
	static char line[LINE_BYTES];
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t at = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "memfd:ringside ") && sscanf(line, "%lx", &at) == 1)
			break;
	}
	if (!at)
		fail("the library is not there");
	fclose(maps);
	atomic_store(&((struct rs_header *)at)->agent.epoch, 1);
}

static bool is_secure(const struct dialogue *d)
{
	return !strcmp(d->reads, "secure");
}

static struct end end_open(const struct dialogue *d, int fd, bool server)
{
	struct end end = { fd, NULL };

#ifdef TRAIN_OPENSSL
	if (is_secure(d) && !(end.ssl = secure_open(fd, server)))
		fail("no TLS");
#else
	(void)d, (void)server;
#endif
	return end;
}

static void end_close(struct end *end)
{
#ifdef TRAIN_OPENSSL
	if (end->ssl)
		secure_close(end->ssl);
#endif
	close(end->fd);
}

static ssize_t end_reads(const struct dialogue *d, const struct end *end, char *to, size_t room)
{
#ifdef TRAIN_OPENSSL
	if (end->ssl)
		return secure_read(end->ssl, to, room);
#endif
	return strcmp(d->reads, "recv") ? read(end->fd, to, room) : recv(end->fd, to, room, 0);
}

static ssize_t end_writes(const struct dialogue *d, const struct end *end,
			  const struct piece *piece)
{
	char *blank = memmem(piece->bytes, piece->n, "\r\n\r\n", 4);
	size_t head = blank ? (size_t)(blank + 4 - piece->bytes) : piece->n;
	struct iovec iov[] = { { piece->bytes, head }, { piece->bytes + head, piece->n - head } };

#ifdef TRAIN_OPENSSL
	if (end->ssl)
		return secure_write(end->ssl, piece->bytes, piece->n);
#endif
	if (!strcmp(d->writes, "writev"))
		return writev(end->fd, iov, head < piece->n ? 2 : 1);
	return strcmp(d->writes, "send") ? write(end->fd, piece->bytes, piece->n)
					 : send(end->fd, piece->bytes, piece->n, 0);
}

static void play_piece(const struct dialogue *d, const struct end *end, const struct piece *piece,
		       bool server)
{
	static char buffer[LINE_BYTES];
	ssize_t moved;

	if (piece->read != server) {
		moved = end_writes(d, end, piece);
		if (moved != (ssize_t)piece->n)
			fail("write: %zd of %zu bytes", moved, piece->n);
		return;
	}
	for (size_t left = piece->n; left; left -= (size_t)moved) {
		moved = end_reads(d, end, buffer, left);
		if (moved <= 0)
			fail("read: %zd of %zu bytes", moved, left);
	}
}

static void play(const struct dialogue *d, int fd, bool server)
{
	struct end end = end_open(d, fd, server);

	for (unsigned int i = 0; i < d->loop; i++)
		play_piece(d, &end, &d->pieces[i], server);
	for (unsigned int round = 0; round < d->rounds; round++) {
		for (unsigned int i = d->loop; i < d->count; i++)
			play_piece(d, &end, &d->pieces[i], server);
	}
	end_close(&end);
}

static int serve(const struct dialogue *d, int listener)
{
	listen_to_library();
	for (unsigned int i = 0; i < d->connections; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			fail("accept: %s", strerror(errno));
		play(d, fd, true);
	}
	return 0;
}

static pid_t server_start(const char *self, const char *library, const char *path, int listener)
{
	char number[16];
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", listener);
	setenv("LD_PRELOAD", library, 1);
	execl(self, self, "--serve", path, number, (char *)NULL);
	fail("%s: %s", self, strerror(errno));
}

static void train(const char *self, const char *library, const char *path)
{
	static struct dialogue d;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int status;
	pid_t server;

	dialogue_load(&d, path);
#ifndef TRAIN_OPENSSL
	if (is_secure(&d))
		return;
#endif
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&address, &length))
		fail("no port: %s", strerror(errno));
	server = server_start(self, library, path, listener);
	close(listener);
	for (unsigned int i = 0; i < d.connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, length))
			fail("connect: %s", strerror(errno));
		play(&d, fd, false);
	}
	if (waitpid(server, &status, 0) != server || status)
		fail("%s: the server ended with status %d", path, status);
}

int main(int argc, char **argv)
{
	static struct dialogue d;

	alarm(60); /* of all, and of each server */
	if (argc == 4 && !strcmp(argv[1], "--serve")) {
		dialogue_load(&d, argv[2]);
		return serve(&d, atoi(argv[3]));
	}
	if (argc < 3)
		fail("usage: train LIBRARY DIALOGUE...");
	for (int i = 2; i < argc; i++)
		train(argv[0], argv[1], argv[i]);
	return 0;
}

/* NOLINTEND(concurrency-mt-unsafe, cert-err34-c) */
