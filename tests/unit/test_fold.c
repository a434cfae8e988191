#include "fold.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <string.h>

static void folds_to(const char *path, const char *shape)
{
	uint8_t out[RS_PATH_BYTES + 1];
	size_t n = fold_path((const uint8_t *)path, strlen(path), out);

	out[n] = 0;
	assert_string_equal((char *)out, shape);
	if (strcmp(path, shape) != 0)
		assert_true(fold_may_change((const uint8_t *)path, strlen(path)));
	assert_int_equal(n, strlen(shape));
}

static void plain_paths_stay(void **state)
{
	(void)state;
	folds_to("/", "/");
	folds_to("", "");
	folds_to("*", "*");
	folds_to("/index.html", "/index.html");
	folds_to("//a//b/", "//a//b/");
	folds_to("/v1/users/", "/v1/users/");
	folds_to("/a1b2/12a/1.2/-5", "/a1b2/12a/1.2/-5");
}

static void most_paths_need_no_copy(void **state)
{
	const char *const path = "/index.html/v1//users/";

	(void)state;
	assert_false(fold_may_change((const uint8_t *)path, strlen(path)));
	assert_false(fold_may_change(NULL, 0));
}

/* Wherever it begins, in a path of any length. */
static void a_variable_segment_is_seen_everywhere(void **state)
{
	uint8_t path[48];

	(void)state;
	for (size_t n = 1; n <= sizeof(path); n++) {
		for (size_t at = 0; at < n; at++) {
			memset(path, '.', n); /* beside a slash in the table: one bit differs */
			path[0] = '/';
			path[at] = '/';
			assert_false(fold_may_change(path, n));
			if (at + 1 == n)
				continue;
			path[at + 1] = '7';
			assert_true(fold_may_change(path, n));
			path[at] = 'x';
			assert_false(at && fold_may_change(path, n));
		}
	}
}

static void variable_segments_become_holes(void **state)
{
	(void)state;
	folds_to("/users/7", "/users/{id}");
	folds_to("/users/1234567890/orders/2/", "/users/{id}/orders/{id}/");
	folds_to("/blob/deadBEEF", "/blob/{hex}");
	folds_to("/blob/deadbee", "/blob/deadbee");
	folds_to("/o/123e4567-e89b-12d3-a456-426614174000/x", "/o/{uuid}/x");
	folds_to("/o/123e4567-e89b-12d3-a456-42661417400g/x",
		 "/o/123e4567-e89b-12d3-a456-42661417400g/x");
	folds_to("/day/2024-01-31", "/day/{date}");
	folds_to("/day/2024-1-31a", "/day/2024-1-31a");
	folds_to("/day/20240-01-3", "/day/20240-01-3");
}

static void a_shape_never_exceeds_its_room(void **state)
{
	uint8_t in[4 * RS_PATH_BYTES];
	uint8_t out[RS_PATH_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = i % 2 ? '1' : '/';
	for (size_t n = 0; n <= sizeof(in); n++) {
		size_t wanted = n / 2 * (sizeof("/{id}") - 1) + n % 2;

		out[RS_PATH_BYTES] = 0x5a;
		assert_int_equal(fold_path(in, n, out),
				 wanted < RS_PATH_BYTES ? wanted : RS_PATH_BYTES);
		assert_int_equal(out[RS_PATH_BYTES], 0x5a);
	}
	memset(in, 'x', sizeof(in));
	assert_int_equal(fold_path(in, sizeof(in), out), RS_PATH_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths_stay),
		cmocka_unit_test(most_paths_need_no_copy),
		cmocka_unit_test(a_variable_segment_is_seen_everywhere),
		cmocka_unit_test(variable_segments_become_holes),
		cmocka_unit_test(a_shape_never_exceeds_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
