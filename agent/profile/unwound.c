#include "unwound.h"

#include "child.h"
#include "file.h"
#include "symbolize.h"
#include "unwind.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNWOUND_HZ 99u /* of the broker's clock */
#define UNWOUND_LOOK_MS 100
#define UNWOUND_GRACE_MS 5000 /* to begin and to tell, on a machine that is busy */
#define UNWOUND_SAMPLES (1u << 20)
#define UNWOUND_BYTES (64 << 20)

static uint32_t unwound_file_count(const struct unwound_question *q)
{
	return q->file_count < SYMBOLIZE_FILES ? q->file_count : SYMBOLIZE_FILES;
}

static int unwound_write(const struct unwound_question *q, int fd)
{
	uint64_t samples = UINT64_C(2) * (q->seconds + 1) * q->cpus * UNWOUND_HZ;
	const struct unwind_head head = {
		.file_count = unwound_file_count(q),
		.seconds = q->seconds,
		.slots = q->slots,
		.samples = samples < UNWOUND_SAMPLES ? (uint32_t)samples : UNWOUND_SAMPLES,
	};
	int result = file_write(fd, &head, sizeof(head));

	for (uint32_t i = 0; i < head.file_count && !result; i++) {
		bool vdso = strcmp(q->files[i].name, "[vdso]") == 0;
		const struct symbolize_file file = { .start = q->files[i].start,
						     .end = q->files[i].end,
						     .offset = q->files[i].offset,
						     .fd = vdso ? UNWIND_VDSO : q->files[i].fd,
						     .debug = -1 };

		result = file_write(fd, &file, sizeof(file));
	}
	if (!result && lseek(fd, 0, SEEK_SET))
		result = -errno;
	return result;
}

static int unwound_start(const struct unwound_question *q, const int ends[2], pid_t *out)
{
	int passed[SYMBOLIZE_FILES + 1] = { q->slots };
	struct child_start start = { .program = q->program,
				     .word = CHILD_UNWIND,
				     .question = ends[0],
				     .answer = ends[1],
				     .passed = passed,
				     .passed_count = 1 };

	for (uint32_t i = 0; i < unwound_file_count(q); i++)
		passed[start.passed_count++] = q->files[i].fd;
	return child_start(&start, out);
}

static int unwound_wait(const struct unwound_question *q, pid_t pid)
{
	uint32_t most = (q->seconds * 1000 + UNWOUND_GRACE_MS) / UNWOUND_LOOK_MS;
	bool over = false;
	int result = -EAGAIN;

	for (uint32_t i = 0; i < most && result == -EAGAIN && !over; i++) {
		result = child_wait(pid, UNWOUND_LOOK_MS);
		over = q->over && atomic_load_explicit(q->over, memory_order_relaxed);
	}
	if (result != -EAGAIN)
		return result;
	child_kill(pid);
	return over ? -ECANCELED : -ETIMEDOUT;
}

/* One stack of the answer; moves *at. */
static int unwound_stack(const char **at, const char *end, struct naming_stack *out)
{
	struct unwind_stack head;
	size_t bytes;

	if ((size_t)(end - *at) < sizeof(head))
		return -EPROTO;
	memcpy(&head, *at, sizeof(head));
	*at += sizeof(head);
	bytes = ((size_t)head.kernel_count + head.user_count) * sizeof(uint64_t);
	if (!head.samples || (size_t)(end - *at) < bytes)
		return -EPROTO;
	out->samples = head.samples;
	out->kernel_count = head.kernel_count;
	out->user_count = head.user_count;
	out->unwound = true;
	*at += bytes;
	return 0;
}

/* The child read hostile files: its answer is as hostile. All its parts are multiples of 8. */
static int unwound_parse(const char *text, size_t length, uint64_t key, struct unwound *out)
{
	const char *at = text + sizeof(struct unwind_answer), *end = text + length;
	struct unwind_answer answer;
	int result = 0;

	if (length < sizeof(answer))
		return -EPROTO;
	memcpy(&answer, text, sizeof(answer));
	if (answer.stack_count > (length - sizeof(answer)) / sizeof(struct unwind_stack))
		return -EPROTO;
	out->stacks = calloc((size_t)answer.stack_count + 1, sizeof(*out->stacks));
	out->addresses = malloc(length);
	if (!out->stacks || !out->addresses)
		return -ENOMEM;
	memcpy(out->addresses, text, length);
	for (; out->count < answer.stack_count && !result; out->count++) {
		struct naming_stack *s = &out->stacks[out->count];
		size_t first = (size_t)(at - text) + sizeof(struct unwind_stack);

		s->key = key;
		s->addresses = out->addresses + first / sizeof(uint64_t);
		result = unwound_stack(&at, end, s);
	}
	out->taken = answer.taken;
	out->lost = answer.dropped + answer.no_room;
	return result;
}

static int unwound_read(int fd, uint64_t key, struct unwound *out)
{
	struct stat s;
	char *text;
	int result = -EPROTO;

	if (fstat(fd, &s) || s.st_size <= 0 || s.st_size > UNWOUND_BYTES)
		return -EPROTO;
	text = malloc((size_t)s.st_size);
	if (!text)
		return -ENOMEM;
	if (pread(fd, text, (size_t)s.st_size, 0) == s.st_size)
		result = unwound_parse(text, (size_t)s.st_size, key, out);
	free(text);
	return result;
}

int unwound_ask(const struct unwound_question *q, uint64_t key, struct unwound *out)
{
	int ends[2] = { memfd_create("question", MFD_CLOEXEC),
			memfd_create("answer", MFD_CLOEXEC) };
	int result = ends[0] < 0 || ends[1] < 0 ? -errno : 0;
	pid_t pid = -1;

	memset(out, 0, sizeof(*out));
	if (!result)
		result = unwound_write(q, ends[0]);
	if (!result)
		result = unwound_start(q, ends, &pid);
	if (!result)
		result = unwound_wait(q, pid);
	if (!result)
		result = unwound_read(ends[1], key, out);
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (result)
		unwound_fini(out);
	return result;
}

void unwound_fini(struct unwound *u)
{
	free(u->stacks);
	free(u->addresses);
	memset(u, 0, sizeof(*u));
}
