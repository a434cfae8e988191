/*
 * closing - the end of a connection, when its last descriptor is closed.
 *
 * Threads:  see connection.h. Nobody waits for who is still in a parse: the connection is put aside
 *           then, and ends when another one begins.
 * Memory:   places for CLOSING_MOST of them; beyond, the memory of one is lost, and told.
 * Errors:   see connection.h.
 * Cost:     see connection.h.
 */
#include "dialect.h"
#include "emit.h"
#include "guard.h"
#include "hot.h"
#include "turn.h"

#define CLOSING_MOST 16u

#define CONNECTION_BY_SERVER 1
#define CONNECTION_BY_CLIENT 2
#define CONNECTION_RESET 3

_Atomic uint32_t closing_waiting;

static struct connection *_Atomic closing_waits[CLOSING_MOST];
static _Atomic uint32_t closing_turn; /* the place that is looked at next */

static uint8_t connection_protocol(const struct connection *c)
{
	if (c->dialect && !c->declined)
		return c->dialect->ops->protocol(c);
	if (c->requests)
		return RS_PROTOCOL_HTTP1;
	return hello_is_whole(&c->exchange.hello) ? RS_PROTOCOL_TLS : RS_PROTOCOL_UNKNOWN;
}

static void connection_say_closed(const struct connection *c)
{
	uint8_t gone = atomic_load_explicit(&c->exchange.client_gone, memory_order_relaxed);
	struct emit_closed closed = {
		.t0 = c->t0,
		.end = clock_ticks(),
		.bytes_in = atomic_load_explicit(&c->bytes[CONNECTION_READ], memory_order_relaxed),
		.bytes_out =
			atomic_load_explicit(&c->bytes[CONNECTION_WRITE], memory_order_relaxed),
		.connection = c->id,
		.requests = c->requests,
		.protocol = connection_protocol(c),
		.how = (uint8_t)(CONNECTION_BY_SERVER + gone),
	};

	if (!closed.t0)
		closed.t0 = closed.end;
	emit_closed(&closed);
}

_Static_assert(CONNECTION_BY_SERVER + 1 == CONNECTION_BY_CLIENT, "client_gone is the difference");
_Static_assert(CONNECTION_BY_SERVER + 2 == CONNECTION_RESET, "client_gone is the difference");

/* A hello was answered, but not by HTTP/1.x, and no library of ours knew of it. */
static bool connection_is_unlinked(const struct connection *c)
{
	return c->exchange.no_http && hello_is_whole(&c->exchange.hello) &&
	       !connection_is_secure(c) &&
	       atomic_load_explicit(&c->bytes[CONNECTION_WRITE], memory_order_relaxed);
}

static bool connection_waits(const struct connection *c)
{
	return c->dialect && !c->declined ? c->dialect->ops->waiting(c) != 0
					  : exchange_waiting(&c->exchange) != 0;
}

/* false: another thread is in a parse. */
static bool connection_end(struct connection *c)
{
	struct exchange_call call = { .context = c };
	bool ours = c->generation == guard_generation();

	if (!connection_try(c, CONNECTION_READ))
		return false;
	if (!connection_try(c, CONNECTION_WRITE)) {
		connection_disown(c, CONNECTION_READ);
		return false;
	}
	if (!ours)
		connection_adopt_requests(c);
	/* Handed to a child that goes on with its request: nothing moved here since the fork. */
	c->dropped = !ours ||
		     (connection_waits(c) &&
		      c->forks != atomic_load_explicit(&connection_forks, memory_order_relaxed));
	if (ours && connection_is_unlinked(c))
		emit_unparsed(RS_UNPARSED_TLS_UNLINKED);
	if (ours && connection_is_shaking(c))
		emit_handshake_failed();
	exchange_close(&c->exchange, &call);
	if (c->dialect)
		c->dialect->ops->end(c);
	if (ours && c->id)
		connection_say_closed(c);
	if (c->dialect)
		c->dialect->ops->close(c);
	connection_give_back(c);
	return true;
}

/* Its descriptors are closed, and a thread is in a parse of it still. */
static RARE void connection_wait(struct connection *c)
{
	for (uint32_t i = 0; i < CLOSING_MOST; i++) {
		struct connection *nobody = NULL;

		/* A: release puts what was done to it ahead of its end by another; pairs with B. */
		if (atomic_compare_exchange_strong_explicit(&closing_waits[i], &nobody, c,
							    memory_order_release,
							    memory_order_relaxed)) {
			atomic_fetch_add_explicit(&closing_waiting, 1, memory_order_relaxed);
			return;
		}
	}
	emit_unparsed(RS_UNPARSED_RACE); /* and its memory is lost */
}

/* One of those that wait. Of one that a fork brought along, nobody is in a parse here. */
RARE void connection_end_one(void)
{
	uint32_t turn = atomic_fetch_add_explicit(&closing_turn, 1, memory_order_relaxed);
	/* B: acquire; pairs with A. */
	struct connection *c = atomic_exchange_explicit(&closing_waits[turn % CLOSING_MOST], NULL,
							memory_order_acquire);

	if (!c)
		return;
	atomic_fetch_sub_explicit(&closing_waiting, 1, memory_order_relaxed);
	if (!connection_end(c) && c->generation == guard_generation())
		connection_wait(c);
}

void connection_put(struct connection *c)
{
	if (atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) == 1 &&
	    !connection_end(c))
		connection_wait(c);
}
