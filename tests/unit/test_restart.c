/*
 * An agent is stopped at one instruction after the other, as kill -9 would stop it, and each time
 * another one takes over from exactly what is there: it must come to the same counts.
 */
#include "drain_fixture.h"
#include "watched.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NOW (1000 * FIXTURE_SECOND)
#define STRIDE 97        /* instructions from one look to the next */
#define TRAP 0x100       /* the processor's flag: a signal after each instruction */
#define SEGMENT_COPIED 3 /* ranges */
#define HALF_BYTES (CHECKPOINT_HALF_BYTES)
#define HALF_COPIED (CHECKPOINT_HEAD_BYTES + 32768u)
#define ENTRIES_AT (CHECKPOINT_HEAD_BYTES + CHECKPOINT_BLOB_BYTES)
#define ENTRIES_COPIED 8192u

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define CAN_STEP 1
#else
#define CAN_STEP 0 /* no such flag; or signals are held back */
#endif

static const char boot[CHECKPOINT_BOOT_BYTES] = "the boot of this test";
static const struct capture_target target = { .key = 7, .pid = 70, .start_ticks = 700 };

/* What of a segment is in use here. */
static const struct range {
	uint32_t at, bytes;
} ranges[SEGMENT_COPIED] = {
	{ 0, RS_BLOCKS_AT + RS_BLOCKS_BYTES },
	{ RS_CELLS_AT + RS_OTHER_CELL * sizeof(struct rs_cell), sizeof(struct rs_cell) },
	{ RS_LANES_AT, RS_BIG_LANE_BYTES },
};

struct agent {
	struct recorder r;
	struct watched_shared *shared;
	struct watched *w;
	struct checkpoint *c;
};

struct scene {
	struct fixture f;
	char path[2][64]; /* of the checkpoint, and of its copy */
	uint8_t *file[2];
	uint8_t *kept[SEGMENT_COPIED];
	uint64_t looks, gaps, known;
};

static void agent_open(struct agent *a, const struct scene *s, const char *path)
{
	const void *blob;
	size_t bytes;

	a->shared = calloc(1, sizeof(*a->shared));
	assert_non_null(a->shared);
	a->shared->sink = recorder_sink(&a->r);
	a->shared->slow_warning_ns = FIXTURE_SECOND;
	a->shared->slow_critical_ns = 5 * FIXTURE_SECOND;
	a->shared->epoch = 1;
	assert_int_equal(checkpoint_open(&a->c, path, boot), 0);
	blob = checkpoint_blob(a->c, &bytes);
	if (blob && bytes == offsetof(struct recorder, buckets))
		memcpy(&a->r, blob, bytes);
	checkpoint_forget_blob(a->c);
	assert_int_equal(watched_open(&a->w, a->shared, &target, s->f.fd, a->c), 0);
}

static void agent_close(struct agent *a)
{
	watched_close(a->w);
	checkpoint_close(a->c);
	free(a->shared);
}

static void agent_save(struct agent *a)
{
	memcpy(checkpoint_begin(a->c), &a->r, offsetof(struct recorder, buckets));
	watched_save(a->w, a->c);
	checkpoint_end(a->c, offsetof(struct recorder, buckets));
}

static void serve(struct fixture *f, uint32_t count)
{
	struct fixture_request request = { .t0 = NOW - FIXTURE_SECOND, .status = 200 };

	request.path = "/raw";
	for (uint32_t i = 0; i < count; i++) {
		request.span = 1000 * (i + 1);
		fixture_serve(f, 0, &request, RS_OTHER_CELL);
	}
}

/* Requests that found their lane full. */
static void fold(struct fixture *f, uint32_t count)
{
	uint64_t head = f->heads[0];

	f->heads[0] += RS_BIG_SLOTS;
	serve(f, count);
	f->heads[0] = head;
}

static void scene_open(struct scene *s)
{
	struct agent first;

	memset(s, 0, sizeof(*s));
	fixture_open(&s->f);
	fixture_lane(&s->f, 0);
	for (int i = 0; i < 2; i++) {
		int fd;

		strcpy(s->path[i], "/tmp/ringside-restart-XXXXXX");
		fd = mkstemp(s->path[i]);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, 2 * (off_t)HALF_BYTES), 0);
		s->file[i] = mmap(NULL, 2 * (size_t)HALF_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
				  fd, 0);
		assert_true(s->file[i] != MAP_FAILED);
		close(fd);
	}
	for (int i = 0; i < SEGMENT_COPIED; i++)
		s->kept[i] = malloc(ranges[i].bytes);
	agent_open(&first, s, s->path[0]);
	for (int i = 0; i < 2; i++) {
		serve(&s->f, 2);
		watched_round(first.w, NOW);
		agent_save(&first);
	}
	serve(&s->f, 3);
	fold(&s->f, 4);
	agent_close(&first);
}

static void scene_close(struct scene *s)
{
	for (int i = 0; i < 2; i++) {
		munmap(s->file[i], 2 * (size_t)HALF_BYTES);
		unlink(s->path[i]);
	}
	for (int i = 0; i < SEGMENT_COPIED; i++)
		free(s->kept[i]);
	fixture_close(&s->f);
}

static void scene_keep(struct scene *s)
{
	for (int i = 0; i < SEGMENT_COPIED; i++)
		memcpy(s->kept[i], s->f.base + ranges[i].at, ranges[i].bytes);
	for (uint32_t half = 0; half < 2; half++) {
		uint8_t *from = s->file[0] + half * (size_t)HALF_BYTES;
		uint8_t *to = s->file[1] + half * (size_t)HALF_BYTES;

		memcpy(to, from, HALF_COPIED);
		memcpy(to + ENTRIES_AT, from + ENTRIES_AT, ENTRIES_COPIED);
	}
}

static void scene_put_back(struct scene *s)
{
	for (int i = 0; i < SEGMENT_COPIED; i++)
		memcpy(s->f.base + ranges[i].at, s->kept[i], ranges[i].bytes);
}

/* The agent that takes over: whatever the dead one had done, the counts are those of the block. */
static void scene_take_over(struct scene *s)
{
	const struct rs_block *block = fixture_block(&s->f, 0);
	struct drain_counters sum;
	struct agent a;

	scene_keep(s);
	agent_open(&a, s, s->path[1]);
	assert_true(a.r.counters.requests >= 4); /* the first agent's were saved for good */
	watched_round(a.w, NOW);
	sum = a.r.counters;
	recorder_add(&sum, &a.r.gap);
	assert_int_equal(sum.requests, block->requests);
	assert_int_equal(sum.status[1], block->status[1]);
	assert_int_equal(sum.bytes_in, block->bytes_in);
	assert_int_equal(sum.bytes_out, block->bytes_out);
	assert_int_equal(sum.span_ns, block->span);
	assert_int_equal(sum.counted[RS_KIND_REQUEST], block->counted[RS_KIND_REQUEST]);
	/* Nothing is told twice, and what is told no more is said to be missing. */
	assert_int_equal(a.r.known.requests + a.r.gap.requests, sum.requests);
	assert_true(a.r.known.bytes_out <= sum.bytes_out);
	s->looks++;
	s->gaps += a.r.gap.requests != 0;
	s->known += a.r.known.requests == sum.requests;
	agent_close(&a);
	scene_put_back(s);
}

static void on_trap(int number)
{
	static uint32_t instructions;

	(void)number;
	if (++instructions % STRIDE == 0)
		raise(SIGSTOP);
}

static void step_by_step(bool on)
{
#if defined(__x86_64__)
	if (on)
		__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(TRAP) : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~TRAP) : "memory", "cc");
#else
	(void)on;
#endif
}

/* Two rounds, each saved; its process goes on in between. */
static _Noreturn void live(struct scene *s)
{
	struct agent a;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTRAP, on_trap);
	agent_open(&a, s, s->path[0]);
	step_by_step(true);
	watched_round(a.w, NOW);
	agent_save(&a);
	serve(&s->f, 2);
	watched_round(a.w, NOW + FIXTURE_SECOND);
	agent_save(&a);
	step_by_step(false);
	_exit(0);
}

static void a_kill_at_any_instruction_loses_no_count(void **state)
{
	struct scene s;
	int status;
	pid_t child;

	(void)state;
	if (!CAN_STEP)
		rs_skip("single-stepping is for x86-64 without ThreadSanitizer");
	scene_open(&s);
	child = fork();
	if (child == 0)
		live(&s);
	while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status)) {
		scene_take_over(&s);
		kill(child, SIGCONT);
	}
	assert_true(WIFEXITED(status));
	scene_take_over(&s);
	print_message("%lu looks, %lu with a gap, %lu without a loss\n", (unsigned long)s.looks,
		      (unsigned long)s.gaps, (unsigned long)s.known);
	assert_true(s.looks > 100);
	assert_true(s.gaps > 10);
	assert_true(s.known > 10);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_at_any_instruction_loses_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
