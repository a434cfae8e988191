#include "heads.h"

#include "guard.h"
#include "hot.h"
#include "memo.h"
#include "pool.h"

#define HEADS_REQUESTS 16u /* of a block, ahead of its memo */
#define HEADS_CHUNK 2u
#define HEADS_MOST RS_BLOCKS

struct heads_memo {
	_Alignas(64) struct memo memo;
};

_Static_assert(offsetof(struct memo, link) == 0, "the pool's word");

static struct heads_memo heads_first;

static struct pool heads_pool = {
	.bytes = sizeof(struct heads_memo),
	.chunk = HEADS_CHUNK,
	.most = HEADS_MOST,
};

static struct memo *heads_take(void)
{
	static _Atomic uint32_t pooled;

	if (!atomic_exchange_explicit(&pooled, 1, memory_order_relaxed))
		pool_add(&heads_pool, (uint8_t *)&heads_first, 1);
	return pool_get(&heads_pool);
}

RARE void heads_want(void)
{
	struct memo *memo;

	if (here.memo || here.shared ||
	    atomic_load_explicit(&here.block->requests, memory_order_relaxed) < HEADS_REQUESTS)
		return;
	memo = heads_take();
	if (!memo)
		return;
	/* What a parent, or another thread of it, made of heads: its shapes are not ours. */
	if (memo->generation != guard_generation()) {
		if (memo->generation)
			memo_forget(memo);
		memo->generation = guard_generation();
	}
	here.memo = memo;
}

void heads_return(void)
{
	if (here.memo)
		pool_put(&heads_pool, here.memo);
	here.memo = NULL;
}
