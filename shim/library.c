/*
 * library - objects, what they need and what they define.
 *
 * Threads:  see library.h.
 * Memory:   see library.h.
 * Errors:   see library.h.
 * Cost:     see library.h.
 */
#include "library.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#pragma weak dl_iterate_phdr
#pragma weak dlsym

#define LIBRARY_HIDDEN 0x8000 /* of a symbol's version: not the default one */
#define LIBRARY_GONE UINT64_MAX

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct library_object {
	uintptr_t base; /* what its addresses are counted from */
	uintptr_t from;
	uintptr_t to;
	const ElfW(Dyn) * dynamic;
};

/* How good a place to find it is: a better one is taken instead of a worse one. */
enum library_claim {
	LIBRARY_NOWHERE,
	LIBRARY_SOMEWHERE,
	LIBRARY_NEEDED,
	LIBRARY_ITSELF,
};

struct library_search {
	const char *name; /* of the family's first function */
	uintptr_t at;
	struct library_object caller;
	struct library_object best;
	enum library_claim claim;
};

struct library_entry {
	_Atomic uint64_t
		found; /* library_turn when it was right; 0: not made yet; or LIBRARY_GONE */
	struct library library;
};

static struct library_entry library_entries[LIBRARY_FAMILIES][LIBRARY_CALLERS + 1];
static _Atomic uint32_t library_claimed[LIBRARY_FAMILIES];
static _Atomic bool library_nowhere[LIBRARY_FAMILIES];
static _Atomic uint64_t library_turn = 1; /* raised whenever objects may have gone */

#define LIBRARY_NAME(name, result, parameters, none) #name "\0"
#define LIBRARY_ANSWER(name, result, parameters, none) none,

static const char library_openssl_names[] = LIBRARY_OPENSSL_FUNCTIONS(LIBRARY_NAME);
static const char library_gnutls_names[] = LIBRARY_GNUTLS_FUNCTIONS(LIBRARY_NAME);
static const int8_t library_openssl_answers[] = { LIBRARY_OPENSSL_FUNCTIONS(LIBRARY_ANSWER) };
static const int8_t library_gnutls_answers[] = { LIBRARY_GNUTLS_FUNCTIONS(LIBRARY_ANSWER) };

static const struct {
	const char *names;
	const int8_t *answers;
} library_families[LIBRARY_FAMILIES] = {
	[LIBRARY_OPENSSL] = { library_openssl_names, library_openssl_answers },
	[LIBRARY_GNUTLS] = { library_gnutls_names, library_gnutls_answers },
};

static long library_answer_zero(void)
{
	return 0;
}

static long library_answer_minus(void)
{
	return -1;
}

bool library_is_own(uintptr_t at)
{
	return at - (uintptr_t)&__ehdr_start < (uintptr_t)_end - (uintptr_t)&__ehdr_start;
}

/* The value of a dynamic tag; of an address, wherever the loader has put its base already. */
static uintptr_t library_tag(const struct library_object *o, int64_t tag)
{
	for (const ElfW(Dyn) *d = o->dynamic; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == tag)
			return d->d_un.d_val;
	}
	return 0;
}

static uintptr_t library_address(const struct library_object *o, int64_t tag)
{
	uintptr_t value = library_tag(o, tag);

	return value && value < o->base ? value + o->base : value;
}

static bool library_names_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static uint32_t library_hash(const char *name)
{
	uint32_t hash = 5381;

	while (*name)
		hash = hash * 33 + (uint8_t)*name++;
	return hash;
}

static void *library_symbol_at(const struct library_object *o, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbols = (const ElfW(Sym) *)library_address(o, DT_SYMTAB);
	const char *names = (const char *)library_address(o, DT_STRTAB);
	const uint16_t *versions = (const uint16_t *)library_address(o, DT_VERSYM);
	const ElfW(Sym) *symbol = symbols ? symbols + index : NULL;

	if (!symbol || !names)
		return NULL;
	if (symbol->st_shndx == SHN_UNDEF || (symbol->st_info & 15) != STT_FUNC ||
	    (versions && versions[index] & LIBRARY_HIDDEN) ||
	    !library_names_equal(names + symbol->st_name, name))
		return NULL;
	return (void *)(o->base + symbol->st_value);
}

/* By the table of GNU: buckets, and chains whose last hash is odd. */
static void *library_find_hashed(const struct library_object *o, const uint32_t *table,
				 const char *name)
{
	uint32_t buckets = table[0];
	const uint32_t *bucket = table + 4 + table[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	const uint32_t *chain = bucket + buckets;
	uint32_t hash = library_hash(name);
	uint32_t index = buckets ? bucket[hash % buckets] : 0;

	for (; index >= table[1] && index; index++) {
		uint32_t other = chain[index - table[1]];
		void *found = (other ^ hash) < 2 ? library_symbol_at(o, index, name) : NULL;

		if (found || other & 1)
			return found;
	}
	return NULL;
}

static void *library_find(const struct library_object *o, const char *name)
{
	const uint32_t *table = (const uint32_t *)library_address(o, DT_GNU_HASH);
	void *found = NULL;

	if (!library_address(o, DT_SYMTAB) || !library_address(o, DT_STRTAB))
		return NULL;
	if (table)
		return library_find_hashed(o, table, name);
	table = (const uint32_t *)library_address(o, DT_HASH);
	for (uint32_t i = 0; table && i < table[1] && !found; i++)
		found = library_symbol_at(o, i, name);
	return found;
}

static bool library_needs(const struct library_object *o, const struct library_object *other)
{
	const char *names = (const char *)library_address(o, DT_STRTAB);
	const char *others = (const char *)library_address(other, DT_STRTAB);
	uintptr_t name = library_tag(other, DT_SONAME);

	for (const ElfW(Dyn) *d = o->dynamic; names && name && d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_NEEDED &&
		    library_names_equal(names + d->d_un.d_val, others + name))
			return true;
	}
	return false;
}

static void library_look(const struct dl_phdr_info *info, struct library_object *o)
{
	memset(o, 0, sizeof(*o));
	o->base = info->dlpi_addr;
	o->from = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t at = o->base + segment->p_vaddr;

		if (segment->p_type == PT_DYNAMIC)
			o->dynamic = (const void *)at;
		if (segment->p_type != PT_LOAD)
			continue;
		o->from = at < o->from ? at : o->from;
		o->to = at + segment->p_memsz > o->to ? at + segment->p_memsz : o->to;
	}
}

static int library_look_for_caller(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct library_search *search = context;
	struct library_object o;

	(void)bytes;
	library_look(info, &o);
	if (search->at < o.from || search->at >= o.to)
		return 0;
	search->caller = o;
	return 1;
}

static int library_look_for_library(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct library_search *search = context;
	enum library_claim claim = LIBRARY_SOMEWHERE;
	struct library_object o;

	(void)bytes;
	library_look(info, &o);
	if (o.from == (uintptr_t)&__ehdr_start || !library_find(&o, search->name))
		return 0;
	if (o.from == search->caller.from)
		claim = LIBRARY_ITSELF;
	else if (library_needs(&search->caller, &o))
		claim = LIBRARY_NEEDED;
	if (claim > search->claim) {
		search->claim = claim;
		search->best = o;
	}
	return 0;
}

/* The members of the union are pointers all, in the order of the names. */
static void library_fill(enum library_family family, const struct library_search *search,
			 struct library *out)
{
	const char *name = library_families[family].names;
	const int8_t *answer = library_families[family].answers;
	void **entry = (void **)(void *)&out->openssl;

	for (; *name; entry++, answer++) {
		void *found = search->claim ? library_find(&search->best, name) : NULL;

		if (!found && !search->claim && dlsym)
			found = dlsym(RTLD_NEXT, name);
		if (!found)
			found = *answer ? (void *)library_answer_minus
					: (void *)library_answer_zero;
		*entry = found;
		while (*name++)
			;
	}
}

static void library_make(enum library_family family, struct library_search *search,
			 struct library *out)
{
	if (dl_iterate_phdr)
		dl_iterate_phdr(library_look_for_library, search);
	library_fill(family, search, out);
	out->caller = search->caller.from;
	out->caller_bytes = search->caller.to - search->caller.from;
	out->self = search->best.from;
	out->self_bytes = search->best.to - search->best.from;
}

/* A place to keep it; NULL: there is none. Callers outside of all objects share the last one. */
static struct library_entry *library_claim(enum library_family family, bool nowhere)
{
	_Atomic uint32_t *claimed = &library_claimed[family];
	uint32_t next = atomic_load_explicit(claimed, memory_order_relaxed);

	if (nowhere)
		return atomic_exchange_explicit(&library_nowhere[family], true,
						memory_order_relaxed)
			       ? NULL
			       : &library_entries[family][LIBRARY_CALLERS];
	if (next < LIBRARY_CALLERS)
		next = atomic_fetch_add_explicit(claimed, 1, memory_order_relaxed);
	return next < LIBRARY_CALLERS ? &library_entries[family][next] : NULL;
}

void *library_function(const char *name)
{
	struct library_search search = { .name = name };

	if (dl_iterate_phdr)
		dl_iterate_phdr(library_look_for_library, &search);
	return search.claim ? library_find(&search.best, name) : NULL;
}

void library_doubt(void)
{
	atomic_fetch_add_explicit(&library_turn, 1, memory_order_relaxed);
}

/* All of it that either family has. */
static bool library_is(const struct library *a, const struct library *b)
{
	return a->caller == b->caller && a->caller_bytes == b->caller_bytes && a->self == b->self &&
	       a->self_bytes == b->self_bytes &&
	       !memcmp(&a->openssl, &b->openssl, sizeof(a->openssl)) &&
	       !memcmp(&a->gnutls, &b->gnutls, sizeof(a->gnutls));
}

/* What was found in another turn is found again, or gone: other objects may lie in its place. */
static bool library_again(enum library_family family, struct library_entry *entry,
			  struct library_search *search, struct library *spare)
{
	uint64_t turn = atomic_load_explicit(&library_turn, memory_order_relaxed);
	bool same;

	memset(spare, 0, sizeof(*spare));
	if (dl_iterate_phdr)
		dl_iterate_phdr(library_look_for_caller, search);
	library_make(family, search, spare);
	same = library_is(spare, &entry->library);
	/* U too. */
	atomic_store_explicit(&entry->found, same ? turn : LIBRARY_GONE, memory_order_release);
	return same;
}

/* Callers outside of all objects have one entry. */
static const struct library *library_from_nowhere(enum library_family family,
						  struct library_entry *entry, uintptr_t at,
						  struct library *spare)
{
	struct library_search search = { .name = library_families[family].names, .at = at };

	if (atomic_load_explicit(&entry->found, memory_order_relaxed) ==
		    atomic_load_explicit(&library_turn, memory_order_relaxed) ||
	    library_again(family, entry, &search, spare))
		return &entry->library;
	return spare;
}

static __attribute__((noinline)) const struct library *
library_first(enum library_family family, uintptr_t at, struct library *spare)
{
	struct library_search search = { .name = library_families[family].names, .at = at };
	struct library_entry *entry = &library_entries[family][LIBRARY_CALLERS];
	uint64_t turn = atomic_load_explicit(&library_turn, memory_order_relaxed);

	if (dl_iterate_phdr)
		dl_iterate_phdr(library_look_for_caller, &search);
	if (!search.caller.to && atomic_load_explicit(&entry->found, memory_order_acquire))
		return library_from_nowhere(family, entry, at, spare);
	entry = library_claim(family, !search.caller.to);
	library_make(family, &search, entry ? &entry->library : spare);
	if (!entry)
		return spare;
	/* U: release puts the making of an entry ahead of its use; pairs with T. */
	atomic_store_explicit(&entry->found, turn, memory_order_release);
	return &entry->library;
}

/* Its caller's place is asked about, wherever the call came from: it may be the library's own. */
static __attribute__((noinline)) bool
library_stands(enum library_family family, struct library_entry *entry, struct library *spare)
{
	struct library_search search = { .name = library_families[family].names,
					 .at = entry->library.caller };

	return library_again(family, entry, &search, spare);
}

const struct library *library_of(enum library_family family, uintptr_t at, struct library *spare)
{
	uint64_t turn = atomic_load_explicit(&library_turn, memory_order_relaxed);

	for (uint32_t i = 0; i < LIBRARY_CALLERS; i++) {
		struct library_entry *entry = &library_entries[family][i];
		/* T: acquire puts the look at an entry behind its making; pairs with U. */
		uint64_t found = atomic_load_explicit(&entry->found, memory_order_acquire);

		/* Not made yet, and maybe never: a fork or a jump can leave one so. */
		if (!found || found == LIBRARY_GONE)
			continue;
		if ((at - entry->library.caller < entry->library.caller_bytes ||
		     at - entry->library.self < entry->library.self_bytes) &&
		    (__builtin_expect(found == turn, 1) || library_stands(family, entry, spare)))
			return &entry->library;
	}
	return library_first(family, at, spare);
}
