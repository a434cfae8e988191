#include "redis_names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

struct redis_name {
	atomic_uint users; /* who asked, and the thread: the last one frees */
	atomic_bool found;
	int fd;
	int error; /* of getaddrinfo */
	struct redis_place place;
	struct redis_addresses addresses;
};

static void redis_address_put(struct redis_address *out, const void *at, size_t length)
{
	memset(out, 0, sizeof(*out));
	memcpy(&out->at, at, length);
	out->length = (socklen_t)length;
}

int redis_place_address(const struct redis_place *p, struct redis_address *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(p->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->port) };
	struct sockaddr_un path = { .sun_family = AF_UNIX };

	if (*p->path) {
		snprintf(path.sun_path, sizeof(path.sun_path), "%s", p->path);
		redis_address_put(out, &path, sizeof(path));
	} else if (inet_pton(AF_INET, p->host, &v4.sin_addr) == 1) {
		redis_address_put(out, &v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, p->host, &v6.sin6_addr) == 1) {
		redis_address_put(out, &v6, sizeof(v6));
	} else {
		return -ENOENT;
	}
	return 0;
}

void redis_name_drop(struct redis_name *n)
{
	/* acquire and release: who frees sees all that the other did */
	if (!n || atomic_fetch_sub_explicit(&n->users, 1, memory_order_acq_rel) > 1)
		return;
	close(n->fd);
	free(n);
}

static void redis_name_add(struct redis_addresses *to, const struct addrinfo *a)
{
	if (to->count < REDIS_ADDRESSES && a->ai_addrlen <= sizeof(to->at[0].at))
		redis_address_put(&to->at[to->count++], a->ai_addr, a->ai_addrlen);
}

static void *redis_name_find(void *ctx)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct redis_name *n = ctx;
	struct addrinfo *list = NULL;
	char port[8];

	snprintf(port, sizeof(port), "%u", n->place.port);
	n->error = getaddrinfo(n->place.host, port, &hints, &list);
	for (const struct addrinfo *a = n->error ? NULL : list; a; a = a->ai_next)
		redis_name_add(&n->addresses, a);
	if (list)
		freeaddrinfo(list);
	/* A: release keeps the addresses ahead of the mark; pairs with B. */
	atomic_store_explicit(&n->found, true, memory_order_release);
	eventfd_write(n->fd, 1);
	redis_name_drop(n);
	return NULL;
}

static int redis_name_start(struct redis_name *n)
{
	sigset_t all, before;
	pthread_t thread;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&thread, NULL, redis_name_find, n);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ret)
		pthread_detach(thread);
	return -ret;
}

int redis_name_ask(struct redis_name **out, const struct redis_place *place)
{
	struct redis_name *n = calloc(1, sizeof(*n));
	int ret;

	*out = NULL;
	if (!n)
		return -ENOMEM;
	n->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ret = n->fd < 0 ? -errno : 0;
	n->place = *place;
	atomic_init(&n->users, 2);
	if (!ret)
		ret = redis_name_start(n);
	if (!ret) {
		*out = n;
		return 0;
	}
	if (n->fd >= 0)
		close(n->fd);
	free(n);
	return ret;
}

int redis_name_fd(const struct redis_name *n)
{
	return n->fd;
}

int redis_name_get(const struct redis_name *n, struct redis_addresses *out, const char **fault)
{
	/* B: acquire keeps the look at the addresses behind the mark; pairs with A. */
	if (!atomic_load_explicit(&n->found, memory_order_acquire))
		return -EAGAIN;
	*out = n->addresses;
	*fault = n->error ? gai_strerror(n->error) : "no address";
	return n->addresses.count ? 0 : -ENOENT;
}
