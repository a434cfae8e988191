/*
 * Requests inside TLS, each counted once, however the cipher text comes to its library; and what is
 * said where the library was not to be linked with a connection.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "GET /tls HTTP/1.1\r\nHost: h\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
#define TURNS 1000

enum how { BY_FD, BY_MEMORY, BY_OWN, HOWS };

struct peer {
	SSL *ssl;
	BIO *in; /* of memory; NULL: its library reads by itself */
	BIO *out;
	int fd;
	size_t piece;   /* bytes of cipher text a read */
	bool elsewhere; /* read by another thread */
};

static struct rs_header *header;
static SSL_CTX *context;
static BIO_METHOD *own;

static int own_write(BIO *bio, const char *from, int n)
{
	return (int)write((int)(intptr_t)BIO_get_data(bio), from, (size_t)n);
}

static int own_read(BIO *bio, char *to, int n)
{
	int got = (int)read((int)(intptr_t)BIO_get_data(bio), to, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return got;
}

static long own_control(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH;
}

static void begin(void)
{
	context = SSL_CTX_new(TLS_method());
	own = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "own");
	HOST_CHECK(context && own);
	BIO_meth_set_write(own, own_write);
	BIO_meth_set_read(own, own_read);
	BIO_meth_set_ctrl(own, own_control);
	/* Nobody has a certificate. */
	HOST_CHECK(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
	HOST_CHECK(SSL_CTX_set_cipher_list(context, "ADH:@SECLEVEL=0"));
	HOST_CHECK(SSL_CTX_set_dh_auto(context, 1));
}

static void attach(struct peer *p, enum how how)
{
	BIO *bio;

	HOST_CHECK(!fcntl(p->fd, F_SETFL, O_NONBLOCK));
	if (how == BY_FD) {
		HOST_CHECK(SSL_set_fd(p->ssl, p->fd));
	} else if (how == BY_MEMORY) {
		p->in = BIO_new(BIO_s_mem());
		p->out = BIO_new(BIO_s_mem());
		HOST_CHECK(p->in && p->out);
		SSL_set_bio(p->ssl, p->in, p->out);
	} else {
		bio = BIO_new(own);
		HOST_CHECK(bio);
		BIO_set_data(bio, (void *)(intptr_t)p->fd);
		BIO_set_init(bio, 1);
		SSL_set_bio(p->ssl, bio, bio);
	}
}

static void open_peer(struct peer *p, int fd, bool server, enum how how)
{
	*p = (struct peer){ .ssl = SSL_new(context), .fd = fd, .piece = 4096 };
	HOST_CHECK(p->ssl);
	if (server)
		SSL_set_accept_state(p->ssl);
	else
		SSL_set_connect_state(p->ssl);
	attach(p, how);
}

/* What the other side wrote is on its way. */
static void wait_a_little(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	poll(&one, 1, 2);
}

static void *carry_in(void *argument)
{
	struct peer *p = argument;
	char bytes[4096];
	ssize_t n = read(p->fd, bytes, p->piece);

	if (n > 0)
		HOST_CHECK(BIO_write(p->in, bytes, (int)n) == (int)n);
	return NULL;
}

static void carry(struct peer *p)
{
	pthread_t thread;
	char bytes[4096];
	int n;

	if (!p->in)
		return;
	while ((n = BIO_read(p->out, bytes, sizeof(bytes))) > 0)
		HOST_CHECK(write(p->fd, bytes, (size_t)n) == n);
	if (!p->elsewhere) {
		carry_in(p);
		return;
	}
	HOST_CHECK(!pthread_create(&thread, NULL, carry_in, p));
	HOST_CHECK(!pthread_join(thread, NULL));
}

static void shake(struct peer *server, struct peer *client, bool by_reading)
{
	char none[1];
	int done = 0;

	for (int turn = 0; turn < TURNS && !done; turn++) {
		int there = SSL_do_handshake(client->ssl);

		if (turn > 60) /* by then the smallest pieces are through */
			wait_a_little(client->fd);
		carry(server);
		if (by_reading)
			SSL_read(server->ssl, none, 0);
		else
			SSL_accept(server->ssl);
		carry(server);
		done = there == 1 && SSL_is_init_finished(server->ssl);
	}
	HOST_CHECK(done);
}

static size_t read_by(int way, SSL *ssl, void *to, size_t room)
{
	size_t n = 0;
	int result;

	if (way)
		return SSL_read_ex(ssl, to, room, &n) == 1 ? n : 0;
	result = SSL_read(ssl, to, (int)room);
	return result > 0 ? (size_t)result : 0;
}

static bool write_by(int way, SSL *ssl, const char *from, size_t bytes)
{
	size_t n = 0;

	if (way)
		return SSL_write_ex(ssl, from, bytes, &n) == 1 && n == bytes;
	return SSL_write(ssl, from, (int)bytes) == (int)bytes;
}

static void receive_bytes(struct peer *p, int way, const char *wanted, size_t n)
{
	size_t got = 0;
	char bytes[256];

	for (int turn = 0; turn < TURNS && got < n; turn++) {
		if (turn)
			wait_a_little(p->fd);
		carry(p);
		got += read_by(way, p->ssl, bytes + got, sizeof(bytes) - got);
	}
	HOST_CHECK(got == n && !memcmp(bytes, wanted, got));
}

static void receive(struct peer *p, int way, const char *wanted)
{
	receive_bytes(p, way, wanted, strlen(wanted));
}

static void serve(struct peer *server, struct peer *client, int way)
{
	HOST_CHECK(write_by(way, client->ssl, REQUEST, strlen(REQUEST)));
	receive(server, way, REQUEST);
	HOST_CHECK(write_by(way, server->ssl, REPLY, strlen(REPLY)));
	carry(server);
	receive(client, way, REPLY);
}

static uint64_t unparsed(enum rs_unparsed why)
{
	return host_sum(header, offsetof(struct rs_block, unparsed) + why * sizeof(uint64_t));
}

static uint64_t handshakes(enum rs_tls version)
{
	return host_sum(header, offsetof(struct rs_block, handshakes) + version * sizeof(uint64_t));
}

static void finish(struct host_pair *pair, struct peer *server, struct peer *client)
{
	SSL_free(server->ssl);
	SSL_free(client->ssl);
	host_disconnect(pair);
}

/* Two requests by each way of reading and writing, the hello in pieces of so many bytes. */
static void counted_once(enum how how, size_t piece, bool by_reading)
{
	uint64_t before = HOST_SUM(header, requests), in = HOST_SUM(header, bytes_in);
	uint64_t out = HOST_SUM(header, bytes_out), opened = HOST_SUM(header, opened);
	uint64_t shaken = handshakes(RS_TLS_1_2), took = HOST_SUM(header, handshake);
	struct peer server, client;
	struct host_pair pair;

	host_connect(&pair);
	open_peer(&server, pair.server, true, how);
	open_peer(&client, pair.client, false, BY_FD);
	server.piece = piece;
	shake(&server, &client, by_reading);
	server.piece = 4096;
	for (int way = 0; way < 2; way++) {
		serve(&server, &client, way);
		serve(&server, &client, way);
	}
	finish(&pair, &server, &client);
	HOST_CHECK(HOST_SUM(header, requests) - before == 4);
	HOST_CHECK(HOST_SUM(header, bytes_in) - in == 4 * strlen(REQUEST));
	HOST_CHECK(HOST_SUM(header, bytes_out) - out == 4 * strlen(REPLY));
	HOST_CHECK(HOST_SUM(header, opened) - opened == 1);
	HOST_CHECK(HOST_SUM(header, opened) == HOST_SUM(header, closed));
	HOST_CHECK(handshakes(RS_TLS_1_2) == shaken + 1 && HOST_SUM(header, handshake) > took);
	HOST_CHECK(!HOST_SUM(header, handshakes_failed));
	for (int why = 0; why < RS_UNPARSED_REASONS; why++)
		HOST_CHECK(!unparsed(why));
}

/* A freed session's address, and one that lives on by a reference of somebody else. */
static void addresses_are_used_again(void)
{
	uint64_t before = HOST_SUM(header, requests);
	struct peer server, client;
	struct host_pair pair;
	SSL *held = NULL;

	for (int i = 0; i < 20; i++) {
		host_connect(&pair);
		open_peer(&server, pair.server, true, i % HOWS);
		open_peer(&client, pair.client, false, BY_FD);
		shake(&server, &client, false);
		serve(&server, &client, 0);
		held = server.ssl;
		HOST_CHECK(SSL_up_ref(held));
		SSL_free(held);
		serve(&server, &client, 1);
		finish(&pair, &server, &client);
	}
	HOST_CHECK(HOST_SUM(header, requests) - before == 40);
	HOST_CHECK(!unparsed(RS_UNPARSED_TLS_UNLINKED));
}

static void what_another_thread_read_is_unlinked(void)
{
	uint64_t before = HOST_SUM(header, requests);
	struct peer server, client;
	struct host_pair pair;

	host_connect(&pair);
	open_peer(&server, pair.server, true, BY_MEMORY);
	open_peer(&client, pair.client, false, BY_FD);
	server.elsewhere = true;
	shake(&server, &client, false);
	serve(&server, &client, 0);
	finish(&pair, &server, &client);
	HOST_CHECK(HOST_SUM(header, requests) == before);
	HOST_CHECK(unparsed(RS_UNPARSED_TLS_UNLINKED) == 1);
}

/* Empty SETTINGS, and on stream 1 GET / of http, answered by 200 without a body. */
static void http2_is_counted_by_its_streams(void)
{
	static const char asked[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				    "\0\0\0\4\0\0\0\0\0"
				    "\0\0\3\1\5\0\0\0\1\x82\x84\x86";
	static const char answer[] = "\0\0\0\4\0\0\0\0\0"
				     "\0\0\1\1\5\0\0\0\1\x88";
	uint64_t before = HOST_SUM(header, requests);
	struct peer server, client;
	struct host_pair pair;

	host_connect(&pair);
	open_peer(&server, pair.server, true, BY_FD);
	open_peer(&client, pair.client, false, BY_FD);
	shake(&server, &client, false);
	HOST_CHECK(write_by(0, client.ssl, asked, sizeof(asked) - 1));
	receive_bytes(&server, 0, asked, sizeof(asked) - 1);
	HOST_CHECK(write_by(0, server.ssl, answer, sizeof(answer) - 1));
	finish(&pair, &server, &client);
	HOST_CHECK(HOST_SUM(header, requests) == before + 1);
	HOST_CHECK(unparsed(RS_UNPARSED_GARBAGE) == 0);
}

/* A client that shakes hands and leaves has asked for nothing, and nothing was missed. */
static void a_handshake_alone_is_no_loss(void)
{
	uint64_t before = unparsed(RS_UNPARSED_TLS_UNLINKED), begun = HOST_SUM(header, begun);
	uint64_t shaken = handshakes(RS_TLS_1_2);
	struct peer server, client;
	struct host_pair pair;

	for (int how = 0; how < HOWS; how++) {
		host_connect(&pair);
		open_peer(&server, pair.server, true, how);
		open_peer(&client, pair.client, false, BY_FD);
		shake(&server, &client, false);
		finish(&pair, &server, &client);
	}
	HOST_CHECK(unparsed(RS_UNPARSED_TLS_UNLINKED) == before);
	HOST_CHECK(HOST_SUM(header, begun) == begun);
	HOST_CHECK(handshakes(RS_TLS_1_2) == shaken + HOWS);
}

/* An older version, and a client that leaves in the middle. */
static void a_handshake_is_counted_by_its_version_and_its_end(void)
{
	uint64_t shaken = handshakes(RS_TLS_OLDER), failed = HOST_SUM(header, handshakes_failed);
	struct peer server, client;
	struct host_pair pair;

	for (int whole = 0; whole < 2; whole++) {
		host_connect(&pair);
		open_peer(&server, pair.server, true, BY_FD);
		open_peer(&client, pair.client, false, BY_FD);
		HOST_CHECK(SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION));
		HOST_CHECK(SSL_set_min_proto_version(server.ssl, TLS1_VERSION));
		HOST_CHECK(SSL_set_min_proto_version(client.ssl, TLS1_VERSION));
		if (whole) {
			shake(&server, &client, false);
		} else {
			HOST_CHECK(SSL_do_handshake(client.ssl) == -1);
			wait_a_little(pair.server);
			HOST_CHECK(SSL_accept(server.ssl) == -1);
		}
		finish(&pair, &server, &client);
		HOST_CHECK(handshakes(RS_TLS_OLDER) == shaken + (uint64_t)whole);
		HOST_CHECK(HOST_SUM(header, handshakes_failed) == failed + 1);
	}
}

static void errors_are_those_of_the_library(void)
{
	struct peer server, client;
	struct host_pair pair;
	char bytes[16];

	host_connect(&pair);
	open_peer(&server, pair.server, true, BY_FD);
	open_peer(&client, pair.client, false, BY_FD);
	shake(&server, &client, false);
	HOST_CHECK(write_by(0, client.ssl, REQUEST, strlen(REQUEST)));
	receive(&server, 0, REQUEST);
	HOST_CHECK(SSL_read(server.ssl, bytes, sizeof(bytes)) == -1 && errno == EAGAIN);
	HOST_CHECK(SSL_get_error(server.ssl, -1) == SSL_ERROR_WANT_READ && !ERR_peek_error());
	HOST_CHECK(write(pair.client, "\x17\3\3\xff\xff", 5) == 5);
	for (int turn = 0; turn < TURNS && !ERR_peek_error(); turn++) {
		wait_a_little(pair.server);
		HOST_CHECK(SSL_read(server.ssl, bytes, sizeof(bytes)) == -1);
	}
	HOST_CHECK(SSL_get_error(server.ssl, -1) == SSL_ERROR_SSL);
	ERR_clear_error();
	finish(&pair, &server, &client);
}

int main(void)
{
	header = host_segment_wanted();
	host_listen_as_agent(header);
	begin();
	for (int how = 0; how < HOWS; how++) {
		counted_once(how, 4096, false);
		counted_once(how, 4096, true);
	}
	for (size_t piece = 1; piece < 60; piece++)
		counted_once(BY_MEMORY, piece, false);
	addresses_are_used_again();
	what_another_thread_read_is_unlinked();
	http2_is_counted_by_its_streams();
	a_handshake_alone_is_no_loss();
	a_handshake_is_counted_by_its_version_and_its_end();
	errors_are_those_of_the_library();
	return 0;
}
