#include "backoff.h"

#define BACKOFF_FIRST_NS INT64_C(1000000000)
#define BACKOFF_LONGEST_NS INT64_C(300000000000)
#define BACKOFF_STEPS 9 /* 1 s, 2 s … 256 s */

int64_t backoff_wait_ns(uint32_t tries, uint32_t random)
{
	int64_t wait_ns = BACKOFF_LONGEST_NS;

	if (tries && tries <= BACKOFF_STEPS)
		wait_ns = BACKOFF_FIRST_NS << (tries - 1);
	/* from half of it to one and a half: who failed together does not come back together */
	return wait_ns / 2 + (int64_t)((double)wait_ns * ((double)random / (double)UINT32_MAX));
}
