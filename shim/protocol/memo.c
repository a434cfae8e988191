#include "memo.h"

#include "hot.h"
#include "line.h"

#define MEMO_FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define MEMO_PLACE_BITS 3u
#define MEMO_STEP 32u

_Static_assert(MEMO_PLACES == 1u << MEMO_PLACE_BITS, "a place is the top of a product");
_Static_assert(MEMO_LEAST >= MEMO_STEP, "the last step looks at bytes before it");
_Static_assert(sizeof(struct memo_head) == 512, "a place is found by a shift");

#if defined(__SSE2__)
static inline __m128i memo_same(const uint8_t *a, const uint8_t *b)
{
	return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
			      _mm_loadu_si128((const __m128i *)(const void *)b));
}

static inline bool memo_is_step(const uint8_t *a, const uint8_t *b)
{
	__m128i same = _mm_and_si128(memo_same(a, b), memo_same(a + 16, b + 16));

	return _mm_movemask_epi8(same) == 0xffff;
}
#else
static inline bool memo_is_step(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, MEMO_STEP);
}
#endif

/* The last step ends where the head does. */
static inline bool memo_is(const struct memo_head *head, const uint8_t *at)
{
	const uint8_t *kept = head->bytes;
	const uint8_t *last = kept + head->said.length - MEMO_STEP;

	for (; kept < last; kept += MEMO_STEP, at += MEMO_STEP) {
		if (!memo_is_step(kept, at))
			return false;
	}
	return memo_is_step(last, at - (kept - last));
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
	head->patience = MEMO_PATIENCE;
	return &head->said;
}

HOT const struct memo_said *memo_answer(struct memo *m, uint16_t shape, uint8_t method,
					const uint8_t *at, size_t n)
{
	struct memo_head *head = &m->answers[memo_place(shape)];

	if (!head->said.length || n < head->said.length || method != head->said.method ||
	    !memo_is(head, at))
		return NULL;
	head->patience = MEMO_PATIENCE;
	return &head->said;
}

static void memo_keep(struct memo_head *head, const struct memo_said *said, const uint8_t *at)
{
	if (said->length > MEMO_BYTES)
		return;
	if (head->said.length && head->patience) {
		head->patience--;
		return;
	}
	head->said = *said;
	head->patience = MEMO_PATIENCE;
	memcpy(head->bytes, at, said->length);
}

void memo_keep_request(struct memo *m, const struct memo_said *said, const uint8_t *at)
{
	if (said->length >= MEMO_LEAST)
		memo_keep(memo_place_of(m, at), said, at);
}

void memo_keep_answer(struct memo *m, const struct memo_said *said, const uint8_t *at)
{
	if (said->length >= MEMO_LEAST)
		memo_keep(&m->answers[memo_place(said->shape)], said, at);
}

void memo_forget(struct memo *m)
{
	for (uint32_t i = 0; i < MEMO_PLACES; i++) {
		m->requests[i].said = (struct memo_said){ 0 };
		m->answers[i].said = (struct memo_said){ 0 };
	}
}
