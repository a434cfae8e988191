#include "../../agent/profile/places.c" /* the test itself is the child that it starts */
#include "elf_fixture.h"
#include "jailed.h"
#include "tls_fixture.h"
#include "tls_kind.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int answer_of(struct places *p, struct sites *out)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, p->pid, 0), .events = POLLIN };

	assert_int_equal(poll(&end, 1, 30000), 1);
	close(end.fd);
	return places_take(p, 0, out);
}

static int ask(int file, enum runtime of, struct sites *out)
{
	struct places p = { 0 };
	int result;

	assert_int_equal(places_begin(&p, file, of, 0), 0);
	result = answer_of(&p, out);
	assert_int_equal(p.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	assert_int_equal(fcntl(p.answer, F_GETFD), -1);
	return result;
}

static void a_child_says_where_plain_text_passes(void **state)
{
	struct sites sites = { 0 };
	int file = self_open();

	(void)state;
	if (SANITIZED)
		rs_skip("the jail leaves a sanitizer no room, which the disassembler asks for");
	assert_int_equal(ask(file, PLACES_TLS, &sites), 0);
	assert_int_equal(sites.why, RUNTIME_ATTACHED);
	assert_int_equal(sites.count, 4);
	for (uint32_t i = 0; i < sites.count; i++)
		if (sites.at[i].cookie == TLS_READ)
			assert_int_equal(sites.at[i].offset, place_of((uintptr_t)SSL_read));
	close(file);
}

static void a_child_says_where_a_runtimes_probes_stand(void **state)
{
	struct sites sites = { 0 };
	struct elf_fixture e;
	int file;

	(void)state;
	elf_python(&e);
	file = elf_memfd(&e, e.length);
	assert_int_equal(ask(file, RUNTIME_PYTHON, &sites), 0);
	assert_int_equal(sites.why, RUNTIME_ATTACHED);
	assert_int_equal(sites.count, 2);
	assert_true(sites.collections);
	assert_int_equal(ask(file, PLACES_TLS, &sites), 0);
	assert_int_equal(sites.why, RUNTIME_BARE);
	close(file);
}

static void files_that_cannot_be_read_are_told_so(void **state)
{
	int text = memfd_create("text", MFD_CLOEXEC), ends[2];
	struct sites sites = { 0 };

	(void)state;
	assert_int_equal(write(text, "text", 4), 4);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int of = PLACES_TLS; of <= RUNTIME_NODE; of++) {
		assert_int_equal(ask(text, of, &sites), 0);
		assert_int_equal(sites.why, RUNTIME_UNREADABLE);
		assert_int_equal(ask(ends[0], of, &sites), 0);
		assert_int_equal(sites.why, RUNTIME_UNREADABLE);
	}
	close(text);
	close(ends[0]);
	close(ends[1]);
}

/* A child that does this, as if it had been asked. */
static struct places instead(void (*what)(int answer))
{
	struct places p = { .answer = memfd_create("answer", MFD_CLOEXEC),
			    .of = RUNTIME_PYTHON,
			    .until_ns = 2 };

	p.pid = fork();
	if (p.pid == 0) {
		alarm(60);
		what(p.answer);
		_exit(0);
	}
	return p;
}

static void stay(int answer)
{
	(void)answer;
	pause();
}

static void a_child_has_its_time_and_no_more(void **state)
{
	struct places p = instead(stay);
	struct sites sites;

	(void)state;
	assert_int_equal(places_take(&p, 1, &sites), -EAGAIN);
	assert_int_equal(places_take(&p, 2, &sites), -ETIMEDOUT);
	assert_int_equal(p.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	places_end(&p); /* none */
}

static void what_is_asked_no_more_is_ended(void **state)
{
	struct places p = { 0 };
	int file = self_open();

	(void)state;
	places_end(&p);
	assert_int_equal(places_begin(&p, file, PLACES_TLS, 0), 0);
	places_end(&p);
	assert_int_equal(p.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(file);
}

static void say_nothing(int answer)
{
	(void)answer;
}

static void say_rubbish(int answer)
{
	static const char rubbish[sizeof(struct sites)] = "rubbish";

	file_write(answer, rubbish, sizeof(rubbish));
}

static void say_a_piece(int answer)
{
	static const struct sites bare = { .why = RUNTIME_BARE };

	file_write(answer, &bare, sizeof(bare) - 1);
}

static void say_it_all_and_die(int answer)
{
	static const struct sites bare = { .why = RUNTIME_BARE };

	file_write(answer, &bare, sizeof(bare));
	_exit(1);
}

static void a_child_that_died_or_talks_rubbish_is_not_believed(void **state)
{
	void (*const all[])(int answer) = { say_nothing, say_rubbish, say_a_piece,
					    say_it_all_and_die };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sites sites = { .count = 7 };
		struct places p = instead(all[i]);

		assert_int_equal(answer_of(&p, &sites), -EPROTO);
		assert_int_equal(sites.count, 7); /* as it was */
	}
}

static void a_child_that_cannot_be_had_is_an_error(void **state)
{
	struct places p = { 0 };

	(void)state;
	assert_int_equal(places_begin(&p, -1, PLACES_TLS, 0), 0); /* no file: it says so */
	assert_int_equal(answer_of(&p, &(struct sites){ 0 }), 0);
	p.answer = -1;
	assert_int_equal(places_ask(&p, -1, 0), -EBADF);
	assert_int_equal(p.pid, 0);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_says_where_plain_text_passes),
		cmocka_unit_test(a_child_says_where_a_runtimes_probes_stand),
		cmocka_unit_test(files_that_cannot_be_read_are_told_so),
		cmocka_unit_test(a_child_has_its_time_and_no_more),
		cmocka_unit_test(what_is_asked_no_more_is_ended),
		cmocka_unit_test(a_child_that_died_or_talks_rubbish_is_not_believed),
		cmocka_unit_test(a_child_that_cannot_be_had_is_an_error),
	};

	if (count == 2)
		return jailed_main(arguments[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
