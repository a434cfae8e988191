/*
 * session - a small table and a large one, in rows of four.
 *
 * Threads:  an entry is taken by its key: SESSION_BUSY while its word is written.
 * Memory:   see session.h.
 * Errors:   see session.h.
 * Cost:     see session.h.
 */
#include "session.h"

#include "connection.h"
#include "home.h"
#include "sys.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define SESSION_ROW 4u
#define SESSION_FIRST_ROWS 64u
#define SESSION_MORE_ROWS 32768u
#define SESSION_ROWS_TRIED 4u
#define SESSION_BUSY UINT64_C(1)

struct session_entry {
	_Atomic uint64_t key; /* 0: never used */
	_Atomic uint64_t word;
};

struct session_row {
	_Alignas(64) struct session_entry entries[SESSION_ROW];
};

static struct session_row session_first[SESSION_FIRST_ROWS];
static struct session_row *_Atomic session_more;

static uint32_t session_hash(uint64_t key)
{
	return (uint32_t)((key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* The how-manieth row of a key, over both tables; NULL: there are no more. */
static struct session_row *session_row(uint64_t key, uint32_t turn)
{
	uint32_t hash = session_hash(key);
	struct session_row *more;

	if (turn < SESSION_ROWS_TRIED)
		return &session_first[(hash + turn) % SESSION_FIRST_ROWS];
	/* V: acquire puts the look into the table behind its making; pairs with W. */
	more = atomic_load_explicit(&session_more, memory_order_acquire);
	if (!more || turn >= 2 * SESSION_ROWS_TRIED)
		return NULL;
	return &more[(hash + turn) % SESSION_MORE_ROWS];
}

void session_expect(const void *session)
{
	__builtin_prefetch(session_row((uintptr_t)session, 0));
}

static struct session_entry *session_find(const void *session)
{
	uint64_t key = (uintptr_t)session;
	struct session_row *row;

	for (uint32_t turn = 0; (row = session_row(key, turn)); turn++) {
		for (uint32_t i = 0; i < SESSION_ROW; i++) {
			/* X: acquire puts the look at a word behind its key; pairs with Y. */
			if (atomic_load_explicit(&row->entries[i].key, memory_order_acquire) == key)
				return &row->entries[i];
		}
	}
	return NULL;
}

uint64_t session_word(const void *session)
{
	struct session_entry *entry = session_find(session);

	return entry ? atomic_load_explicit(&entry->word, memory_order_relaxed) : SESSION_UNKNOWN;
}

/* Nobody will ask for it again, or whoever does has lost nothing. */
static bool session_is_over(uint64_t word)
{
	if ((word & ~SESSION_DOUBT) == SESSION_STRANGER)
		return word & SESSION_DOUBT;
	return !connection_stands(word & ~SESSION_DOUBT);
}

/* The word may have changed with the key between two looks: it is looked at again when taken. */
static bool session_take(struct session_entry *entry, uint64_t key, uint64_t word)
{
	uint64_t before = atomic_load_explicit(&entry->key, memory_order_acquire);

	if (before == SESSION_BUSY ||
	    (before && !session_is_over(atomic_load_explicit(&entry->word, memory_order_relaxed))))
		return false;
	if (!atomic_compare_exchange_strong_explicit(&entry->key, &before, SESSION_BUSY,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	if (before && !session_is_over(atomic_load_explicit(&entry->word, memory_order_relaxed))) {
		atomic_store_explicit(&entry->key, before, memory_order_release);
		return false;
	}
	atomic_store_explicit(&entry->word, word, memory_order_relaxed);
	/* Y: release puts the word ahead of its key; pairs with X. */
	atomic_store_explicit(&entry->key, key, memory_order_release);
	return true;
}

static bool session_insert(uint64_t key, uint64_t word)
{
	struct session_row *row;

	for (uint32_t turn = 0; (row = session_row(key, turn)); turn++) {
		for (uint32_t i = 0; i < SESSION_ROW; i++) {
			if (session_take(&row->entries[i], key, word))
				return true;
		}
	}
	return false;
}

static bool session_grow(void)
{
	struct session_row *none = NULL;
	size_t bytes = SESSION_MORE_ROWS * sizeof(struct session_row);
	long at;

	if (atomic_load_explicit(&session_more, memory_order_relaxed) ||
	    atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return false;
	at = sys_call(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_failed(at))
		return false;
	/* W: release puts the empty table ahead of its use; pairs with V. */
	if (!atomic_compare_exchange_strong_explicit(&session_more, &none, (struct session_row *)at,
						     memory_order_release, memory_order_relaxed))
		sys_call(SYS_munmap, at, bytes); /* another thread was first */
	return true;
}

bool session_set(const void *session, uint64_t word)
{
	struct session_entry *entry = session_find(session);
	uint64_t key = (uintptr_t)session;

	if (entry) {
		atomic_store_explicit(&entry->word, word, memory_order_relaxed);
		return true;
	}
	return session_insert(key, word) || (session_grow() && session_insert(key, word));
}

void session_doubt(const void *session)
{
	struct session_entry *entry = session_find(session);

	if (entry)
		atomic_store_explicit(&entry->word,
				      atomic_load_explicit(&entry->word, memory_order_relaxed) |
					      SESSION_DOUBT,
				      memory_order_relaxed);
}
