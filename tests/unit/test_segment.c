#include "../../agent/capture/segment.c" /* white box: a table of places that is full */
#include "capture_fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A segment seen from both sides. */
struct both {
	struct segment *agent;
	uint8_t *shim; /* the whole file */
	struct rs_header claims;
	int fd;
};

static void both_open(struct both *b, int seals)
{
	struct rs_header h = capture_header("/run/x", 7);

	b->fd = capture_memfd(RS_SEGMENT_BYTES, seals);
	capture_write(b->fd, &h);
	assert_int_equal(segment_open(&b->agent, b->fd, &b->claims), 0);
	b->shim = mmap(NULL, RS_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	assert_ptr_not_equal(b->shim, MAP_FAILED);
}

static void both_close(struct both *b)
{
	segment_close(b->agent);
	munmap(b->shim, RS_SEGMENT_BYTES);
	close(b->fd);
}

static struct rs_header *both_header(const struct both *b)
{
	return (struct rs_header *)(void *)b->shim;
}

static struct rs_block *both_block(const struct both *b, uint32_t n)
{
	return (struct rs_block *)(void *)(b->shim + RS_BLOCKS_AT) + n;
}

static void only_the_layout_that_we_know_is_opened(void **state)
{
	struct rs_header h = capture_header("/run/x", 7), claims;
	int fd = capture_memfd(RS_SEGMENT_BYTES, CAPTURE_SEALS);
	struct segment *s;

	(void)state;
	assert_int_equal(segment_open(&s, fd, &claims), -EPROTO);
	h.abi++;
	capture_write(fd, &h);
	assert_int_equal(segment_open(&s, fd, &claims), -EPROTO);
	h.abi--;
	h.bytes++;
	capture_write(fd, &h);
	assert_int_equal(segment_open(&s, fd, &claims), -EPROTO);
	h.bytes--;
	memset(h.service, 's', sizeof(h.service));
	memset(h.run_dir, 'r', sizeof(h.run_dir));
	memset(h.environment, 'e', sizeof(h.environment));
	capture_write(fd, &h);
	assert_int_equal(segment_open(&s, fd, &claims), 0);
	assert_int_equal(strlen(claims.service), sizeof(h.service) - 1);
	assert_int_equal(strlen(claims.run_dir), sizeof(h.run_dir) - 1);
	assert_int_equal(strlen(claims.environment), sizeof(h.environment) - 1);
	segment_close(s);
	close(fd);
	assert_int_equal(segment_open(&s, -1, &claims), -EBADF);
	assert_null(s);
	segment_close(NULL);
}

static void claims_beyond_the_layout_are_clamped(void **state)
{
	struct segment_state got;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	both_header(&b)->lanes = 100000;
	both_header(&b)->overflow = 7;
	both_header(&b)->folded = 42;
	both_header(&b)->cells[3] = UINT64_MAX;
	segment_state_get(b.agent, &got);
	assert_int_equal(got.lanes, RS_LANES);
	assert_true(got.overflow);
	assert_int_equal(got.folded, 42);
	assert_int_equal(got.cells[3], UINT64_MAX);
	both_close(&b);
}

static void the_agents_words_reach_the_shim(void **state)
{
	const struct segment_words words = { .epoch = 3,
					     .ns_per_tick = 5,
					     .slow_warning = 7,
					     .slow_critical = 9,
					     .detail = 2,
					     .sample = 8 };
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	segment_words_put(b.agent, &words);
	assert_int_equal(both_header(&b)->agent.epoch, 3);
	assert_int_equal(both_header(&b)->agent.ns_per_tick, 5);
	assert_int_equal(both_header(&b)->agent.slow_warning, 7);
	assert_int_equal(both_header(&b)->agent.slow_critical, 9);
	assert_int_equal(both_header(&b)->agent.detail, 2);
	assert_int_equal(both_header(&b)->agent.sample, 8);
	assert_int_equal(both_header(&b)->agent.off, 0);
	segment_off_put(b.agent);
	assert_int_equal(both_header(&b)->agent.off, 1);
	atomic_store(segment_tail(b.agent, 255), 77);
	assert_int_equal(both_block(&b, 255)->tail, 77);
	both_close(&b);
}

static void blocks_are_added_up_word_by_word(void **state)
{
	uint64_t sums[SEGMENT_WORDS] = { 0 };
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	both_block(&b, 0)->requests = 3;
	both_block(&b, 0)->lost[RS_LOST_REASONS - 1] = 5;
	both_block(&b, 0)->thread = 99; /* no sum */
	both_block(&b, RS_SHARED_BLOCK)->requests = 4;
	segment_block_add(b.agent, 0, sums);
	segment_block_add(b.agent, RS_SHARED_BLOCK, sums);
	assert_int_equal(sums[SEGMENT_WORD(requests)], 7);
	assert_int_equal(sums[SEGMENT_WORD(lost[RS_LOST_REASONS - 1])], 5);
	for (size_t i = 0; i < SEGMENT_WORDS; i++)
		assert_true(sums[i] != 99);
	both_close(&b);
}

static void each_lane_lies_in_its_place(void **state)
{
	struct both b;
	const uint8_t *base;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	base = (const uint8_t *)segment_lane(b.agent, 0) - RS_LANES_AT;
	assert_ptr_equal(segment_lane(b.agent, 1), base + RS_LANES_AT + RS_BIG_LANE_BYTES);
	assert_ptr_equal(segment_lane(b.agent, RS_OVERFLOW_LANE), base + RS_OVERFLOW_AT);
	assert_ptr_equal(segment_lane(b.agent, 255),
			 base + RS_SEGMENT_BYTES - rs_lane_slots(255) * RS_SLOT_BYTES);
	both_close(&b);
}

static void shape_put(const struct both *b, uint32_t id, uint16_t length, const char *path)
{
	struct rs_shape head = { .length = length, .cell = 12 };

	memcpy(b->shim + RS_SHAPES_AT + id * 8, &head, sizeof(head));
	memcpy(b->shim + RS_SHAPES_AT + id * 8 + sizeof(head), path, strlen(path));
}

static void a_shape_is_copied_in_canonical_form(void **state)
{
	struct segment_shape shape;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	shape_put(&b, RS_SHAPE_FIRST / 8, 7, "/a\n{id}behind");
	assert_int_equal(segment_shape_get(b.agent, RS_SHAPE_FIRST / 8, &shape), 0);
	assert_string_equal(shape.path, "/a%0A{id}");
	assert_int_equal(shape.length, 9);
	assert_int_equal(shape.cell, 12);
	both_close(&b);
}

static void shapes_that_cannot_be_are_none(void **state)
{
	const uint32_t last = (RS_SHAPES_BYTES - sizeof(struct rs_shape) - RS_PATH_BYTES) / 8;
	char path[RS_PATH_BYTES + 1];
	struct segment_shape shape;
	struct both b;

	(void)state;
	memset(path, '\n', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	both_open(&b, CAPTURE_SEALS);
	assert_int_equal(segment_shape_get(b.agent, 0, &shape), -ENOENT);
	assert_int_equal(segment_shape_get(b.agent, RS_SHAPE_FIRST / 8 - 1, &shape), -ENOENT);
	assert_int_equal(segment_shape_get(b.agent, (uint16_t)(last + 1), &shape), -ENOENT);
	assert_int_equal(segment_shape_get(b.agent, UINT16_MAX, &shape), -ENOENT);
	assert_int_equal(segment_shape_get(b.agent, 3000, &shape), -ENOENT); /* length 0 */
	shape_put(&b, 3000, RS_PATH_BYTES + 1, "/x");
	assert_int_equal(segment_shape_get(b.agent, 3000, &shape), -ENOENT);
	shape_put(&b, last, RS_PATH_BYTES, path);
	assert_int_equal(segment_shape_get(b.agent, (uint16_t)last, &shape), 0);
	assert_int_equal(shape.length, 126); /* 42 times %0A */
	((struct rs_shape *)(void *)(b.shim + RS_SHAPES_AT + last * 8))->cell = 60000;
	assert_int_equal(segment_shape_get(b.agent, (uint16_t)last, &shape), 0);
	assert_int_equal(shape.cell, RS_OTHER_CELL);
	both_close(&b);
}

static void an_index_word_that_points_outside_is_free(void **state)
{
	uint32_t *index;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	index = (uint32_t *)(void *)(b.shim + RS_SHAPES_AT);
	index[0] = RS_SHAPE_FIRST / 8;
	index[1] = 1;
	index[2] = UINT32_MAX;
	index[3] = 0x10000 + RS_SHAPE_FIRST / 8; /* the low half alone would be good */
	assert_int_equal(segment_shape_at(b.agent, 0), RS_SHAPE_FIRST / 8);
	for (uint32_t i = 1; i < 5; i++)
		assert_int_equal(segment_shape_at(b.agent, i), 0);
	assert_int_equal(segment_shape_at(b.agent, RS_SHAPE_INDEX_WORDS), RS_SHAPE_FIRST / 8);
	both_close(&b);
}

static void a_cell_is_taken_whole_and_left_empty(void **state)
{
	static const struct rs_cell empty;
	struct segment_cell got;
	struct rs_cell *cell;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	cell = (struct rs_cell *)(void *)(b.shim + RS_CELLS_AT) + RS_OTHER_CELL;
	cell->span = 5; /* a fold under way: nothing is finished */
	assert_false(segment_cell_take(b.agent, RS_OTHER_CELL, &got));
	assert_int_equal(cell->span, 5);
	cell->count = 2;
	cell->status[4] = 2;
	cell->aborted = 1;
	cell->cut_by_server = 3;
	cell->cut_by_client = 4;
	cell->bytes_in = 6;
	cell->bytes_out = 7;
	cell->span_min = 1; /* a span of 0 */
	cell->span_max = 5;
	cell->slow_warning = 8;
	cell->slow_critical = 9;
	cell->buckets[0] = 1;
	cell->buckets[RS_HIST_SLOTS - 1] = 1;
	cell->methods = 6;
	assert_true(segment_cell_take(b.agent, RS_OTHER_CELL, &got));
	assert_int_equal(got.count, 2);
	assert_int_equal(got.status[4], 2);
	assert_int_equal(got.aborted, 1);
	assert_int_equal(got.cut_by_server, 3);
	assert_int_equal(got.cut_by_client, 4);
	assert_int_equal(got.bytes_in, 6);
	assert_int_equal(got.bytes_out, 7);
	assert_int_equal(got.span, 5);
	assert_int_equal(got.span_min, 0);
	assert_int_equal(got.span_max, 5);
	assert_int_equal(got.slow_warning, 8);
	assert_int_equal(got.slow_critical, 9);
	assert_int_equal(got.buckets[0], 1);
	assert_int_equal(got.buckets[RS_HIST_SLOTS - 1], 1);
	assert_int_equal(got.buckets[1], 0);
	assert_int_equal(got.methods, atomic_exchange(&cell->methods, 0)); /* it alone stays */
	assert_memory_equal(cell, &empty, sizeof(empty));
	assert_false(segment_cell_take(b.agent, RS_OTHER_CELL, &got));
	both_close(&b);
}

static void *folder(void *p)
{
	struct rs_cell *cell = p;

	for (int i = 0; i < 20000; i++) {
		atomic_fetch_add_explicit(&cell->span, 3, memory_order_relaxed);
		atomic_fetch_add_explicit(&cell->count, 1, memory_order_release);
	}
	return NULL;
}

static void nothing_is_lost_or_doubled_while_others_fold(void **state)
{
	uint64_t count = 0, span = 0;
	struct segment_cell got;
	pthread_t threads[2];
	struct rs_cell *cell;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	cell = (struct rs_cell *)(void *)(b.shim + RS_CELLS_AT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, folder, cell), 0);
	for (int i = 0; i < 200; i++) {
		if (!segment_cell_take(b.agent, 0, &got))
			continue;
		count += got.count;
		span += got.span;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	if (segment_cell_take(b.agent, 0, &got)) {
		count += got.count;
		span += got.span;
	}
	span += cell->span; /* of a fold that was finished after its sum was taken: none is left */
	assert_int_equal(count, 40000);
	assert_int_equal(span, 120000);
	both_close(&b);
}

static struct rs_open *both_open_table(const struct both *b)
{
	return (struct rs_open *)(void *)(b->shim + RS_OPEN_AT);
}

static void open_requests_are_listed_wherever_they_stand(void **state)
{
	struct segment_open_request got[4];
	struct rs_open *table;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	assert_int_equal(segment_open_list(b.agent, got, 4), 0);
	table = both_open_table(&b);
	table[5] = (struct rs_open){ .connection = 9,
				     .shape = 2,
				     .method = 200,
				     .state = 250, /* any value: it is a claim */
				     .t0 = 77,
				     .bytes_out = 8,
				     .queued = 3,
				     .thread = 4 };
	table[6].t0 = 1; /* free: its connection is not stored yet */
	table[RS_OPEN_ENTRIES - 1].connection = 10;
	assert_int_equal(segment_open_list(b.agent, got, 4), 2);
	assert_int_equal(got[0].connection, 9);
	assert_int_equal(got[0].shape, 2);
	assert_int_equal(got[0].method, 200);
	assert_int_equal(got[0].state, 250);
	assert_int_equal(got[0].t0, 77);
	assert_int_equal(got[0].bytes_out, 8);
	assert_int_equal(got[0].queued, 3);
	assert_int_equal(got[0].thread, 4);
	assert_int_equal(got[1].connection, 10);
	both_close(&b);
}

static void a_full_open_table_fills_the_room_and_no_more(void **state)
{
	struct segment_open_request got[4] = { 0 };
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	for (uint32_t i = 0; i < RS_OPEN_ENTRIES; i++)
		both_open_table(&b)[i].connection = i + 1;
	assert_int_equal(segment_open_list(b.agent, got, 3), 3);
	assert_int_equal(got[2].connection, 3);
	assert_int_equal(got[3].connection, 0);
	assert_int_equal(segment_open_list(b.agent, got, 0), 0);
	both_close(&b);
}

static void looking_for_open_requests_makes_no_pages(void **state)
{
	struct segment_open_request got[4];
	struct stat before, after;
	struct rs_open *table;
	struct both b;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	table = both_open_table(&b);
	table[5].connection = 1;
	assert_int_equal(fstat(b.fd, &before), 0);
	assert_int_equal(segment_open_list(b.agent, got, 4), 1);
	assert_int_equal(fstat(b.fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
	both_close(&b);
}

static void a_file_that_shrinks_under_its_reader_reads_as_zeros(void **state)
{
	uint64_t sums[SEGMENT_WORDS] = { 0 };
	struct segment_state got;
	struct both b, other;

	(void)state;
	assert_int_equal(segment_guard(), 0);
	both_open(&b, 0);
	both_open(&other, CAPTURE_SEALS);
	both_block(&b, 0)->requests = 3;
	both_block(&other, 0)->requests = 4;
	assert_int_equal(ftruncate(b.fd, RS_PAGE), 0);
	assert_false(segment_broken(b.agent));
	segment_block_add(b.agent, 0, sums);
	assert_true(segment_broken(b.agent));
	for (size_t i = 0; i < SEGMENT_WORDS; i++)
		assert_int_equal(sums[i], 0);
	segment_state_get(b.agent, &got);          /* the first page is still there */
	atomic_store(segment_tail(b.agent, 3), 1); /* and a write ends nothing either */
	segment_block_add(other.agent, 0, sums);
	assert_int_equal(sums[SEGMENT_WORD(requests)], 4);
	assert_false(segment_broken(other.agent));
	both_close(&b);
	both_open(&b, CAPTURE_SEALS); /* the place is free again, and sound */
	assert_false(segment_broken(b.agent));
	both_close(&b);
	both_close(&other);
}

/* The signal that ended the child, 0: it ended by itself. */
static int signal_of(void (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		segment_guard();
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void run_into_another_hole(void)
{
	int fd = capture_memfd(RS_PAGE, 0);
	volatile uint8_t *at = mmap(NULL, RS_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	uint8_t byte;

	if (ftruncate(fd, 0))
		_exit(3);
	byte = at[0];
	(void)byte;
}

static void run_into_a_sent_signal(void)
{
	kill(getpid(), SIGBUS);
}

static void any_other_bus_error_ends_the_program(void **state)
{
	(void)state;
	assert_int_equal(signal_of(run_into_another_hole), SIGBUS);
	assert_int_equal(signal_of(run_into_a_sent_signal), SIGBUS);
}

static void one_segment_too_many_is_refused(void **state)
{
	struct both b;
	struct segment *s;

	(void)state;
	both_open(&b, CAPTURE_SEALS);
	for (uint32_t i = 1; i < SEGMENT_MAPPED; i++)
		segment_places[i].base = 1;
	segment_places_used = SEGMENT_MAPPED;
	assert_int_equal(segment_open(&s, b.fd, &b.claims), -EMFILE);
	assert_null(s);
	segment_places[SEGMENT_MAPPED - 1].base = 0;
	assert_int_equal(segment_open(&s, b.fd, &b.claims), 0);
	segment_close(s);
	for (uint32_t i = 1; i < SEGMENT_MAPPED; i++)
		segment_places[i].base = 0;
	both_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_layout_that_we_know_is_opened),
		cmocka_unit_test(claims_beyond_the_layout_are_clamped),
		cmocka_unit_test(the_agents_words_reach_the_shim),
		cmocka_unit_test(blocks_are_added_up_word_by_word),
		cmocka_unit_test(each_lane_lies_in_its_place),
		cmocka_unit_test(a_shape_is_copied_in_canonical_form),
		cmocka_unit_test(shapes_that_cannot_be_are_none),
		cmocka_unit_test(an_index_word_that_points_outside_is_free),
		cmocka_unit_test(a_cell_is_taken_whole_and_left_empty),
		cmocka_unit_test(nothing_is_lost_or_doubled_while_others_fold),
		cmocka_unit_test(open_requests_are_listed_wherever_they_stand),
		cmocka_unit_test(a_full_open_table_fills_the_room_and_no_more),
		cmocka_unit_test(looking_for_open_requests_makes_no_pages),
		cmocka_unit_test(a_file_that_shrinks_under_its_reader_reads_as_zeros),
		cmocka_unit_test(any_other_bus_error_ends_the_program),
		cmocka_unit_test(one_segment_too_many_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
