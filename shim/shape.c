/*
 * shape - the segment's table of paths whose obvious variable parts became {id} and the like.
 *
 * Threads:  any, inside a guard. An entry is written whole before its index word points at it.
 * Memory:   index and entries lie in the segment; how far it is populated is private.
 * Errors:   0, counted RS_LOST_SHAPE_FULL.
 * Cost:     the index word, the entry's head and its bytes: three cache lines.
 */
#include "shape.h"

#include "emit.h"
#include "fold.h"
#include "hot.h"
#include "kin.h"
#include "mem.h"

#define SHAPE_STEP 16384u
#define SHAPE_PROBES 32u /* at three quarters full a chain this long is one in a million */
#define SHAPE_ENTRIES_MAX 3072u
#define SHAPE_ENTRY_HEAD ((uint32_t)sizeof(struct rs_shape))

struct shape_path {
	uint32_t hash;
	uint32_t length;
	const uint8_t *bytes;
};

/* This process's own table, or the one that it shares. */
struct shape_table {
	uint8_t *base; /* of the segment */
	struct rs_header *header;
	_Atomic uint32_t *populated;
};

static HOT_DATA _Atomic uint32_t shape_populated; /* bytes of the region */

static inline struct shape_table shape_own(void)
{
	return (struct shape_table){ home.base, home.header, &shape_populated };
}

static struct shape_table shape_shared(void)
{
	return (struct shape_table){ kin.base, kin.header, &kin.shapes };
}

static inline struct rs_shape *shape_entry(const struct shape_table *table, uint32_t id)
{
	return (struct rs_shape *)(void *)(table->base + RS_SHAPES_AT + id * 8u);
}

/* The last bytes are read again with those before them, where there are eight. */
static uint32_t shape_hash(const uint8_t *bytes, uint32_t length)
{
	uint64_t h = length * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t word = 0;
	uint32_t at = 0;

	for (; at + 8 < length; at += 8) {
		memcpy(&word, bytes + at, 8);
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	if (length >= 8)
		memcpy(&word, bytes + length - 8, 8);
	else
		while (at < length)
			word = word << 8 | bytes[at++];
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h >> 32);
}

/* id comes from shared memory: may it be an entry's, the longest one's too? */
static inline bool shape_is_inside(uint32_t id)
{
	return id * 8u >= RS_SHAPE_FIRST &&
	       id * 8u <= RS_SHAPES_BYTES - SHAPE_ENTRY_HEAD - RS_PATH_BYTES;
}

/* An entry outside the region or with a wild length is no match. */
static inline bool shape_is(const struct shape_table *table, uint32_t id,
			    const struct shape_path *path)
{
	const struct rs_shape *entry;

	if (!shape_is_inside(id))
		return false;
	entry = shape_entry(table, id);
	return entry->hash == path->hash && entry->length == path->length &&
	       !memcmp(entry->bytes, path->bytes, path->length);
}

static RARE bool shape_grow(const struct shape_table *table, uint32_t end)
{
	uint32_t ready = atomic_load_explicit(table->populated, memory_order_relaxed);
	uint32_t wanted = (end + SHAPE_STEP - 1) / SHAPE_STEP * SHAPE_STEP;

	if (end <= ready)
		return true;
	if (end > RS_SHAPES_BYTES ||
	    home_populate(table->base + RS_SHAPES_AT + ready, wanted - ready))
		return false;
	while (ready < wanted &&
	       !atomic_compare_exchange_weak_explicit(table->populated, &ready, wanted,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return true;
}

/* Writes an entry that nobody points at yet; 0: no room. */
static RARE uint32_t shape_append(const struct shape_table *table, const struct shape_path *path)
{
	_Atomic uint32_t *end = &table->header->shape_end;
	uint32_t bytes = (SHAPE_ENTRY_HEAD + path->length + 7) & ~7u;
	uint32_t at = atomic_load_explicit(end, memory_order_relaxed);
	struct rs_shape *entry;
	uint32_t number;

	do {
		if (at < RS_SHAPE_FIRST ||
		    at > RS_SHAPES_BYTES - SHAPE_ENTRY_HEAD - RS_PATH_BYTES ||
		    !shape_grow(table, at + bytes))
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(end, &at, at + bytes, memory_order_relaxed,
							memory_order_relaxed));
	number = atomic_fetch_add_explicit(&table->header->shapes, 1, memory_order_relaxed);
	entry = shape_entry(table, at / 8u);
	entry->hash = path->hash;
	entry->length = (uint16_t)path->length;
	entry->cell = (uint16_t)(number < RS_OTHER_CELL ? number : RS_OTHER_CELL);
	memcpy(entry->bytes, path->bytes, path->length);
	return at / 8u;
}

/* In line: the table is known where it is called, and a request passes here. */
static inline __attribute__((always_inline)) uint16_t
shape_place(const struct shape_table *table, const struct shape_path *path, bool *fresh)
{
	_Atomic uint32_t *index = (_Atomic uint32_t *)(void *)(table->base + RS_SHAPES_AT);
	uint32_t mine = 0;

	for (uint32_t i = 0; i < SHAPE_PROBES; i++) {
		_Atomic uint32_t *word = &index[(path->hash + i) % RS_SHAPE_INDEX_WORDS];
		/* J: acquire puts our look at the entry behind the word; pairs with I. */
		uint32_t id = atomic_load_explicit(word, memory_order_acquire);

		if (id && shape_is(table, id, path))
			return (uint16_t)id;
		if (id)
			continue;
		if (!mine && atomic_load_explicit(&table->header->shapes, memory_order_relaxed) <
				     SHAPE_ENTRIES_MAX)
			mine = shape_append(table, path);
		if (!mine)
			break;
		/* I: release puts the entry ahead of its word; pairs with J and with the agent. */
		if (atomic_compare_exchange_strong_explicit(word, &id, mine, memory_order_release,
							    memory_order_acquire)) {
			*fresh = true;
			return (uint16_t)mine;
		}
		if (shape_is(table, id,
			     path)) /* another thread was first; our entry stays unused */
			return (uint16_t)id;
	}
	*fresh = true;
	emit_lost(RS_LOST_SHAPE_FULL);
	return 0;
}

static HOT uint16_t shape_of(const uint8_t *bytes, uint32_t length, bool *fresh)
{
	struct shape_path shape = { .hash = shape_hash(bytes, length),
				    .length = length,
				    .bytes = bytes };
	const struct shape_table table = shape_own();

	if (length && atomic_load_explicit(&shape_populated, memory_order_relaxed))
		return shape_place(&table, &shape, fresh);
	*fresh = true;
	emit_lost(RS_LOST_SHAPE_FULL);
	return 0;
}

static __attribute__((noinline)) uint16_t shape_folded(const uint8_t *path, size_t length,
						       bool *fresh)
{
	uint8_t bytes[RS_PATH_BYTES];

	return shape_of(bytes, (uint32_t)fold_path(path, length, bytes), fresh);
}

HOT uint16_t shape_intern(const uint8_t *path, size_t length, bool *fresh)
{
	*fresh = false;
	if (__builtin_expect(fold_may_change(path, length), 0))
		return shape_folded(path, length, fresh);
	return shape_of(path, (uint32_t)length, fresh);
}

HOT_IN(dialogue) uint16_t shape_name(const uint8_t *name, size_t length)
{
	bool fresh;

	return shape_of(name, (uint32_t)length, &fresh);
}

HOT_IN(dialogue) uint16_t shape_known(const uint8_t *name, size_t length)
{
	const struct shape_table table = shape_own();
	_Atomic uint32_t *index = (_Atomic uint32_t *)(void *)(table.base + RS_SHAPES_AT);
	struct shape_path path = { .hash = shape_hash(name, (uint32_t)length),
				   .length = (uint32_t)length,
				   .bytes = name };

	if (!atomic_load_explicit(&shape_populated, memory_order_relaxed))
		return 0;
	for (uint32_t i = 0; i < SHAPE_PROBES; i++) {
		/* J too. */
		uint32_t id = atomic_load_explicit(&index[(path.hash + i) % RS_SHAPE_INDEX_WORDS],
						   memory_order_acquire);

		if (!id)
			break;
		if (shape_is(&table, id, &path))
			return (uint16_t)id;
	}
	return 0;
}

bool shape_prepare(void)
{
	const struct shape_table table = shape_own();

	return shape_grow(&table, RS_SHAPE_FIRST + SHAPE_STEP);
}

bool shape_prepare_kin(void)
{
	const struct shape_table table = shape_shared();

	return shape_grow(&table, RS_SHAPE_FIRST + SHAPE_STEP);
}

static uint16_t shape_cell_in(const struct shape_table *table, uint16_t shape)
{
	uint16_t cell;

	if (!shape_is_inside(shape))
		return RS_OTHER_CELL;
	cell = shape_entry(table, shape)->cell;
	return cell < RS_CELLS ? cell : RS_OTHER_CELL;
}

uint16_t shape_cell(uint16_t shape)
{
	const struct shape_table table = shape_own();

	return shape_cell_in(&table, shape);
}

uint16_t shape_cell_kin(uint16_t shape)
{
	const struct shape_table own = shape_own(), table = shape_shared();
	const struct rs_shape *entry = shape_entry(&own, shape);
	struct shape_path path;
	bool fresh;

	if (!shape_is_inside(shape) || !shape_prepare_kin())
		return RS_OTHER_CELL;
	path = (struct shape_path){ entry->hash, entry->length, entry->bytes };
	if (path.length > RS_PATH_BYTES)
		return RS_OTHER_CELL;
	return shape_cell_in(&table, shape_place(&table, &path, &fresh));
}

void shape_forget(void)
{
	atomic_store_explicit(&shape_populated, 0, memory_order_relaxed);
}
