#include "aides.h"

#include "log.h"
#include "proc.h"
#include "standing.h"

int aides_open(struct aides *a)
{
	struct uprobes_maker maker;
	int result = scout_open(&a->scout);

	if (result == 0)
		result = keeper_open(&a->keeper);
	if (result) {
		aides_close(a);
		return result;
	}
	proc_opener_set(scout_fetch, a->scout);
	keeper_maker(a->keeper, &maker);
	uprobes_maker_set(&maker);
	return 0;
}

void aides_close(struct aides *a)
{
	proc_opener_set(NULL, NULL);
	uprobes_maker_set(NULL);
	scout_close(a->scout);
	keeper_close(a->keeper);
	*a = (struct aides){ .scout = NULL };
}

void aides_step(struct aides *a)
{
	keeper_hold(a->keeper, scout_suspect(a->scout) != 0);
	scout_hold(a->scout, keeper_waits(a->keeper));
	if (keeper_works(a->keeper))
		scout_reserve(a->scout);
}

bool aides_second(struct aides *a, struct outbox *o)
{
	standing_scout(o, a->scout);
	standing_keeper(o, keeper_waits(a->keeper), scout_suspect(a->scout));
	if (!keeper_lost(a->keeper))
		return false;
	log_warning("who held the probes in files has ended: they are put there again");
	return true;
}
