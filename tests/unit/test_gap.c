#include "../../agent/drain/wire.c" /* white box: it is told what the probe would tell */
#include "gap.bpf.h"
#include "wire_fixture.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
#define BODY "hi"
#define CLASS 2

/* As http.bpf.c, of one connection; full: the nth of its events finds no room, by bits. */
struct kernel {
	struct fixture f;
	struct gap gap;
	uint32_t full, tried;
	uint32_t class;
	bool begun, known, hidden, cut;
	uint32_t lost;
};

static bool tells(struct kernel *k, struct http_event e, const char *text)
{
	if (k->full >> k->tried++ & 1)
		return false;
	event(&k->f, e, text);
	k->known = true;
	return true;
}

static void introduces(struct kernel *k)
{
	k->begun = tells(k,
			 (struct http_event){ .kind = HTTP_ACCEPTED,
					      .seq = k->f.in,
					      .other = k->f.out,
					      .length = k->gap.open },
			 NULL);
}

static bool resumes(struct kernel *k, const char *text)
{
	struct http_event e = {
		.kind = HTTP_RESUMED, .seq = k->f.in, .other = k->f.out, .length = k->gap.lost
	};

	if (!gap_ends(&k->gap, gap_is_request((const uint8_t *)text)))
		return false;
	e.length += k->hidden && k->class;
	if (!tells(k, e, NULL))
		return false;
	gap_over(&k->gap, (const uint8_t *)text);
	k->begun = true;
	return true;
}

static void arrives(struct kernel *k, const char *text)
{
	uint32_t n = (uint32_t)strlen(text), at = k->f.in;
	bool hides = gap_hides(&k->gap, 0) && !resumes(k, text);

	k->f.in += n;
	if (hides)
		return;
	k->f.in = at;
	if (!k->begun && (!k->known || k->gap.open))
		introduces(k);
	k->f.in += n;
	if (!tells(k,
		   (struct http_event){ .kind = HTTP_ARRIVED, .seq = at, .length = n, .kept = n },
		   text))
		gap_begin(&k->gap);
}

static void reads(struct kernel *k, uint32_t bytes)
{
	if (gap_hides(&k->gap, 0))
		return;
	if (!tells(k,
		   (struct http_event){
			   .kind = HTTP_READ, .pid = PID, .seq = k->f.in, .length = bytes },
		   NULL))
		gap_begin(&k->gap);
}

/* A call begins to write; text: NULL where it is a file. */
static void begins_to_write(struct kernel *k, const char *text, uint32_t bytes, uint32_t class)
{
	k->class = class;
	k->hidden = k->gap.open;
	k->cut = false;
	if (text && !gap_hides(&k->gap, class))
		k->cut = !tells(k,
				(struct http_event){ .kind = HTTP_WRITING,
						     .pid = PID,
						     .seq = k->f.out,
						     .length = bytes,
						     .kept = bytes },
				text);
	k->f.out += bytes;
}

static void has_written(struct kernel *k, uint32_t bytes)
{
	const struct http_event e = {
		.kind = HTTP_WROTE, .pid = PID, .seq = k->f.out, .length = bytes
	};
	uint32_t class = k->class;

	k->class = 0;
	if (k->hidden && !k->gap.open) {
		k->lost += class != 0;
		return;
	}
	if (k->cut)
		gap_begin(&k->gap);
	if (!gap_hides(&k->gap, class) && !tells(k, e, NULL))
		gap_begin(&k->gap);
	if (k->gap.open)
		k->lost += gap_wrote(&k->gap, class) != 0;
	else
		gap_told(&k->gap, class);
}

static void write_whole(struct kernel *k, const char *text, uint32_t bytes, uint32_t class)
{
	begins_to_write(k, text, bytes, class);
	has_written(k, bytes);
}

static void asks_for(struct kernel *k, const char *text)
{
	arrives(k, text);
	reads(k, (uint32_t)strlen(text));
	k->hidden = false;
}

static void starts(struct kernel *k, uint32_t full)
{
	memset(k, 0, sizeof(*k));
	fixture_open(&k->f);
	k->full = full;
	k->f.out = 900;
	introduces(k);
}

/* Its end is told sooner or later. */
static void ends(struct kernel *k)
{
	if (k->known)
		event(&k->f,
		      (struct http_event){
			      .kind = HTTP_CLOSED, .length = k->gap.open, .seq = k->gap.lost },
		      NULL);
	wire_round(k->f.wire, k->f.now_ns);
}

static uint32_t unparsed(const struct kernel *k)
{
	uint64_t n = 0;

	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		n += k->f.totals.unparsed[i];
	return (uint32_t)n;
}

static uint32_t delivered(struct kernel *k)
{
	return (uint32_t)k->f.totals.requests;
}

static void forget(struct kernel *k)
{
	assert_int_equal(k->f.totals.begun, k->f.totals.requests); /* none stays in flight */
	assert_int_equal(k->f.wire->bytes, 0);
	fixture_close(&k->f, k->f.text);
}

/* Head and body by one call or by two, the second a file. */
static void whatever_finds_no_room_each_answer_counts_once(void **state)
{
	struct kernel k;

	(void)state;
	for (uint32_t full = 0; full < 1u << 14; full++) {
		starts(&k, full);
		for (int i = 0; i < 3; i++) {
			asks_for(&k, "GET /a HTTP/1.1\r\n\r\n");
			if (i == 1) {
				write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
				continue;
			}
			write_whole(&k, HEAD, sizeof(HEAD) - 1, CLASS);
			write_whole(&k, NULL, sizeof(BODY) - 1, 0);
		}
		ends(&k);
		if (delivered(&k) + k.lost != 3 || unparsed(&k))
			fail_msg("full %#x: %u told, %u lost, %u unparsed: %s", full, delivered(&k),
				 k.lost, unparsed(&k), k.f.text);
		forget(&k);
	}
}

/* Its client had the answer, and asks for more, ahead of the end of the call that wrote it. */
static void a_client_that_is_quick_is_counted_once_too(void **state)
{
	struct kernel k;

	(void)state;
	for (uint32_t full = 0; full < 1u << 12; full++) {
		starts(&k, full);
		arrives(&k, "GET /a HTTP/1.1\r\n\r\n");
		for (int i = 0; i < 3; i++) {
			reads(&k, 19);
			begins_to_write(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
			if (i < 2)
				arrives(&k, "GET /b HTTP/1.1\r\n\r\n");
			has_written(&k, sizeof(HEAD BODY) - 1);
		}
		ends(&k);
		if (delivered(&k) + k.lost != 3 || unparsed(&k))
			fail_msg("full %#x: %u told, %u lost, %u unparsed: %s", full, delivered(&k),
				 k.lost, unparsed(&k), k.f.text);
		forget(&k);
	}
}

/* Two in one packet and one read: what the kernel cannot tell apart is said to be lost. */
static void of_pipelined_ones_none_is_untold(void **state)
{
	struct kernel k;

	(void)state;
	for (uint32_t full = 0; full < 1u << 12; full++) {
		starts(&k, full);
		for (int i = 0; i < 2; i++) {
			asks_for(&k, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
			write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
			write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
		}
		ends(&k);
		if (delivered(&k) + k.lost > 4 || delivered(&k) + k.lost + unparsed(&k) < 4)
			fail_msg("full %#x: %u told, %u lost, %u unparsed: %s", full, delivered(&k),
				 k.lost, unparsed(&k), k.f.text);
		forget(&k);
	}
}

/* The second was answered, and its client asks for more, while the call that wrote it goes on. */
static void an_answer_that_is_being_written_when_it_goes_on_was_counted(void **state)
{
	struct kernel k;

	(void)state;
	starts(&k, 1u << 4); /* that the first was written */
	asks_for(&k, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
	begins_to_write(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
	arrives(&k, "GET /c HTTP/1.1\r\n\r\n");
	has_written(&k, sizeof(HEAD BODY) - 1);
	reads(&k, 19);
	write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
	ends(&k);
	assert_int_equal(k.lost, 2);
	assert_int_equal(unparsed(&k), 0);
	assert_string_equal(k.f.text, "1 /c 200 19/40 20 0;");
	forget(&k);
}

/* In a body of several packets, an interim answer ahead of it. */
static void an_upload_counts_by_its_last_answer(void **state)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct kernel k;

	(void)state;
	for (uint32_t full = 0; full < 1u << 13; full++) {
		starts(&k, full);
		for (int i = 0; i < 2; i++) {
			asks_for(&k, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
				     "4\r\n\r\n");
			write_whole(&k, interim, sizeof(interim) - 1, GAP_CLASSES + 1);
			asks_for(&k, "Ab");
			asks_for(&k, "Cd");
			write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
		}
		ends(&k);
		if (delivered(&k) + k.lost > 2 || delivered(&k) + k.lost + unparsed(&k) < 2)
			fail_msg("full %#x: %u told, %u lost, %u unparsed: %s", full, delivered(&k),
				 k.lost, unparsed(&k), k.f.text);
		forget(&k);
	}
}

static void what_was_not_answered_behind_a_gap_is_aborted(void **state)
{
	struct kernel k;

	(void)state;
	starts(&k, 1u << 2 | 1u << 4); /* an answer, and later a read */
	k.full = 0;
	asks_for(&k, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	k.full = UINT32_MAX;
	write_whole(&k, HEAD BODY, sizeof(HEAD BODY) - 1, CLASS);
	ends(&k);
	assert_int_equal(k.lost, 1);
	assert_int_equal(delivered(&k), 1);
	assert_non_null(strstr(k.f.text, "1 /b 0 "));
	forget(&k);
}

static void a_101_ends_what_can_be_counted_by_status(void **state)
{
	struct gap g = { 0 };

	(void)state;
	gap_told(&g, GAP_SWITCHES);
	gap_begin(&g);
	assert_false(gap_hides(&g, 0));
	assert_int_equal(gap_wrote(&g, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_finds_no_room_each_answer_counts_once),
		cmocka_unit_test(a_client_that_is_quick_is_counted_once_too),
		cmocka_unit_test(of_pipelined_ones_none_is_untold),
		cmocka_unit_test(an_answer_that_is_being_written_when_it_goes_on_was_counted),
		cmocka_unit_test(an_upload_counts_by_its_last_answer),
		cmocka_unit_test(what_was_not_answered_behind_a_gap_is_aborted),
		cmocka_unit_test(a_101_ends_what_can_be_counted_by_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
