#include "filter.h"
#include "http.h"
#include "sets.h"
#include "tls_fixture.h"
#include "tls_kind.h"
#include "uprobe.h"

#include <errno.h>

static struct probe_filter *filter;
static struct http *http;
static struct probe *probe;
static int file;

static int test_setup(void **state)
{
	struct probe_state now;

	(void)state;
	file = self_open();
	if (!probe_filter_open(&filter) && !http_open(&http, filter, &now))
		probe_open_beside(&probe, sets_at(SETS_TLS), filter, http_probe(http), &now);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	probe_close(probe);
	http_close(http);
	probe_filter_close(filter);
	close(file);
	return 0;
}

static void a_link_is_for_one_process_and_closes_by_itself(void **state)
{
	const uint64_t offset = place_of((uintptr_t)SSL_free), cookie = TLS_FREE;
	struct uprobe u = {
		.file = file, .pid = getpid(), .offsets = &offset, .cookies = &cookie, .count = 1
	};
	char path[64], text[512] = "";
	int link;
	FILE *info;

	(void)state;
	if (!probe)
		rs_skip("bpf() is refused here");
	u.program = probe_program(probe, "tls_call");
	link = uprobe_attach(&u);
	assert_true(link >= 0);
	assert_true(fcntl(link, F_GETFD) & FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", link);
	info = fopen(path, "re");
	assert_non_null(info);
	assert_true(fread(text, 1, sizeof(text) - 1, info) > 0);
	fclose(info);
	assert_non_null(strstr(text, "uprobe_multi"));
	close(link);
}

static void what_is_no_program_or_no_file_is_refused(void **state)
{
	const uint64_t offset = place_of((uintptr_t)SSL_free), cookie = TLS_FREE;
	struct uprobe u = { .program = -1,
			    .file = file,
			    .pid = getpid(),
			    .offsets = &offset,
			    .cookies = &cookie,
			    .count = 1 };

	(void)state;
	assert_true(uprobe_attach(&u) < 0);
	if (!probe)
		rs_skip("bpf() is refused here");
	u.program = probe_program(probe, "tls_call");
	u.file = 9999;
	assert_true(uprobe_attach(&u) < 0);
	assert_int_equal(probe_program(probe, "nothing"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_for_one_process_and_closes_by_itself),
		cmocka_unit_test(what_is_no_program_or_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
