#include "segment.h"

#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEGMENT_MAPPED 16384u /* accept.h lets no more of them in */
#define SEGMENT_OPEN_PAGES (RS_OPEN_BYTES / RS_PAGE)
#define SEGMENT_OPEN_A_PAGE (RS_PAGE / (uint32_t)sizeof(struct rs_open))
#define SEGMENT_SHAPE_HEAD ((uint32_t)sizeof(struct rs_shape))

/* What the signal handler needs to know; it may run between any two instructions. */
struct segment_place {
	_Atomic uintptr_t base; /* 0: free */
	_Atomic uint32_t broken;
};

static struct segment_place segment_places[SEGMENT_MAPPED];
static _Atomic uint32_t segment_places_used; /* no place beyond was ever taken */

struct segment {
	uint8_t *base;
	struct segment_place *place;
};

/* A page of zeros in the place of the one that is gone: the reader goes on and finds nothing. */
static bool segment_mend(uintptr_t at)
{
	uint32_t used = atomic_load_explicit(&segment_places_used, memory_order_relaxed);

	for (uint32_t i = 0; i < used; i++) {
		uintptr_t base =
			atomic_load_explicit(&segment_places[i].base, memory_order_relaxed);

		if (!base || at - base >= RS_SEGMENT_BYTES)
			continue;
		atomic_store_explicit(&segment_places[i].broken, 1, memory_order_relaxed);
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address from the kernel */
		return mmap((void *)(at & ~(uintptr_t)(RS_PAGE - 1)), RS_PAGE,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	}
	return false;
}

static void segment_on_bus_error(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code <= 0) { /* somebody sent it: there is no address and nothing to mend */
		signal(number, SIG_DFL);
		raise(number);
	} else if (!segment_mend((uintptr_t)info->si_addr)) {
		signal(number, SIG_DFL); /* the same instruction fails again, now for good */
	}
	errno = saved;
}

int segment_guard(void)
{
	struct sigaction action = { .sa_sigaction = segment_on_bus_error,
				    .sa_flags = SA_SIGINFO | SA_RESTART };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

static struct segment_place *segment_place_take(const uint8_t *base)
{
	uint32_t used = atomic_load_explicit(&segment_places_used, memory_order_relaxed);
	uint32_t i = 0;

	while (i < used && atomic_load_explicit(&segment_places[i].base, memory_order_relaxed))
		i++;
	if (i == SEGMENT_MAPPED)
		return NULL;
	if (i == used)
		atomic_store_explicit(&segment_places_used, used + 1, memory_order_relaxed);
	atomic_store_explicit(&segment_places[i].broken, 0, memory_order_relaxed);
	atomic_store_explicit(&segment_places[i].base, (uintptr_t)base, memory_order_relaxed);
	return &segment_places[i];
}

static struct rs_header *segment_header(const struct segment *s)
{
	return (struct rs_header *)(void *)s->base;
}

static struct rs_block *segment_block(const struct segment *s, uint32_t n)
{
	return (struct rs_block *)(void *)(s->base + RS_BLOCKS_AT) + n;
}

/* A private copy, word by word: the other side may be writing. */
static void segment_copy(void *to, const void *from, size_t bytes)
{
	const _Atomic uint64_t *words = from;
	uint8_t *out = to;

	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
		uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);

		memcpy(out + i * sizeof(word), &word, sizeof(word));
	}
}

static int segment_check(const struct segment *s, struct rs_header *claims)
{
	/* The shim stored it last, with release; pairs with that. */
	if (atomic_load_explicit(&segment_header(s)->magic, memory_order_acquire) != RS_MAGIC)
		return -EPROTO;
	segment_copy(claims, s->base, sizeof(*claims));
	if (claims->abi != RS_ABI_VERSION || claims->bytes != RS_SEGMENT_BYTES)
		return -EPROTO;
	claims->run_dir[sizeof(claims->run_dir) - 1] = '\0';
	claims->service[sizeof(claims->service) - 1] = '\0';
	claims->environment[sizeof(claims->environment) - 1] = '\0';
	return 0;
}

int segment_open(struct segment **out, int memfd, struct rs_header *claims)
{
	struct segment *s = calloc(1, sizeof(*s));
	void *base;
	int result;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	base = mmap(NULL, RS_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (base == MAP_FAILED) {
		result = -errno;
		free(s);
		return result;
	}
	madvise(base, RS_SEGMENT_BYTES, MADV_DONTDUMP);
	s->base = base;
	s->place = segment_place_take(base);
	result = s->place ? segment_check(s, claims) : -EMFILE;
	if (result) {
		segment_close(s);
		return result;
	}
	*out = s;
	return 0;
}

void segment_close(struct segment *s)
{
	if (!s)
		return;
	if (s->place)
		atomic_store_explicit(&s->place->base, 0, memory_order_relaxed);
	munmap(s->base, RS_SEGMENT_BYTES);
	free(s);
}

bool segment_broken(const struct segment *s)
{
	return atomic_load_explicit(&s->place->broken, memory_order_relaxed) != 0;
}

void segment_state_get(const struct segment *s, struct segment_state *out)
{
	const struct rs_header *h = segment_header(s);

	out->state = atomic_load_explicit(&h->state, memory_order_relaxed);
	out->why = atomic_load_explicit(&h->why, memory_order_relaxed);
	out->clock = atomic_load_explicit(&h->clock_now, memory_order_relaxed);
	out->lanes = atomic_load_explicit(&h->lanes, memory_order_relaxed);
	if (out->lanes > RS_LANES)
		out->lanes = RS_LANES;
	out->overflow = atomic_load_explicit(&h->overflow, memory_order_relaxed) != 0;
	out->shapes = atomic_load_explicit(&h->shapes, memory_order_relaxed);
	/* Acquire puts our look at the cells behind this number; pairs with H of the shim. */
	out->folded = atomic_load_explicit(&h->folded, memory_order_acquire);
	for (uint32_t i = 0; i < 4; i++)
		out->cells[i] = atomic_load_explicit(&h->cells[i], memory_order_relaxed);
	out->fds_unseen = atomic_load_explicit(&h->fds_unseen, memory_order_relaxed);
	out->unseen = atomic_load_explicit(&h->unseen, memory_order_relaxed);
}

void segment_words_put(struct segment *s, const struct segment_words *words)
{
	struct rs_agent *agent = &segment_header(s)->agent;

	atomic_store_explicit(&agent->slow_warning, words->slow_warning, memory_order_relaxed);
	atomic_store_explicit(&agent->slow_critical, words->slow_critical, memory_order_relaxed);
	atomic_store_explicit(&agent->ns_per_tick, words->ns_per_tick, memory_order_relaxed);
	atomic_store_explicit(&agent->sample, words->sample, memory_order_relaxed);
	atomic_store_explicit(&agent->detail, words->detail, memory_order_relaxed);
	/* Release: who sees somebody listen sees the calibration too, where it looks in order. */
	atomic_store_explicit(&agent->epoch, words->epoch, memory_order_release);
}

void segment_off_put(struct segment *s)
{
	atomic_store_explicit(&segment_header(s)->agent.off, 1, memory_order_relaxed);
}

void segment_block_add(const struct segment *s, uint32_t n, uint64_t *sums)
{
	const _Atomic uint64_t *words = (const _Atomic uint64_t *)(void *)segment_block(s, n);

	for (size_t i = 0; i < SEGMENT_WORDS; i++)
		sums[i] += atomic_load_explicit(&words[i], memory_order_relaxed);
}

bool segment_lane_ready(const struct segment *s, uint32_t n)
{
	return atomic_load_explicit(&segment_block(s, n)->lane, memory_order_relaxed) != 0;
}

struct rs_head *segment_lane(const struct segment *s, uint32_t n)
{
	return (struct rs_head *)(void *)(s->base + rs_lane_at(n));
}

_Atomic uint64_t *segment_tail(struct segment *s, uint32_t n)
{
	return &segment_block(s, n)->tail;
}

static uint16_t segment_shape_usable(uint32_t id)
{
	uint32_t last = RS_SHAPES_BYTES - SEGMENT_SHAPE_HEAD - RS_PATH_BYTES;

	return id >= RS_SHAPE_FIRST / 8 && id <= last / 8 ? (uint16_t)id : 0;
}

uint16_t segment_shape_at(const struct segment *s, uint32_t i)
{
	const _Atomic uint32_t *index =
		(const _Atomic uint32_t *)(const void *)(s->base + RS_SHAPES_AT);

	/* Acquire puts our look at the entry behind the word; pairs with I of the shim. */
	return segment_shape_usable(
		atomic_load_explicit(&index[i % RS_SHAPE_INDEX_WORDS], memory_order_acquire));
}

int segment_shape_get(const struct segment *s, uint16_t id, struct segment_shape *out)
{
	uint8_t copy[SEGMENT_SHAPE_HEAD + RS_PATH_BYTES];
	size_t (*canonical)(const void *, size_t, char *, size_t);
	struct rs_shape head;

	if (!segment_shape_usable(id))
		return -ENOENT;
	segment_copy(copy, s->base + RS_SHAPES_AT + id * 8u, sizeof(copy));
	memcpy(&head, copy, sizeof(head));
	if (!head.length || head.length > RS_PATH_BYTES)
		return -ENOENT;
	out->cell = head.cell < RS_CELLS ? head.cell : RS_OTHER_CELL;
	/* Between the words of a statement there are blanks; in a path there are none. */
	canonical = copy[sizeof(head)] == '/' ? text_canonical : text_words;
	out->length =
		(uint16_t)canonical(copy + sizeof(head), head.length, out->path, sizeof(out->path));
	return 0;
}

/* A locked exchange costs 5 ns and most words are 0. */
static uint64_t segment_take(_Atomic uint64_t *word)
{
	if (!atomic_load_explicit(word, memory_order_relaxed))
		return 0;
	return atomic_exchange_explicit(word, 0, memory_order_relaxed);
}

static struct rs_cell *segment_cell_at(const struct segment *s, uint32_t n)
{
	return (struct rs_cell *)(void *)(s->base + RS_CELLS_AT) + n;
}

static void segment_cell_take_sums(struct rs_cell *cell, struct segment_cell *out)
{
	for (uint32_t i = 0; i < RS_STATUS_CLASSES; i++)
		out->status[i] = segment_take(&cell->status[i]);
	out->aborted = segment_take(&cell->aborted);
	out->cut_by_server = segment_take(&cell->cut_by_server);
	out->cut_by_client = segment_take(&cell->cut_by_client);
	out->bytes_in = segment_take(&cell->bytes_in);
	out->bytes_out = segment_take(&cell->bytes_out);
	out->span = segment_take(&cell->span);
	out->span_min = segment_take(&cell->span_min);
	out->span_min -= out->span_min != 0;
	out->span_max = segment_take(&cell->span_max);
	out->slow_warning = segment_take(&cell->slow_warning);
	out->slow_critical = segment_take(&cell->slow_critical);
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++) {
		out->buckets[i] = 0;
		if (atomic_load_explicit(&cell->buckets[i], memory_order_relaxed))
			out->buckets[i] = atomic_exchange_explicit(&cell->buckets[i], 0,
								   memory_order_relaxed);
	}
	/* Not taken: the bit of a fold under way would go with the number of those before it. */
	out->methods = atomic_load_explicit(&cell->methods, memory_order_relaxed);
}

bool segment_cell_take(struct segment *s, uint32_t n, struct segment_cell *out)
{
	struct rs_cell *cell = segment_cell_at(s, n);

	if (!atomic_load_explicit(&cell->count, memory_order_relaxed))
		return false;
	/*
	 * A fold adds to count last: whoever is in the number is in all the sums, unless torn by
	 * death. Acquire keeps our look at those behind; an in-flight fold's sums come early.
	 */
	out->count = atomic_exchange_explicit(&cell->count, 0, memory_order_acquire);
	segment_cell_take_sums(cell, out);
	return true;
}

void segment_cell_clean(struct segment *s, uint32_t n)
{
	struct rs_cell *cell = segment_cell_at(s, n);
	struct segment_cell lost;

	if (!atomic_load_explicit(&cell->count, memory_order_relaxed))
		segment_cell_take_sums(cell, &lost);
}

static bool segment_open_copy(const struct rs_open *from, struct segment_open_request *out)
{
	/* Acquire puts our look at the rest behind the connection; pairs with M of the shim. */
	out->connection = atomic_load_explicit(&from->connection, memory_order_acquire);
	if (!out->connection)
		return false;
	out->shape = atomic_load_explicit(&from->shape, memory_order_acquire);
	out->method = atomic_load_explicit(&from->method, memory_order_acquire);
	out->state = atomic_load_explicit(&from->state, memory_order_acquire);
	out->t0 = atomic_load_explicit(&from->t0, memory_order_acquire);
	out->bytes_out = atomic_load_explicit(&from->bytes_out, memory_order_acquire);
	out->queued = atomic_load_explicit(&from->queued, memory_order_acquire);
	out->thread = atomic_load_explicit(&from->thread, memory_order_acquire);
	/* Acquire above keeps this second look last: another request may have the entry by now. */
	return atomic_load_explicit(&from->connection, memory_order_relaxed) == out->connection;
}

uint32_t segment_open_list(const struct segment *s, struct segment_open_request *out, uint32_t room)
{
	const struct rs_open *table = (const struct rs_open *)(const void *)(s->base + RS_OPEN_AT);
	unsigned char resident[SEGMENT_OPEN_PAGES];
	uint32_t count = 0;

	/* Looking at a hole would make a page of it, of our own memory. */
	if (mincore(s->base + RS_OPEN_AT, RS_OPEN_BYTES, resident))
		memset(resident, 1, sizeof(resident));
	for (uint32_t i = 0; i < RS_OPEN_ENTRIES && count < room; i++) {
		if (!(resident[i / SEGMENT_OPEN_A_PAGE] & 1))
			i += SEGMENT_OPEN_A_PAGE - 1;
		else if (segment_open_copy(&table[i], &out[count]))
			count++;
	}
	return count;
}
