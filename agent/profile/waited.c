#include "waited.h"

#include "cause.h"
#include "offcpu_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAITED_LOOKS 10u /* a second: whether anybody still waits */

_Static_assert(CAUSES == (int)WAIT_CAUSES, "causes keep their number");

/* One stack for each cause that threads had there. */
static int waited_row(const struct offcpu_row *row, uint64_t key, struct waited *out)
{
	if (row->kernel_count > PROFILE_KERNEL_FRAMES || row->user_count > PROFILE_USER_FRAMES)
		return -EPROTO;
	for (uint32_t cause = 0; cause < WAIT_CAUSES; cause++)
		if (row->ns[cause])
			out->stacks[out->count++] = (struct naming_stack){
				.key = key,
				.samples = row->ns[cause],
				.waits = row->waits[cause],
				.cause = cause,
				.kernel_count = row->kernel_count,
				.user_count = row->user_count,
				.addresses = (const uint64_t *)row->addresses,
			};
	return 0;
}

static int waited_rows(int fd, uint64_t key, uint32_t count, struct waited *out)
{
	size_t bytes = count * sizeof(struct offcpu_row);
	struct offcpu_row *rows = malloc(bytes + 1);
	int result = 0;

	out->rows = rows;
	out->stacks = calloc((size_t)count * WAIT_CAUSES + 1, sizeof(*out->stacks));
	if (!rows || !out->stacks)
		return -ENOMEM;
	if (pread(fd, rows, bytes, sizeof(struct offcpu_head)) != (ssize_t)bytes)
		return -EPROTO;
	for (uint32_t i = 0; i < count && !result; i++)
		result = waited_row(&rows[i], key, out);
	return result;
}

static int waited_read(int fd, uint64_t key, struct waited *out)
{
	struct offcpu_head head;
	int result;

	memset(out, 0, sizeof(*out));
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || head.row_count > OFFCPU_ROWS)
		return -EPROTO;
	result = waited_rows(fd, key, head.row_count, out);
	if (result) {
		waited_fini(out);
		return result;
	}
	out->span_ns = head.span_ns;
	out->lost = head.no_stack + head.lost;
	out->asleep_unseen = head.asleep_unseen;
	return 0;
}

int waited_ask(struct handover *h, const struct waited_question *q, struct waited *out)
{
	const struct timespec look = { .tv_nsec = 1000000000 / WAITED_LOOKS };
	int rows, result = handover_rows_begin(h, q->key, q->seconds);

	memset(out, 0, sizeof(*out));
	if (result)
		return result;
	for (uint32_t i = 0; i < q->seconds * WAITED_LOOKS; i++) {
		if (q->over && atomic_load_explicit(q->over, memory_order_relaxed))
			break;
		nanosleep(&look, NULL);
	}
	result = handover_rows(h, q->key, &rows);
	if (!result)
		result = waited_read(rows, q->key, out);
	if (rows >= 0)
		close(rows);
	return result;
}

void waited_fini(struct waited *w)
{
	free(w->stacks);
	free(w->rows);
	memset(w, 0, sizeof(*w));
}
