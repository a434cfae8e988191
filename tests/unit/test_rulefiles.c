#include "rulefiles.h"

#include "bundle.h"
#include "link.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];
static int ends[2];
static struct rulefiles r;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_rulefiles_XXXXXX");
	if (!mkdtemp(folder) || link_open(ends))
		return -1;
	r = (struct rulefiles){ .folder = folder, .link = ends[0] };
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	close(ends[0]);
	close(ends[1]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void file_holds(const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/a.json", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The files that came; -1: no message. */
static int came(void)
{
	struct link_message message;
	struct bundle_file file;
	struct bundle bundle;
	int fd, count = 0;

	if (link_receive(ends[1], &message, &fd) != 1)
		return -1;
	assert_int_equal(message.kind, LINK_RULES);
	assert_int_equal(bundle_open(&bundle, fd), 0);
	close(fd);
	while (bundle_next(&bundle, &file))
		count++;
	bundle_close(&bundle);
	return count;
}

static void files_are_handed_on_once_and_again_when_they_change(void **state)
{
	(void)state;
	rulefiles_second(&r);
	assert_int_equal(came(), 0); /* no file is told too */
	rulefiles_second(&r);
	assert_int_equal(came(), -1);
	file_holds("[]");
	rulefiles_second(&r);
	assert_int_equal(came(), 1);
	rulefiles_second(&r);
	assert_int_equal(came(), -1);
	rulefiles_again(&r);
	rulefiles_second(&r);
	assert_int_equal(came(), 1);
}

static void a_worker_that_is_behind_gets_them_later(void **state)
{
	struct link_message message = { .kind = LINK_COMPLETE };
	int fd;

	(void)state;
	while (!link_send(ends[0], &message, -1))
		;
	rulefiles_second(&r);
	assert_int_equal(r.mark, 0);
	while (link_receive(ends[1], &message, &fd) == 1)
		;
	rulefiles_second(&r);
	assert_int_equal(came(), 0);
}

static void without_alerts_nothing_is_read(void **state)
{
	(void)state;
	r.folder = NULL;
	rulefiles_second(&r);
	assert_int_equal(came(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_handed_on_once_and_again_when_they_change,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_is_behind_gets_them_later, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_alerts_nothing_is_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
