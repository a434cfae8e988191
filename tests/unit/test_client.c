#include "../../tools/ringside/client.c" /* white box: the limit of an answer */
#include "answer_fixture.h"
#include "tree_fixture.h"

static const struct answer test_none[] = { { 0 } };
static struct tree tree;
static char path[128];

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/api.sock", tree.root);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static void answers_come_with_status_and_body(void **state)
{
	static const struct answer answers[] = {
		{ "/a?b=c ", 200, "hello" }, { "/gone", 404, "no" }, { "/empty", 200, "" }, { 0 }
	};
	pid_t server = answer_begin(path, answers);
	struct client_answer answer;
	struct client_error error;
	struct client *c;

	(void)state;
	/* the proxy of the environment is not asked */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(client_open(&c, path, NULL, &error), 0);
	assert_int_equal(client_get(c, "/a?b=c", &answer, &error), 0);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.length, 5);
	assert_string_equal(answer.bytes, "hello");
	client_answer_free(&answer);
	assert_int_equal(client_get(c, "/gone", &answer, &error), 0);
	assert_int_equal(answer.status, 404);
	client_answer_free(&answer);
	assert_int_equal(client_get(c, "/empty", &answer, &error), 0);
	assert_int_equal(answer.length, 0);
	client_answer_free(&answer);
	client_close(c);
	unsetenv("http_proxy");
	answer_end(server);
}

static void nobody_there_is_told_by_the_systems_word(void **state)
{
	struct client_answer answer;
	struct client_error error;
	struct client *c;

	(void)state;
	assert_int_equal(client_open(&c, path, NULL, &error), 0);
	assert_int_equal(client_get(c, "/", &answer, &error), -ENOENT);
	assert_string_equal(error.text, "No such file or directory");
	answer_end(answer_begin(path, test_none)); /* the socket's file stays */
	assert_int_equal(client_get(c, "/", &answer, &error), -ECONNREFUSED);
	assert_null(answer.bytes);
	client_close(c);
	client_close(NULL);
}

static void connection_that_is_closed_is_an_error(void **state)
{
	pid_t server = answer_begin(path, test_none);
	struct client_answer answer;
	struct client_error error;
	struct client *c;

	(void)state;
	assert_int_equal(client_open(&c, path, NULL, &error), 0);
	assert_int_equal(client_get(c, "/", &answer, &error), -EIO);
	assert_true(strlen(error.text) > 0);
	client_close(c);
	answer_end(server);
}

static void answer_beyond_the_limit_is_not_taken(void **state)
{
	struct client_answer answer = { .length = CLIENT_BYTES_MAX - 3 };

	(void)state;
	assert_int_equal(client_take((char[]){ "1234" }, 1, 4, &answer), 0);
	assert_null(answer.bytes);
	answer.length = 0;
	assert_int_equal(client_take((char[]){ "1234" }, 2, 2, &answer), 4);
	assert_int_equal(client_take((char[]){ "56" }, 1, 2, &answer), 2);
	assert_string_equal(answer.bytes, "123456");
	client_answer_free(&answer);
}

static void any_request_is_sent_with_its_body(void **state)
{
	static const struct answer answers[] = { { "/k", 200, "kept" }, { 0 } };
	const struct client_request put = {
		.method = "PUT", .path = "/k", .type = "a/b", .body = "x\0y", .length = 3
	};
	pid_t server = answer_begin(path, answers);
	struct client_answer answer;
	struct client_error error;
	struct client *c;

	(void)state;
	assert_int_equal(client_open(&c, path, NULL, &error), 0);
	assert_int_equal(client_send(c, &put, &answer, &error), 0); /* "PUT /k …": as of GET */
	assert_string_equal(answer.bytes, "kept");
	client_answer_free(&answer);
	assert_int_equal(client_get(c, "/k", &answer, &error), 0); /* nothing of it is left */
	client_answer_free(&answer);
	client_close(c);
	answer_end(server);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(any_request_is_sent_with_its_body),
		TEST(answers_come_with_status_and_body),
		TEST(nobody_there_is_told_by_the_systems_word),
		TEST(connection_that_is_closed_is_an_error),
		TEST(answer_beyond_the_limit_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
