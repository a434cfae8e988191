/*
 * fdtable - the words, their leaves, and what becomes of a connection when its word changes.
 *
 * Threads:  a word is changed by exchange: who takes a connection out of it gives it back.
 * Memory:   see fdtable.h.
 * Errors:   see fdtable.h.
 * Cost:     see fdtable.h.
 */
#include "fdtable.h"

#include "emit.h"
#include "home.h"
#include "hot.h"
#include "mem.h"
#include "sys.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

HOT_LEAF _Atomic uint64_t fdtable_first[FDTABLE_LEAF];

_Atomic uint64_t *_Atomic fdtable_leaves[FDTABLE_FDS / FDTABLE_LEAF];

void fdtable_forked(void)
{
	atomic_fetch_add_explicit(&connection_forks, 1, memory_order_relaxed);
}

static RARE _Atomic uint64_t *fdtable_grow(_Atomic uint64_t *_Atomic *place)
{
	_Atomic uint64_t *none = NULL;
	long at;

	if (atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return NULL;
	at = sys_call(SYS_mmap, NULL, FDTABLE_LEAF * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sys_failed(at))
		return NULL;
	if (atomic_compare_exchange_strong_explicit(place, &none, (_Atomic uint64_t *)at,
						    memory_order_acq_rel, memory_order_acquire))
		return (_Atomic uint64_t *)at;
	sys_call(SYS_munmap, at, FDTABLE_LEAF * sizeof(uint64_t));
	return none; /* another thread was first */
}

static _Atomic uint64_t *fdtable_at(int fd, bool make)
{
	_Atomic uint64_t *leaf;

	if ((unsigned int)fd >= FDTABLE_FDS)
		return NULL;
	leaf = fdtable_leaf((unsigned int)fd);
	if (!leaf && make)
		leaf = fdtable_grow(&fdtable_leaves[(unsigned int)fd / FDTABLE_LEAF]);
	return leaf ? &leaf[(unsigned int)fd % FDTABLE_LEAF] : NULL;
}

static void fdtable_change(_Atomic uint64_t *at, uint64_t word)
{
	/* S: both ways, so that a connection is ready before its word and taken out once. */
	uint64_t before = atomic_exchange_explicit(at, word, memory_order_acq_rel);

	if (before > FDTABLE_IGNORED)
		connection_put(fdtable_peek(before));
}

void fdtable_set(int fd, uint64_t word)
{
	_Atomic uint64_t *at = fdtable_at(fd, word != FDTABLE_UNKNOWN);

	if (at && (word || atomic_load_explicit(at, memory_order_relaxed)))
		fdtable_change(at, word);
}

void fdtable_forget(int fd)
{
	fdtable_set(fd, FDTABLE_UNKNOWN);
}

static int fdtable_option(int fd, int option)
{
	socklen_t length = sizeof(int);
	int value;

	return sys_call(SYS_getsockopt, fd, SOL_SOCKET, option, &value, &length) ? 0 : value;
}

/* A socket of a pair, or one to a proxy on the same machine: as a rule no server's connection. */
static bool fdtable_is_internet(int fd)
{
	int domain = fdtable_option(fd, SO_DOMAIN);

	return domain == AF_INET || domain == AF_INET6;
}

/* One by one: the list in /proc costs five times as much. */
START void fdtable_inherit(void)
{
	for (int fd = 0; fd < FDTABLE_INHERITED; fd++) {
		if (!fdtable_is_internet(fd))
			continue;
		fdtable_set(fd, FDTABLE_FOREIGN);
		if (fdtable_option(fd, SO_ACCEPTCONN))
			atomic_store_explicit(&home.listens, 1, memory_order_relaxed);
	}
}

static struct connection *fdtable_open(int fd, enum exchange_trust trust)
{
	_Atomic uint64_t *at = fdtable_at(fd, true);
	struct connection *c;

	if (!at) {
		if ((unsigned int)fd >= FDTABLE_FDS)
			emit_unseen_fd();
		emit_unparsed((unsigned int)fd >= FDTABLE_FDS ? RS_UNPARSED_FD_LIMIT
							      : RS_UNPARSED_NO_MEMORY);
		return NULL;
	}
	c = connection_open(trust);
	fdtable_change(at, c ? connection_word(c) : FDTABLE_IGNORED);
	return c;
}

void fdtable_accepted(int fd)
{
	if (!atomic_load_explicit(&home.accepted, memory_order_relaxed))
		atomic_store_explicit(&home.accepted, 1, memory_order_relaxed);
	fdtable_forget(fd);
	fdtable_open(fd, EXCHANGE_ACCEPTED);
}

RARE struct connection *fdtable_found(int fd)
{
	return fdtable_open(fd, EXCHANGE_UNKNOWN);
}

struct connection *fdtable_connection(int fd, uint64_t word)
{
	return word > FDTABLE_IGNORED && fdtable_word(fd) == word ? fdtable_peek(word) : NULL;
}

void fdtable_copied(int from, int to)
{
	uint64_t word = fdtable_word(from);

	if (from == to)
		return;
	if (word > FDTABLE_IGNORED)
		connection_get(fdtable_peek(word));
	if (word && !fdtable_at(to, true)) {
		if (word > FDTABLE_IGNORED)
			connection_put(fdtable_peek(word));
		return;
	}
	fdtable_set(to, word);
}

void fdtable_forget_range(unsigned int from, unsigned int to)
{
	if (to >= FDTABLE_FDS)
		to = FDTABLE_FDS - 1;
	while (from <= to) {
		if (!fdtable_leaf(from)) {
			from = (from / FDTABLE_LEAF + 1) * FDTABLE_LEAF;
			continue;
		}
		fdtable_forget((int)from);
		from++;
	}
}
