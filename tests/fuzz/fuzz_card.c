/*
 * fuzz_card - announcements of any bytes: what is taken has texts that end, numbers that can be
 * reckoned with, and a window that is no longer than any of ours; put again, it is the same.
 */
#include "muster.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_NOW_MS INT64_C(1700000000000)
#define FUZZ_MOST_S 2000u /* that slots of ten seconds may make longer than what is asked for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_span(const struct muster_host *h, uint64_t window_s)
{
	for (uint32_t i = 0; i < CARD_STEPS; i++)
		if (h->span.ranges[i].from > h->span.ranges[i].until)
			abort();
	if (h->wanted_s > window_s + FUZZ_MOST_S)
		abort();
	if (h->span.to_ms - h->span.from_ms != (int64_t)h->wanted_s * 1000)
		abort();
}

static void fuzz_again(const struct card *card)
{
	struct card again;
	struct json j;

	json_init(&j);
	card_put(card, &j);
	if (!json_finish(&j) && j.length <= CARD_MOST) {
		if (card_read(j.bytes, j.length, &again))
			abort();
		if (again.alert_count != card->alert_count || again.base_ms != card->base_ms ||
		    memcmp(again.slots, card->slots, sizeof(again.slots)) != 0)
			abort();
		card_fini(&again);
	}
	json_fini(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t windows[] = { 10, 300, 1800, 3600, 2592000 };
	struct muster m;
	struct card card;

	if (card_read((const char *)data, size, &card)) {
		card_fini(&card);
		return 0;
	}
	fuzz_again(&card);
	muster_init(&m);
	m.now_ms = FUZZ_NOW_MS;
	if (!muster_add(&m, card.host, strlen(card.host), FUZZ_NOW_MS)) {
		muster_card(&m.hosts[0], (const char *)data, size);
		for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
			muster_judge(&m, windows[i]);
			fuzz_span(&m.hosts[0], windows[i]);
		}
	}
	muster_fini(&m);
	card_fini(&card);
	return 0;
}
