#include "claims.h"
#include "core.h"

#include <stdio.h>
#include <string.h>

/* What is claimed in this environment, all of it in one text. */
static const char *claimed(const char *const *environment)
{
	static char text[512];
	struct home_claims claims = { .service_from = RS_SERVICE_NONE };
	struct claims_found found;

	claims_find(environment, &found);
	claims_take(&found, &claims);
	snprintf(text, sizeof(text), "%s|%d|%s|%d|%s", claims.run_dir, claims.named_run_dir,
		 claims.service, claims.service_from, claims.environment);
	return text;
}

#define CLAIMED(wanted, ...)                                                                       \
	assert_string_equal(claimed((const char *const[]){ __VA_ARGS__, NULL }),                   \
			    "/run/ringside|0|" wanted)
#define ATTRIBUTES "OTEL_RESOURCE_ATTRIBUTES="

static void the_more_explicit_name_wins(void **state)
{
	(void)state;
	CLAIMED("a|1|", ATTRIBUTES "service.name=c", "OTEL_SERVICE_NAME=b", "RINGSIDE_SERVICE=a");
	CLAIMED("b|2|", ATTRIBUTES "service.name=c", "OTEL_SERVICE_NAME=b", "RINGSIDE_SERVICE=");
	CLAIMED("c|3|", ATTRIBUTES "service.name=c", "OTEL_SERVICE_NAME=");
	CLAIMED("|0|", ATTRIBUTES);
	CLAIMED("|0|", "XRINGSIDE_SERVICE=x", "RINGSIDE_SERVICEX=x", "RINGSIDE_SERVICE");
	assert_string_equal(claimed(NULL), "/run/ringside|0||0|");
}

static void of_two_variables_the_first_counts_as_for_getenv(void **state)
{
	(void)state;
	CLAIMED("a|1|", "RINGSIDE_SERVICE=a", "RINGSIDE_SERVICE=b");
}

static void a_run_directory_is_named_or_the_usual_one(void **state)
{
	const char *const named[] = { "RINGSIDE_RUN_DIR=/run/x", NULL };

	(void)state;
	assert_string_equal(claimed(named), "/run/x|1||0|");
	CLAIMED("|0|", "RINGSIDE_RUN_DIR=");
}

static void attributes_are_percent_decoded_and_trimmed(void **state)
{
	(void)state;
	CLAIMED("my shop, 50%|3|", ATTRIBUTES "k=v,service.name=my%20shop%2c%2050%25");
	CLAIMED("a=b|3|", ATTRIBUTES "service.name=a=b");
	CLAIMED("shop|3|", ATTRIBUTES "k=v , service%2Ename\t= shop ,z=1");
	CLAIMED("\xc3\xa4|3|", ATTRIBUTES "service.name=%C3%a4");
	CLAIMED("two|3|", ATTRIBUTES "service.name=one,service.name=two");
	CLAIMED("|0|", ATTRIBUTES "x.service.name=a,service.name.x=b,service.names=c");
	CLAIMED("|0|", ATTRIBUTES "service.name=");
	CLAIMED("a|3|", ATTRIBUTES ",,service.name=a,");
}

static void attributes_with_any_error_are_dropped_whole(void **state)
{
	static const char *const bad[] = { "%", "%2", "%2g", "%g2", "%00", "x%", "%%20" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), ATTRIBUTES "service.name=a,k=%s", bad[i]);
		CLAIMED("|0|", text);
		snprintf(text, sizeof(text), ATTRIBUTES "%s=v,service.name=a", bad[i]);
		CLAIMED("|0|", text);
		snprintf(text, sizeof(text), ATTRIBUTES "service.name=%s", bad[i]);
		CLAIMED("|0|", text);
	}
	CLAIMED("|0|", ATTRIBUTES "service.name=a,novalue");
}

static void the_environment_is_what_the_attributes_say_else_nodes(void **state)
{
	(void)state;
	CLAIMED("|0|production", "NODE_ENV=production");
	CLAIMED("|0|staging", "NODE_ENV=x", ATTRIBUTES "deployment.environment=staging");
	CLAIMED("|0|new", ATTRIBUTES "deployment.environment=old,deployment.environment.name=new");
	CLAIMED("|0|x", "NODE_ENV=x", ATTRIBUTES "deployment.environment=%zz");
}

static void what_is_too_long_is_cut_and_ends(void **state)
{
	struct home_claims claims = { .service_from = RS_SERVICE_NONE };
	char value[600] = "service.name=";
	struct claims_found found = { .attributes = value };

	(void)state;
	memset(value + strlen(value), 'x', 500);
	claims_take(&found, &claims);
	assert_int_equal(strlen(claims.service), sizeof(claims.service) - 1);
	found.service = value;
	found.run_dir = value;
	found.node = value;
	claims_take(&found, &claims);
	assert_int_equal(strlen(claims.service), sizeof(claims.service) - 1);
	assert_int_equal(strlen(claims.run_dir), sizeof(claims.run_dir) - 1);
	assert_int_equal(strlen(claims.environment), sizeof(claims.environment) - 1);
}

static bool refused(const char *variable)
{
	const char *const environment[] = { "A=b", variable, NULL };
	struct claims_found found;

	claims_find(environment, &found);
	return claims_refuse(&found);
}

static void two_words_opt_out_and_no_others(void **state)
{
	(void)state;
	assert_true(refused("RINGSIDE=disabled"));
	assert_true(refused("PERFORMANCE_MONITORING_ENABLED=false"));
	assert_false(refused("RINGSIDE=disable"));
	assert_false(refused("RINGSIDE=disabled "));
	assert_false(refused("PERFORMANCE_MONITORING_ENABLED=true"));
	assert_false(refused("PERFORMANCE_MONITORING_ENABLED="));
	assert_false(refused("X=disabled"));
}

static void arguments_are_copied_whole_while_they_fit(void **state)
{
	const char *const argv[] = { "node", "", "a.js", "long", NULL };
	char out[14];

	(void)state;
	memset(out, 'x', sizeof(out));
	claims_arguments(argv, out, sizeof(out));
	assert_memory_equal(out, "node\0\0a.js\0\0\0\0", sizeof(out));
	memset(out, 'x', sizeof(out));
	claims_arguments(argv, out, 11); /* no room for the NUL that ends them */
	assert_memory_equal(out, "node\0\0\0\0\0\0\0xxx", sizeof(out));
	claims_arguments(NULL, out, sizeof(out));
	assert_memory_equal(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(out));
}

static void of_a_long_argument_its_end_is_kept_of_an_option_its_beginning(void **state)
{
	char path[300] = "/begin", option[300] = "--begin";
	const char *const argv[] = { path, option, "z", NULL };
	char out[RS_ARGUMENTS_BYTES];

	(void)state;
	memset(path + 6, 'x', 200);
	strcpy(path + 206, "/end");
	memset(option + 7, 'x', 200);
	claims_arguments(argv, out, sizeof(out));
	assert_int_equal(strlen(out), RS_ARGUMENT_BYTES - 1);
	assert_string_equal(out + RS_ARGUMENT_BYTES - 6, "x/end");
	assert_int_equal(strlen(out + RS_ARGUMENT_BYTES), RS_OPTION_BYTES - 1);
	assert_memory_equal(out + RS_ARGUMENT_BYTES, "--begin", 7);
	assert_string_equal(out + RS_ARGUMENT_BYTES + RS_OPTION_BYTES, "z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_more_explicit_name_wins),
		cmocka_unit_test(of_two_variables_the_first_counts_as_for_getenv),
		cmocka_unit_test(a_run_directory_is_named_or_the_usual_one),
		cmocka_unit_test(attributes_are_percent_decoded_and_trimmed),
		cmocka_unit_test(attributes_with_any_error_are_dropped_whole),
		cmocka_unit_test(the_environment_is_what_the_attributes_say_else_nodes),
		cmocka_unit_test(what_is_too_long_is_cut_and_ends),
		cmocka_unit_test(two_words_opt_out_and_no_others),
		cmocka_unit_test(arguments_are_copied_whole_while_they_fit),
		cmocka_unit_test(of_a_long_argument_its_end_is_kept_of_an_option_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
