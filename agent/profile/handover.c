#include "handover.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define HANDOVER_FILES_S 1
#define HANDOVER_KERNEL_S 5 /* the broker loads something into the kernel first */

void handover_init(struct handover *h)
{
	pthread_condattr_t attr;

	h->fd = -1;
	pthread_mutex_init(&h->turn, NULL);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->came, &attr);
	pthread_condattr_destroy(&attr);
}

void handover_fini(struct handover *h)
{
	if (h->fd >= 0)
		close(h->fd);
	pthread_cond_destroy(&h->came);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->turn);
}

void handover_file_put(struct handover *h, uint64_t key, const struct symbols_file *file)
{
	bool taken = false;

	pthread_mutex_lock(&h->lock);
	if (key && key == h->key && h->out && h->out->count < SYMBOLS_FILES) {
		h->out->files[h->out->count++] = *file;
		taken = true;
	}
	pthread_mutex_unlock(&h->lock);
	if (!taken && file->fd >= 0)
		close(file->fd);
}

void handover_files_end(struct handover *h, uint64_t key)
{
	pthread_mutex_lock(&h->lock);
	if (key == h->key && h->out) {
		h->complete = true;
		pthread_cond_signal(&h->came);
	}
	pthread_mutex_unlock(&h->lock);
}

static void handover_put(struct handover *h, uint64_t key, bool rows, int fd, int error)
{
	bool taken = false;

	pthread_mutex_lock(&h->lock);
	if (key && key == h->key && !h->out && h->rows == rows && !h->complete) {
		h->fd = fd;
		h->error = error;
		h->complete = taken = true;
		pthread_cond_signal(&h->came);
	}
	pthread_mutex_unlock(&h->lock);
	if (!taken && fd >= 0)
		close(fd);
}

void handover_slots_put(struct handover *h, uint64_t key, int slots, int error)
{
	handover_put(h, key, false, slots, error);
}

void handover_rows_put(struct handover *h, uint64_t key, int rows, int error)
{
	handover_put(h, key, true, rows, error);
}

static void handover_begin(struct handover *h, uint64_t key, struct handover_files *out, bool rows)
{
	pthread_mutex_lock(&h->turn);
	pthread_mutex_lock(&h->lock);
	h->key = key;
	h->out = out;
	h->rows = rows;
	h->complete = false;
	pthread_mutex_unlock(&h->lock);
}

/* Whatever comes from now on is closed. */
static bool handover_end(struct handover *h, bool asked, int wait_s)
{
	struct timespec until;
	bool complete;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_s;
	pthread_mutex_lock(&h->lock);
	while (asked && !h->complete && !pthread_cond_timedwait(&h->came, &h->lock, &until))
		continue;
	complete = h->complete;
	h->key = 0;
	h->out = NULL;
	pthread_mutex_unlock(&h->lock);
	return complete;
}

const char *handover_files(struct handover *h, uint64_t key, struct handover_files *out)
{
	int asked;
	bool complete;

	out->count = 0;
	handover_begin(h, key, out, false);
	asked = h->ask(h->ctx, key);
	complete = handover_end(h, asked == 0, HANDOVER_FILES_S);
	pthread_mutex_unlock(&h->turn);
	if (asked)
		return "the broker could not be asked for its files";
	if (!complete)
		return "its files did not come in time";
	return out->count ? NULL : "it has ended, or its files may not be read";
}

void handover_close(struct handover_files *files)
{
	for (uint32_t i = 0; i < files->count; i++)
		if (files->files[i].fd >= 0)
			close(files->files[i].fd);
	files->count = 0;
}

static int handover_fd(struct handover *h, uint64_t key, uint32_t seconds, bool rows, int *out)
{
	bool complete;
	int result;

	handover_begin(h, key, NULL, rows);
	result = (rows ? h->offcpu : h->unwind)(h->ctx, key, seconds);
	complete = handover_end(h, result == 0, HANDOVER_KERNEL_S);
	*out = h->fd; /* nobody else has a turn, and nothing is taken any more */
	h->fd = -1;
	if (!result)
		result = complete ? h->error : -ETIMEDOUT;
	pthread_mutex_unlock(&h->turn);
	return result;
}

int handover_slots(struct handover *h, uint64_t key, uint32_t seconds, int *out)
{
	return handover_fd(h, key, seconds, false, out);
}

int handover_rows_begin(struct handover *h, uint64_t key, uint32_t seconds)
{
	int none, result = handover_fd(h, key, seconds, true, &none);

	if (none >= 0)
		close(none);
	return result;
}

int handover_rows(struct handover *h, uint64_t key, int *out)
{
	int result = handover_fd(h, key, 0, true, out);

	return result || *out >= 0 ? result : -EPROTO;
}

void handover_slots_end(struct handover *h, uint64_t key)
{
	h->unwind(h->ctx, key, 0); /* lost: the broker ends them by itself, a little later */
}
