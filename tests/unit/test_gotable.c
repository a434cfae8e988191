#include "../../agent/profile/gotable.c"
#include "go_fixture.h"

#define MAGIC 0xfffffff1u

static struct go_fixture g;
static struct gotable table;

struct seen {
	uint64_t address[GO_FUNCTIONS + 1], size[GO_FUNCTIONS + 1];
	char names[GO_FUNCTIONS + 1][GOTABLE_NAME];
	uint32_t count;
};

static int see(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	struct seen *s = ctx;

	assert_true(s->count < GO_FUNCTIONS);
	assert_true(strlen(name) < GOTABLE_NAME);
	strcpy(s->names[s->count], name);
	s->address[s->count] = address;
	s->size[s->count++] = size;
	return 0;
}

/* What is read of the first bytes. */
static struct seen read_cut(size_t length)
{
	struct seen s = { .count = 0 };

	go_file(&g, length);
	if (!gotable_open(&table, &g.image))
		gotable_each(&table, see, &s);
	close(g.image.fd);
	return s;
}

static void assert_all(const struct seen *s)
{
	assert_int_equal(s->count, GO_FUNCTIONS);
	assert_string_equal(s->names[0], "runtime.text");
	assert_int_equal(s->address[0], GO_TEXT);
	assert_int_equal(s->size[0], 32);
	assert_string_equal(s->names[3], "crypto/tls.(*Conn).Read");
	assert_int_equal(s->address[3], GO_TEXT + 32 + 64 + 96);
	assert_int_equal(s->size[3], 128);
}

static void fresh(uint32_t magic, uint64_t text)
{
	memset(&g, 0, sizeof(g));
	memset(&table, 0xaa, sizeof(table));
	go_table(&g, magic, text);
	go_image(&g);
}

static void functions_are_listed_with_their_names(void **state)
{
	struct seen s;

	(void)state;
	for (uint32_t magic = 0xfffffff0; magic <= MAGIC; magic++) {
		fresh(magic, GO_TEXT);
		go_section(&g, ".gopclntab", 0, GO_TABLE, g.length - GO_TABLE);
		s = read_cut(g.length);
		assert_all(&s);
		fresh(magic, GO_TEXT);
		go_section(&g, ".data.rel.ro.gopclntab", 0, GO_TABLE, g.length - GO_TABLE);
		s = read_cut(g.length);
		assert_all(&s);
	}
	fresh(0xfffffffa, GO_TEXT); /* of 1.16: it is another layout */
	go_section(&g, ".gopclntab", 0, GO_TABLE, g.length - GO_TABLE);
	assert_int_equal(read_cut(g.length).count, 0);
}

static void without_sections_it_is_searched_for(void **state)
{
	struct seen s;

	(void)state;
	fresh(MAGIC, GO_TEXT);
	s = read_cut(g.length);
	assert_all(&s);
	g.image.segments[1].p_flags |= PF_X; /* code is not searched */
	assert_int_equal(read_cut(g.length).count, 0);
}

static void of_other_linkers_it_is_in_with_other_data(void **state)
{
	struct seen s;

	(void)state;
	fresh(MAGIC, GO_TEXT);
	go_section(&g, ".data.rel.ro", 0, GO_TABLE - 64, g.length - GO_TABLE + 64);
	assert_int_equal(read_cut(g.length).count, 0); /* nothing says that Go made this */
	go_section(&g, ".go.buildinfo", 0, 0, 0);
	s = read_cut(g.length);
	assert_all(&s);
}

/* Pieces overlap: the header that one cuts is whole in the next. */
static void a_header_that_a_piece_cuts_is_found(void **state)
{
	size_t bytes;

	(void)state;
	fresh(MAGIC, GO_TEXT);
	bytes = g.length - GO_TABLE;
	for (size_t back = 0; back <= 2 * sizeof(struct gotable_header); back += GOTABLE_ALIGNED) {
		struct seen s = { .count = 0 };
		off_t at = (off_t)(IMAGE_ROOM - back);

		g.image.fd = memfd_create("go", MFD_CLOEXEC);
		assert_int_equal(pwrite(g.image.fd, g.bytes + GO_TABLE, bytes, at), bytes);
		g.image.segments[1].p_offset = 0;
		g.image.segments[1].p_filesz = (uint64_t)at + bytes;
		assert_int_equal(gotable_open(&table, &g.image), 0);
		assert_int_equal(table.offset, at);
		gotable_each(&table, see, &s);
		assert_all(&s);
		close(g.image.fd);
	}
}

/* Since 1.26; a probe in the middle of an instruction would break the program. */
static void where_the_text_begins_is_proved_or_nothing_is_told(void **state)
{
	struct seen s;

	(void)state;
	fresh(MAGIC, 0);
	go_section(&g, ".gopclntab", 0, GO_TABLE, g.length - GO_TABLE);
	assert_int_equal(read_cut(g.length).count, 0);
	go_section(&g, ".text", GO_TEXT, GO_CODE, GO_TEXT_BYTES);
	s = read_cut(g.length);
	assert_all(&s);
	g.image.head.e_entry++; /* that of another linker, whose text begins with its own code */
	assert_int_equal(read_cut(g.length).count, 0);
	fresh(MAGIC, GO_TEXT - 1); /* that is no text */
	assert_int_equal(read_cut(g.length).count, 0);
}

static void a_table_cut_anywhere_tells_what_is_there_or_nothing(void **state)
{
	uint32_t most = 0;

	(void)state;
	for (size_t cut = 0; cut < g.length; cut++) {
		struct seen s;

		fresh(MAGIC, GO_TEXT);
		s = read_cut(cut); /* the segment is longer than the file */
		assert_int_equal(s.count, 0);
		g.image.segments[1].p_filesz =
			cut > GO_NAMES ? cut - GO_NAMES : 0; /* and both are cut */
		s = read_cut(cut);
		assert_true(s.count >= most && s.count <= GO_FUNCTIONS);
		most = s.count;
		for (uint32_t i = 0; i < s.count; i++)
			assert_true(s.address[i] + s.size[i] <= GO_TEXT + GO_TEXT_BYTES);
	}
	assert_int_equal(most, GO_FUNCTIONS);
}

static void absurd_words_are_survived(void **state)
{
	static const uint64_t absurd[] = {
		0, 1, 0x7fffffff, 0x80000000, UINT64_MAX, UINT64_MAX / 2, GOTABLE_FUNCTIONS + 1
	};

	(void)state;
	for (size_t at = GO_TABLE; at + 8 <= g.length; at += 4) {
		for (size_t k = 0; k < sizeof(absurd) / sizeof(absurd[0]); k++) {
			struct seen s;

			fresh(MAGIC, GO_TEXT);
			memcpy(g.bytes + at, &absurd[k], 8);
			s = read_cut(g.length);
			assert_true(s.count <= GO_FUNCTIONS);
		}
	}
}

/* In the table's words: of the first function. */
static uint32_t told_with(size_t at, uint32_t number)
{
	uint64_t functions;

	fresh(MAGIC, GO_TEXT);
	memcpy(&functions, g.bytes + GO_TABLE + 64, 8);
	memcpy(g.bytes + GO_TABLE + functions + at, &number, sizeof(number));
	return read_cut(g.length).count;
}

static void what_is_odd_is_left_out(void **state)
{
	const size_t record = GO_FUNCTIONS * 8 + 8;

	(void)state;
	assert_int_equal(told_with(0, 0), GO_FUNCTIONS);
	assert_int_equal(told_with(8, 0), GO_FUNCTIONS - 2); /* it ends where it begins */
	assert_int_equal(told_with(4, 100000), GO_FUNCTIONS - 1);
	assert_int_equal(told_with(4, UINT32_MAX), GO_FUNCTIONS - 1);
	assert_int_equal(told_with(4, (uint32_t)record + GO_RECORD),
			 GO_FUNCTIONS - 1); /* another's */
	assert_int_equal(told_with(record + 4, UINT32_MAX), GO_FUNCTIONS - 1);
	assert_int_equal(told_with(record + 4, 0), GO_FUNCTIONS - 1); /* it has no name */
}

static void found(void *ctx, const struct image_name *name, uint64_t offset, uint64_t size)
{
	uint64_t *places = ctx;

	places[name->kind] = offset;
	assert_int_equal(size, 128);
}

static void functions_are_looked_up_by_name(void **state)
{
	static const struct image_name names[] = { { "crypto/tls.(*Conn).Rea", false, 0 },
						   { "crypto/tls.(*Conn).Read", false, 1 } };
	uint64_t places[2] = { 0 };

	(void)state;
	fresh(MAGIC, GO_TEXT);
	go_file(&g, g.length);
	assert_int_equal(gotable_open(&table, &g.image), 0);
	assert_int_equal(gotable_look_up(&table, names, 2, found, places), 0);
	assert_int_equal(places[0], 0);
	assert_int_equal(places[1], GO_CODE + 32 + 64 + 96);
	assert_int_equal(gotable_look_up(&table, names, 1, found, places), -ENODATA);
	g.image.segments[0].p_filesz = 64; /* it is not in the code that is run */
	assert_int_equal(gotable_look_up(&table, names, 2, found, places), -ENODATA);
	close(g.image.fd);
}

static int stop(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	(void)name;
	(void)address;
	(void)size;
	++*(int *)ctx;
	return -ENOMEM;
}

static void who_is_told_can_end_it(void **state)
{
	int calls = 0;

	(void)state;
	fresh(MAGIC, GO_TEXT);
	go_file(&g, g.length);
	assert_int_equal(gotable_open(&table, &g.image), 0);
	assert_int_equal(gotable_each(&table, stop, &calls), -ENOMEM);
	assert_int_equal(calls, 1);
	close(g.image.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_listed_with_their_names),
		cmocka_unit_test(without_sections_it_is_searched_for),
		cmocka_unit_test(of_other_linkers_it_is_in_with_other_data),
		cmocka_unit_test(a_header_that_a_piece_cuts_is_found),
		cmocka_unit_test(where_the_text_begins_is_proved_or_nothing_is_told),
		cmocka_unit_test(a_table_cut_anywhere_tells_what_is_there_or_nothing),
		cmocka_unit_test(absurd_words_are_survived),
		cmocka_unit_test(what_is_odd_is_left_out),
		cmocka_unit_test(functions_are_looked_up_by_name),
		cmocka_unit_test(who_is_told_can_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
