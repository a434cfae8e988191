#include "roster.h"

#include "proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

int roster_open(struct roster *r)
{
	memset(r, 0, sizeof(*r));
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	return r->epoll < 0 ? -errno : 0;
}

void roster_target_free(struct finder_target *t)
{
	kin_fini(&t->kin);
	if (t->fd >= 0)
		close(t->fd);
	close(t->pidfd);
	free(t);
}

void roster_close(struct roster *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		roster_target_free(r->targets[i]);
	free(r->targets);
	close(r->epoll);
}

uint32_t roster_index(const struct roster *r, uint64_t key)
{
	uint32_t i = 0;

	while (i < r->count && r->targets[i]->target.key != key)
		i++;
	return i;
}

enum accept_reason roster_quota(const struct roster *r, uint64_t inode, uint32_t uid)
{
	uint32_t of_uid = 0, all = r->count;

	for (uint32_t i = 0; i < r->count; i++) {
		const struct finder_target *t = r->targets[i];
		uint32_t kins = t->kin.fd >= 0;

		if (inode && (t->inode == inode || (kins && t->kin.inode == inode)))
			return ACCEPT_TWICE;
		of_uid += t->target.uid == uid ? 1 + kins : 0;
		all += kins;
	}
	if (all >= ACCEPT_IN_ALL)
		return ACCEPT_QUOTA_ALL;
	return of_uid >= ACCEPT_PER_UID ? ACCEPT_QUOTA_UID : ACCEPT_OK;
}

static int roster_room(struct roster *r)
{
	uint32_t room = r->room ? r->room * 2 : 16;
	struct finder_target **more;

	if (r->count < r->room)
		return 0;
	more = realloc(r->targets, room * sizeof(struct finder_target *));
	if (!more)
		return -ENOMEM;
	r->targets = more;
	r->room = room;
	return 0;
}

/* A pidfd that surely is of the process that was read: its start time is read again behind it. */
static int roster_pidfd(const struct roster *r, struct finder_target *t)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = t->target.key };
	struct proc_stat now;

	t->pidfd = (int)syscall(SYS_pidfd_open, t->target.pid, 0);
	if (t->pidfd < 0)
		return -errno;
	if (proc_stat_read(t->target.pid, &now) || now.start_ticks != t->target.start_ticks ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, t->pidfd, &event)) {
		close(t->pidfd);
		return -ESRCH;
	}
	return 0;
}

int roster_add(struct roster *r, struct finder_target *t)
{
	int result = roster_room(r);

	t->target.key = ++r->key;
	kin_init(&t->kin);
	t->pss = -1.0;
	t->anonymous = -1.0;
	if (result == 0)
		result = roster_pidfd(r, t);
	if (result == 0)
		r->targets[r->count++] = t;
	return result;
}

struct finder_target *roster_take(struct roster *r, uint32_t i)
{
	struct finder_target *t = r->targets[i];

	r->targets[i] = r->targets[--r->count];
	return t;
}
