/*
 * secure - a connection whose TLS library is seen: its plain text is parsed, not what moves.
 *
 * Threads:  see connection.h.
 * Memory:   of the connection.
 * Errors:   see connection.h.
 * Cost:     see connection.h.
 */
#include "dialogue.h"

#include "host.h"
#include "hot.h"
#include "mem.h"
#include "turn.h"

#define SECURE_SNI 4u /* "sni=" */

__thread uint64_t connection_greeting;

RARE void connection_hear(struct connection *c, bool prefaced, const struct iovec *iov,
			  size_t bytes)
{
	struct hello *h = &c->exchange.hello;

	if (!iov)
		atomic_store_explicit(&h->got, HELLO_NONE, memory_order_relaxed);
	for (; iov && prefaced && bytes && hello_is_open(h); iov++) {
		size_t part = iov->iov_len < bytes ? iov->iov_len : bytes;

		hello_read(h, iov->iov_base, part);
		bytes -= part;
	}
	if (hello_is_whole(h))
		connection_greeting = connection_word(c);
}

bool connection_is_greeted(const struct connection *c, const uint8_t random[HELLO_RANDOM])
{
	return hello_is_whole(&c->exchange.hello) &&
	       memcmp(c->exchange.hello.random, random, HELLO_RANDOM) == 0;
}

/* What the cipher text looked like is forgotten; the hello stays, as the connection's name. */
static void connection_begin_plain(struct connection *c)
{
	struct exchange_call call = { .context = c };
	struct hello hello = c->exchange.hello;

	c->t0 = c->exchange.requests[0].t0; /* what came first, whatever it was taken for */
	atomic_store_explicit(&c->shaking, true, memory_order_relaxed);
	exchange_close(&c->exchange, &call);
	exchange_init(&c->exchange, EXCHANGE_ACCEPTED);
	c->exchange.hello = hello;
	c->exchange.preface.step = PREFACE_OVER;
	if (!c->id)
		c->id = emit_opened();
	for (int way = CONNECTION_READ; way <= CONNECTION_WRITE; way++) {
		atomic_store_explicit(&c->bytes[way], 0, memory_order_relaxed);
		atomic_store_explicit(&c->quiet[way], 1, memory_order_relaxed);
	}
	dialogue_goes_on(c);
	atomic_store_explicit(&c->secure, true, memory_order_relaxed);
}

bool connection_secure(struct connection *c)
{
	if (!connection_own(c, CONNECTION_READ))
		return false;
	if (!connection_own(c, CONNECTION_WRITE)) {
		connection_disown(c, CONNECTION_READ);
		return false;
	}
	connection_touch(c);
	if (!connection_is_secure(c))
		connection_begin_plain(c);
	connection_disown(c, CONNECTION_WRITE);
	connection_disown(c, CONNECTION_READ);
	return true;
}

static void connection_name(const struct connection *c, const char *name, size_t n)
{
	uint8_t label[SECURE_SNI + HOST_BYTES] = "sni=";
	size_t length = host_canonical((const uint8_t *)name, n, label + SECURE_SNI);

	if (length)
		emit_label(c->id, label, (uint32_t)(SECURE_SNI + length));
}

void connection_shaken(struct connection *c, enum rs_tls version, const char *name, size_t n)
{
	uint64_t now = clock_ticks();

	if (!atomic_exchange_explicit(&c->shaking, false, memory_order_relaxed))
		return;
	emit_handshake(version, c->t0 && now > c->t0 ? now - c->t0 : 0);
	if (n)
		connection_name(c, name, n);
}

void connection_move_plain(struct connection *c, enum connection_way way, const struct iovec *iov,
			   size_t bytes)
{
	if (atomic_load_explicit(&c->over[way], memory_order_relaxed) || !connection_own(c, way))
		return;
	if (!connection_pass(c, way, iov, bytes) && !connection_is_tunnel(c))
		atomic_store_explicit(&c->over[way], true, memory_order_relaxed);
	connection_disown(c, way);
}

/* A hello may follow, and what is read and written then is as of a new connection. */
bool connection_restart(struct connection *c, enum connection_way way)
{
	enum connection_way other = way == CONNECTION_READ ? CONNECTION_WRITE : CONNECTION_READ;

	if (!connection_own(c, other))
		return false;
	c->dialect->ops->close(c);
	exchange_init(&c->exchange, EXCHANGE_ACCEPTED);
	c->exchange.preface.step = PREFACE_OVER;
	for (int i = CONNECTION_READ; i <= CONNECTION_WRITE; i++)
		atomic_store_explicit(&c->bytes[i], 0, memory_order_relaxed);
	connection_disown(c, other);
	return true;
}
