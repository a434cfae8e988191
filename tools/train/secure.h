/*
 * secure - a dialogue's connection inside TLS 1.3, by OpenSSL.
 *
 * Threads:  one.
 * Memory:   a connection's, until secure_close.
 * Errors:   NULL or -1; what OpenSSL says of it stays in its queue.
 */
#ifndef TRAIN_SECURE_H
#define TRAIN_SECURE_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct ssl_st SSL;

/* fd does not block from then on. The server's key and certificate are made for it. */
SSL *secure_open(int fd, bool server);
void secure_close(SSL *ssl);

/* As read and write of one record; they wait. */
ssize_t secure_read(SSL *ssl, void *to, size_t room);
ssize_t secure_write(SSL *ssl, const void *from, size_t n);

#endif
