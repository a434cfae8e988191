#include "fields.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES 12

static const char *const others[] = {
	"Server: x",
	"Date: Tue, 24 Nov 2026 16:00:00 GMT",
	"Cookie: a=b",
	"Te: x",
	"Connection: keep-alive",
	"Content-Type: text/html",
	"Trailer: x",
	"C: 1",
	"",
};

/* From the heap, and exactly as long as it is: a look beyond it is found by the sanitizer. */
static struct http1 after(const char *text, size_t n)
{
	uint8_t *copy = malloc(n);
	const uint8_t *at = copy;
	struct http1 p;

	assert_non_null(copy);
	memcpy(copy, text, n);
	http1_init(&p);
	assert_true(fields_read(&p, &at, copy + n));
	assert_ptr_equal(at, copy + n);
	free(copy);
	return p;
}

/* In each place among others, so that it meets each border of 16 and of 64 bytes. */
static void the_length_is_found_in_every_place(void **state)
{
	char head[1024];

	(void)state;
	for (size_t fill = 0; fill < 130; fill++) {
		for (size_t place = 0; place < LINES; place++) {
			size_t n = 0;

			n += (size_t)sprintf(head, "X: %0*d\r\n", (int)fill + 1, 0);
			for (size_t i = 0; i < LINES; i++) {
				const char *other = others[(i + fill) % 8];

				n += (size_t)sprintf(head + n, "%s\r\n",
						     i == place ? "Content-Length: 612" : other);
			}
			n += (size_t)sprintf(head + n, "\r\n");
			assert_int_equal(after(head, n).length, 612);
			assert_int_equal(after(head, n).fields & ~FIELDS_LAST_MATTERS,
					 FIELDS_HAS_LENGTH);
		}
	}
}

static void only_what_follows_ours_at_once_continues_it(void **state)
{
	const char *folded = "Host: a\r\nContent-Length: 5\r\n 6\r\n\r\n";
	const char *harmless = "Content-Length: 5\r\nHost: a\r\n b\r\nX: y\r\n\r\n";

	(void)state;
	assert_true(after(folded, strlen(folded)).fields & FIELDS_AMBIGUOUS);
	assert_false(after(harmless, strlen(harmless)).fields & FIELDS_AMBIGUOUS);
}

static void a_head_that_goes_on_is_taken_up(void **state)
{
	const char *head = "Host: example.org\r\nContent-Length: 5\r\n 6\r\nServer: nginx\r\n\r\n";
	size_t n = strlen(head);

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		const uint8_t *at = (const uint8_t *)head;
		struct http1 p;

		http1_init(&p);
		assert_false(fields_read(&p, &at, (const uint8_t *)head + cut));
		assert_ptr_equal(at, head + cut);
		assert_true(fields_read(&p, &at, (const uint8_t *)head + n));
		assert_true(p.fields & FIELDS_AMBIGUOUS);
		assert_int_equal(p.length, 5);
		assert_true(p.head <= n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_length_is_found_in_every_place),
		cmocka_unit_test(only_what_follows_ours_at_once_continues_it),
		cmocka_unit_test(a_head_that_goes_on_is_taken_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
