#include "config.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct config *config_new(void)
{
	struct config *c = NULL;

	assert_int_equal(config_open(&c), 0);
	return c;
}

static int config_json(struct config *c, const char *text, struct config_error *error)
{
	error->text[0] = '\0';
	return config_read(c, "r.json", text, strlen(text), error);
}

/* environ is not const; nobody writes to it. */
static int config_from_environment(struct config *c, const char *const *names,
				   struct config_error *error)
{
	return config_environment(c, (char *const *)(uintptr_t)names, error);
}

static void every_key_has_its_default(void **state)
{
	struct config *c = config_new();

	(void)state;
	assert_string_equal(config_text(c, CONFIG_RUN_DIR), "/run/ringside");
	assert_int_equal(config_count(c, CONFIG_HTTP_LISTEN), 1);
	assert_string_equal(config_item(c, CONFIG_HTTP_LISTEN, 0), "127.0.0.1:9977");
	assert_int_equal(config_count(c, CONFIG_HTTP_ALLOWED_HOSTS), 0);
	assert_string_equal(config_text(c, CONFIG_HTTP_ALLOWED_HOSTS), "");
	assert_true(config_number(c, CONFIG_MEMORY_WARNING) == 80.0);
	assert_int_equal(config_span_ns(c, CONFIG_REQUESTS_SLOW_CRITICAL), 5000000000);
	assert_int_equal(config_from(c, CONFIG_USER), CONFIG_DEFAULT);
	assert_string_equal(config_where(c, CONFIG_USER), "default");
	config_close(c);
	config_close(NULL);
}

static void flags_stand_over_environment_over_file(void **state)
{
	const char *const environment[] = { "RINGSIDE_HTTP_LISTEN=127.0.0.1:2",
					    "RINGSIDE_STATE_DIR=/environment", NULL };
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	/* in the wrong order on purpose: rank decides, not time */
	assert_int_equal(config_flag(c, "listen", "127.0.0.1:3", &error), 0);
	assert_int_equal(config_from_environment(c, environment, &error), 0);
	assert_int_equal(config_json(c,
				     "{\"http\": {\"listen\": \"127.0.0.1:1\"},\n"
				     "\"state_dir\": \"/file\",\n\"run_dir\": \"/file\"}",
				     &error),
			 0);
	assert_string_equal(config_text(c, CONFIG_HTTP_LISTEN), "127.0.0.1:3");
	assert_int_equal(config_from(c, CONFIG_HTTP_LISTEN), CONFIG_FLAG);
	assert_string_equal(config_where(c, CONFIG_HTTP_LISTEN), "--listen");
	assert_string_equal(config_text(c, CONFIG_STATE_DIR), "/environment");
	assert_string_equal(config_where(c, CONFIG_STATE_DIR), "RINGSIDE_STATE_DIR");
	assert_string_equal(config_text(c, CONFIG_RUN_DIR), "/file");
	assert_string_equal(config_where(c, CONFIG_RUN_DIR), "r.json:3");
	config_close(c);
}

static void a_wrong_value_is_wrong_under_any_flag(void **state)
{
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	assert_int_equal(config_flag(c, "run-dir", "/flag", &error), 0);
	assert_int_equal(config_json(c, "{\n\"run_dir\": \"relative\"}", &error), -EINVAL);
	assert_string_equal(error.text, "r.json:2: run_dir: must be an absolute path");
	assert_string_equal(config_text(c, CONFIG_RUN_DIR), "/flag");
	config_close(c);
}

static void lists_are_parted_by_commas_and_flags_add_up(void **state)
{
	const char *const environment[] = { "RINGSIDE_HTTP_ALLOWED_HOSTS=a,,b",
					    "RINGSIDE_LABELS=z=1,y=2", NULL };
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	assert_int_equal(config_from_environment(c, environment, &error), 0);
	assert_int_equal(config_count(c, CONFIG_HTTP_ALLOWED_HOSTS), 2);
	assert_string_equal(config_item(c, CONFIG_HTTP_ALLOWED_HOSTS, 1), "b");
	assert_string_equal(config_item(c, CONFIG_LABELS, 1), "y=2");
	assert_int_equal(config_flag(c, "listen", "127.0.0.1:1,127.0.0.1:2", &error), 0);
	assert_int_equal(config_flag(c, "listen", "127.0.0.1:3", &error), 0);
	assert_int_equal(config_count(c, CONFIG_HTTP_LISTEN), 3);
	assert_string_equal(config_item(c, CONFIG_HTTP_LISTEN, 0), "127.0.0.1:1");
	assert_string_equal(config_item(c, CONFIG_HTTP_LISTEN, 2), "127.0.0.1:3");
	assert_int_equal(config_flag(c, "run-dir", "/a", &error), 0);
	assert_int_equal(config_flag(c, "run-dir", "/b", &error), 0);
	assert_string_equal(config_text(c, CONFIG_RUN_DIR), "/b");
	config_close(c);
}

static void more_items_than_fit_are_refused(void **state)
{
	char text[65 * 12 + 1] = "";
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	for (int i = 0; i < 65; i++)
		strcat(text, i ? ",127.0.0.1:1" : "127.0.0.1:1");
	assert_int_equal(config_flag(c, "listen", text, &error), -EINVAL);
	assert_string_equal(error.text, "--listen: http.listen: too many items");
	assert_int_equal(config_count(c, CONFIG_HTTP_LISTEN), 1);
	config_close(c);
}

static void a_nearly_right_name_in_the_environment_is_refused(void **state)
{
	const char *const slip[] = { "PATH=/bin", "RINGSIDE_HTTP_LISTN=127.0.0.1:1", NULL };
	const char *const strange[] = {
		"RINGSIDE_SERVICE=shop", "RINGSIDE=disabled",       "RINGSIDE_",
		"RINGSIDE_CONFIG=/x",    "RINGSIDE_FUZZ_SECONDS=5", NULL
	};
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	assert_int_equal(config_from_environment(c, slip, &error), -EINVAL);
	assert_string_equal(error.text, "environment: RINGSIDE_HTTP_LISTN: unknown key; did you "
					"mean RINGSIDE_HTTP_LISTEN?");
	assert_int_equal(config_from_environment(c, strange, &error), 0);
	config_close(c);
}

static void a_bad_value_names_its_source(void **state)
{
	const char *const environment[] = { "RINGSIDE_MEMORY_WARNING=many", NULL };
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	assert_int_equal(config_from_environment(c, environment, &error), -EINVAL);
	assert_string_equal(error.text, "RINGSIDE_MEMORY_WARNING: memory.warning: must be a number "
					"from 0 to 100");
	assert_int_equal(config_flag(c, "log-level", "loud", &error), -EINVAL);
	assert_string_equal(error.text,
			    "--log-level: log.level: must be error, warning, info or debug");
	assert_int_equal(config_flag(c, "no-such", "1", &error), -ENOENT);
	config_close(c);
}

static void check_refuses(const char *text, const char *wanted)
{
	struct config *c = config_new();
	struct config_error error;

	assert_int_equal(config_json(c, text, &error), 0);
	assert_int_equal(config_check(c, &error), -EINVAL);
	assert_string_equal(error.text, wanted);
	config_close(c);
}

static void keys_that_contradict_each_other_are_refused(void **state)
{
	struct config *c = config_new();
	struct config_error error;

	(void)state;
	assert_int_equal(config_check(c, &error), 0);
	config_close(c);
	check_refuses("{\"memory\": {\"warning\": 95}}",
		      "r.json:1: memory.warning: 95 must not be above memory.critical (90)");
	check_refuses("{\"cpu\": {\n\"warning\": 86}}",
		      "r.json:2: cpu.warning: 86 must not be above cpu.critical (85)");
	check_refuses("{\"requests\": {\"slow_warning\": \"6s\"}}",
		      "r.json:1: requests.slow_warning: 6s must not be above "
		      "requests.slow_critical (5s)");
	check_refuses("{\"http\": {\"listen\": [\"none\", \"127.0.0.1:1\"]}}",
		      "r.json:1: http.listen: none stands alone");
	check_refuses("{\"run_dir\": \"none\"}", "r.json:1: run_dir: must be an absolute path");
	check_refuses("{\"redis\": {\"url\": [\"redis://:a@h\", \"redis://:b@i\"]}}",
		      "r.json:1: redis.url: must name the user and password that the others name, "
		      "or none");
	check_refuses("{\"redis\": {\"timeout\": \"9ms\"}}",
		      "r.json:1: redis.timeout: must be from 10ms to 1m");
	check_refuses("{\"alerts\": {\"check_interval\": \"100ms\"}}",
		      "r.json:1: alerts.check_interval: must be from 1s to 1h");
	check_refuses("{\"state_dir\": \"\"}", "r.json:1: state_dir: must be an absolute path");
}

static int config_file_of(size_t length)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	char *text = malloc(length);

	assert_true(fd >= 0);
	assert_non_null(text);
	memset(text, ' ', length);
	memcpy(text, "{}", 2);
	assert_int_equal(write(fd, text, length), length);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	free(text);
	return fd;
}

static void a_file_of_a_mebibyte_is_read_and_a_byte_more_is_not(void **state)
{
	struct config *c = config_new();
	struct config_error error;
	int fd = config_file_of(1 << 20);

	(void)state;
	assert_int_equal(config_read_fd(c, "r.json", fd, &error), 0);
	close(fd);
	fd = config_file_of((1 << 20) + 1);
	assert_int_equal(config_read_fd(c, "r.json", fd, &error), -EFBIG);
	assert_string_equal(error.text, "r.json: is larger than 1 MiB");
	close(fd);
	config_close(c);
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
	struct config *c = config_new();
	struct config_error error;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(config_read_fd(c, "/", fd, &error), -EISDIR);
	assert_string_equal(error.text, "/: Is a directory");
	close(fd);
	config_close(c);
}

static void the_socket_lies_in_the_run_directory_unless_named(void **state)
{
	struct config *c = config_new();
	struct config_error error;
	char path[64];

	(void)state;
	assert_int_equal(config_socket_path(c, path, sizeof(path)), 0);
	assert_string_equal(path, "/run/ringside/api.sock");
	assert_int_equal(config_flag(c, "socket", "/tmp/x.sock", &error), 0);
	assert_int_equal(config_socket_path(c, path, sizeof(path)), 0);
	assert_string_equal(path, "/tmp/x.sock");
	assert_int_equal(config_socket_path(c, path, 11), -ENAMETOOLONG);
	assert_int_equal(config_socket_path(c, path, 12), 0);
	config_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_default),
		cmocka_unit_test(flags_stand_over_environment_over_file),
		cmocka_unit_test(a_wrong_value_is_wrong_under_any_flag),
		cmocka_unit_test(lists_are_parted_by_commas_and_flags_add_up),
		cmocka_unit_test(more_items_than_fit_are_refused),
		cmocka_unit_test(a_nearly_right_name_in_the_environment_is_refused),
		cmocka_unit_test(a_bad_value_names_its_source),
		cmocka_unit_test(keys_that_contradict_each_other_are_refused),
		cmocka_unit_test(a_file_of_a_mebibyte_is_read_and_a_byte_more_is_not),
		cmocka_unit_test(a_file_that_cannot_be_read_says_why),
		cmocka_unit_test(the_socket_lies_in_the_run_directory_unless_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
