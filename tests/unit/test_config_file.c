#include "config_file.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the sink was told, one line a key: "where path=item,item". */
static char file_told[4096];

static int file_put(void *ctx, enum config_key key, const char *const *items, const char *where)
{
	size_t n = strlen(file_told);

	(void)ctx;
	n += (size_t)snprintf(file_told + n, sizeof(file_told) - n, "%s %s=", where,
			      config_info(key)->path);
	for (size_t i = 0; items[i]; i++)
		n += (size_t)snprintf(file_told + n, sizeof(file_told) - n, "%s%s", i ? "," : "",
				      items[i]);
	snprintf(file_told + n, sizeof(file_told) - n, "\n");
	return 0;
}

static int file_read(const char *text, size_t length, struct config_error *error)
{
	const struct config_file_sink sink = { NULL, file_put };
	const struct config_text document = { "r.json", text, length };

	file_told[0] = '\0';
	error->text[0] = '\0';
	return config_file_read(&document, &sink, error);
}

static void file_refuses(const char *text, const char *wanted)
{
	struct config_error error;

	assert_int_equal(file_read(text, strlen(text), &error), -EINVAL);
	assert_string_equal(error.text, wanted);
}

static void every_key_comes_with_its_line(void **state)
{
	static const char text[] = "{\n"
				   "  \"run_dir\": \"/x\",\n"
				   "  \"http\": {\n"
				   "    \"socket\": \"/listen\",\n"
				   "    \"listen\": [\"127.0.0.1:1\",\n \"[::1]:2\"],\n"
				   "    \"allowed_hosts\": \"a\"\n"
				   "  },\n"
				   "  \"labels\": {\"b\": \"1\", \"a\": \"\"},\n"
				   "  \"memory\": {\"warning\": 12.5}, \"log\": {}\n"
				   "}\n";
	struct config_error error;

	(void)state;
	assert_int_equal(file_read(text, sizeof(text) - 1, &error), 0);
	assert_string_equal(file_told, "r.json:2 run_dir=/x\n"
				       "r.json:4 http.socket=/listen\n"
				       "r.json:5 http.listen=127.0.0.1:1,[::1]:2\n"
				       "r.json:7 http.allowed_hosts=a\n"
				       "r.json:9 labels=b=1,a=\n"
				       "r.json:10 memory.warning=12.5\n");
}

static void an_unknown_key_is_refused_with_the_nearest(void **state)
{
	(void)state;
	file_refuses("{\"http\": {\n\"lisen\": \"x\"}}",
		     "r.json:2: http.lisen: unknown key; did you mean http.listen?");
	file_refuses("{\n\n\"listen\": \"x\"}",
		     "r.json:3: listen: unknown key; did you mean http.listen?");
	file_refuses("{\"colour\": 1}", "r.json:1: colour: unknown key");
	file_refuses("{\"\": 1}", "r.json:1: : unknown key");
}

static void a_value_of_another_type_is_refused_with_its_place(void **state)
{
	(void)state;
	file_refuses("{\"http\": {\"socket\":\n 7}}", "r.json:1: http.socket: must be a text");
	file_refuses("{\n\"run_dir\": null}", "r.json:2: run_dir: must be a text");
	file_refuses("{\"run_dir\": [\"/x\"]}", "r.json:1: run_dir: must be a text");
	file_refuses("{\"memory\": {\"warning\": true}}",
		     "r.json:1: memory.warning: must be a number from 0 to 100");
	file_refuses("{\"requests\": {\"slow_warning\": 1}}",
		     "r.json:1: requests.slow_warning: must be a duration with a unit, as "
		     "\"250ms\", \"30s\" or \"5m\"");
	file_refuses("{\"http\": {\"listen\": [1]}}",
		     "r.json:1: http.listen: must be a text or a list of texts");
	file_refuses("{\"labels\": {\"a\": 1}}", "r.json:1: labels: must be an object of texts");
	file_refuses("{\"labels\": \"a=b\"}", "r.json:1: labels: must be an object of texts");
	file_refuses("{\n\"http\": []}", "r.json:2: http: must be an object");
	file_refuses("[]", "r.json:1: must be an object");
	file_refuses("7", "r.json:1: '[' or '{' expected near '7'");
}

static void channels_are_objects_each_one_item(void **state)
{
	static const char text[] =
		"{\"alerts\": {\"channels\": {\"ops\": {\"type\": \"slack\", \"url\": "
		"\"http://x\"},\n"
		"\"l\": {\"type\": \"log\"}},\n"
		"\"escalation\": [{\"after\": 4, \"notify\": [\"l\", \"ops\"]}]}}";
	struct config_error error;

	(void)state;
	assert_int_equal(file_read(text, sizeof(text) - 1, &error), 0);
	assert_string_equal(file_told, "r.json:1 alerts.channels=ops\ntype=slack\nurl=http://x\n,"
				       "l\ntype=log\n\n"
				       "r.json:3 alerts.escalation=after=4 notify=l notify=ops\n");
	file_refuses("{\"alerts\": {\"channels\": {\"ops\": {\"type\": \"webhook\",\n\"urll\": "
		     "\"x\"}}}}",
		     "r.json:2: alerts.channels.ops.urll: unknown key; did you mean url?");
	file_refuses("{\"alerts\": {\"channels\": {\n\"ops\": {\"type\": \"webhook\"}}}}",
		     "r.json:2: alerts.channels.ops: a channel of type webhook needs url");
	file_refuses("{\"alerts\": {\"channels\": {\n\"ops\": \"webhook\"}}}",
		     "r.json:2: alerts.channels.ops: must be an object with a type");
	file_refuses("{\"alerts\": {\"channels\": [1]}}",
		     "r.json:1: alerts.channels: must be an object of channels, as {\"ops\": "
		     "{\"type\": \"webhook\", …}}");
	file_refuses("{\"alerts\": {\"escalation\": [\n{\"after\": 1, \"notify\": \"x\"}]}}",
		     "r.json:2: alerts.escalation[0]: after must be a whole number from 2 to 1000");
	file_refuses("{\"alerts\": {\"escalation\": {}}}",
		     "r.json:1: alerts.escalation: must be a list of at most two objects, as "
		     "{\"after\": 3, \"notify\": [\"ops\"]}");
}

static void rules_are_objects_each_one_item(void **state)
{
	static const char text[] =
		"{\"targets\": {\"include\": [{\"exe\": \"/opt/my app/*\", \"port\": 80},\n"
		"{\"cgroup\": \"/system.slice/*\"}],\n"
		"\"exclude\": [],\n"
		"\"names\": [{\"exe\": \"nginx\", \"service\": \"edge\"}]}}";
	struct config_error error;

	(void)state;
	assert_int_equal(file_read(text, sizeof(text) - 1, &error), 0);
	assert_string_equal(file_told, "r.json:1 targets.include=exe=/opt/my%20app/* port=80,"
				       "cgroup=/system.slice/*\n"
				       "r.json:3 targets.exclude=\n"
				       "r.json:4 targets.names=exe=nginx service=edge\n");
}

static void a_wrong_rule_is_refused_where_it_stands(void **state)
{
	char text[256], value[140];

	(void)state;
	file_refuses("{\"targets\": {\"include\": [{\"exe\": \"a\"},\n {\"port\": 80,\n"
		     "\"prot\": 80}]}}",
		     "r.json:3: targets.include[1].prot: unknown key; did you mean port?");
	file_refuses("{\"targets\": {\"exclude\": [{\"port\": 1},\n{\"port\": 70000}]}}",
		     "r.json:2: targets.exclude[1]: port must be a number from 1 to 65535");
	file_refuses("{\"targets\": {\"exclude\": [{\"colour\": 1}]}}",
		     "r.json:1: targets.exclude[0].colour: unknown key");
	file_refuses("{\"targets\": {\"exclude\": [\n{\"exe\": 7}]}}",
		     "r.json:2: targets.exclude[0].exe: must be a text");
	file_refuses("{\"targets\": {\"exclude\": [{\"port\": \"80\"}]}}",
		     "r.json:1: targets.exclude[0].port: must be a number from 1 to 65535");
	file_refuses("{\"targets\": {\"exclude\": [{\"exe\": \"a\"},\n\n{}]}}",
		     "r.json:3: targets.exclude[1]: must say which processes: by exe, service, "
		     "cgroup or port");
	file_refuses("{\"targets\": {\"names\": [[], {\"exe\": \"a\"}]}}",
		     "r.json:1: targets.names[0]: must be a list of at most 64 objects, as "
		     "{\"exe\": \"/usr/sbin/nginx\"}");
	file_refuses("{\"targets\": {\"names\":\n[{\"exe\": \"a\"}]}}",
		     "r.json:2: targets.names[0]: must say how they are called: service");
	file_refuses("{\"targets\": {\"names\": {\"exe\": \"a\"}}}",
		     "r.json:1: targets.names: must be a list of at most 64 objects, as "
		     "{\"exe\": \"/usr/sbin/nginx\"}");
	file_refuses("{\"targets\": {\"excluded\": []}}",
		     "r.json:1: targets.excluded: unknown key; did you mean targets.exclude?");
	memset(value, ' ', sizeof(value) - 1); /* three bytes each, as %20 */
	value[sizeof(value) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"targets\": {\"include\": [{\"exe\": \"%s\"}]}}", value);
	file_refuses(text, "r.json:1: targets.include[0]: must be exe, service, cgroup or port "
			   "with a value of at most 127 bytes");
}

static void a_broken_document_is_refused_with_its_line(void **state)
{
	struct config_error error;

	(void)state;
	assert_int_equal(file_read("{\n\"run_dir\": \"/x\",\n}", 20, &error), -EINVAL);
	assert_memory_equal(error.text, "r.json:3: ", 10);
	assert_int_equal(file_read("", 0, &error), -EINVAL);
	assert_memory_equal(error.text, "r.json:1: ", 10);
	assert_int_equal(file_read("{\"run_dir\": \"\xff\"}", 15, &error), -EINVAL);
	assert_int_equal(file_read("{\"run_dir\": \"/a\\u0000\"}", 23, &error), -EINVAL);
	assert_int_equal(file_read("{}{", 3, &error), -EINVAL);
	assert_string_equal(file_told, "");
}

static void a_key_that_stands_twice_is_refused(void **state)
{
	struct config_error error;
	static const char text[] = "{\"run_dir\": \"/a\",\n\"run_dir\": \"/b\"}";

	(void)state;
	assert_int_equal(file_read(text, sizeof(text) - 1, &error), -EINVAL);
	assert_memory_equal(error.text, "r.json:2: ", 10);
	assert_non_null(strstr(error.text, "run_dir"));
	assert_string_equal(file_told, "");
}

static void a_list_or_a_map_too_long_is_refused(void **state)
{
	char text[4096];
	struct config_error error;
	size_t n;

	(void)state;
	for (int map = 0; map < 2; map++) {
		n = (size_t)snprintf(text, sizeof(text), "%s",
				     map ? "{\"labels\": {" : "{\"http\": {\"listen\": [");
		for (int i = 0; i < 65; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      map ? "%s\"n%d\": \"v\"" : "%s\"127.0.0.1:%d\"",
					      i ? "," : "", i);
		n += (size_t)snprintf(text + n, sizeof(text) - n, map ? "}}" : "]}}");
		assert_int_equal(file_read(text, n, &error), -EINVAL);
		assert_string_equal(file_told, "");
	}
}

static void a_document_deeper_than_any_key_is_searched_safely(void **state)
{
	enum { DEPTH = 500 };
	char text[DEPTH * 16];
	struct config_error error;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < DEPTH; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"k%d\":", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "1");
	for (int i = 0; i < DEPTH; i++)
		text[n++] = '}';
	text[n] = '\0';
	assert_int_equal(file_read(text, n, &error), -EINVAL);
	assert_string_equal(error.text, "r.json:1: k0: unknown key");
}

static void a_name_longer_than_any_key_is_cut_in_the_message(void **state)
{
	char text[2048];
	struct config_error error;
	size_t n = 2;

	(void)state;
	memcpy(text, "{\"", 2);
	memset(text + n, 'a', 1500);
	n += 1500;
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\": 1}");
	assert_int_equal(file_read(text, n, &error), -EINVAL);
	assert_memory_equal(error.text, "r.json:1: aaa", 13);
	assert_true(strlen(error.text) < sizeof(error.text));
}

static void an_origin_at_fault_is_named_with_its_line(void **state)
{
	(void)state;
	file_refuses(
		"{\"cache\": {\"origins\": [\n"
		"  {\"prefix\": \"a:\", \"url\": \"http://h/{rest}\"},\n"
		"  {\"prefix\": \"b:\",\n"
		"   \"url\": \"http://{rest}/\"}]}}",
		"r.json:4: cache.origins[1].url: must be http:// or https:// with a host, perhaps "
		"a port, and a path, without a user name");
	file_refuses("{\"cache\": {\"origins\": [{\"prefix\": \"a:\", \"url\": \"http://h/\", "
		     "\"tll\": \"1s\"}]}}",
		     "r.json:1: cache.origins[0].tll: unknown key; did you mean ttl?");
	file_refuses(
		"{\"cache\": {\"origins\": {\"prefix\": \"a:\"}}}",
		"r.json:1: cache.origins: must be a list of objects, as {\"prefix\": \"users:\", "
		"\"url\": \"http://127.0.0.1:8080/users/{rest}\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_comes_with_its_line),
		cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest),
		cmocka_unit_test(a_value_of_another_type_is_refused_with_its_place),
		cmocka_unit_test(channels_are_objects_each_one_item),
		cmocka_unit_test(rules_are_objects_each_one_item),
		cmocka_unit_test(a_wrong_rule_is_refused_where_it_stands),
		cmocka_unit_test(a_broken_document_is_refused_with_its_line),
		cmocka_unit_test(a_key_that_stands_twice_is_refused),
		cmocka_unit_test(a_list_or_a_map_too_long_is_refused),
		cmocka_unit_test(a_document_deeper_than_any_key_is_searched_safely),
		cmocka_unit_test(an_origin_at_fault_is_named_with_its_line),
		cmocka_unit_test(a_name_longer_than_any_key_is_cut_in_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
