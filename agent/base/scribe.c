#include "scribe.h"

#include "file.h"
#include "moment.h"
#include "stops.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SCRIBE_PATH 512
#define SCRIBE_S_NS UINT64_C(1000000000)

struct scribe_file {
	const char *name;
	int fd; /* of what was written as a whole last; -1: nothing was */
	int error;
};

struct scribe_item {
	struct scribe_item *next;
	struct scribe_file *file;
	struct scribe_page page;
};

struct scribe {
	const char *folder;
	int wake;
	bool running;
	pthread_t thread;
	pthread_mutex_t lock; /* of all from here on; descriptors are the writer's alone */
	pthread_cond_t more, fewer;
	struct scribe_item *first, **end;
	uint64_t given, done;
	size_t bytes; /* of what is not done */
	struct scribe_file files[SCRIBE_FILES];
	bool over;
};

int scribe_open(struct scribe **out, const char *folder)
{
	struct scribe *s = calloc(1, sizeof(*s));
	int wake = s ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	int ret = !s ? -ENOMEM : wake < 0 ? -errno : 0;
	pthread_condattr_t by;

	*out = s;
	if (ret) {
		free(s);
		*out = NULL;
		return ret;
	}
	s->folder = folder;
	s->wake = wake;
	s->end = &s->first;
	for (int i = 0; i < SCRIBE_FILES; i++)
		s->files[i].fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&by);
	pthread_condattr_setclock(&by, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &by);
	pthread_cond_init(&s->fewer, &by);
	pthread_condattr_destroy(&by);
	return 0;
}

void scribe_close(struct scribe *s)
{
	if (!s)
		return;
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->over = true;
		pthread_cond_signal(&s->more);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	for (int i = 0; i < SCRIBE_FILES; i++)
		if (s->files[i].fd >= 0)
			close(s->files[i].fd);
	pthread_cond_destroy(&s->fewer);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	close(s->wake);
	free(s);
}

const char *scribe_folder(const struct scribe *s)
{
	return s->folder;
}

int scribe_fd(const struct scribe *s)
{
	return s->wake;
}

void scribe_clear(struct scribe *s)
{
	eventfd_t count;

	eventfd_read(s->wake, &count);
}

static int scribe_whole(const struct scribe *s, struct scribe_file *f, const struct scribe_page *p)
{
	int folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, ret;
	char next[64];

	if (folder < 0)
		return -errno;
	snprintf(next, sizeof(next), "%s.next", f->name);
	fd = openat(folder, next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	ret = fd < 0 ? -errno : file_write(fd, p->bytes, p->length);
	if (!ret && fsync(fd))
		ret = -errno;
	if (!ret && (renameat(folder, next, folder, f->name) || fsync(folder)))
		ret = -errno;
	if (ret)
		unlinkat(folder, next, 0);
	close(folder);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd; /* what is appended goes there */
	return ret;
}

static int scribe_over(const struct scribe *s, const struct scribe_file *f,
		       const struct scribe_page *p)
{
	char path[SCRIBE_PATH];
	int fd, ret = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%.400s/%s", s->folder, f->name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* One write: after a kill it is there or it is not. */
	n = pwrite(fd, p->bytes, p->length, 0);
	if (n < 0)
		ret = -errno;
	else if ((size_t)n != p->length)
		ret = -ENOSPC;
	close(fd);
	return ret;
}

static int scribe_write(const struct scribe *s, struct scribe_file *f, const struct scribe_page *p)
{
	switch (p->how) {
	case SCRIBE_WHOLE:
		return scribe_whole(s, f, p);
	case SCRIBE_OVER:
		return scribe_over(s, f, p);
	case SCRIBE_APPEND:
		/* behind one that was cut short another would be no line of its own */
		return f->error ? f->error : file_write(f->fd, p->bytes, p->length);
	case SCRIBE_SYNC:
		break;
	}
	if (f->error)
		return f->error;
	return fdatasync(f->fd) ? -errno : 0;
}

static void scribe_do(struct scribe *s, struct scribe_item *item)
{
	int ret = scribe_write(s, item->file, &item->page);

	if (item->page.stop)
		stops_at(item->page.stop);
	pthread_mutex_lock(&s->lock);
	item->file->error = ret;
	s->done++;
	s->bytes -= item->page.length;
	pthread_cond_broadcast(&s->fewer);
	pthread_mutex_unlock(&s->lock);
	eventfd_write(s->wake, 1);
	free(item->page.bytes);
	free(item);
}

static void *scribe_loop(void *ctx)
{
	struct scribe *s = ctx;
	struct scribe_item *item;

	pthread_mutex_lock(&s->lock);
	while (s->first || !s->over) {
		item = s->first;
		if (!item) {
			pthread_cond_wait(&s->more, &s->lock);
			continue;
		}
		s->first = item->next;
		if (!s->first)
			s->end = &s->first;
		pthread_mutex_unlock(&s->lock);
		scribe_do(s, item);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int scribe_run(struct scribe *s)
{
	sigset_t all, before;
	int ret;

	/* Signals are for the thread that knows what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&s->thread, NULL, scribe_loop, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->running = !ret;
	return -ret;
}

/* NULL: there are too many. */
static struct scribe_file *scribe_find(struct scribe *s, const char *name)
{
	for (int i = 0; i < SCRIBE_FILES; i++) {
		if (!s->files[i].name)
			s->files[i].name = name;
		if (!strcmp(s->files[i].name, name))
			return &s->files[i];
	}
	return NULL;
}

static int scribe_put(struct scribe *s, struct scribe_item *item)
{
	item->file = scribe_find(s, item->page.file);
	if (!item->file)
		return -ENOSPC;
	if (s->bytes && s->bytes + item->page.length > SCRIBE_BYTES)
		return -ENOBUFS;
	s->given++;
	s->bytes += item->page.length;
	if (!s->running)
		return 0;
	*s->end = item;
	s->end = &item->next;
	pthread_cond_signal(&s->more);
	return 0;
}

int scribe_give(struct scribe *s, const struct scribe_page *page)
{
	struct scribe_item *item = calloc(1, sizeof(*item));
	int ret = -ENOMEM;

	if (item) {
		item->page = *page;
		pthread_mutex_lock(&s->lock);
		ret = scribe_put(s, item);
		pthread_mutex_unlock(&s->lock);
	}
	if (ret) {
		free(page->bytes);
		free(item);
	} else if (!s->running) {
		scribe_do(s, item);
	}
	return ret; /* NOLINT: the list has the item */
}

uint64_t scribe_given(struct scribe *s)
{
	uint64_t given;

	pthread_mutex_lock(&s->lock);
	given = s->given;
	pthread_mutex_unlock(&s->lock);
	return given;
}

bool scribe_wrote(struct scribe *s, uint64_t number)
{
	return scribe_wait(s, number, 0);
}

bool scribe_wait(struct scribe *s, uint64_t number, uint32_t most_ms)
{
	uint64_t until_ns = moment_monotonic_ns() + most_ms * UINT64_C(1000000);
	const struct timespec until = { .tv_sec = (time_t)(until_ns / SCRIBE_S_NS),
					.tv_nsec = (long)(until_ns % SCRIBE_S_NS) };
	bool late = !most_ms, wrote;

	pthread_mutex_lock(&s->lock);
	while (s->done < number && !late)
		late = pthread_cond_timedwait(&s->fewer, &s->lock, &until) != 0;
	wrote = s->done >= number;
	pthread_mutex_unlock(&s->lock);
	return wrote;
}

int scribe_error(struct scribe *s, const char *file)
{
	const struct scribe_file *f;
	int error;

	pthread_mutex_lock(&s->lock);
	f = scribe_find(s, file);
	error = f ? f->error : 0;
	pthread_mutex_unlock(&s->lock);
	return error;
}
