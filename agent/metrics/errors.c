#include "errors.h"

#define ERRORS_CLASS 4 /* status[4]: 5xx */

static uint64_t errors_bound(uint64_t count, uint64_t failed, uint64_t aborted,
			     uint64_t cut_by_client)
{
	uint64_t unanswered = aborted > cut_by_client ? aborted - cut_by_client : 0;

	return failed + unanswered < count ? failed + unanswered : count;
}

uint64_t errors_counted(const struct drain_counters *delta)
{
	return errors_bound(delta->requests, delta->status[ERRORS_CLASS] + delta->cut_by_server,
			    delta->aborted, delta->cut_by_client);
}

uint64_t errors_folded(const struct drain_fold *fold)
{
	return errors_bound(fold->count, fold->status[ERRORS_CLASS] + fold->cut_by_server,
			    fold->aborted, fold->cut_by_client);
}

uint64_t errors_untold(struct errors *e, const struct drain_counters *delta)
{
	int64_t more = e->owed + (int64_t)errors_counted(delta) - e->told;

	e->told = 0;
	if (!delta->dropped[RS_KIND_REQUEST])
		more = 0;
	e->owed = more < 0 ? more : 0;
	return more > 0 ? (uint64_t)more : 0;
}
