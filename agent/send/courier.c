#include "courier.h"

#include "log.h"
#include "moment.h"
#include "seal.h"
#include "stops.h"
#include "text.h"
#include "transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define COURIER_JOBS 64 /* deliveries under way */
#define COURIER_WAIT_MS 60000

struct courier_job {
	bool busy;
	int at; /* the channel's place in the set; -ENOENT: it is no more */
	struct courier_order order;
};

/* Of a mail that some of its receivers have: who has it not. Lost with the process, then all do. */
struct courier_rest {
	uint64_t sequence;
	int64_t at_ms;
	char to[TRANSFER_LIST];
};

struct courier_round {
	struct courier *courier;
	struct transfers *transfers; /* NULL: there is no libcurl */
	struct courier_job jobs[COURIER_JOBS];
	struct courier_word arrived[CHANNEL_MAX]; /* the last one of each */
	struct courier_rest rests[CHANNEL_MAX];
	char host[FORMAT_HOST];
};

int courier_link(int out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out) ? -errno
											  : 0;
}

int courier_order(int link, const struct courier_order *order)
{
	return send(link, order, sizeof(*order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int courier_hear(int link, struct courier_word *out)
{
	ssize_t n = recv(link, out, sizeof(*out), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	out->text[sizeof(out->text) - 1] = '\0';
	return n == sizeof(*out) ? 1 : -EBADMSG;
}

void courier_init(struct courier *c, struct board *board, int link)
{
	c->board = board;
	c->link = link;
	c->seen = 0;
	board_take(board, &c->seen, &c->set);
}

static void courier_say(const struct courier_round *r, const struct courier_order *order,
			enum courier_outcome outcome, const char *text, uint32_t retry_ms)
{
	struct courier_word word = { .outcome = outcome,
				     .retry_ms = retry_ms,
				     .sum = order->sum,
				     .kind = order->kind,
				     .sequence = order->notice.sequence,
				     .at_ms = order->notice.at_ms,
				     .pid = getpid() };

	snprintf(word.text, sizeof(word.text), "%s", text);
	/* nobody reads: who orders again is answered then */
	if (send(r->courier->link, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("the worker does not hear of a delivery: %m");
}

/* A datagram that nobody takes in is told at once, where the receiver is this machine. */
static int courier_datagram(const char *to, const struct json *j)
{
	struct sockaddr_storage address;
	socklen_t length, size = sizeof(int);
	int ret = text_address(to, &address, &length), fd, error = 0;

	if (ret)
		return ret;
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, length) ||
	    send(fd, j->bytes, j->length, MSG_NOSIGNAL) < 0)
		ret = -errno;
	if (!ret && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
		ret = -error;
	close(fd);
	return ret;
}

static int courier_sign(const struct channel *c, const struct json *j, int64_t now_ms, char *out,
			size_t size)
{
	char sum[SEAL_TEXT], *text;
	int n = asprintf(&text, "%lld.%s", (long long)(now_ms / 1000), j->bytes);
	int ret;

	if (n < 0)
		return -ENOMEM;
	ret = seal_hmac(c->values[CHANNEL_SECRET], text, (size_t)n, sum);
	free(text);
	if (!ret)
		snprintf(out, size, "Ringside-Signature: t=%lld,v1=%s", (long long)(now_ms / 1000),
			 sum);
	return ret;
}

/* Alertmanager is known by its address; the others by the whole URL. */
static void courier_url(const struct channel *c, char *out, size_t size)
{
	const char *url = c->values[c->type == CHANNEL_EMAIL ? CHANNEL_SMTP : CHANNEL_URL];
	size_t length = strlen(url);

	while (c->type == CHANNEL_ALERTMANAGER && length && url[length - 1] == '/')
		length--;
	snprintf(out, size, "%.*s%s", (int)length, url,
		 c->type == CHANNEL_ALERTMANAGER ? "/api/v2/alerts" : "");
}

static const char *courier_to(const struct courier_round *r, const struct courier_job *job,
			      const char *all)
{
	const struct courier_rest *rest = &r->rests[job->at];
	const struct courier_order *order = &job->order;

	return order->kind == FORMAT_NOTICE && *rest->to &&
			       rest->sequence == order->notice.sequence &&
			       rest->at_ms == order->notice.at_ms
		       ? rest->to
		       : all;
}

static int courier_transfer(struct courier_round *r, struct courier_job *job,
			    const struct format *f, const struct json *j)
{
	const struct channel *c = &r->courier->set.channels[job->at];
	bool mail = c->type == CHANNEL_EMAIL, password = c->values[CHANNEL_PASSWORD][0];
	const char *starttls = c->values[CHANNEL_STARTTLS];
	char url[CHANNEL_VALUE + 32], key[FORMAT_KEY], id[FORMAT_KEY + 32], seal[160] = "";
	struct transfer_request request = {
		.url = url,
		.headers = { "Content-Type: application/json", "User-Agent: ringside/" RS_VERSION },
		.from = mail ? f->from : NULL,
		.to = courier_to(r, job, f->to),
		.host = r->host,
		.username = c->values[CHANNEL_USERNAME],
		.password = c->values[CHANNEL_PASSWORD],
		.ca_file = c->values[CHANNEL_CA_FILE],
		.tls_needed = mail && (password || !strcmp(starttls, "required")),
		.tls_tried = mail && strcmp(starttls, "none") != 0,
		.body = j->bytes,
		.length = j->length,
		.timeout_ms = c->timeout_ms,
		.own = &r->courier->own,
	};

	courier_url(c, url, sizeof(url));
	format_key(f, key);
	snprintf(id, sizeof(id), "Idempotency-Key: %s", key);
	request.headers[2] = id;
	if (c->values[CHANNEL_SECRET][0]) {
		int ret = courier_sign(c, j, f->now_ms, seal, sizeof(seal));

		if (ret)
			return ret;
		request.headers[3] = seal;
	}
	return transfers_add(r->transfers, &request, job);
}

/* 1: it is under way. */
static int courier_try(struct courier_round *r, struct courier_job *job)
{
	const struct channel *c = &r->courier->set.channels[job->at];
	const struct format f = { .notice = &job->order.notice,
				  .host = r->host,
				  .routing_key = c->values[CHANNEL_ROUTING_KEY],
				  .from = c->values[CHANNEL_FROM],
				  .to = c->values[CHANNEL_TO],
				  .kind = (enum format_kind)job->order.kind,
				  .now_ms = moment_wall_ms() };
	struct json j;
	int ret;

	json_init(&j);
	format_body(&f, c->type, &j);
	ret = json_finish(&j);
	if (!ret && c->type == CHANNEL_DOGSTATSD)
		ret = courier_datagram(c->values[CHANNEL_ADDRESS], &j);
	else if (!ret && !r->transfers)
		ret = -ELIBACC;
	else if (!ret)
		ret = courier_transfer(r, job, &f, &j);
	json_fini(&j);
	return ret ? ret : c->type != CHANNEL_DOGSTATSD;
}

static bool courier_is(const struct courier_job *job, int at, const struct courier_order *order)
{
	const struct notice *one = &job->order.notice, *other = &order->notice;

	return job->busy && job->at == at && job->order.kind == order->kind &&
	       one->id == other->id && one->sequence == other->sequence &&
	       one->at_ms == other->at_ms;
}

/* Was it here before? */
static bool courier_knows(struct courier_round *r, int at, const struct courier_order *order)
{
	const struct courier_word *last = &r->arrived[at];

	if (order->kind == FORMAT_NOTICE && last->sequence == order->notice.sequence &&
	    last->at_ms == order->notice.at_ms) {
		courier_say(r, order, COURIER_ARRIVED, last->text, 0);
		return true;
	}
	for (int i = 0; i < COURIER_JOBS; i++) {
		if (!courier_is(&r->jobs[i], at, order))
			continue;
		r->jobs[i].order.sum = order->sum; /* it may have changed its channel's */
		return true;                       /* its end is told once */
	}
	return false;
}

static void courier_arrived(struct courier_round *r, int at, const struct courier_order *order,
			    const char *text)
{
	struct courier_word *last = &r->arrived[at];

	if (order->kind == FORMAT_NOTICE) {
		last->sequence = order->notice.sequence;
		last->at_ms = order->notice.at_ms;
		snprintf(last->text, sizeof(last->text), "%s", text);
	}
	stops_at("sent");
	courier_say(r, order, COURIER_ARRIVED, text, 0);
}

static int courier_find(const struct board_set *set, uint64_t sum)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->sums[i] == sum && set->channels[i].type != CHANNEL_LOG &&
		    !channel_is_action(set->channels[i].type))
			return (int)i;
	return -ENOENT;
}

struct courier_names {
	uint32_t count;
	char at[CHANNEL_MAX][CHANNEL_NAME];
	enum channel_type types[CHANNEL_MAX];
};

/* What is known of a channel goes on where there is one of its name. */
static void courier_move(struct courier_round *r, const struct courier_names *before)
{
	const struct board_set *now = &r->courier->set;
	struct courier_word arrived[CHANNEL_MAX] = { 0 };
	struct courier_rest rests[CHANNEL_MAX] = { 0 };
	int to[CHANNEL_MAX];

	for (uint32_t i = 0; i < before->count; i++) {
		to[i] = -ENOENT;
		for (uint32_t k = 0; k < now->count; k++)
			if (!strcmp(before->at[i], now->channels[k].name) &&
			    before->types[i] == now->channels[k].type)
				to[i] = (int)k;
		if (to[i] < 0)
			continue;
		arrived[to[i]] = r->arrived[i];
		rests[to[i]] = r->rests[i];
	}
	for (int i = 0; i < COURIER_JOBS; i++)
		if (r->jobs[i].busy && r->jobs[i].at >= 0)
			r->jobs[i].at = to[r->jobs[i].at];
	memcpy(r->arrived, arrived, sizeof(arrived));
	memcpy(r->rests, rests, sizeof(rests));
}

static void courier_look(struct courier_round *r)
{
	const struct board_set *set = &r->courier->set;
	struct courier_names before = { .count = set->count };

	for (uint32_t i = 0; i < set->count; i++) {
		memcpy(before.at[i], set->channels[i].name, CHANNEL_NAME);
		before.types[i] = set->channels[i].type;
	}
	if (board_take(r->courier->board, &r->courier->seen, &r->courier->set))
		courier_move(r, &before);
}

static void courier_begin(struct courier_round *r, const struct courier_order *order)
{
	int at = courier_find(&r->courier->set, order->sum), ret;
	struct courier_job *job = NULL;

	if (at < 0) {
		courier_say(r, order, COURIER_LATER, "the runner has not this channel as it is", 0);
		return;
	}
	if (courier_knows(r, at, order))
		return;
	if (*r->courier->set.faults[at]) {
		courier_say(r, order, COURIER_LATER, r->courier->set.faults[at], 0);
		return;
	}
	for (int i = 0; i < COURIER_JOBS && !job; i++)
		job = r->jobs[i].busy ? NULL : &r->jobs[i];
	if (!job) {
		courier_say(r, order, COURIER_LATER, "too many deliveries are under way", 0);
		return;
	}
	*job = (struct courier_job){ .at = at, .order = *order };
	ret = courier_try(r, job);
	job->busy = ret == 1;
	if (ret == 0)
		courier_arrived(r, at, order, "sent; nobody confirms a datagram");
	else if (ret < 0)
		courier_say(r, order, COURIER_LATER,
			    ret == -ELIBACC ? "libcurl.so.4 cannot be opened"
					    : strerrordesc_np(-ret),
			    0);
}

/*
 * What a receiver never takes, however often it is told: 5xx of mail, 4xx of HTTP. Not where it is
 * about who we are or where it is, which is put right, or about the time.
 */
static bool courier_is_refused(uint32_t status, enum channel_type type)
{
	static const uint16_t mail[] = { 530, 534, 535, 538 };
	static const uint16_t http[] = { 401, 403, 404, 407, 408, 421, 423, 425, 429 };
	bool mails = type == CHANNEL_EMAIL;
	const uint16_t *but = mails ? mail : http;
	size_t count = mails ? sizeof(mail) / sizeof(*mail) : sizeof(http) / sizeof(*http);

	for (size_t i = 0; i < count; i++)
		if (status == but[i])
			return false;
	return status / 100 == (mails ? 5 : 4);
}

static void courier_keep_rest(struct courier_round *r, const struct courier_job *job,
			      const char *to)
{
	struct courier_rest *rest = &r->rests[job->at];
	const struct courier_order *order = &job->order;

	if (order->kind != FORMAT_NOTICE)
		return;
	*rest = (struct courier_rest){ .sequence = order->notice.sequence,
				       .at_ms = order->notice.at_ms };
	snprintf(rest->to, sizeof(rest->to), "%s", to);
}

static void courier_end(struct courier_round *r, const struct transfer_result *result)
{
	struct courier_job *job = result->who;
	const struct channel *c;

	job->busy = false;
	if (job->at < 0)
		return; /* nobody waits for it any more */
	c = &r->courier->set.channels[job->at];
	if (*result->later) {
		if (result->arrived) /* else nobody has it: all are asked again */
			courier_keep_rest(r, job, result->later);
		courier_say(r, &job->order, COURIER_LATER, result->text, result->retry_ms);
		return;
	}
	if (result->arrived)
		courier_arrived(r, job->at, &job->order, result->text);
	else
		courier_say(r, &job->order,
			    courier_is_refused(result->status, c->type) ? COURIER_REFUSED
									: COURIER_LATER,
			    result->text, result->retry_ms);
}

/* The worker is trusted with what to say, and not with this process's memory. */
static bool courier_is_sound(struct courier_order *order)
{
	struct notice *n = &order->notice;
	char *ends[] = {
		&n->rule[sizeof(n->rule) - 1],
		&n->labels.service[sizeof(n->labels.service) - 1],
		&n->labels.environment[sizeof(n->labels.environment) - 1],
		&n->labels.route[sizeof(n->labels.route) - 1],
		&n->labels.method[sizeof(n->labels.method) - 1],
		&n->cause.name[sizeof(n->cause.name) - 1],
		&n->summary[sizeof(n->summary) - 1],
		&n->link[sizeof(n->link) - 1],
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		*ends[i] = '\0';
	return order->kind <= FORMAT_TEST && n->unit <= METRIC_UNIT_NUMBER &&
	       n->cause.kind < NOTICE_CAUSES && n->severity <= SPEC_CRITICAL &&
	       n->kind <= NOTICE_RECOVERED && spec_labels_are_sound(&n->given);
}

/* False: the worker's side is closed for good. */
static bool courier_orders(struct courier_round *r)
{
	struct courier_order order;

	courier_look(r);
	for (int i = 0; i < COURIER_JOBS; i++) {
		ssize_t n = recv(r->courier->link, &order, sizeof(order), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n < 0)
			return true;
		if (n == sizeof(order) && courier_is_sound(&order))
			courier_begin(r, &order);
	}
	return true;
}

/* It holds passwords, and speaks with strangers. */
static void courier_close_up(void)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static void courier_wait(const struct courier_round *r)
{
	struct pollfd link = { .fd = r->courier->link, .events = POLLIN };

	if (r->transfers)
		transfers_step(r->transfers, r->courier->link, COURIER_WAIT_MS);
	else
		poll(&link, 1, COURIER_WAIT_MS);
}

int courier_run(void *courier)
{
	static const struct courier_order hello; /* names no notice */
	struct courier_round *r = calloc(1, sizeof(*r));
	struct transfer_result result;

	if (!r)
		return 1;
	r->courier = courier;
	courier_close_up();
	if (gethostname(r->host, sizeof(r->host) - 1) || !*r->host)
		snprintf(r->host, sizeof(r->host), "localhost");
	if (transfers_open(&r->transfers))
		log_error("notices cannot be sent: libcurl.so.4 cannot be opened");
	courier_say(r, &hello, COURIER_HELLO, r->transfers ? "" : "libcurl.so.4 cannot be opened",
		    0);
	while (courier_orders(r)) {
		courier_wait(r);
		while (r->transfers && transfers_done(r->transfers, &result))
			courier_end(r, &result);
	}
	transfers_close(r->transfers);
	free(r);
	return 0;
}
