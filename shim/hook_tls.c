/*
 * hook_tls - the calls that move plain text through OpenSSL and GnuTLS.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   result, errno and the libraries' own errors are the real function's; behind it one
 *           accessor is called, which changes none of them.
 * Cost:     two compares of addresses, and what hook_io costs.
 *
 * A session belongs to the connection whose ClientHello carried the random that the library knows:
 * so nothing has to be seen of sockets, BIOs or buffers between the two. Libraries call their own
 * exports through us; only the calls of others count.
 */
#include "connection.h"
#include "emit.h"
#include "guard.h"
#include "hooks.h"
#include "host.h"
#include "hot.h"
#include "library.h"
#include "mem.h"
#include "session.h"

#define TLS_INLINE static inline __attribute__((always_inline))
#define TLS_OPENSSL_1_2 0x303 /* TLS1_2_VERSION; DTLS counts down from 0xfeff */
#define TLS_OPENSSL_1_3 0x304
#define TLS_OPENSSL_MOST 0x3ff
#define TLS_GNUTLS_1_2 4 /* GNUTLS_TLS1_2; GNUTLS_DTLS0_9 is 200 */
#define TLS_GNUTLS_1_3 5
#define TLS_GNUTLS_MOST 100
#define TLS_EARLY_DATA_SUCCESS 1 /* SSL_READ_EARLY_DATA_SUCCESS; 2: there was no more */

struct tls_call {
	const struct library *library;
	enum library_family family;
	bool nested; /* by the library itself */
	struct library spare;
};

struct tls_datum {
	const uint8_t *bytes;
	unsigned int size;
};

/* Whose call came last. */
static __thread const struct library *tls_last;

#define TLS_DECLARE(name, result, parameters, none) result name parameters;
LIBRARY_OPENSSL_FUNCTIONS(TLS_DECLARE)
LIBRARY_GNUTLS_FUNCTIONS(TLS_DECLARE)

/* A call from our own code is one that the last one's library left to us by a jump (SSL_accept). */
TLS_INLINE void tls_enter(struct tls_call *call, enum library_family family, uintptr_t at)
{
	bool own = library_is_own(at) && tls_last;

	call->family = family;
	call->library = __builtin_expect(own, 0) ? tls_last : library_of(family, at, &call->spare);
	call->nested = own || at - call->library->self < call->library->self_bytes;
	tls_last = call->library;
}

/* A process may be the client of itself. GnuTLS does not say who is who. */
static bool tls_is_client(const struct tls_call *call, const void *session)
{
	return call->family == LIBRARY_OPENSSL && !call->library->openssl.SSL_is_server(session);
}

static bool tls_random(const struct tls_call *call, const void *session, uint8_t *random)
{
	struct tls_datum datum = { 0 };

	if (call->family == LIBRARY_OPENSSL)
		return call->library->openssl.SSL_get_client_random(session, random,
								    HELLO_RANDOM) == HELLO_RANDOM;
	call->library->gnutls.gnutls_session_get_random((void *)(uintptr_t)session, &datum, NULL);
	if (!datum.bytes || datum.size != HELLO_RANDOM)
		return false;
	memcpy(random, datum.bytes, HELLO_RANDOM);
	return true;
}

/* The one that the session had, if it is the same still, or the one whose hello came last. */
static struct connection *tls_find(const struct tls_call *call, const void *session)
{
	uint64_t word = session_word(session) & ~SESSION_DOUBT;
	uint8_t random[HELLO_RANDOM];
	struct connection *c;

	if (tls_is_client(call, session) || !tls_random(call, session, random))
		return NULL;
	c = connection_peek(word);
	if (word > SESSION_STRANGER && connection_stands(word) && connection_is_greeted(c, random))
		return c;
	c = connection_peek(connection_greeting);
	if (!connection_stands(connection_greeting) || !connection_is_greeted(c, random))
		return NULL;
	/* One that is secure has its session: this is the client's. */
	if (connection_is_secure(c) || !connection_secure(c))
		return NULL;
	connection_greeting = 0;
	return c;
}

/* moved: the handshake is over, so that there is nothing more to wait for. */
static struct connection *tls_link(const struct tls_call *call, const void *session, bool moved)
{
	struct connection *c = tls_find(call, session);

	if (c && !session_set(session, connection_word(c)))
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
	else if (!c && moved)
		session_set(session, SESSION_STRANGER);
	return c;
}

static HOT_IN(tls) struct connection *tls_connection(const struct tls_call *call,
						     const void *session, bool moved)
{
	uint64_t word = session_word(session);

	if (word > SESSION_STRANGER && !(word & SESSION_DOUBT) && connection_stands(word))
		return connection_peek(word);
	return word == SESSION_STRANGER ? NULL : tls_link(call, session, moved);
}

static enum rs_tls tls_version(const struct tls_call *call, const void *session)
{
	bool openssl = call->family == LIBRARY_OPENSSL;
	int version = openssl ? call->library->openssl.SSL_version(session)
			      : call->library->gnutls.gnutls_protocol_get_version(
					(void *)(uintptr_t)session);

	if (version <= 0 || version > (openssl ? TLS_OPENSSL_MOST : TLS_GNUTLS_MOST))
		return RS_TLS_UNKNOWN;
	if (version == (openssl ? TLS_OPENSSL_1_3 : TLS_GNUTLS_1_3))
		return RS_TLS_1_3;
	if (version == (openssl ? TLS_OPENSSL_1_2 : TLS_GNUTLS_1_2))
		return RS_TLS_1_2;
	return version < TLS_OPENSSL_1_2 ? RS_TLS_OLDER : RS_TLS_UNKNOWN;
}

/* The host that the client asked for, in the library's memory or in room; NULL: none. */
static const char *tls_name(const struct tls_call *call, const void *session,
			    char room[HOST_BYTES + 1], size_t *n)
{
	const char *name = room;
	unsigned int type = 0;

	*n = HOST_BYTES + 1;
	if (call->family == LIBRARY_OPENSSL)
		name = call->library->openssl.SSL_get_servername(session, 0);
	else if (call->library->gnutls.gnutls_server_name_get((void *)(uintptr_t)session, room, n,
							      &type, 0))
		name = NULL;
	if (name && name != room)
		for (*n = 0; *n <= HOST_BYTES && name[*n]; (*n)++)
			;
	return name;
}

/* Said by the library, or seen by what it lets through. */
static void tls_shaken(const struct tls_call *call, const void *session, struct connection *c)
{
	char room[HOST_BYTES + 1];
	const char *name;
	size_t n;

	if (!c || !connection_is_shaking(c))
		return;
	name = tls_name(call, session, room, &n);
	connection_shaken(c, tls_version(call, session), name, name ? n : 0);
}

/* at NULL: bytes that were moved unseen. noinline: see hook_io.c. */
static HOT_IN(tls)
	__attribute__((noinline)) void tls_move(const struct tls_call *call, const void *session,
						enum connection_way way, const void *at,
						size_t bytes)
{
	struct iovec one = { .iov_base = (void *)(uintptr_t)at, .iov_len = bytes };
	struct connection *c;

	if (!guard_enter())
		return;
	c = tls_connection(call, session, true);
	tls_shaken(call, session, c);
	if (c)
		connection_move_plain(c, way, at ? &one : NULL, bytes);
	guard_leave();
}

/* No plain text was moved, but the handshake may have come to where the random is known. */
static __attribute__((noinline)) void tls_look(const struct tls_call *call, const void *session,
					       bool shaken)
{
	struct connection *c;

	if (!guard_enter())
		return;
	c = tls_connection(call, session, false);
	if (shaken)
		tls_shaken(call, session, c);
	guard_leave();
}

static __attribute__((noinline)) void tls_doubt(const void *session)
{
	if (!guard_enter())
		return;
	session_doubt(session);
	guard_leave();
}

TLS_INLINE void tls_done(const struct tls_call *call, const void *session, enum connection_way way,
			 const void *at, ssize_t bytes)
{
	if (call->nested || !session)
		return;
	if (bytes > 0)
		tls_move(call, session, way, at, (size_t)bytes);
	else if (connection_greeting)
		tls_look(call, session, false);
}

/* A handshake, or a part of it. */
TLS_INLINE void tls_shook(const struct tls_call *call, const void *session, bool over)
{
	if (!call->nested && session && (over || connection_greeting))
		tls_look(call, session, over);
}

#define TLS_ENTER(call, family) tls_enter(call, family, (uintptr_t)__builtin_return_address(0))

EXPORT HOT_IN(tls)
int SSL_read(void *ssl, void *to, int bytes)
{
	struct tls_call call;
	int result;

	session_expect(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_read(ssl, to, bytes);
	tls_done(&call, ssl, CONNECTION_READ, to, result);
	return result;
}

EXPORT HOT_IN(tls)
int SSL_read_ex(void *ssl, void *to, size_t bytes, size_t *read)
{
	struct tls_call call;
	int result;

	session_expect(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_read_ex(ssl, to, bytes, read);
	tls_done(&call, ssl, CONNECTION_READ, to, result > 0 ? (ssize_t)*read : 0);
	return result;
}

EXPORT int SSL_read_early_data(void *ssl, void *to, size_t bytes, size_t *read)
{
	struct tls_call call;
	int result;

	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_read_early_data(ssl, to, bytes, read);
	tls_done(&call, ssl, CONNECTION_READ, to,
		 result == TLS_EARLY_DATA_SUCCESS ? (ssize_t)*read : 0);
	return result;
}

EXPORT HOT_IN(tls)
int SSL_write(void *ssl, const void *from, int bytes)
{
	struct tls_call call;
	int result;

	session_expect(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_write(ssl, from, bytes);
	tls_done(&call, ssl, CONNECTION_WRITE, from, result);
	return result;
}

EXPORT HOT_IN(tls)
int SSL_write_ex(void *ssl, const void *from, size_t bytes, size_t *written)
{
	struct tls_call call;
	int result;

	session_expect(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_write_ex(ssl, from, bytes, written);
	tls_done(&call, ssl, CONNECTION_WRITE, from, result > 0 ? (ssize_t)*written : 0);
	return result;
}

EXPORT int SSL_write_early_data(void *ssl, const void *from, size_t bytes, size_t *written)
{
	struct tls_call call;
	int result;

	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_write_early_data(ssl, from, bytes, written);
	tls_done(&call, ssl, CONNECTION_WRITE, from, result > 0 ? (ssize_t)*written : 0);
	return result;
}

EXPORT ssize_t SSL_sendfile(void *ssl, int fd, off_t at, size_t bytes, int flags)
{
	struct tls_call call;
	ssize_t result;

	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_sendfile(ssl, fd, at, bytes, flags);
	tls_done(&call, ssl, CONNECTION_WRITE, NULL, result);
	return result;
}

EXPORT int SSL_do_handshake(void *ssl)
{
	struct tls_call call;
	int result;

	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_do_handshake(ssl);
	tls_shook(&call, ssl, result == 1);
	return result;
}

EXPORT int SSL_accept(void *ssl)
{
	struct tls_call call;
	int result;

	TLS_ENTER(&call, LIBRARY_OPENSSL);
	result = call.library->openssl.SSL_accept(ssl);
	tls_shook(&call, ssl, result == 1);
	return result;
}

/* Both ahead of the call: afterwards the address may be another session's already. */
EXPORT int SSL_clear(void *ssl)
{
	struct tls_call call;

	if (session_word(ssl))
		tls_doubt(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	return call.library->openssl.SSL_clear(ssl);
}

EXPORT void SSL_free(void *ssl)
{
	struct tls_call call;

	if (session_word(ssl))
		tls_doubt(ssl);
	TLS_ENTER(&call, LIBRARY_OPENSSL);
	call.library->openssl.SSL_free(ssl);
}

EXPORT HOT_IN(tls)
ssize_t gnutls_record_recv(void *session, void *to, size_t bytes)
{
	struct tls_call call;
	ssize_t result;

	session_expect(session);
	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_recv(session, to, bytes);
	tls_done(&call, session, CONNECTION_READ, to, result);
	return result;
}

EXPORT ssize_t gnutls_record_recv_seq(void *session, void *to, size_t bytes,
				      unsigned char *sequence)
{
	struct tls_call call;
	ssize_t result;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_recv_seq(session, to, bytes, sequence);
	tls_done(&call, session, CONNECTION_READ, to, result);
	return result;
}

EXPORT ssize_t gnutls_record_recv_early_data(void *session, void *to, size_t bytes)
{
	struct tls_call call;
	ssize_t result;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_recv_early_data(session, to, bytes);
	tls_done(&call, session, CONNECTION_READ, to, result);
	return result;
}

/* Without bytes it goes on with those of the call before, which are not at hand any more. */
EXPORT HOT_IN(tls)
ssize_t gnutls_record_send(void *session, const void *from, size_t bytes)
{
	struct tls_call call;
	ssize_t result;

	session_expect(session);
	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_send(session, from, bytes);
	tls_done(&call, session, CONNECTION_WRITE, bytes ? from : NULL, result);
	return result;
}

EXPORT ssize_t gnutls_record_send2(void *session, const void *from, size_t bytes, size_t padding,
				   unsigned int flags)
{
	struct tls_call call;
	ssize_t result;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_send2(session, from, bytes, padding, flags);
	tls_done(&call, session, CONNECTION_WRITE, bytes ? from : NULL, result);
	return result;
}

EXPORT ssize_t gnutls_record_send_file(void *session, int fd, off_t *at, size_t bytes)
{
	struct tls_call call;
	ssize_t result;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_record_send_file(session, fd, at, bytes);
	tls_done(&call, session, CONNECTION_WRITE, NULL, result);
	return result;
}

/* What was corked counted when it was sent into the cork. */
EXPORT int gnutls_record_uncork(void *session, unsigned int flags)
{
	struct tls_call call;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	return call.library->gnutls.gnutls_record_uncork(session, flags);
}

EXPORT int gnutls_handshake(void *session)
{
	struct tls_call call;
	int result;

	TLS_ENTER(&call, LIBRARY_GNUTLS);
	result = call.library->gnutls.gnutls_handshake(session);
	tls_shook(&call, session, result == 0);
	return result;
}

EXPORT void gnutls_deinit(void *session)
{
	struct tls_call call;

	if (session_word(session))
		tls_doubt(session);
	TLS_ENTER(&call, LIBRARY_GNUTLS);
	call.library->gnutls.gnutls_deinit(session);
}
