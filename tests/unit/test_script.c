#include "rs_test.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of exe with these arguments, given as one text by '|'; "-": inline; NULL: none. */
static const char *named(const char *exe, const char *arguments)
{
	static char out[72];
	size_t length = strlen(arguments) + 1;
	char *copy = malloc(length); /* exactly, so that a read behind it is seen */
	enum script_found found;

	assert_non_null(copy);
	memcpy(copy, arguments, length);
	for (char *at = strchr(copy, '|'); at; at = strchr(at + 1, '|'))
		*at = '\0';
	strcpy(out, "untouched");
	found = script_name(exe, copy, length, out, sizeof(out));
	free(copy);
	if (found == SCRIPT_NAMED)
		return out;
	assert_string_equal(out, "untouched");
	return found == SCRIPT_INLINE ? "-" : NULL;
}

#define IS(wanted, exe, arguments) assert_string_equal(named(exe, arguments), wanted)

static void what_is_no_interpreter_has_no_script(void **state)
{
	(void)state;
	assert_null(named("/usr/sbin/nginx", "nginx|-c|/etc/x"));
	assert_null(named("/usr/sbin/php-fpm8.2", "php-fpm|x"));
	assert_null(named("/usr/bin/pythonic", "pythonic|x.py"));
	assert_null(named("/usr/bin/3.11", "3.11|x"));
	assert_null(named("", "python3|x.py"));
	assert_null(named("/usr/bin/node", "")); /* nothing is known of its arguments */
}

static void two_scripts_of_one_interpreter_are_told_apart(void **state)
{
	(void)state;
	IS("app.js", "/usr/bin/node", "node|app.js");
	IS("app.js", "/usr/bin/node", "node|.//app.js|--port|80");
	IS("/srv/a/app.js", "/usr/bin/node", "node|/srv/a/app.js");
	IS("/srv/b/app.js", "/usr/bin/node", "node|/srv/b/app.js");
	IS("bin/www", "/usr/bin/nodejs", "nodejs|./bin/www");
}

static void an_installed_program_goes_by_its_base_name(void **state)
{
	(void)state;
	IS("gunicorn", "/usr/bin/python3.11", "python3|/usr/bin/gunicorn|shop:app");
	IS("starman", "/usr/bin/perl", "/usr/bin/perl|/usr/local/bin/starman");
	IS("/srv/venv/bin/gunicorn", "/usr/bin/python3.11", "python|/srv/venv/bin/gunicorn");
	IS("/usr/bin/x/y", "/usr/bin/ruby3.1", "ruby|/usr/bin/x/y");
	IS("/usr/bin/", "/usr/bin/ruby3.1", "ruby|/usr/bin/");
	IS("/usr/bin/%20/bin/x", "/usr/bin/ruby3.1", "ruby|/usr/bin/ /bin/x");
}

static void pythons_options_are_passed_over(void **state)
{
	(void)state;
	IS("gunicorn", "/usr/bin/python3", "python3|-m|gunicorn|shop:app");
	IS("http.server", "/usr/bin/python3", "python3|-um|http.server");
	IS("http.server", "/usr/bin/python3", "python3|-Imhttp.server");
	IS("a.py", "/usr/bin/python3", "python3|-W|ignore|-Xdev|-X|utf8|-Wx|-uOO|a.py");
	IS("a.py", "/usr/bin/python3", "python3|--check-hash-based-pycs|always|a.py|-c|x");
	IS("m", "/usr/bin/python3", "python3|--|m");
}

static void other_interpreters_have_options_of_their_own(void **state)
{
	(void)state;
	IS("app.js", "/usr/bin/node", "node|--inspect|-r|dotenv|--import=x|--import|y|app.js");
	IS("s.ts", "/usr/bin/deno", "deno|run|--allow-net|s.ts");
	IS("run", "/usr/bin/bun", "bun|run|run");
	IS("dev", "/usr/bin/bun", "bun|--cwd|/x|run|dev");
	IS("a.rb", "/usr/bin/ruby3.1", "ruby|-Ilib|-I|lib|-rjson|-W0|-wvrx|a.rb");
	IS("a.pl", "/usr/bin/perl5.36.0", "perl|-MData::Dumper|-wT|-I|lib|a.pl");
	IS("r.php", "/usr/bin/php8.2", "php|-S|127.0.0.1:1|-t|/srv|r.php");
	IS("/srv/a", "/usr/bin/php8.2", "php|-S|127.0.0.1:1|-t|/srv/a");
	IS("/srv/a", "/usr/bin/php8.2", "php|-S|127.0.0.1:1|-t|/srv/a||"); /* nothing behind it */
	IS("-", "/usr/bin/php8.2", "php|-t|/srv/a|-r|x");
	IS("-", "/usr/bin/php8.2", "php|-S|127.0.0.1:1|-t");
	IS("r.php", "/usr/bin/php", "php|-d|x=1|-f|r.php|--|y");
	IS("/opt/shop.jar", "/opt/jdk/bin/java", "java|-Xmx1g|-Da=b|-jar|/opt/shop.jar|x");
	IS("com.example.Main", "/opt/jdk/bin/java", "java|-cp|/a:/b|com.example.Main");
	IS("shop/com.example.Main", "/opt/jdk/bin/java",
	   "java|--module-path|m|-m|shop/com.example.Main");
	IS("shop.dll", "/usr/bin/dotnet", "dotnet|exec|--depsfile|d|shop.dll");
	IS("a.lua", "/usr/bin/lua5.4", "lua|-l|x|a.lua");
	IS("start.sh", "/usr/bin/bash", "bash|-eu|-o|pipefail|start.sh");
}

static void code_in_an_argument_has_no_name(void **state)
{
	static const char *const lines[][2] = {
		{ "python3", "python3|-c|import x|a.py" },
		{ "python3", "python3|-uc|import x" },
		{ "python3", "python3|-|x" },
		{ "python3", "python3" },
		{ "python3", "python3|-m" },
		{ "python3", "python3|-W" },
		{ "python3", "python3|" },
		{ "python3", "python3|./" },
		{ "node", "node|-e|x" },
		{ "node", "node|--eval|x" },
		{ "perl", "perl|-wne|x" },
		{ "ruby", "ruby|-e|x" },
		{ "php8.2", "php|-r|x" },
		{ "php8.2", "php|-S|127.0.0.1:80" },
		{ "java", "java|-version" },
		{ "bash", "bash|-lc|x y" },
		{ "sh", "sh|--" },
	};
	char exe[32];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(exe, sizeof(exe), "/usr/bin/%s", lines[i][0]);
		IS("-", exe, lines[i][1]);
	}
}

static void an_argument_that_was_cut_is_not_used(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(script_name("/bin/node", "node\0app.js", 11, out, sizeof(out)),
			 SCRIPT_INLINE);
	assert_int_equal(script_name("/bin/node", "node\0app.js", 12, out, sizeof(out)),
			 SCRIPT_NAMED);
	assert_int_equal(script_name("/bin/node", "node", 4, out, sizeof(out)), SCRIPT_INLINE);
}

static void a_name_takes_canonical_form_and_keeps_its_end(void **state)
{
	static const char arguments[] = "node\0/srv/my shop/\xc3\xa4.js";
	char out[72];

	(void)state;
	IS("/srv/my%20shop/%C3%A4.js", "/bin/node", "node|/srv/my shop/\xc3\xa4.js");
	for (size_t size = 8; size < 26; size++) {
		script_name("/bin/node", arguments, sizeof(arguments), out, size);
		assert_true(strlen(out) < size && strlen(out) + 3 >= size);
		assert_true(strstr("/srv/my%20shop/%C3%A4.js", out));
		assert_string_equal(out + strlen(out) - 3, ".js");
		/* never the rest of a %XX */
		assert_false(!strncmp(out, "A4.", 3) || !strncmp(out, "4.js", 4) ||
			     !strncmp(out, "C3%", 3) || !strncmp(out, "3%", 2) ||
			     !strncmp(out, "20shop", 6) || !strncmp(out, "0shop", 5));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_interpreter_has_no_script),
		cmocka_unit_test(two_scripts_of_one_interpreter_are_told_apart),
		cmocka_unit_test(an_installed_program_goes_by_its_base_name),
		cmocka_unit_test(pythons_options_are_passed_over),
		cmocka_unit_test(other_interpreters_have_options_of_their_own),
		cmocka_unit_test(code_in_an_argument_has_no_name),
		cmocka_unit_test(an_argument_that_was_cut_is_not_used),
		cmocka_unit_test(a_name_takes_canonical_form_and_keeps_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
