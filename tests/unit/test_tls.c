#include "../../agent/capture/tls.c" /* white box: how many links there are */
#include "filter.h"
#include "http_event.h"
#include "ring.h"
#include "tls_fixture.h"

#include <arpa/inet.h>

#define SKIPPED 77

static struct probe_filter *filter;
static struct http *http;
static struct tls *tls;
static struct ring *ring;
static struct sites places;
static int file;

struct heard {
	char text[512];
	unsigned long long session, carrier;
};

/* Of TLS alone. */
static void hear(void *ctx, const void *record, size_t bytes)
{
	static const char *const kinds[] = { "carrier", "read", "wrote", "over" };
	const struct http_event *e = record;
	struct heard *h = ctx;
	size_t n = strlen(h->text);

	(void)bytes;
	if (e->kind == HTTP_ACCEPTED)
		h->carrier = e->connection;
	if (e->kind < HTTP_TLS_CARRIER)
		return;
	assert_true(e->connection >= HTTP_SESSION);
	h->session = e->connection;
	if (e->kind == HTTP_TLS_CARRIER)
		assert_int_equal(e->seq | (unsigned long long)e->other << 32, h->carrier);
	snprintf(h->text + n, sizeof(h->text) - n, "%s %u %.*s;", kinds[e->kind - HTTP_TLS_CARRIER],
		 e->kind == HTTP_TLS_CARRIER ? 0 : e->seq, (int)e->kept, (const char *)(e + 1));
}

static void heard(struct heard *h, const char *text)
{
	h->text[0] = '\0';
	ring_read(ring, hear, h);
	assert_string_equal(h->text, text);
}

static void put(struct sites *to, uintptr_t function, enum tls_kind kind, enum tls_role role)
{
	to->at[to->count++] =
		(struct site){ .offset = place_of(function), .cookie = kind, .role = role };
}

static int fixture(void **state)
{
	(void)state;
	ssl_socket = -1;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	return tls_attach(tls, getpid(), file, &places);
}

static int fixture_end(void **state)
{
	struct heard h = { 0 };

	(void)state;
	tls_forget(tls, getpid());
	ring_read(ring, hear, &h);
	return tls_any(tls);
}

static void what_is_read_and_written_is_told_by_position(void **state)
{
	struct heard h = { 0 };
	char text[] = "question", answer[] = "answer";
	size_t moved;
	int session = 0;

	(void)state;
	assert_int_equal(SSL_read(&session, text, 8), 8);
	assert_int_equal(SSL_write_ex(&session, answer, 6, &moved), 1);
	assert_int_equal(SSL_write_ex(&session, answer, 0, &moved), 0);
	assert_int_equal(SSL_read(&session, text, 4), 4);
	assert_int_equal(SSL_read(&session, text, -1), -1);
	heard(&h, "read 8 question;wrote 6 answer;read 12 ques;");
	SSL_free(&session);
	heard(&h, "over 0 ;");
	SSL_free(&session);
	heard(&h, "");
}

static void its_connection_is_the_one_that_the_call_received_from(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), session = 0;
	struct heard h = { 0 };
	char text[] = "plain";

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, bytes), 0);
	ssl_socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(send(client, "cipher", 6, 0), 6);
	SSL_read(&session, text, 5);
	heard(&h, "carrier 0 ;read 5 plain;");
	SSL_free(&session);
	heard(&h, "over 0 ;");
	close(ssl_socket);
	close(client);
	close(listener);
}

static void a_call_that_had_begun_belongs_to_what_was_freed_meanwhile(void **state)
{
	unsigned long long freed;
	struct heard h = { 0 };
	char text[] = "plain";
	int session = 0;

	(void)state;
	ssl_freed = &session;
	SSL_read(&session, text, 5);
	ssl_freed = NULL;
	heard(&h, "read 5 plain;"); /* it was none before, so that its end is no news */
	SSL_read(&session, text, 5);
	ssl_freed = &session;
	SSL_read(&session, text, 5);
	ssl_freed = NULL;
	heard(&h, "read 10 plain;over 0 ;read 15 plain;");
	freed = h.session;
	SSL_read(&session, text, 5);
	heard(&h, "read 5 plain;");
	assert_true(h.session != freed);
	SSL_free(&session);
}

static void what_another_socket_carries_is_a_clients(void **state)
{
	struct heard h = { 0 };
	char text[] = "plain";
	int pair[2], session = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[0], "cipher", 6, 0), 6);
	ssl_socket = pair[1];
	SSL_read(&session, text, 5);
	heard(&h, "over 0 ;");
	ssl_socket = -1;
	SSL_read(&session, text, 5);
	heard(&h, "");
	close(pair[0]);
	close(pair[1]);
	SSL_free(&session);
}

static void what_says_that_it_connects_is_a_clients(void **state)
{
	struct heard h = { 0 };
	char text[] = "plain";
	int session = 0;

	(void)state;
	SSL_set_connect_state(&session);
	SSL_read(&session, text, 5);
	heard(&h, "");
	SSL_free(&session);
}

static void who_is_forgotten_or_no_target_is_not_heard(void **state)
{
	struct heard h = { 0 };
	char text[] = "plain";
	int session = 0;

	(void)state;
	assert_int_equal(tls->count, 2);
	probe_filter_put(filter, getpid(), FILTER_WATCHED);
	SSL_read(&session, text, 5);
	heard(&h, "");
	probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE);
	tls_forget(tls, getpid());
	assert_int_equal(tls->count, 0);
	SSL_read(&session, text, 5);
	heard(&h, "");
}

#ifdef __x86_64__
/* As Go calls: what it reads into comes back by the same register, and a handshake within. */
__asm__(".text\n"
	"go_read: nop\n call go_shake\n mov %rcx, %rax\n go_read_end: ret\n"
	"go_shake: nop\n go_shake_end: ret\n");
extern const char go_read[], go_read_end[], go_shake[], go_shake_end[];

static void go_calls(const void *goroutine, const void *session, const void *text, long bytes)
{
	register const void *r14 __asm__("r14") = goroutine;

	__asm__ volatile("sub $128, %%rsp\n call go_read\n add $128, %%rsp"
			 : "+a"(session), "+r"(r14)
			 : "b"(text), "c"(bytes)
			 : "memory", "cc");
}
#endif

static void what_go_reads_goes_by_its_goroutine(void **state)
{
#ifdef __x86_64__
	struct sites all = { .count = 0 };
	struct heard h = { 0 };
	int session = 0, goroutine = 0;

	(void)state;
	put(&all, (uintptr_t)go_read, TLS_READ, TLS_GO);
	put(&all, (uintptr_t)go_read_end, TLS_READ, TLS_GO_RETURN);
	put(&all, (uintptr_t)go_shake, TLS_HANDSHAKE, TLS_GO);
	put(&all, (uintptr_t)go_shake_end, TLS_HANDSHAKE, TLS_GO_RETURN);
	assert_int_equal(tls_attach(tls, getpid(), file, &all), 0);
	assert_int_equal(tls->count, 4);
	go_calls(&goroutine, &session, "question", 8);
	heard(&h, "read 8 question;");
	SSL_free(&session);
	heard(&h, "over 0 ;");
#else
	(void)state;
	rs_skip("the code is of x86-64");
#endif
}

static void loaded_is_what_is_attached(void **state)
{
	struct probe_state now;

	(void)state;
	tls_look(tls, &now);
	assert_int_equal(now.facilities[0].state, FACILITY_LOADED);
	tls_forget(tls, getpid());
	tls_look(tls, &now);
	assert_int_equal(now.facilities[0].state, FACILITY_IDLE);
	assert_true(tls_attach(tls, getpid(), -1, &places) < 0);
	assert_int_equal(tls->count, 0); /* of what is refused nothing stays */
	tls_look(tls, &now);
	assert_int_equal(now.facilities[0].state + now.facilities[1].state, FACILITY_REFUSED);
}

/* A target that filters system calls would be ended by it. */
static void no_return_probe_is_put_where_it_could_harm(void **state)
{
	struct sites call = { .count = 0 };
	struct probe_state now;

	(void)state;
	tls_forget(tls, getpid());
	tls->asked = true;
	tls->returns = false;
	assert_int_equal(tls_attach(tls, getpid(), file, &places), -EOPNOTSUPP);
	assert_int_equal(tls->count, 0);
	tls_look(tls, &now);
	assert_int_equal(now.facilities[1].state, FACILITY_REFUSED);
	assert_int_equal(now.facilities[1].error, EOPNOTSUPP);
	put(&call, (uintptr_t)SSL_read, TLS_READ, TLS_C_CALL);
	assert_int_equal(tls_attach(tls, getpid(), file, &call), 0); /* it has none */
	tls->asked = false;
}

static bool busy(void *ctx)
{
	(void)ctx;
	return true;
}

/* It would fork to find out whether return probes are safe. */
static void nothing_is_begun_while_the_kernel_waits(void **state)
{
	const struct uprobes_maker maker = { .waits = busy };

	(void)state;
	tls_forget(tls, getpid());
	uprobes_maker_set(&maker);
	tls->asked = false;
	assert_int_equal(tls_attach(tls, getpid(), file, &places), -ETIMEDOUT);
	assert_false(tls->asked);
	uprobes_maker_set(NULL);
}

static void who_ended_meanwhile_refuses_nothing(void **state)
{
	struct probe_state now;

	(void)state;
	assert_int_equal(tls_attach(tls, INT32_MAX, file, &places), -ESRCH);
	tls_look(tls, &now);
	assert_int_equal(now.facilities[0].state, FACILITY_LOADED);
	assert_int_equal(now.facilities[1].state, FACILITY_LOADED);
}

static void name_places(void)
{
	put(&places, (uintptr_t)SSL_read, TLS_READ, TLS_C);
	put(&places, (uintptr_t)SSL_write_ex, TLS_WRITE_EX, TLS_C);
	put(&places, (uintptr_t)SSL_free, TLS_FREE, TLS_C);
	put(&places, (uintptr_t)SSL_set_connect_state, TLS_CONNECTS, TLS_C);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture, fixture_end)
		TEST(what_is_read_and_written_is_told_by_position),
		TEST(a_call_that_had_begun_belongs_to_what_was_freed_meanwhile),
		TEST(its_connection_is_the_one_that_the_call_received_from),
		TEST(what_another_socket_carries_is_a_clients),
		TEST(what_says_that_it_connects_is_a_clients),
		TEST(who_is_forgotten_or_no_target_is_not_heard),
		TEST(what_go_reads_goes_by_its_goroutine),
		TEST(loaded_is_what_is_attached),
		TEST(no_return_probe_is_put_where_it_could_harm),
		TEST(nothing_is_begun_while_the_kernel_waits),
		TEST(who_ended_meanwhile_refuses_nothing),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	file = self_open();
	name_places();
	if (result == 0)
		result = http_open(&http, HTTP_SOCKETS, filter, &now);
	if (result == 0)
		result = tls_open(&tls, filter, http, &now);
	if (result == 0)
		result = ring_open(&ring, http_ring(http), HTTP_RING_BYTES);
	if (result) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	ring_close(ring);
	tls_close(tls);
	tls_close(NULL);
	http_close(http);
	probe_filter_close(filter);
	close(file);
	return failed;
}
