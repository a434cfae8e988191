#include "account.h"

#include <stdlib.h>

struct slot *account_slot_take(struct account_book *book, uint32_t second)
{
	struct slot *slot = book->spare;

	if (slot) {
		book->spare = slot->next;
		slot_clear(slot, second);
		return slot;
	}
	if (book->slots >= ACCOUNT_SLOTS || !(slot = malloc(sizeof(*slot))))
		return NULL;
	book->slots++;
	slot_init(slot, second);
	return slot;
}

void account_slot_put(struct account_book *book, struct slot *slot)
{
	slot->next = book->spare;
	book->spare = slot;
}

struct slot *account_slot_find(struct account_book *book, struct account *account, uint32_t second)
{
	struct slot *slot = account->parts;

	while (slot && slot->second != second)
		slot = slot->next;
	if (slot)
		return slot;
	slot = account_slot_take(book, second);
	if (!slot)
		return NULL;
	if (!account->parts) {
		account->dirty = book->dirty;
		book->dirty = account;
	}
	slot->next = account->parts;
	account->parts = slot;
	return slot;
}

/* Oldest first, so that a series opens its slots in their order. */
static struct slot *account_turn(struct slot *slot)
{
	struct slot *turned = NULL;

	while (slot) {
		struct slot *next = slot->next;

		slot->next = turned;
		turned = slot;
		slot = next;
	}
	return turned;
}

static uint64_t account_hand_on(struct account *account, struct slot *slot, uint32_t now,
				struct series_budget *budget)
{
	lifetime_add(&account->lifetime, slot);
	if (account->parent)
		lifetime_add(&account->parent->lifetime, slot);
	if (slot->second > now)
		slot->second = now;
	if (slot->second + SERIES_SECONDS < now)
		return slot->sums.count;
	series_add(&account->series, slot, budget);
	if (account->parent)
		series_add(&account->parent->series, slot, budget);
	return 0;
}

uint64_t account_merge(struct account_book *book, uint32_t now, struct series_budget *budget)
{
	uint64_t late = 0;

	while (book->dirty) {
		struct account *account = book->dirty;
		struct slot *slot = account_turn(account->parts);

		book->dirty = account->dirty;
		account->dirty = NULL;
		account->parts = NULL;
		while (slot) {
			struct slot *next = slot->next;

			late += account_hand_on(account, slot, now, budget);
			account_slot_put(book, slot);
			slot = next;
		}
	}
	return late;
}

void account_book_fini(struct account_book *book)
{
	while (book->spare) {
		struct slot *slot = book->spare;

		book->spare = slot->next;
		free(slot);
	}
}
