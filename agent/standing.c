#include "standing.h"

#include "health.h"
#include "log.h"
#include "privilege.h"

#include <stdio.h>

void standing_privileges(struct outbox *o)
{
	char missing[128], reason[160];

	privilege_missing(missing, sizeof(missing));
	if (*missing == '\0') {
		outbox_part(o, "privileges", HEALTH_HEALTHY, "");
		return;
	}
	snprintf(reason, sizeof(reason), "missing: %s; start as root", missing);
	log_warning("privileges %s", reason);
	outbox_part(o, "privileges", HEALTH_DEGRADED, reason);
}

void standing_segments(struct outbox *o, struct finder *f, uint64_t lost)
{
	struct finder_counts counts;
	uint64_t refused = 0;
	char reason[160];

	finder_counts_get(f, &counts);
	for (int i = ACCEPT_FOREIGN + 1; i < ACCEPT_REASONS; i++)
		refused += counts.refused[i];
	snprintf(reason, sizeof(reason),
		 "%u watched; %llu refused, %llu died unseen, %u with the shim but no segment, "
		 "%llu events lost, %llu left out by targets",
		 counts.targets, (unsigned long long)refused, (unsigned long long)counts.unseen,
		 counts.bare, (unsigned long long)lost,
		 (unsigned long long)counts.refused[ACCEPT_RULED]);
	outbox_part(o, "segments", refused ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason);
}

void standing_scout(struct outbox *o, struct scout *s)
{
	struct scout_counts counts;
	char reason[160] = "";

	scout_counts_get(s, &counts);
	if (counts.blocked)
		snprintf(reason, sizeof(reason),
			 "%llu times a process kept its reader in /proc waiting, pid %d at last; "
			 "it is left alone for a while. %u readers hang",
			 (unsigned long long)counts.blocked, counts.pid, counts.left);
	outbox_part(o, "scout", counts.shuns || counts.left ? HEALTH_DEGRADED : HEALTH_HEALTHY,
		    reason);
}

void standing_keeper(struct outbox *o, bool waits, int32_t suspect)
{
	char reason[160] = "";

	if (waits)
		snprintf(reason, sizeof(reason),
			 "a process keeps its memory from the kernel, which is about to change a "
			 "probe in a file of its: until it lets go nobody can fork");
	else if (suspect)
		snprintf(reason, sizeof(reason),
			 "pid %d keeps its memory to itself: no probe is put into a file, or taken "
			 "out of one while it is suspected",
			 suspect);
	outbox_part(o, "keeper", *reason ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason);
}
