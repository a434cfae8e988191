#include "../../agent/profile/naming.c" /* the symbolizer is the test's own */
#include "cause.h"
#include "rs_test.h"

static int asked_result;
static uint64_t asked[8];
static uint32_t asked_most = UINT32_MAX;

#define KERNEL(address) (NAMING_KERNEL | (address))

static const char *put_inside; /* into "inner" */

static const char *kernel_name(uint64_t address)
{
	return address == KERNEL(0x10)   ? "bpf_prog_1234_tick"
	       : address == KERNEL(0x1f) ? "__schedule"
	       : address == KERNEL(0x2f) ? "schedule"
	       : address == KERNEL(0x3f) ? "schedule_timeout"
					 : NULL;
}

/* Knows 0x1010 and 0x2020, and some of the kernel. */
int symbols_ask(const struct symbols_question *q, struct symbols *out)
{
	*out = (struct symbols){ .names = calloc(q->address_count + 1, sizeof(*out->names)),
				 .inlined = calloc(q->address_count + 1, sizeof(*out->inlined)),
				 .asked = q->address_count < asked_most ? q->address_count
									: asked_most };
	for (uint32_t i = 0; i < out->asked; i++) {
		if (i < 8)
			asked[i] = q->addresses[i];
		if (q->addresses[i] == 0x1010)
			out->names[i] = "inner";
		if (q->addresses[i] == 0x1010)
			out->inlined[i] = put_inside;
		if (q->addresses[i] == 0x2020)
			out->names[i] = "outer";
		if (q->addresses[i] & NAMING_KERNEL)
			out->names[i] = kernel_name(q->addresses[i]);
	}
	return asked_result;
}

void symbols_fini(struct symbols *s)
{
	free(s->names);
	free(s->inlined);
}

static enum graph_kind named_kind;

static __attribute__((noinline, returns_nonnull)) struct graph *named(const struct naming_stack *s,
								      const char *problem)
{
	static struct symbols_file files[] = {
		{ .start = 0x1000, .end = 0x3000, .name = "/usr/lib/a.so" },
		{ .start = 0x8000, .end = 0x9000, .fd = -1, .name = "/opt/b.so", .why = "FUSE" },
	};
	struct symbols_question q = { .files = files, .file_count = 2, .kallsyms = -1 };
	struct graph *g;

	assert_int_equal(graph_open(&g), 0);
	g->kind = named_kind;
	assert_int_equal(naming_add(g, s, 1, &q, problem), 0);
	return g;
}

static void all_but_the_innermost_frame_are_looked_up_where_they_called(void **state)
{
	const uint64_t addresses[] = { 0x1010, 0x2021 };
	const struct naming_stack s = {
		.key = 7, .samples = 5, .kernel_count = 0, .user_count = 2, .addresses = addresses
	};
	struct graph *g = named(&s, NULL);

	(void)state;
	assert_int_equal(g->samples, 5);
	assert_string_equal(g->frames[g->places[0]].name, "outer");
	assert_string_equal(g->frames[g->places[1]].name, "inner");
	assert_string_equal(g->frames[g->places[1]].module, "/usr/lib/a.so");
	assert_null(g->frames[g->places[1]].why);
	graph_close(g);
}

static void what_was_put_into_a_function_stands_within_it(void **state)
{
	static const uint64_t addresses[] = { 0x1010, 0x2021 };
	const struct naming_stack s = {
		.samples = 4, .user_count = 2, .addresses = addresses, .unwound = true
	};
	struct graph *g;

	(void)state;
	put_inside = "deepest\tdeep";
	g = named(&s, NULL);
	put_inside = NULL;
	assert_int_equal(g->stacks[0].depth, 4);
	assert_string_equal(g->frames[g->places[0]].name, "outer");
	assert_string_equal(g->frames[g->places[1]].name, "inner");
	assert_string_equal(g->frames[g->places[2]].name, "deep (inlined)");
	assert_string_equal(g->frames[g->places[3]].name, "deepest (inlined)");
	assert_string_equal(g->frames[g->places[3]].module, "/usr/lib/a.so");
	graph_close(g);
}

/* A deep stack has no room for all of it: no frame is lost for what was put into another. */
static void what_has_no_room_is_left_out(void **state)
{
	static char many[4 * GRAPH_DEPTH];
	static uint64_t addresses[GRAPH_DEPTH];
	const struct naming_stack s = {
		.samples = 1, .user_count = GRAPH_DEPTH - 3, .addresses = addresses, .unwound = true
	};
	struct graph *g;

	(void)state;
	for (uint32_t i = 0; i < GRAPH_DEPTH; i++) {
		addresses[i] = i ? 0x2021 : 0x1010;
		memcpy(many + 2 * i, "x\t", 3);
	}
	put_inside = many;
	g = named(&s, NULL);
	put_inside = NULL;
	assert_int_equal(g->stacks[0].depth, GRAPH_DEPTH - 1);
	assert_string_equal(g->frames[g->places[GRAPH_DEPTH - 4]].name, "inner");
	assert_string_equal(g->frames[g->places[GRAPH_DEPTH - 5]].name, "outer");
	graph_close(g);
}

static void what_has_no_name_goes_by_its_library_and_says_why(void **state)
{
	const uint64_t addresses[] = { 0x7001, 0x8001, 0x1501 };
	const struct naming_stack s = {
		.key = 7, .samples = 1, .kernel_count = 0, .user_count = 3, .addresses = addresses
	};
	struct graph *g = named(&s, NULL);

	(void)state;
	assert_string_equal(g->frames[g->places[0]].name, "[a.so]");
	assert_non_null(strstr(g->frames[g->places[0]].why, "debug symbols are missing"));
	assert_string_equal(g->frames[g->places[1]].name, "[b.so]");
	assert_string_equal(g->frames[g->places[1]].why, "FUSE");
	assert_string_equal(g->frames[g->places[2]].name, "[unknown]"); /* where it really was */
	assert_non_null(strstr(g->frames[g->places[2]].why, "any more"));
	assert_string_equal(g->problem, "");
	graph_close(g);
}

static void what_was_not_asked_for_says_that_there_were_too_many(void **state)
{
	const uint64_t addresses[] = { KERNEL(0x10), 0x1011, 0x2021 };
	const struct naming_stack s = {
		.key = 7, .samples = 5, .kernel_count = 1, .user_count = 2, .addresses = addresses
	};
	struct graph *g;

	(void)state;
	asked_most = 1; /* of three, in order of size */
	g = named(&s, NULL);
	asked_most = UINT32_MAX;
	assert_int_equal(g->frame_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		if (strcmp(g->frames[i].name, "inner") == 0)
			assert_null(g->frames[i].why);
		else
			assert_non_null(strstr(g->frames[i].why, "beyond 262,144"));
	graph_close(g);
}

static void a_stack_is_cut_where_no_code_is(void **state)
{
	const uint64_t addresses[] = { 0x1010, 0x2021, 0x5, 0x2021 };
	const struct naming_stack s = {
		.key = 7, .samples = 1, .kernel_count = 0, .user_count = 4, .addresses = addresses
	};
	struct graph *g = named(&s, NULL);

	(void)state;
	assert_int_equal(g->stacks[0].depth, 3);
	assert_string_equal(g->frames[g->places[0]].name, "[no frame pointer]");
	assert_string_equal(g->frames[g->places[1]].name, "outer");
	assert_string_equal(g->frames[g->places[2]].name, "inner");
	graph_close(g);
	g = named(&s, "its files did not come"); /* nobody knows then what is code */
	assert_int_equal(g->stacks[0].depth, 4);
	graph_close(g);
}

static void an_unwound_stack_says_where_it_goes_on_unseen(void **state)
{
	const uint64_t addresses[] = { 0x1010, 0x2021, 0 };
	const struct naming_stack s = { .key = 7,
					.samples = 1,
					.kernel_count = 0,
					.user_count = 3,
					.addresses = addresses,
					.unwound = true };
	struct graph *g = named(&s, NULL);

	(void)state;
	assert_int_equal(g->stacks[0].depth, 3);
	assert_string_equal(g->frames[g->places[0]].name, "[not unwound]");
	assert_non_null(strstr(g->frames[g->places[0]].why, "16 KiB"));
	assert_string_equal(g->frames[g->places[1]].name, "outer");
	graph_close(g);
	g = named(&s, "its files did not come");
	assert_string_equal(g->frames[g->places[0]].name, "[not unwound]");
	graph_close(g);
}

static void frames_of_the_kernel_are_marked(void **state)
{
	const uint64_t addresses[] = { 0xffffffff81000010, 0x1010 };
	const struct naming_stack s = {
		.key = 7, .samples = 1, .kernel_count = 1, .user_count = 1, .addresses = addresses
	};
	struct graph *g = named(&s, NULL);

	(void)state;
	assert_true(g->frames[g->places[1]].kernel);
	assert_string_equal(g->frames[g->places[1]].module, "[kernel]");
	assert_false(g->frames[g->places[0]].kernel);
	graph_close(g);
}

static void a_symbolizer_that_fails_is_told(void **state)
{
	const uint64_t addresses[] = { 0x1500 };
	const struct naming_stack s = {
		.key = 7, .samples = 1, .kernel_count = 0, .user_count = 1, .addresses = addresses
	};
	struct graph *g;

	(void)state;
	asked_result = -ETIMEDOUT;
	g = named(&s, NULL);
	assert_non_null(strstr(g->problem, "too long"));
	assert_string_equal(g->frames[0].why, g->problem);
	graph_close(g);
	asked_result = 0;
	g = named(&s, "it ended");
	assert_string_equal(g->problem, "it ended");
	graph_close(g);
}

static void every_address_is_asked_for_once_and_in_order(void **state)
{
	const uint64_t addresses[] = { 0x3000, 0x1001, 0x1001, 0x2001 };
	const struct naming_stack s = {
		.key = 7, .samples = 1, .kernel_count = 0, .user_count = 4, .addresses = addresses
	};
	struct graph *g;

	(void)state;
	memset(asked, 0, sizeof(asked));
	g = named(&s, NULL);
	assert_int_equal(asked[0], 0x1000);
	assert_int_equal(asked[1], 0x2000);
	assert_int_equal(asked[2], 0x3000);
	assert_int_equal(asked[3], 0);
	graph_close(g);
}

static void of_a_wait_the_switch_is_left_out_and_the_cause_is_innermost(void **state)
{
	const uint64_t addresses[] = { KERNEL(0x10), KERNEL(0x20), KERNEL(0x30), KERNEL(0x40),
				       0x2021 };
	const struct naming_stack s = { .key = 7,
					.samples = UINT64_C(5000000000),
					.kernel_count = 4,
					.user_count = 1,
					.addresses = addresses,
					.waits = 3,
					.cause = CAUSE_SOCKET };
	struct graph *g;

	(void)state;
	named_kind = GRAPH_OFFCPU;
	g = named(&s, NULL);
	named_kind = GRAPH_CPU;
	assert_int_equal(g->stacks[0].depth, 3);
	assert_string_equal(g->frames[g->places[0]].name, "outer");
	assert_string_equal(g->frames[g->places[1]].name, "schedule_timeout");
	assert_string_equal(g->frames[g->places[2]].name, "[socket]");
	assert_int_equal(g->samples, UINT64_C(5000000000));
	assert_int_equal(g->stacks[0].waits, 3);
	assert_int_equal(g->stacks[0].cause, CAUSE_SOCKET);
	graph_close(g);
}

static void a_wait_without_a_stack_has_its_cause_alone(void **state)
{
	const struct naming_stack s = { .samples = 5, .waits = 1, .cause = CAUSE_LOCK };
	struct graph *g;

	(void)state;
	named_kind = GRAPH_OFFCPU;
	g = named(&s, NULL);
	named_kind = GRAPH_CPU;
	assert_int_equal(g->stacks[0].depth, 1);
	assert_string_equal(g->frames[g->places[0]].name, "[lock]");
	graph_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_innermost_frame_are_looked_up_where_they_called),
		cmocka_unit_test(what_was_put_into_a_function_stands_within_it),
		cmocka_unit_test(what_has_no_room_is_left_out),
		cmocka_unit_test(what_has_no_name_goes_by_its_library_and_says_why),
		cmocka_unit_test(what_was_not_asked_for_says_that_there_were_too_many),
		cmocka_unit_test(a_stack_is_cut_where_no_code_is),
		cmocka_unit_test(an_unwound_stack_says_where_it_goes_on_unseen),
		cmocka_unit_test(frames_of_the_kernel_are_marked),
		cmocka_unit_test(a_symbolizer_that_fails_is_told),
		cmocka_unit_test(of_a_wait_the_switch_is_left_out_and_the_cause_is_innermost),
		cmocka_unit_test(a_wait_without_a_stack_has_its_cause_alone),
		cmocka_unit_test(every_address_is_asked_for_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
