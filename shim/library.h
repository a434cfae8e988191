/*
 * library - the TLS library behind a call: the one that its caller would have reached without us.
 *
 * Threads:  any; an entry is made by one thread and never changes afterwards. When an object may
 *           have been unloaded, each is looked for again before it is used, and given up if it is
 *           not the same.
 * Memory:   static, LIBRARY_CALLERS a family; the caller's own beyond.
 * Errors:   never NULL: where nothing is found, functions that fail.
 * Cost:     a compare of the return address; some 20 us at a caller's first call.
 *
 * A process may hold several libraries of one family, loaded for their users alone (RTLD_LOCAL). So
 * the answer goes by the object that calls: what it needs by name comes first, then who is first in
 * the process. Objects are walked and their symbols hashed here: dlsym would lock and allocate.
 */
#ifndef SHIM_LIBRARY_H
#define SHIM_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIBRARY_CALLERS 16u

/* name, result, parameters, what it answers where there is none */
#define LIBRARY_OPENSSL_FUNCTIONS(X)                                                               \
	X(SSL_read, int, (void *, void *, int), -1)                                                \
	X(SSL_read_ex, int, (void *, void *, size_t, size_t *), 0)                                 \
	X(SSL_read_early_data, int, (void *, void *, size_t, size_t *), 0)                         \
	X(SSL_write, int, (void *, const void *, int), -1)                                         \
	X(SSL_write_ex, int, (void *, const void *, size_t, size_t *), 0)                          \
	X(SSL_write_early_data, int, (void *, const void *, size_t, size_t *), 0)                  \
	X(SSL_sendfile, ssize_t, (void *, int, off_t, size_t, int), -1)                            \
	X(SSL_do_handshake, int, (void *), -1)                                                     \
	X(SSL_accept, int, (void *), -1)                                                           \
	X(SSL_clear, int, (void *), 0)                                                             \
	X(SSL_free, void, (void *), 0)                                                             \
	X(SSL_is_server, int, (const void *), -1)                                                  \
	X(SSL_version, int, (const void *), 0)                                                     \
	X(SSL_get_servername, const char *, (const void *, int), 0)                                \
	X(SSL_get_client_random, size_t, (const void *, unsigned char *, size_t), 0)

#define LIBRARY_GNUTLS_FUNCTIONS(X)                                                                \
	X(gnutls_record_recv, ssize_t, (void *, void *, size_t), -1)                               \
	X(gnutls_record_recv_seq, ssize_t, (void *, void *, size_t, unsigned char *), -1)          \
	X(gnutls_record_recv_early_data, ssize_t, (void *, void *, size_t), -1)                    \
	X(gnutls_record_send, ssize_t, (void *, const void *, size_t), -1)                         \
	X(gnutls_record_send2, ssize_t, (void *, const void *, size_t, size_t, unsigned), -1)      \
	X(gnutls_record_send_file, ssize_t, (void *, int, off_t *, size_t), -1)                    \
	X(gnutls_record_uncork, int, (void *, unsigned), -1)                                       \
	X(gnutls_handshake, int, (void *), -1)                                                     \
	X(gnutls_deinit, void, (void *), 0)                                                        \
	X(gnutls_protocol_get_version, int, (void *), 0)                                           \
	X(gnutls_server_name_get, int, (void *, void *, size_t *, unsigned *, unsigned), -1)       \
	X(gnutls_session_get_random, void, (void *, void *, void *), 0)

enum library_family {
	LIBRARY_OPENSSL,
	LIBRARY_GNUTLS,
	LIBRARY_FAMILIES,
};

#define LIBRARY_MEMBER(name, result, parameters, none) result(*name) parameters;

struct library {
	uintptr_t caller; /* where the object that calls lies, and how long it is */
	size_t caller_bytes;
	uintptr_t self; /* the library's own calls pass through us, too */
	size_t self_bytes;
	union {
		struct {
			LIBRARY_OPENSSL_FUNCTIONS(LIBRARY_MEMBER)
		} openssl;
		struct {
			LIBRARY_GNUTLS_FUNCTIONS(LIBRARY_MEMBER)
		} gnutls;
	};
};

/* at: a return address outside of this library. spare is filled where no entry is left. */
const struct library *library_of(enum library_family family, uintptr_t at, struct library *spare);

bool library_is_own(uintptr_t at); /* an address in this library */
void library_doubt(void);          /* objects may have been unloaded */

/* A function of the program, in whatever object; NULL: there is none. Never our own. */
void *library_function(const char *name);

#endif
