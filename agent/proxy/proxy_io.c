/*
 * proxy_io - bytes and sockets of the proxy: blocks that are used again, what is ready, reads and
 *            writes that remember what they were told.
 */
#include "proxy_own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void proxy_count_add(struct proxy *p, size_t at, uint64_t more)
{
	_Atomic uint64_t *count = &p->counts[at];
	uint64_t before = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, before + more, memory_order_relaxed);
}

void proxy_io_queue(struct proxy *p, struct proxy_link *l)
{
	if (l->queued || l->fd < 0)
		return;
	l->queued = true;
	l->next = NULL;
	if (p->last_ready)
		p->last_ready->next = l;
	else
		p->first_ready = l;
	p->last_ready = l;
}

int proxy_io_watch(struct proxy *p, struct proxy_link *l, int fd, enum proxy_kind kind)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.ptr = l };

	*l = (struct proxy_link){ .fd = fd, .kind = (uint8_t)kind };
	if (kind == PROXY_LISTENER || kind == PROXY_WAKE)
		event.events = EPOLLIN; /* until all is taken: they may be left for a while */
	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* One that is queued is freed by who takes it from the queue. */
void proxy_io_close(struct proxy *p, struct proxy_link *l)
{
	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	if (l->queued)
		return;
	l->next = p->dead;
	p->dead = l;
}

bool proxy_io_block(struct proxy *p, struct proxy_buffer *b)
{
	struct proxy_block *block = p->blocks;

	if (b->at)
		return true;
	if (block) {
		p->blocks = block->next;
		p->block_count--;
	} else {
		block = malloc(PROXY_BLOCK);
	}
	if (!block) {
		proxy_count(p, no_memory);
		return false;
	}
	*b = (struct proxy_buffer){ .at = (char *)block, .size = PROXY_BLOCK };
	return true;
}

void proxy_io_release(struct proxy *p, struct proxy_buffer *b)
{
	struct proxy_block *block = (struct proxy_block *)(void *)b->at;

	if (b->at && b->size == PROXY_BLOCK && p->block_count < PROXY_BLOCKS) {
		block->next = p->blocks;
		p->blocks = block;
		p->block_count++;
	} else {
		free(b->at); /* it had grown, or there are enough */
	}
	*b = (struct proxy_buffer){ .at = NULL };
}

void proxy_io_blocks_close(struct proxy *p)
{
	while (p->blocks) {
		struct proxy_block *block = p->blocks;

		p->blocks = block->next;
		free(block);
	}
}

ssize_t proxy_io_read(struct proxy_link *l, struct proxy_buffer *b)
{
	size_t room = b->size - b->end;
	ssize_t n = recv(l->fd, b->at + b->end, room, 0);

	if (n > 0) {
		b->end += (size_t)n;
		/* fewer than there was room for were all there are, unless the end stands behind */
		l->readable = (size_t)n == room || l->ended;
		return n;
	}
	if (n == 0)
		return 0;
	if (errno == EAGAIN || errno == EINTR) {
		l->readable = errno == EINTR;
		return -EAGAIN;
	}
	return -errno;
}

ssize_t proxy_io_write(struct proxy_link *l, const struct iovec *parts, int count)
{
	struct iovec used[3];
	struct msghdr message = { .msg_iov = used };
	size_t all = 0;
	ssize_t n;

	for (int i = 0; i < count; i++) {
		if (!parts[i].iov_len)
			continue;
		used[message.msg_iovlen++] = parts[i];
		all += parts[i].iov_len;
	}
	if (!all)
		return 0;
	n = sendmsg(l->fd, &message, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (n < 0)
		n = 0;
	if ((size_t)n < all)
		l->writable = false;
	return n;
}
