#include "../../agent/profile/flame.c"
#include "graph_fixture.h"

static void stacks_become_one_tree(void **state)
{
	struct graph *g = graph_fixture();
	struct flame f = { .graph = g };

	(void)state;
	assert_int_equal(flame_tree(&f), 0);
	flame_place(&f);
	assert_int_equal(f.count, 5); /* all, main, work, its kernel part, rest */
	assert_int_equal(f.deepest, 3);
	assert_int_equal(f.nodes[1].samples, 100);
	assert_int_equal(f.nodes[2].samples, 70);
	assert_int_equal(f.nodes[4].samples, 30);
	/* beside each other, in no order: together as wide as their parent */
	assert_true(f.nodes[2].x == 0 ? f.nodes[4].x == 70 : f.nodes[2].x == 30);
	assert_true(f.nodes[3].x == f.nodes[2].x);
	free(f.nodes);
	graph_close(g);
}

static void a_graph_has_a_box_for_each_frame_and_says_shares(void **state)
{
	struct graph *g = graph_fixture();
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(flame_write(g, "a <title>", &text, &length), 0);
	assert_int_equal(length, strlen(text));
	assert_non_null(strstr(text, "a &lt;title&gt;  100 samples, 0 lost"));
	assert_non_null(strstr(text, "<title>work&lt;int&gt;;x  70 samples, 70.00 %"));
	assert_non_null(strstr(text, "no symbols</title>"));
	assert_null(strstr(text, "http://www.w3.org/1999")); /* nothing else is linked */
	assert_non_null(strstr(text, "</svg>"));
	free(text);
	graph_close(g);
}

static void an_empty_graph_is_drawn_too(void **state)
{
	struct graph *g;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(graph_open(&g), 0);
	assert_int_equal(flame_write(g, "nothing", &text, &length), 0);
	assert_non_null(strstr(text, "0 samples"));
	free(text);
	graph_close(g);
}

static void names_cannot_leave_their_place(void **state)
{
	struct graph *g = graph_fixture();
	uint32_t frame =
		graph_fixture_frame(g, "\"/><script>alert(1)</script>&\x01\xff", NULL, false);
	size_t length;
	char *text;

	(void)state;
	graph_add(g, &frame, 1, 50);
	assert_int_equal(flame_write(g, "t", &text, &length), 0);
	assert_null(strstr(text, "<script>alert"));
	assert_non_null(strstr(text, "&quot;/&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;??"));
	free(text);
	graph_close(g);
}

static void waits_are_told_in_seconds(void **state)
{
	struct graph *g = graph_fixture_waits();
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(flame_write(g, "t", &text, &length), 0);
	assert_non_null(strstr(text, "<title>[lock]  9.000000 s, 94.74 %"));
	assert_non_null(strstr(text, "data-w=\"9000000000\"")); /* more than 32 bits hold */
	assert_null(strstr(text, "samples"));
	free(text);
	graph_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_become_one_tree),
		cmocka_unit_test(a_graph_has_a_box_for_each_frame_and_says_shares),
		cmocka_unit_test(an_empty_graph_is_drawn_too),
		cmocka_unit_test(names_cannot_leave_their_place),
		cmocka_unit_test(waits_are_told_in_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
