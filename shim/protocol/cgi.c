#include "cgi.h"

#include <string.h>

#define CGI_FASTCGI_TELLS 6u /* bytes */
#define CGI_UWSGI_HEAD 4u
#define CGI_NAME_MOST 64u  /* of the first variable of uwsgi */
#define CGI_DIGITS_MOST 6u /* of SCGI's length */

#define cgi_get(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define cgi_set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

enum cgi_step {
	CGI_AT_HEAD,
	CGI_AT_VARIABLES,
	CGI_AT_BODY,
};

static bool cgi_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') <= 9;
}

/* A netstring whose first variable is CONTENT_LENGTH: "70:CONTENT_LENGTH". */
static bool cgi_is_scgi(const uint8_t *bytes, size_t n)
{
	static const char name[] = "CONTENT_LENGTH";
	size_t digits = 0;

	while (digits < n && digits < CGI_DIGITS_MOST && cgi_is_digit(bytes[digits]))
		digits++;
	if (digits < 2 || n <= digits || bytes[digits] != ':')
		return false;
	n -= digits + 1;
	return !memcmp(bytes + digits + 1, name, n < sizeof(name) - 1 ? n : sizeof(name) - 1);
}

/*
 * A modifier (Python, Perl, Ruby, PHP …: all below the first byte of TLS), the length of all
 * variables, 0; then the first variable's name.
 */
static bool cgi_is_uwsgi(const uint8_t *bytes, size_t n)
{
	uint32_t length;

	if (n < CGI_UWSGI_HEAD || bytes[0] >= 0x16 || bytes[3])
		return false;
	length = (uint32_t)(bytes[1] | bytes[2] << 8);
	if (length < CGI_UWSGI_HEAD || (n > 5 && (bytes[5] || !bytes[4])))
		return false;
	if (n > 4 && (bytes[4] > CGI_NAME_MOST || bytes[4] + CGI_UWSGI_HEAD > length))
		return false;
	return n < 7 || (bytes[6] >= 'A' && bytes[6] <= 'Z');
}

enum cgi_kind cgi_begins(const uint8_t *bytes, size_t n)
{
	if (n >= CGI_FASTCGI_TELLS && fastcgi_is_begin(bytes, n))
		return CGI_FASTCGI;
	if (cgi_is_scgi(bytes, n))
		return CGI_SCGI;
	return cgi_is_uwsgi(bytes, n) ? CGI_UWSGI : CGI_NONE;
}

static const struct {
	uint8_t form; /* enum variables_form */
	uint8_t protocol;
} cgi_kinds[] = {
	[CGI_FASTCGI] = { VARIABLES_FASTCGI, RS_PROTOCOL_FASTCGI },
	[CGI_SCGI] = { VARIABLES_SCGI, RS_PROTOCOL_SCGI },
	[CGI_UWSGI] = { VARIABLES_UWSGI, RS_PROTOCOL_UWSGI },
};

uint8_t cgi_protocol(const struct cgi *x)
{
	return cgi_kinds[x->kind].protocol;
}

void cgi_init(struct cgi *x, enum cgi_kind kind)
{
	memset(x, 0, sizeof(*x));
	x->kind = (uint8_t)kind;
	fastcgi_init(&x->in);
	fastcgi_init(&x->out);
	cgi_reply_init(&x->reply);
	variables_init(&x->variables, (enum variables_form)cgi_kinds[kind].form);
}

static uint64_t cgi_now(struct cgi_call *call)
{
	if (!call->now)
		call->now = cgi_ops.now(call->context);
	return call->now;
}

static bool cgi_lost(struct cgi *x, struct cgi_call *call, enum cgi_way way, enum rs_unparsed why)
{
	x->lost[way] = true;
	cgi_ops.unparsed(call->context, (uint8_t)why);
	return false;
}

void cgi_lose(struct cgi *x, enum cgi_way way)
{
	x->lost[way] = true;
}

bool cgi_has_begun(const struct cgi *x)
{
	return x->request.t0 != 0;
}

bool cgi_waits(const struct cgi *x)
{
	return cgi_get(x->request.state) == CGI_OPEN;
}

static void cgi_step(struct cgi *x, struct cgi_call *call, uint8_t state)
{
	if (cgi_waits(x))
		cgi_ops.step(call->context, &x->request, state);
}

/* The reader's. false: the one before is not over. */
static bool cgi_begin(struct cgi *x, struct cgi_call *call, uint16_t id)
{
	struct cgi_request *r = &x->request;

	/* B: acquire puts its new use behind the last one; pairs with A. */
	if (atomic_load_explicit(&r->state, memory_order_acquire) != CGI_FREE)
		return false;
	r->id = id;
	r->t0 = x->first ? x->first : cgi_now(call);
	r->open = cgi_ops.begun(call->context, r->t0);
	cgi_set(r->method, RS_METHOD_OTHER);
	cgi_set(r->has_path, false);
	cgi_set(r->aborted, false);
	cgi_set(r->shape, 0);
	variables_init(&x->variables, (enum variables_form)cgi_kinds[x->kind].form);
	/* C: release puts the request ahead of its state; pairs with D. */
	atomic_store_explicit(&r->state, CGI_OPEN, memory_order_release);
	return true;
}

static void cgi_finish(struct cgi *x, struct cgi_call *call, uint64_t end, uint8_t flags)
{
	struct cgi_request *r = &x->request;
	uint8_t open = CGI_OPEN;

	/* D: acquire puts the look at a request behind its state; pairs with C. */
	if (!atomic_compare_exchange_strong_explicit(&r->state, &open, CGI_ENDED,
						     memory_order_acquire, memory_order_relaxed))
		return;
	struct cgi_done done = {
		.request = { .t0 = r->t0,
			     .end = end,
			     .first_byte = x->first_byte,
			     .bytes_in = cgi_get(r->bytes_in),
			     .bytes_out = x->bytes_out,
			     .shape = cgi_get(r->shape),
			     .status = x->reply.status,
			     .method = cgi_get(r->method),
			     .protocol = cgi_protocol(x),
			     .flags =
				     x->reply.status ? flags : (uint8_t)(flags | RS_FLAG_ABORTED) },
		.open = r->open,
		.has_path = cgi_get(r->has_path),
		.elsewhere = x->variables.routed,
	};

	cgi_ops.done(call->context, &done);
	cgi_reply_init(&x->reply);
	x->first_byte = 0;
	x->bytes_out = 0;
	/* A: release puts our use of it ahead of the next; pairs with B. */
	atomic_store_explicit(&r->state, CGI_FREE, memory_order_release);
}

/* All variables were read. */
static void cgi_target(struct cgi *x, struct cgi_call *call)
{
	struct cgi_request *r = &x->request;
	const struct variables *v = &x->variables;
	bool has_path = false;

	if (!cgi_waits(x))
		return;
	if (v->routed) {
		cgi_finish(x, call, r->t0, 0);
		return;
	}
	cgi_set(r->method, variables_method(v));
	if (v->path_length)
		cgi_set(r->shape,
			cgi_ops.target(call->context, v->path, v->path_length, &has_path));
	cgi_set(r->has_path, has_path);
	cgi_step(x, call, RS_OPEN_BODY);
}

static bool cgi_read_record(struct cgi *x, struct cgi_call *call)
{
	const struct fastcgi *f = &x->in;

	if (f->type == FASTCGI_BEGIN_REQUEST) {
		x->head = 0;
		if (!cgi_begin(x, call, f->id))
			return cgi_lost(x, call, CGI_READ, RS_UNPARSED_DEPTH);
		cgi_set(x->request.bytes_in, 0);
	}
	if (f->type == FASTCGI_ABORT_REQUEST && f->id == x->request.id)
		cgi_set(x->request.aborted, true);
	if (f->id != x->request.id || f->length)
		return true;
	if (f->type == FASTCGI_PARAMS)
		cgi_target(x, call);
	else if (f->type == FASTCGI_STDIN)
		cgi_step(x, call, RS_OPEN_WAITING);
	return true;
}

static bool cgi_read_piece(struct cgi *x, struct cgi_call *call)
{
	const struct fastcgi *f = &x->in;

	if (f->type != FASTCGI_PARAMS || f->id != x->request.id)
		return true;
	x->head += f->piece_bytes;
	if (x->head > CGI_HEAD_MOST)
		return cgi_lost(x, call, CGI_READ, RS_UNPARSED_HEAD_LIMIT);
	variables_read(&x->variables, f->piece, f->piece_bytes);
	return true;
}

/* What an event adds: a head when it is complete, since until then it is nobody's. */
static uint64_t cgi_bytes(const struct fastcgi *f, enum fastcgi_event event, const uint8_t *from,
			  const uint8_t *to)
{
	if (event == FASTCGI_RECORD)
		return FASTCGI_HEAD_BYTES;
	return f->got ? 0 : (uint64_t)(to - from);
}

static bool cgi_read_records(struct cgi *x, struct cgi_call *call, const uint8_t *at,
			     const uint8_t *end)
{
	for (;;) {
		const uint8_t *from = at;
		enum fastcgi_event event = fastcgi_next(&x->in, &at, end);

		if (event == FASTCGI_BAD)
			return cgi_lost(x, call, CGI_READ, RS_UNPARSED_GARBAGE);
		if (event == FASTCGI_RECORD && !cgi_read_record(x, call))
			return false;
		if (event == FASTCGI_PIECE && !cgi_read_piece(x, call))
			return false;
		if (cgi_waits(x))
			cgi_set(x->request.bytes_in,
				cgi_get(x->request.bytes_in) + cgi_bytes(&x->in, event, from, at));
		if (event == FASTCGI_MORE)
			break;
	}
	x->first = x->in.got ? cgi_now(call) : 0;
	return true;
}

/* One more byte of what stands ahead of the variables. false: it is no such thing. */
static bool cgi_head(struct cgi *x, uint8_t byte)
{
	if (x->kind == CGI_UWSGI) {
		if (x->got == 1 || x->got == 2)
			x->head |= (uint32_t)byte << 8 * (x->got - 1);
		if (++x->got == CGI_UWSGI_HEAD)
			x->step = CGI_AT_VARIABLES;
		return true;
	}
	if (byte == ':' && x->got) {
		x->head++; /* and the comma behind them */
		x->step = CGI_AT_VARIABLES;
		return true;
	}
	x->head = x->head * 10 + (byte - (uint32_t)'0');
	return cgi_is_digit(byte) && ++x->got <= CGI_DIGITS_MOST;
}

static const uint8_t *cgi_read_variables(struct cgi *x, struct cgi_call *call, const uint8_t *at,
					 const uint8_t *end)
{
	size_t comma = x->kind == CGI_SCGI;
	size_t n = (size_t)(end - at);

	n = n < x->head ? n : x->head;
	x->head -= (uint32_t)n;
	variables_read(&x->variables, at, n - (n && !x->head ? comma : 0));
	if (x->head)
		return at + n;
	x->step = CGI_AT_BODY;
	if (!variables_is_whole(&x->variables) || (comma && at[n - 1] != ','))
		return NULL;
	cgi_target(x, call);
	return at + n;
}

/* SCGI and uwsgi: one request a connection. */
static bool cgi_read_only(struct cgi *x, struct cgi_call *call, const uint8_t *at,
			  const uint8_t *end)
{
	size_t n = (size_t)(end - at);

	while (at < end && x->step == CGI_AT_HEAD) {
		if (!cgi_head(x, *at++))
			return cgi_lost(x, call, CGI_READ, RS_UNPARSED_GARBAGE);
	}
	if (x->step == CGI_AT_VARIABLES && at < end) {
		if (!x->request.t0)
			cgi_begin(x, call, 0);
		if (!cgi_read_variables(x, call, at, end))
			return cgi_lost(x, call, CGI_READ, RS_UNPARSED_GARBAGE);
	} else if (!x->first && !x->request.t0) {
		x->first = cgi_now(call);
	}
	cgi_set(x->request.bytes_in, cgi_get(x->request.bytes_in) + n);
	return true;
}

bool cgi_read(struct cgi *x, struct cgi_call *call, const uint8_t *at, size_t n)
{
	if (x->lost[CGI_READ])
		return false;
	return x->kind == CGI_FASTCGI ? cgi_read_records(x, call, at, at + n)
				      : cgi_read_only(x, call, at, at + n);
}

/* An answer's bytes, its records' heads included; of FastCGI only those of its own request. */
static void cgi_answer(struct cgi *x, struct cgi_call *call, uint64_t n)
{
	if (!cgi_waits(x) || !n)
		return;
	x->bytes_out += n;
	if (x->first_byte)
		return;
	x->first_byte = cgi_now(call);
	cgi_step(x, call, RS_OPEN_ANSWERING);
}

static void cgi_write_end(struct cgi *x, struct cgi_call *call)
{
	const struct fastcgi *f = &x->out;
	uint8_t cut = cgi_get(x->request.aborted) ? RS_FLAG_CUT_BY_CLIENT : 0;

	if (f->type == FASTCGI_END_REQUEST && f->id == x->request.id)
		cgi_finish(x, call, cgi_now(call), cut);
}

static bool cgi_write_records(struct cgi *x, struct cgi_call *call, const uint8_t *at,
			      const uint8_t *end)
{
	const struct fastcgi *f = &x->out;

	for (;;) {
		const uint8_t *from = at;
		enum fastcgi_event event = fastcgi_next(&x->out, &at, end);

		if (event == FASTCGI_BAD)
			return cgi_lost(x, call, CGI_WRITE, RS_UNPARSED_GARBAGE);
		if (event == FASTCGI_RECORD && f->id && (!cgi_waits(x) || f->id != x->request.id))
			return cgi_lost(x, call, CGI_WRITE, RS_UNPARSED_UNASKED);
		cgi_answer(x, call, cgi_bytes(f, event, from, at));
		if (event == FASTCGI_PIECE && f->type == FASTCGI_STDOUT)
			cgi_reply_read(&x->reply, f->piece, f->piece_bytes);
		if (event == FASTCGI_END)
			cgi_write_end(x, call);
		if (event == FASTCGI_MORE)
			return true;
	}
}

bool cgi_write(struct cgi *x, struct cgi_call *call, const uint8_t *at, size_t n)
{
	if (x->lost[CGI_WRITE])
		return false;
	if (x->kind == CGI_FASTCGI)
		return cgi_write_records(x, call, at, at + n);
	x->last = cgi_now(call);
	cgi_answer(x, call, n);
	cgi_reply_read(&x->reply, at, n);
	return true;
}

/* Of FastCGI the content of one record, since nobody hands heads over without looking at them. */
bool cgi_unseen(struct cgi *x, struct cgi_call *call, enum cgi_way way, uint64_t n)
{
	struct fastcgi *f = way == CGI_READ ? &x->in : &x->out;

	if (x->lost[way])
		return false;
	if (x->kind == CGI_FASTCGI ? !fastcgi_skip(f, n)
				   : way == CGI_READ && x->step != CGI_AT_BODY)
		return cgi_lost(x, call, way, RS_UNPARSED_UNSEEN_IO);
	if (way == CGI_READ)
		cgi_set(x->request.bytes_in, cgi_get(x->request.bytes_in) + n);
	else
		cgi_answer(x, call, n);
	if (x->kind != CGI_FASTCGI) {
		x->last = way == CGI_WRITE ? cgi_now(call) : x->last;
		return true;
	}
	return way == CGI_READ ? cgi_read(x, call, f->head, 0) : cgi_write(x, call, f->head, 0);
}

void cgi_close(struct cgi *x, struct cgi_call *call, bool reset)
{
	uint8_t cut = reset ? RS_FLAG_CUT_BY_CLIENT : RS_FLAG_CUT_BY_SERVER;

	if (x->kind != CGI_FASTCGI && !reset)
		cut = 0; /* as it ends by rule */
	cgi_finish(x, call, x->last ? x->last : cgi_now(call), x->reply.status ? cut : 0);
}

uint32_t cgi_adopt(struct cgi *x)
{
	x->request.open = -1;
	return cgi_waits(x);
}
