/*
 * The calls of both TLS libraries, each with what it answered, errno, the library's errors and what
 * it called itself meanwhile, in order. Run without the shim and with it: the lines must be equal.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNTOUCHED 4242
#define REQUEST "GET /tls HTTP/1.1\r\nHost: h\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"

static SSL_CTX *context;
static BIO_METHOD *own;
static int calls;
static char bytes[4096];
static size_t moved;

/* A call of the host, of its OpenSSL session. */
#define CALL(of, ssl, call)                                                                        \
	do {                                                                                       \
		long call_result;                                                                  \
		errno = UNTOUCHED;                                                                 \
		call_result = (long)(call);                                                        \
		say(of, #call, call_result, errno);                                                \
		say_errors(ssl, call_result);                                                      \
	} while (0)

static void say(const char *of, const char *call, long result, int error)
{
	calls++;
	printf("%s: %s = %ld, errno %d\n", of, call, result, error);
}

static void say_errors(const SSL *ssl, long result)
{
	unsigned long error;

	if (ssl)
		printf("\terror %d, shut down %d, state %d\n", SSL_get_error(ssl, (int)result),
		       SSL_get_shutdown(ssl), SSL_get_state(ssl));
	while ((error = ERR_get_error()))
		printf("\tqueue: %lx\n", error);
}

static int own_write(BIO *bio, const char *from, int n)
{
	int result = (int)write((int)(intptr_t)BIO_get_data(bio), from, (size_t)n);

	printf("\tbio write %d = %d\n", n, result);
	return result;
}

static int own_read(BIO *bio, char *to, int n)
{
	int result = (int)read((int)(intptr_t)BIO_get_data(bio), to, (size_t)n);

	printf("\tbio read %d = %d, errno %d\n", n, result, result < 0 ? errno : 0);
	BIO_clear_retry_flags(bio);
	if (result < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return result;
}

static long own_control(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)pointer;
	printf("\tbio control %d %ld\n", what, number);
	return what == BIO_CTRL_FLUSH;
}

static void tell(const SSL *ssl, int where, int result)
{
	printf("\tinfo %x %d: %s\n", where, result, SSL_state_string(ssl));
}

static unsigned int key_of_client(SSL *ssl, const char *hint, char *name, unsigned int most,
				  unsigned char *key, unsigned int room)
{
	(void)ssl;
	(void)hint;
	snprintf(name, most, "name");
	memset(key, 7, 16);
	return room >= 16 ? 16 : 0;
}

static unsigned int key_of_server(SSL *ssl, const char *name, unsigned char *key, unsigned int room)
{
	(void)ssl;
	(void)name;
	memset(key, 7, 16);
	return room >= 16 ? 16 : 0;
}

static void begin(void)
{
	context = SSL_CTX_new(TLS_method());
	own = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "own");
	HOST_CHECK(context && own);
	BIO_meth_set_write(own, own_write);
	BIO_meth_set_read(own, own_read);
	BIO_meth_set_ctrl(own, own_control);
	/* A shared key: so the length of every message is the same each time. */
	HOST_CHECK(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
	HOST_CHECK(SSL_CTX_set_cipher_list(context, "PSK-AES128-GCM-SHA256"));
	SSL_CTX_set_psk_client_callback(context, key_of_client);
	SSL_CTX_set_psk_server_callback(context, key_of_server);
	SSL_CTX_set_info_callback(context, tell);
}

static SSL *session(int fd)
{
	SSL *ssl = SSL_new(context);
	BIO *bio = BIO_new(own);

	HOST_CHECK(ssl && bio && !fcntl(fd, F_SETFL, O_NONBLOCK));
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	return ssl;
}

/* Unix sockets: what was written is there at once. */
static void sockets(int fds[2])
{
	HOST_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static void shake(SSL *server, SSL *client)
{
	CALL("a handshake", client, SSL_do_handshake(client));
	CALL("a handshake", server, SSL_accept(server));
	CALL("a handshake", client, SSL_do_handshake(client));
	CALL("a handshake", server, SSL_do_handshake(server));
	CALL("a handshake", client, SSL_do_handshake(client));
	CALL("a second one", server, SSL_accept(server));
}

static void requests(SSL *server, SSL *client)
{
	CALL("nothing to read", server, SSL_read(server, bytes, sizeof(bytes)));
	CALL("nothing to read", server, SSL_read_ex(server, bytes, sizeof(bytes), &moved));
	CALL("a request", client, SSL_write(client, REQUEST, (int)strlen(REQUEST)));
	CALL("no room", server, SSL_read(server, bytes, 0));
	CALL("a peek", server, SSL_peek(server, bytes, 5));
	CALL("its beginning", server, SSL_read(server, bytes, 7));
	CALL("its rest", server, SSL_read_ex(server, bytes + 7, sizeof(bytes) - 7, &moved));
	printf("\t%zu bytes: %.40s\n", moved, bytes);
	CALL("nothing", server, SSL_write_ex(server, REPLY, 0, &moved));
	CALL("an answer", server, SSL_write_ex(server, REPLY, strlen(REPLY), &moved));
	CALL("an answer", client, SSL_read(client, bytes, sizeof(bytes)));
	CALL("a negative length", server, SSL_read(server, bytes, -1));
	CALL("a negative length", server, SSL_write(server, bytes, -1));
	CALL("without kTLS", server, SSL_sendfile(server, 0, 0, 10, 0));
	CALL("early data, late", server, SSL_read_early_data(server, bytes, 10, &moved));
	CALL("early data, late", server, SSL_write_early_data(server, bytes, 10, &moved));
}

static void ends(SSL *server, SSL *client, int fds[2])
{
	CALL("the end", client, SSL_shutdown(client));
	CALL("the end", server, SSL_read(server, bytes, sizeof(bytes)));
	CALL("after the end", server, SSL_read_ex(server, bytes, sizeof(bytes), &moved));
	CALL("half closed", server, SSL_write(server, REPLY, (int)strlen(REPLY)));
	CALL("the other end", server, SSL_shutdown(server));
	CALL("after both", server, SSL_write(server, REPLY, (int)strlen(REPLY)));
	CALL("again", server, SSL_clear(server));
	CALL("again", server, SSL_read(server, bytes, sizeof(bytes)));
	CALL("a reference", NULL, SSL_up_ref(server));
	CALL("freed once", NULL, (SSL_free(server), 0));
	CALL("still alive", server, SSL_do_handshake(server));
	CALL("freed", NULL, (SSL_free(server), 0));
	CALL("freed", NULL, (SSL_free(client), 0));
	CALL("no session", NULL, (SSL_free(NULL), 0));
	close(fds[0]);
	close(fds[1]);
}

static void a_session(void)
{
	SSL *server, *client;
	int fds[2];

	sockets(fds);
	server = session(fds[0]);
	client = session(fds[1]);
	CALL("neither side", server, SSL_do_handshake(server));
	CALL("neither side", server, SSL_read(server, bytes, sizeof(bytes)));
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	shake(server, client);
	requests(server, client);
	ends(server, client, fds);
}

static void what_is_no_tls(const char *text, size_t n)
{
	SSL *server;
	int fds[2];

	sockets(fds);
	server = session(fds[0]);
	SSL_set_accept_state(server);
	HOST_CHECK(write(fds[1], text, n) == (ssize_t)n);
	CALL("no TLS", server, SSL_accept(server));
	CALL("no TLS", server, SSL_read(server, bytes, sizeof(bytes)));
	close(fds[1]);
	CALL("nobody there", server, SSL_do_handshake(server));
	CALL("nobody there", server, SSL_write(server, REPLY, (int)strlen(REPLY)));
	CALL("freed", NULL, (SSL_free(server), 0));
	close(fds[0]);
}

#define GNUTLS(of, call)                                                                           \
	do {                                                                                       \
		long call_result;                                                                  \
		errno = UNTOUCHED;                                                                 \
		call_result = (long)(call);                                                        \
		say(of, #call, call_result, errno);                                                \
	} while (0)

static ssize_t pull(gnutls_transport_ptr_t fd, void *to, size_t n)
{
	ssize_t result = read((int)(intptr_t)fd, to, n);

	printf("\tpull %zu = %zd\n", n, result);
	return result;
}

static ssize_t push(gnutls_transport_ptr_t fd, const void *from, size_t n)
{
	ssize_t result = write((int)(intptr_t)fd, from, n);

	printf("\tpush %zu = %zd\n", n, result);
	return result;
}

static gnutls_session_t gnutls_begin(int fd, unsigned int side, void *credentials)
{
	gnutls_session_t session;

	HOST_CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	HOST_CHECK(!gnutls_init(&session, side | GNUTLS_NONBLOCK));
	HOST_CHECK(!gnutls_priority_set_direct(
		session, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-GCM",
		NULL));
	HOST_CHECK(!gnutls_credentials_set(session, GNUTLS_CRD_PSK, credentials));
	gnutls_transport_set_ptr(session, (gnutls_transport_ptr_t)(intptr_t)fd);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_push_function(session, push);
	return session;
}

static int gnutls_key(gnutls_session_t session, const char *name, gnutls_datum_t *key)
{
	(void)session;
	(void)name;
	key->data = gnutls_malloc(16);
	key->size = 16;
	memset(key->data, 7, 16);
	return 0;
}

static void gnutls_requests(gnutls_session_t server, gnutls_session_t client)
{
	off_t at = 0;

	GNUTLS("nothing to read", gnutls_record_recv(server, bytes, sizeof(bytes)));
	GNUTLS("a request", gnutls_record_send(client, REQUEST, strlen(REQUEST)));
	GNUTLS("its beginning", gnutls_record_recv(server, bytes, 7));
	GNUTLS("its rest", gnutls_record_recv_seq(server, bytes + 7, sizeof(bytes) - 7, NULL));
	GNUTLS("an answer", gnutls_record_send2(server, REPLY, strlen(REPLY), 0, 0));
	GNUTLS("an answer", gnutls_record_recv(client, bytes, sizeof(bytes)));
	gnutls_record_cork(server);
	GNUTLS("corked", gnutls_record_send(server, REPLY, 10));
	GNUTLS("corked", gnutls_record_send(server, REPLY + 10, strlen(REPLY) - 10));
	GNUTLS("let out", gnutls_record_uncork(server, 0));
	GNUTLS("let out", gnutls_record_recv(client, bytes, sizeof(bytes)));
	GNUTLS("no file", gnutls_record_send_file(server, -1, &at, 10));
	GNUTLS("early data", gnutls_record_recv_early_data(server, bytes, 10));
	GNUTLS("the end", gnutls_bye(client, GNUTLS_SHUT_WR));
	GNUTLS("the end", gnutls_record_recv(server, bytes, sizeof(bytes)));
	GNUTLS("half closed", gnutls_record_send(server, REPLY, strlen(REPLY)));
}

static void a_session_of_gnutls(void)
{
	gnutls_datum_t key = { .data = (unsigned char *)bytes, .size = 16 };
	gnutls_psk_server_credentials_t of_server;
	gnutls_psk_client_credentials_t of_client;
	gnutls_session_t server, client;
	int fds[2];

	sockets(fds);
	memset(bytes, 7, 16);
	HOST_CHECK(!gnutls_psk_allocate_server_credentials(&of_server));
	HOST_CHECK(!gnutls_psk_allocate_client_credentials(&of_client));
	gnutls_psk_set_server_credentials_function(of_server, gnutls_key);
	HOST_CHECK(!gnutls_psk_set_client_credentials(of_client, "name", &key, GNUTLS_PSK_KEY_RAW));
	server = gnutls_begin(fds[0], GNUTLS_SERVER, of_server);
	client = gnutls_begin(fds[1], GNUTLS_CLIENT, of_client);
	GNUTLS("a handshake", gnutls_handshake(client));
	GNUTLS("a handshake", gnutls_handshake(server));
	GNUTLS("a handshake", gnutls_handshake(client));
	GNUTLS("a handshake", gnutls_handshake(server));
	GNUTLS("a handshake", gnutls_handshake(client));
	gnutls_requests(server, client);
	GNUTLS("freed", (gnutls_deinit(server), 0));
	GNUTLS("freed", (gnutls_deinit(client), 0));
	gnutls_psk_free_server_credentials(of_server);
	gnutls_psk_free_client_credentials(of_client);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	struct rs_header *header = host_segment();

	if (header)
		host_listen_as_agent(header); /* all of the shim's code runs */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	begin();
	a_session();
	what_is_no_tls("GET / HTTP/1.1\r\n\r\n", 18);
	what_is_no_tls("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9);
	what_is_no_tls("\x16\x03\x01", 3);
	a_session_of_gnutls();
	printf("%d calls\n", calls);
	return 0;
}
