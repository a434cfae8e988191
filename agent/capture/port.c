#include "port.h"

#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_LISTENS 10 /* TCP_LISTEN */
#define PORT_LINE 512

enum { PORT_LOCAL = 1, PORT_STATE = 3, PORT_INODE = 9, PORT_FIELDS }; /* columns */

int port_line(const char *line, struct port_socket *out)
{
	const char *fields[PORT_FIELDS], *colon;
	int count = 0;

	for (line += strspn(line, " "); *line && count < PORT_FIELDS; line += strspn(line, " ")) {
		fields[count++] = line;
		line += strcspn(line, " \n");
	}
	colon = count == PORT_FIELDS ? strchr(fields[PORT_LOCAL], ':') : NULL;
	if (!colon || colon > fields[PORT_LOCAL + 1] || fields[0][0] < '0' || fields[0][0] > '9')
		return -EPROTO;
	out->port = (uint16_t)strtoul(colon + 1, NULL, 16);
	out->inode = strtoull(fields[PORT_INODE], NULL, 10);
	return strtoul(fields[PORT_STATE], NULL, 16) == PORT_LISTENS;
}

/* Those that listen come first in the file: reading ends with them. */
static size_t port_file(int32_t pid, const char *name, struct port_socket *out, size_t room)
{
	char path[PROC_PATH_BYTES], line[PORT_LINE];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (count < room && fgets(line, sizeof(line), file)) {
		int listens = port_line(line, &out[count]);

		if (listens == 0)
			break;
		count += listens == 1;
	}
	fclose(file);
	return count;
}

static size_t port_add(uint16_t *out, size_t count, size_t room, uint16_t port)
{
	for (size_t i = 0; i < count; i++) {
		if (out[i] == port)
			return count;
	}
	if (count < room)
		out[count++] = port;
	return count;
}

/* The inode that a descriptor's link names; 0: it is no socket. */
static uint64_t port_inode(int directory, const char *name)
{
	static const char socket[] = "socket:[";
	char link[64];
	ssize_t n = readlinkat(directory, name, link, sizeof(link) - 1);

	if (n < (ssize_t)sizeof(socket))
		return 0;
	link[n] = '\0';
	if (strncmp(link, socket, sizeof(socket) - 1) != 0)
		return 0;
	return strtoull(link + sizeof(socket) - 1, NULL, 10);
}

static size_t port_descriptors(DIR *descriptors, const struct port_socket *sockets, size_t known,
			       uint16_t *out, size_t room)
{
	size_t count = 0, looked = 0;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own */
	for (const struct dirent *e = readdir(descriptors); e; e = readdir(descriptors)) {
		uint64_t inode = port_inode(dirfd(descriptors), e->d_name);

		for (size_t i = 0; i < known && inode; i++) {
			if (sockets[i].inode == inode)
				count = port_add(out, count, room, sockets[i].port);
		}
		if (++looked == PORT_DESCRIPTORS)
			break;
	}
	return count;
}

size_t port_read(int32_t pid, uint16_t *out, size_t room)
{
	struct port_socket *sockets = calloc(PORT_SOCKETS, sizeof(*sockets));
	char path[PROC_PATH_BYTES];
	size_t known, count = 0;
	DIR *descriptors;

	if (!sockets)
		return 0;
	known = port_file(pid, "tcp", sockets, PORT_SOCKETS);
	known += port_file(pid, "tcp6", sockets + known, PORT_SOCKETS - known);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	descriptors = known ? opendir(path) : NULL;
	if (descriptors) {
		count = port_descriptors(descriptors, sockets, known, out, room);
		closedir(descriptors);
	}
	free(sockets);
	return count;
}
