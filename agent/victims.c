#include "victims.h"

#include "log.h"

#include <string.h>

void victims_over(struct victims *v, int32_t pid, uint64_t key)
{
	v->over[v->over_next].pid = pid;
	v->over[v->over_next].key = key;
	v->over_next = (v->over_next + 1) % VICTIMS_OVER;
}

/* The newest of that pid; 0: it is none of ours. */
static uint64_t victims_key(const struct victims *v, struct finder *f, int32_t pid)
{
	for (uint32_t i = 0; i < finder_size(f); i++)
		if (finder_at(f, i)->target.pid == pid)
			return finder_at(f, i)->target.key;
	for (uint32_t i = 1; i <= VICTIMS_OVER; i++) {
		uint32_t at = (v->over_next + VICTIMS_OVER - i) % VICTIMS_OVER;

		if (v->over[at].pid == pid)
			return v->over[at].key;
	}
	return 0;
}

void victims_kill(struct victims *v, struct finder *f, int32_t pid)
{
	uint64_t key = victims_key(v, f, pid);

	if (!key)
		return;
	log_warning("pid %d is killed by the kernel for want of memory", pid);
	if (v->pending_count == VICTIMS_PENDING)
		v->lost++;
	else
		v->pending[v->pending_count++] = key;
}

int victims_send(struct victims *v, int link)
{
	struct link_message message = { .kind = LINK_KILLED };
	uint32_t done = 0;
	int result = 0;

	while (done < v->pending_count) {
		message.key = v->pending[done];
		result = link_send(link, &message, -1);
		if (result)
			break;
		done++;
	}
	v->pending_count -= done;
	memmove(v->pending, v->pending + done, v->pending_count * sizeof(*v->pending));
	return result;
}
