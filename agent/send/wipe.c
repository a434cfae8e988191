#include "wipe.h"

#include "courier.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define WIPE_AT_ONCE 16 /* so that requests have their turn */

int wipe_order(int link, const struct wipe_order *order)
{
	return send(link, order, sizeof(*order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void wipe_one(int link, struct wipe_order *order, wipe_fn clear, void *ctx)
{
	struct courier_word word = { .kind = order->kind,
				     .sum = order->sum,
				     .sequence = order->sequence,
				     .at_ms = order->at_ms };
	int64_t count;

	order->pattern[sizeof(order->pattern) - 1] = '\0';
	count = clear(ctx, order->pattern);
	word.outcome = count < 0 ? COURIER_REFUSED : COURIER_ARRIVED;
	if (count < 0)
		snprintf(word.text, sizeof(word.text), "not done: %s",
			 strerrordesc_np((int)-count));
	else
		snprintf(word.text, sizeof(word.text), "%lld entries cleared", (long long)count);
	if (send(link, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("nobody hears of a clearing of the cache: %s: %m", word.text);
}

void wipe_serve(int link, wipe_fn clear, void *ctx)
{
	struct wipe_order order;

	for (int i = 0; i < WIPE_AT_ONCE; i++) {
		ssize_t n = recv(link, &order, sizeof(order), MSG_DONTWAIT);

		if (n <= 0)
			return;
		if (n == sizeof(order))
			wipe_one(link, &order, clear, ctx);
	}
}
