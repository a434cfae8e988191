/*
 * port - the TCP ports that a process listens on, by the inodes of its sockets.
 *
 * Threads:  any; nothing is shared.
 * Memory:   the caller's.
 * Errors:   what cannot be read has no ports.
 * Bounded: so many sockets of the namespace, so many descriptors of the process, the lowest first.
 */
#ifndef CAPTURE_PORT_H
#define CAPTURE_PORT_H

#include <stddef.h>
#include <stdint.h>

#define PORT_SOCKETS 1024u
#define PORT_DESCRIPTORS 4096u

struct port_socket {
	uint64_t inode;
	uint16_t port;
};

/* A line of /proc/PID/net/tcp or tcp6: 1: it listens; 0: it does not; -EPROTO: no such line. */
int port_line(const char *line, struct port_socket *out);

/* How many were found, each once. */
size_t port_read(int32_t pid, uint16_t *out, size_t room);

#endif
