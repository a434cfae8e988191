#include "leaf.h"

#include "registry.h"

static struct leaf *leaf_way(struct leaves *leaves, uint64_t key, uint32_t way)
{
	return &leaves->at[(leaf_place(key) + way) & (LEAF_PLACES - 1)];
}

struct leaf *leaf_find(struct leaves *leaves, uint64_t key, uint32_t second)
{
	for (uint32_t way = 0; way < LEAF_WAYS; way++) {
		struct leaf *leaf = leaf_way(leaves, key, way);

		if (leaf_is(leaf, key, second))
			return leaf;
	}
	return NULL;
}

/* A process's own sums come from its counters: of its records it takes the detail alone. */
static void leaf_slot_strip(struct slot *slot)
{
	struct metrics_sums detail;

	slot_sums_init(&detail);
	detail.recorded = slot->sums.recorded;
	detail.errors = slot->sums.errors;
	detail.min_ns = slot->sums.min_ns;
	detail.max_ns = slot->sums.max_ns;
	slot->sums = detail;
}

static void leaf_roll_one(struct leaves *leaves, struct leaf *leaf, struct account_book *book)
{
	struct slot *from = leaf->slot, *whole, *part;

	if (!leaf->key)
		return;
	leaf->key = 0;
	from->sums.recorded = from->sums.count;
	whole = account_slot(book, &leaf->process->account, leaf->second);
	part = account_slot(book, &leaf->route->account, leaf->second);
	if (!whole || !part)
		leaves->lost += from->sums.count;
	if (part)
		slot_add(part, from);
	leaf_slot_strip(from);
	if (whole)
		slot_add(whole, from);
	account_slot_put(book, from);
}

void leaf_roll(struct leaves *leaves, struct account_book *book)
{
	while (leaves->used) {
		struct leaf *leaf = leaves->used;

		leaves->used = leaf->used;
		leaf->listed = false;
		leaf_roll_one(leaves, leaf, book);
	}
}

/* A free place of the key, or the first one, rolled up. */
static struct leaf *leaf_take(struct leaves *leaves, struct account_book *book, uint64_t key)
{
	struct leaf *leaf;

	for (uint32_t way = 0; way < LEAF_WAYS; way++) {
		leaf = leaf_way(leaves, key, way);
		if (!leaf->key)
			return leaf;
	}
	leaf = leaf_way(leaves, key, 0);
	leaf_roll_one(leaves, leaf, book);
	return leaf;
}

static struct slot *leaf_slot_take(struct leaves *leaves, struct account_book *book,
				   uint32_t second)
{
	struct slot *slot = account_slot_take(book, second);

	if (slot)
		return slot;
	leaf_roll(leaves, book);
	return account_slot_take(book, second);
}

struct leaf *leaf_open(struct leaves *leaves, struct account_book *book, uint64_t key,
		       uint32_t second)
{
	struct slot *slot = leaf_slot_take(leaves, book, second);
	struct leaf *leaf;

	if (!slot)
		return NULL;
	leaf = leaf_take(leaves, book, key);
	if (!leaf->listed) {
		leaf->listed = true;
		leaf->used = leaves->used;
		leaves->used = leaf;
	}
	leaf->key = key;
	leaf->second = second;
	leaf->slot = slot;
	return leaf;
}
