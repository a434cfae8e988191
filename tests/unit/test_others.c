#include "others.h"
#include "watched_fixture.h"

static struct bench b;
static struct streams *streams;

static struct lane_record made(const char *label, uint8_t type)
{
	struct lane_record record = { .head.kind = RS_KIND_NOTE, .detail_bytes = RS_SLOT_PAYLOAD };

	record.detail[0] = type;
	record.detail[2] = (uint8_t)strlen(label);
	memcpy(record.detail + 4, label, strlen(label));
	return record;
}

static int setup(void **state)
{
	(void)state;
	bench_open(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_close(&b);
	return 0;
}

static void take(const struct lane_record *record)
{
	others_take(b.shared, &bench_target, &streams, record);
}

static void a_host_is_handed_on(void **state)
{
	struct lane_record record = made("sni=a.example", RS_SECTION_LABEL);

	(void)state;
	take(&record);
	assert_int_equal(b.r.named, 1);
	assert_string_equal(b.r.host, "a.example");
	assert_int_equal(b.shared->unknown, 0);
}

static void what_nobody_asks_for_is_unknown(void **state)
{
	struct lane_record other = made("peer=a", RS_SECTION_LABEL);
	struct lane_record path = made("sni=a", RS_SECTION_PATH);
	struct lane_record call = made("sni=a", RS_SECTION_LABEL);
	struct lane_record bare = { .head.kind = RS_KIND_NOTE };

	(void)state;
	call.head.kind = RS_KIND_CALL;
	take(&other);
	take(&path);
	take(&call);
	take(&bare);
	assert_int_equal(b.r.named, 0);
	assert_int_equal(b.shared->unknown, 4);
}

static void a_label_longer_than_its_record_is_a_lie(void **state)
{
	struct lane_record record = made("sni=a", RS_SECTION_LABEL);

	(void)state;
	record.detail[3] = 200;
	take(&record);
	record = made("sni=a", RS_SECTION_LABEL);
	record.detail[2] = 3;
	take(&record);
	assert_int_equal(b.r.named, 0);
	assert_int_equal(b.shared->unknown, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_host_is_handed_on),
		TEST(what_nobody_asks_for_is_unknown),
		TEST(a_label_longer_than_its_record_is_a_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
