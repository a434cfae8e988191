#include "dialect.h"

#include "dialogue.h"
#include "gateway.h"
#include "hot.h"
#include "multiplex.h"

RARE bool dialect_begins(struct connection *c, enum connection_way way, const uint8_t *at, size_t n,
			 const struct exchange_call *call, bool *more)
{
	if (multiplex_begins(c, way, at, n, call, more))
		return true;
	if (way == CONNECTION_WRITE)
		return dialogue_greets(c, at, n, more);
	return dialogue_begins(c, at, n, call, more) || gateway_begins(c, at, n, call, more);
}

bool dialect_take(struct connection *c, struct dialect *d)
{
	struct dialect *nobody = NULL;

	/* M: release puts the empty object ahead of its use by the other way; pairs with N. */
	return atomic_compare_exchange_strong_explicit(&c->dialect, &nobody, d,
						       memory_order_release, memory_order_relaxed);
}
