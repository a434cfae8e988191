#include "memo.h"

#include "hot.h"
#include "line.h"

#define MEMO_FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define MEMO_PLACE_BITS 3u
#define MEMO_STEP 64u
#define MEMO_HALF 32u

_Static_assert(MEMO_PLACES == 1u << MEMO_PLACE_BITS, "a place is the top of a product");
_Static_assert(MEMO_LEAST >= MEMO_HALF, "the last step looks at bytes before it");
_Static_assert(sizeof(struct memo_head) == 512, "a place is found by a shift");

#if defined(__SSE2__)
static inline __m128i memo_same(const uint8_t *kept, const uint8_t *at)
{
	return _mm_cmpeq_epi8(*(const __m128i *)(const void *)kept,
			      _mm_loadu_si128((const __m128i *)(const void *)at));
}

static inline bool memo_is_all(__m128i same)
{
	return _mm_movemask_epi8(same) == 0xffff;
}

static inline __m128i memo_same_half(const uint8_t *kept, const uint8_t *at)
{
	return _mm_and_si128(memo_same(kept, at), memo_same(kept + 16, at + 16));
}

static inline bool memo_is_half(const uint8_t *kept, const uint8_t *at)
{
	return memo_is_all(memo_same_half(kept, at));
}

static inline bool memo_is_step(const uint8_t *kept, const uint8_t *at)
{
	return memo_is_all(_mm_and_si128(memo_same_half(kept, at),
					 memo_same_half(kept + MEMO_HALF, at + MEMO_HALF)));
}

/* The bytes that are kept begin anywhere. */
static inline bool memo_is_end(const uint8_t *kept, const uint8_t *at)
{
	const __m128i *a = (const __m128i *)(const void *)kept;
	const __m128i *b = (const __m128i *)(const void *)at;

	return memo_is_all(
		_mm_and_si128(_mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b)),
			      _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1))));
}
#else
static inline bool memo_is_half(const uint8_t *kept, const uint8_t *at)
{
	return !memcmp(kept, at, MEMO_HALF);
}

static inline bool memo_is_step(const uint8_t *kept, const uint8_t *at)
{
	return !memcmp(kept, at, MEMO_STEP);
}

#define memo_is_end memo_is_half
#endif

/* The last half step ends where the head does. */
static inline bool memo_is(const struct memo_head *head, const uint8_t *at)
{
	const uint8_t *kept = head->bytes;
	size_t left = head->said.length;

	for (; left > MEMO_STEP; left -= MEMO_STEP, kept += MEMO_STEP, at += MEMO_STEP) {
		if (!memo_is_step(kept, at))
			return false;
	}
	if (left > MEMO_HALF && !memo_is_half(kept, at))
		return false;
	return memo_is_end(kept + left - MEMO_HALF, at + left - MEMO_HALF);
}

static inline uint32_t memo_place(uint64_t word)
{
	return (uint32_t)(word * MEMO_FACTOR >> (64 - MEMO_PLACE_BITS));
}

/* By its path, as a rule. */
static inline struct memo_head *memo_place_of(struct memo *m, const uint8_t *at)
{
	return &m->requests[memo_place(line_word(at + 4) ^ line_word(at + 12) * MEMO_FACTOR)];
}

HOT const struct memo_said *memo_request(struct memo *m, const uint8_t *at, size_t n)
{
	struct memo_head *head;

	if (n < MEMO_LEAST)
		return NULL;
	head = memo_place_of(m, at);
	/* An empty place has no bytes, and n is more. */
	if (n != head->said.length + head->said.body || !memo_is(head, at))
		return NULL;
	head->said.patience = MEMO_PATIENCE;
	return &head->said;
}

HOT const struct memo_said *memo_answer(struct memo *m, uint16_t shape, uint8_t method,
					const uint8_t *at, size_t n)
{
	struct memo_head *head = &m->answers[memo_place(shape)];

	if (!head->said.length || n < head->said.length || method != head->said.method ||
	    !memo_is(head, at))
		return NULL;
	head->said.patience = MEMO_PATIENCE;
	return &head->said;
}

static void memo_keep(struct memo_head *head, const struct memo_said *said, const uint8_t *at,
		      size_t length)
{
	if (head->said.length && head->said.patience) {
		head->said.patience--;
		return;
	}
	head->said = *said;
	head->said.length = (uint16_t)length;
	head->said.patience = MEMO_PATIENCE;
	memcpy(head->bytes, at, length);
}

static bool memo_fits(size_t length)
{
	return length >= MEMO_LEAST && length <= MEMO_BYTES;
}

void memo_keep_request(struct memo *m, const struct memo_said *said, const uint8_t *at,
		       size_t length)
{
	if (memo_fits(length))
		memo_keep(memo_place_of(m, at), said, at, length);
}

void memo_keep_answer(struct memo *m, const struct memo_said *said, const uint8_t *at,
		      size_t length)
{
	if (memo_fits(length))
		memo_keep(&m->answers[memo_place(said->shape)], said, at, length);
}

void memo_forget(struct memo *m)
{
	for (uint32_t i = 0; i < MEMO_PLACES; i++) {
		m->requests[i].said = (struct memo_said){ 0 };
		m->answers[i].said = (struct memo_said){ 0 };
	}
}
