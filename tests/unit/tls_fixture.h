/*
 * tls_fixture - functions called like OpenSSL's, in the test's own program, and where they lie in
 *               its file.
 */
#ifndef TLS_FIXTURE_H
#define TLS_FIXTURE_H

#include "rs_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* the jail leaves a sanitizer no room */
#else
#define SANITIZED 0
#endif

/* What the next call does: receives from here into the text it was given, -1: from nowhere. */
static int ssl_socket = -1;
static const void *ssl_freed; /* … and frees this, as another thread might */

#ifdef __clang__
#define SSL_LIKE __attribute__((noinline, optnone, visibility("default")))
#else
#define SSL_LIKE __attribute__((noinline, noipa, visibility("default")))
#endif

SSL_LIKE int SSL_read(const void *ssl, void *text, int bytes);
SSL_LIKE int SSL_write_ex(const void *ssl, const void *text, size_t bytes, size_t *moved);
SSL_LIKE void SSL_free(const void *ssl);
SSL_LIKE void SSL_set_connect_state(const void *ssl);

SSL_LIKE int SSL_read(const void *ssl, void *text, int bytes)
{
	char cipher[64];

	(void)ssl;
	(void)text;
	if (ssl_socket >= 0 && recv(ssl_socket, cipher, sizeof(cipher), 0) <= 0)
		return -1;
	if (ssl_freed)
		SSL_free(ssl_freed);
	return bytes;
}

SSL_LIKE int SSL_write_ex(const void *ssl, const void *text, size_t bytes, size_t *moved)
{
	(void)ssl;
	(void)text;
	*moved = bytes;
	return bytes != 0;
}

SSL_LIKE void SSL_free(const void *ssl)
{
	__asm__ volatile("" : : "r"(ssl) : "memory");
}

SSL_LIKE void SSL_set_connect_state(const void *ssl)
{
	__asm__ volatile("" : : "r"(ssl) : "memory");
	__asm__ volatile("nop");
}

/* Where our own code lies in our own file. */
static inline uint64_t place_of(uintptr_t code)
{
	unsigned long start, end, offset;
	char line[512], mode[5];
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t place = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, mode, &offset) == 4 &&
		    code >= start && code < end)
			place = code - start + offset;
	fclose(maps);
	return place;
}

static inline int self_open(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

#endif
