/*
 * notify - tells systemd how we are, when it asked to be told (NOTIFY_SOCKET).
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   0 or -errno; -ENOTCONN: nobody asked.
 */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

/* path: the value of NOTIFY_SOCKET, or NULL. state: "READY=1". */
int notify_send(const char *path, const char *state);

#endif
