#include "../../agent/profile/pprof.c"
#include "graph_fixture.h"

/* One field of a message: its number, and its value or its bytes. */
struct field {
	unsigned int number;
	uint64_t value; /* or length */
	const unsigned char *bytes;
};

static uint64_t read_varint(const unsigned char **at)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		unsigned char c = *(*at)++;

		value |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return value;
	}
}

static bool read_field(const unsigned char **at, const unsigned char *end, struct field *out)
{
	uint64_t key;

	if (*at >= end)
		return false;
	key = read_varint(at);
	out->number = (unsigned int)(key >> 3);
	out->value = read_varint(at);
	out->bytes = *at;
	if ((key & 7) == PPROF_DELIMITED)
		*at += out->value;
	else
		assert_int_equal(key & 7, 0);
	assert_true(*at <= end);
	return true;
}

struct found {
	uint32_t samples, locations, functions, mappings, strings;
	uint64_t values[2];      /* of all samples */
	uint64_t first_location; /* of the second sample */
	uint64_t label[2];       /* key and value of the last one */
	char text[24][40];
};

static void take_label(struct found *f, const struct field *label)
{
	const unsigned char *at = label->bytes, *end = at + label->value;
	struct field field;

	while (read_field(&at, end, &field))
		f->label[field.number == LABEL_STRING] = field.value;
}

static void take_sample(struct found *f, const struct field *sample)
{
	const unsigned char *at = sample->bytes, *end = at + sample->value;
	struct field field;
	int value = 0;
	bool first = true;

	f->samples++;
	while (read_field(&at, end, &field)) {
		if (field.number == SAMPLE_LABEL)
			take_label(f, &field);
		else if (field.number == SAMPLE_VALUE)
			f->values[value++] += field.value;
		else if (first && f->samples == 2)
			f->first_location = field.value;
		first = false;
	}
	assert_int_equal(value, 2);
}

static void look(const char *bytes, size_t length, struct found *f)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
	struct field field;

	while (read_field(&at, end, &field)) {
		f->locations += field.number == PROFILE_LOCATION;
		f->functions += field.number == PROFILE_FUNCTION;
		f->mappings += field.number == PROFILE_MAPPING;
		if (field.number == PROFILE_SAMPLE)
			take_sample(f, &field);
		if (field.number == PROFILE_STRING && f->strings < 24)
			snprintf(f->text[f->strings], sizeof(f->text[0]), "%.*s", (int)field.value,
				 (const char *)field.bytes);
		f->strings += field.number == PROFILE_STRING;
	}
}

static void every_stack_is_a_sample_with_both_values(void **state)
{
	struct graph *g = graph_fixture();
	struct found f = { 0 };
	size_t length;
	char *bytes;

	(void)state;
	assert_int_equal(pprof_write(g, &bytes, &length), 0);
	look(bytes, length, &f);
	assert_int_equal(f.samples, 3);
	assert_int_equal(f.values[0], 100);
	assert_int_equal(f.values[1], 100 * UINT64_C(10101010));
	assert_int_equal(f.first_location, 4); /* innermost first: the kernel's frame */
	free(bytes);
	graph_close(g);
}

static void every_frame_has_location_function_and_mapping(void **state)
{
	struct graph *g = graph_fixture();
	struct found f = { 0 };
	size_t length;
	char *bytes;

	(void)state;
	assert_int_equal(pprof_write(g, &bytes, &length), 0);
	look(bytes, length, &f);
	assert_int_equal(f.locations, 4);
	assert_int_equal(f.functions, 4);
	assert_int_equal(f.mappings, 4);
	assert_int_equal(f.strings, STRING_FRAMES + 2 * 4);
	assert_string_equal(f.text[0], "");
	assert_string_equal(f.text[STRING_CPU], "cpu");
	assert_string_equal(f.text[STRING_FRAMES], "main");
	assert_string_equal(f.text[STRING_FRAMES + 1], "/usr/bin/server");
	free(bytes);
	graph_close(g);
}

static void a_wait_has_its_number_its_time_and_its_cause(void **state)
{
	struct graph *g = graph_fixture_waits();
	struct found f = { 0 };
	size_t length;
	char *bytes;

	(void)state;
	assert_int_equal(pprof_write(g, &bytes, &length), 0);
	look(bytes, length, &f);
	assert_int_equal(f.samples, 2);
	assert_int_equal(f.values[0], 10);
	assert_int_equal(f.values[1], UINT64_C(9500000000));
	assert_string_equal(f.text[f.label[0]], "cause");
	assert_string_equal(f.text[f.label[1]], "sleep");
	free(bytes);
	graph_close(g);
}

static void the_deepest_stack_fits_a_message(void **state)
{
	struct graph *g = graph_fixture();
	uint32_t frames[GRAPH_DEPTH] = { 0 };
	struct found f = { 0 };
	size_t length;
	char *bytes;

	(void)state;
	graph_add(g, frames, GRAPH_DEPTH, UINT32_MAX);
	assert_int_equal(pprof_write(g, &bytes, &length), 0);
	look(bytes, length, &f);
	assert_int_equal(f.values[0], UINT64_C(100) + UINT32_MAX);
	free(bytes);
	graph_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stack_is_a_sample_with_both_values),
		cmocka_unit_test(every_frame_has_location_function_and_mapping),
		cmocka_unit_test(a_wait_has_its_number_its_time_and_its_cause),
		cmocka_unit_test(the_deepest_stack_fits_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
