#include "../../agent/base/ring.c" /* white box: a ring is written by hand, as the kernel does */
#include "rs_test.h"

#include <string.h>
#include <sys/syscall.h>

#define BYTES 4096u

struct made {
	struct ring *ring;
	char *data;
	uint64_t *written;
	char text[256];
	uint32_t count;
};

/* Two pages and one of data, which a memfd cannot map twice: the second copy stands behind. */
static void make(struct made *m)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	char *all;

	memset(m, 0, sizeof(*m));
	assert_int_equal(ftruncate(fd, 4096 * 2 + 2 * BYTES), 0);
	assert_int_equal(ring_open(&m->ring, fd, BYTES), 0);
	all = mmap(NULL, 4096 * 2 + 2 * BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(all, MAP_FAILED);
	m->written = (uint64_t *)(void *)(all + 4096);
	m->data = all + 8192;
	close(fd);
}

static void unmake(struct made *m)
{
	munmap(m->data - 8192, 4096 * 2 + 2 * BYTES);
	ring_close(m->ring);
}

static void write_record(struct made *m, const char *text, uint32_t flags)
{
	uint64_t at = *m->written & (BYTES - 1);
	uint32_t length = (uint32_t)strlen(text), word = length | flags;

	memcpy(m->data + at, &word, sizeof(word));
	memcpy(m->data + at + RING_HEAD, text, length);
	*m->written += (length + RING_HEAD + 7) / 8 * 8;
}

static void hear(void *ctx, const void *record, size_t bytes)
{
	struct made *m = ctx;

	strncat(m->text, record, bytes);
	m->count++;
}

static void records_come_once_and_in_order(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	write_record(&m, "one", 0);
	write_record(&m, "three of eight and more", 0);
	assert_int_equal(ring_read(m.ring, hear, &m), 2);
	assert_string_equal(m.text, "onethree of eight and more");
	assert_int_equal(ring_read(m.ring, hear, &m), 0);
	write_record(&m, "!", 0);
	assert_int_equal(ring_read(m.ring, hear, &m), 1);
	unmake(&m);
}

static void a_record_that_is_being_written_is_waited_for(void **state)
{
	struct made m;
	uint32_t word = 3;

	(void)state;
	make(&m);
	write_record(&m, "one", RING_BUSY);
	write_record(&m, "two", 0);
	assert_int_equal(ring_read(m.ring, hear, &m), 0);
	memcpy(m.data, &word, sizeof(word));
	assert_int_equal(ring_read(m.ring, hear, &m), 2);
	assert_string_equal(m.text, "onetwo");
	unmake(&m);
}

static void a_discarded_record_is_skipped(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	write_record(&m, "never", RING_DISCARDED);
	write_record(&m, "two", 0);
	assert_int_equal(ring_read(m.ring, hear, &m), 1);
	assert_string_equal(m.text, "two");
	unmake(&m);
}

static void a_record_over_the_end_is_read_in_one(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	*m.written = BYTES - 16;
	atomic_store(m.ring->consumer, BYTES - 16);
	write_record(&m, "longer than eight",
		     0); /* what is behind the end is the second mapping's */
	assert_int_equal(ring_read(m.ring, hear, &m), 1);
	assert_string_equal(m.text, "longer than eight");
	assert_true(atomic_load(m.ring->consumer) > BYTES);
	unmake(&m);
}

static void a_size_that_is_no_power_of_two_is_refused(void **state)
{
	struct ring *r;

	(void)state;
	assert_int_equal(ring_open(&r, -1, 0), -EINVAL);
	assert_int_equal(ring_open(&r, -1, 4097), -EINVAL);
	assert_int_equal(ring_open(&r, -1, 4096), -EBADF);
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_once_and_in_order),
		cmocka_unit_test(a_record_that_is_being_written_is_waited_for),
		cmocka_unit_test(a_discarded_record_is_skipped),
		cmocka_unit_test(a_record_over_the_end_is_read_in_one),
		cmocka_unit_test(a_size_that_is_no_power_of_two_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
