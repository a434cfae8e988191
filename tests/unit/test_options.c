#include "options.h"
#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ(o, error, ...)                                                                        \
	options_of(o, error, (const char *const[]){ "ringsided", __VA_ARGS__, NULL })

/* argv is not const; nobody writes to it. */
static int options_of(struct options *o, struct config_error *error, const char *const *argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	error->text[0] = '\0';
	return options_read(o, argc, (char **)(uintptr_t)argv, error);
}

static void switches_are_noted(void **state)
{
	struct config_error error;
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, &error, "--check-config"), 0);
	assert_true(o.check && !o.help && !o.version);
	assert_string_equal(o.file, OPTIONS_FILE);
	assert_false(o.file_named);
	assert_int_equal(READ(&o, &error, "--help"), 0);
	assert_true(o.help);
	assert_int_equal(READ(&o, &error, "-h", "--version"), 0);
	assert_true(o.help && o.version);
}

static void what_is_no_option_is_refused_by_name(void **state)
{
	struct config_error error;
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, &error, "--lisen", "x"), -EINVAL);
	assert_string_equal(error.text, "unknown option '--lisen'; see --help");
	assert_int_equal(READ(&o, &error, "--help=yes"), -EINVAL);
	assert_string_equal(error.text, "unknown option '--help'; see --help");
	assert_int_equal(READ(&o, &error, "nginx"), -EINVAL);
	assert_string_equal(error.text, "unexpected argument 'nginx'; see --help");
	assert_int_equal(READ(&o, &error, "--"), -EINVAL);
	assert_int_equal(READ(&o, &error, "-x"), -EINVAL);
	assert_int_equal(READ(&o, &error, ""), -EINVAL);
}

static void an_option_without_its_value_is_refused(void **state)
{
	struct config_error error;
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, &error, "--listen"), -EINVAL);
	assert_string_equal(error.text, "option '--listen' needs a value");
	assert_int_equal(READ(&o, &error, "--config"), -EINVAL);
	assert_int_equal(READ(&o, &error, "--listen="), 0); /* an empty one is one */
}

static void the_file_is_named_by_flag_over_environment(void **state)
{
	struct config_error error;
	struct options o;

	(void)state;
	setenv("RINGSIDE_CONFIG", "/from/environment", 1);
	assert_int_equal(READ(&o, &error, "--check-config"), 0);
	assert_string_equal(o.file, "/from/environment");
	assert_true(o.file_named);
	assert_int_equal(READ(&o, &error, "--config=/from/flag"), 0);
	assert_string_equal(o.file, "/from/flag");
	setenv("RINGSIDE_CONFIG", "", 1);
	assert_int_equal(READ(&o, &error, "--check-config"), 0);
	assert_string_equal(o.file, OPTIONS_FILE);
	unsetenv("RINGSIDE_CONFIG");
}

static void only_a_file_that_was_named_has_to_exist(void **state)
{
	struct config_error error;
	struct options o = { .file = "/no/such/file" };
	int fd = 7;

	(void)state;
	assert_int_equal(options_file_open(&o, &fd, &error), 0);
	assert_int_equal(fd, -1);
	o.file_named = true;
	assert_int_equal(options_file_open(&o, &fd, &error), -ENOENT);
	assert_string_equal(error.text, "/no/such/file cannot be read: No such file or directory");
}

/* A file with this text, open for reading. */
static int options_file(struct options *o, char *path, const char *text)
{
	struct config_error error;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	o->file = path;
	o->file_named = true;
	assert_int_equal(options_file_open(o, &fd, &error), 0);
	unlink(path);
	return fd;
}

static void flags_stand_over_environment_over_file_over_defaults(void **state)
{
	char path[] = "/tmp/rs_options_XXXXXX";
	struct config_error error;
	struct options o;
	struct config *c;
	int fd;

	(void)state;
	assert_int_equal(READ(&o, &error, "--listen", "127.0.0.1:3", "--listen=127.0.0.1:4",
			      "--check-config", "--config", "/x", "--run-dir=/flag"),
			 0);
	fd = options_file(&o, path,
			  "{\"run_dir\": \"/file\", \"state_dir\": \"/file\","
			  "\"user\": \"file\", \"http\": {\"listen\": \"none\"}}");
	setenv("RINGSIDE_STATE_DIR", "/environment", 1);
	assert_int_equal(options_config(&o, fd, &c, &error), 0);
	unsetenv("RINGSIDE_STATE_DIR");
	close(fd);
	assert_string_equal(config_text(c, CONFIG_RUN_DIR), "/flag");
	assert_string_equal(config_text(c, CONFIG_STATE_DIR), "/environment");
	assert_string_equal(config_text(c, CONFIG_USER), "file");
	assert_string_equal(config_text(c, CONFIG_LOG_LEVEL), "info");
	assert_int_equal(config_count(c, CONFIG_HTTP_LISTEN), 2);
	assert_string_equal(config_item(c, CONFIG_HTTP_LISTEN, 1), "127.0.0.1:4");
	config_close(c);
}

static void whatever_is_wrong_is_told_and_nothing_is_left(void **state)
{
	static const struct {
		const char *flag, *file, *wanted;
	} cases[] = {
		{ "--log-level=loud", "{}",
		  "--log-level: log.level: must be error, warning, info or debug" },
		{ "--run-dir=relative", "{}", "--run-dir: run_dir: must be an absolute path" },
		{ "--listen=none,127.0.0.1:1", "{}", "--listen: http.listen: none stands alone" },
		{ "--run-dir=/x", "{", NULL },
		{ "--run-dir=/x", "{\"nothing\": 1}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[] = "/tmp/rs_options_XXXXXX";
		struct config *c = (void *)path;
		struct config_error error;
		struct options o;
		int fd;

		assert_int_equal(READ(&o, &error, cases[i].flag), 0);
		fd = options_file(&o, path, cases[i].file);
		assert_int_equal(options_config(&o, fd, &c, &error), -EINVAL);
		assert_null(c);
		if (cases[i].wanted)
			assert_string_equal(error.text, cases[i].wanted);
		else
			assert_memory_equal(error.text, path, strlen(path));
		close(fd);
	}
}

static void help_names_every_flag_and_every_other_key(void **state)
{
	char *text = NULL, flag[64];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	options_help(out);
	fclose(out);
	assert_non_null(strstr(text, "--config FILE"));
	assert_non_null(strstr(text, "--check-config"));
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_info *info = config_info((enum config_key)i);

		snprintf(flag, sizeof(flag), "  %s%s ", info->flag ? "--" : "",
			 info->flag ? info->flag : info->path);
		assert_non_null(strstr(text, flag));
		assert_non_null(strstr(text, info->help));
	}
	free(text);
}

static void a_file_that_others_may_write_is_not_ours(void **state)
{
	char path[] = "/tmp/rs_options_XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_true(options_file_is_ours(-1));
	assert_true(options_file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_false(options_file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0606), 0);
	assert_false(options_file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_true(options_file_is_ours(fd));
	if (geteuid() == 0) {
		assert_int_equal(fchown(fd, 65533, 0), 0);
		assert_false(options_file_is_ours(fd));
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_others_may_write_is_not_ours),
		cmocka_unit_test(switches_are_noted),
		cmocka_unit_test(what_is_no_option_is_refused_by_name),
		cmocka_unit_test(an_option_without_its_value_is_refused),
		cmocka_unit_test(the_file_is_named_by_flag_over_environment),
		cmocka_unit_test(only_a_file_that_was_named_has_to_exist),
		cmocka_unit_test(flags_stand_over_environment_over_file_over_defaults),
		cmocka_unit_test(whatever_is_wrong_is_told_and_nothing_is_left),
		cmocka_unit_test(help_names_every_flag_and_every_other_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
