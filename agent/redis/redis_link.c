#include "redis_link.h"

#include "redis_greeting.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define REDIS_LINK_WORDS 64           /* questions in one write */
#define REDIS_LINK_READS 8            /* of 16 KiB at a time: then the others have their turn */
#define REDIS_LINK_IDLE_NS 1000000000 /* without an answer: then it is asked for one */

void redis_link_init(struct redis_link *l, const struct redis_links *shared,
		     const struct redis_place *place, const char *channel)
{
	memset(l, 0, sizeof(*l));
	l->shared = shared;
	l->place = *place;
	l->channel = channel;
	l->fd = -1;
	redis_queue_init(&l->sent);
	redis_queue_init(&l->unsent);
}

static void redis_link_say(struct redis_link *l, enum redis_fault fault, const char *text,
			   size_t length)
{
	size_t most = length < sizeof(l->text) - 1 ? length : sizeof(l->text) - 1;

	l->fault = fault;
	for (size_t i = 0; i < most; i++) /* it is shown: nothing a terminal obeys */
		l->text[i] = (text[i] < ' ' || text[i] == 0x7f) ? '?' : text[i];
	l->text[most] = '\0';
}

void redis_link_doom(struct redis_link *l, enum redis_fault fault, const char *text, size_t length)
{
	l->doom = fault;
	redis_link_say(l, fault, text, length);
}

void redis_link_rest(struct redis_link *l, const char *text, uint64_t rest_ns)
{
	redis_link_doom(l, REDIS_ERROR, text, strlen(text));
	l->rest_ns = rest_ns;
}

static void redis_link_fail(struct redis_link *l, int error)
{
	const char *text = strerrordesc_np(error);

	redis_link_doom(l, REDIS_LOST, text ? text : "error", text ? strlen(text) : 5);
}

static void redis_link_watch(struct redis_link *l, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = l };
	int how = l->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == l->events)
		return;
	if (epoll_ctl(l->shared->epoll, how, fd, &event))
		redis_link_fail(l, errno);
	else
		l->events = events;
}

/* A name that is being looked up goes on, and its thread may hold the descriptor open for long. */
static void redis_link_unwatch(struct redis_link *l)
{
	if (l->state == REDIS_LINK_NAMING && l->events)
		epoll_ctl(l->shared->epoll, EPOLL_CTL_DEL, redis_search_fd(&l->search), NULL);
	l->events = 0;
}

static void redis_link_hang_up(struct redis_link *l)
{
	redis_link_unwatch(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	redis_wire_close(l->wire);
	l->wire = NULL;
	l->state = REDIS_LINK_DOWN;
}

/* Questions of the connection that is gone do not go to the next one. */
static void redis_link_forget_greeting(struct redis_link *l, struct redis_queue *gone)
{
	while (l->unsent.first && l->unsent.first->greeting)
		redis_queue_put(gone, redis_queue_take(&l->unsent));
	if (l->unsent.first)
		l->unsent.first->written = 0;
}

/* The answer that was odd or too long is the first one's; the rest was under way, or is late. */
static void redis_link_tell(struct redis_queue *gone, enum redis_fault fault, uint64_t now_ns)
{
	struct redis_call *c;

	while ((c = redis_queue_take(gone))) {
		if (fault == REDIS_TIMEOUT)
			redis_call_answer(c, c->deadline_ns <= now_ns ? fault : REDIS_LOST, NULL);
		else
			redis_call_answer(c, fault, NULL);
		if (fault == REDIS_ODD || fault == REDIS_TOO_LONG)
			fault = REDIS_LOST;
	}
}

static void redis_link_lose(struct redis_link *l, uint64_t now_ns)
{
	const struct breaker_limits *limits = &l->shared->limits;
	uint32_t random = l->shared->random();
	enum redis_fault fault = l->doom;
	struct redis_queue gone, given_up;
	struct redis_call *c;

	redis_queue_init(&gone);
	redis_queue_init(&given_up);
	while ((c = redis_queue_take(&l->sent)))
		redis_queue_put(&gone, c);
	redis_link_forget_greeting(l, &gone);
	if (l->state == REDIS_LINK_CONNECTING || l->state == REDIS_LINK_GREETING)
		redis_search_failed(&l->search);
	redis_link_hang_up(l);
	l->doom = REDIS_FINE;
	l->drops++;
	if (l->rest_ns)
		breaker_rest(&l->breaker, now_ns, now_ns + l->rest_ns);
	else
		breaker_failed(&l->breaker, limits, now_ns, random);
	l->rest_ns = 0;
	l->due_ns = now_ns + breaker_wait_ns(limits, 0, random);
	if (l->breaker.state == BREAKER_OPEN) {
		l->due_ns = l->breaker.due_ns;
		while ((c = redis_queue_take(&l->unsent)))
			redis_queue_put(&given_up, c);
	}
	redis_link_tell(&gone, fault, now_ns);
	redis_link_tell(&given_up, REDIS_AWAY, now_ns);
	l->shared->turned(l->shared->ctx, l);
}

void redis_link_fini(struct redis_link *l)
{
	redis_link_hang_up(l);
	redis_search_fini(&l->search);
	redis_link_tell(&l->sent, REDIS_CLOSED, 0);
	redis_link_tell(&l->unsent, REDIS_CLOSED, 0);
}

void redis_link_ask(struct redis_link *l, struct redis_call *c)
{
	redis_call_ready(c);
	redis_queue_put(&l->unsent, c);
	if (c->deadline_ns < l->late_ns)
		l->late_ns = c->deadline_ns;
}

static void redis_link_connected(struct redis_link *l, uint64_t now_ns)
{
	int ret = redis_wire_open(&l->wire, l->shared->most_bytes);

	if (!ret)
		ret = redis_greeting_put(l, now_ns);
	if (ret)
		redis_link_fail(l, -ret);
	else
		redis_link_watch(l, l->fd, EPOLLIN);
}

static int redis_link_connect(struct redis_link *l, const struct redis_address *to, uint64_t now_ns)
{
	int on = 1;

	l->state = REDIS_LINK_CONNECTING;
	l->fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	if (to->at.ss_family != AF_UNIX)
		setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!connect(l->fd, (const struct sockaddr *)&to->at, to->length))
		redis_link_connected(l, now_ns);
	else if (errno == EINPROGRESS)
		redis_link_watch(l, l->fd, EPOLLOUT);
	else
		return -errno;
	return 0;
}

/* Its name is looked up, or its addresses are tried until one takes us, now or later. */
static void redis_link_try(struct redis_link *l, uint64_t now_ns)
{
	struct redis_address to;
	const char *fault = "";
	int ret;

	for (;;) {
		l->state = REDIS_LINK_NAMING;
		ret = redis_search_next(&l->search, now_ns, &to, &fault);
		if (ret <= 0)
			break;
		ret = redis_link_connect(l, &to, now_ns);
		if (ret && !redis_search_more(&l->search))
			redis_link_fail(l, -ret);
		if (!ret || l->doom != REDIS_FINE)
			return;
		redis_link_hang_up(l);
		redis_search_failed(&l->search);
	}
	if (ret)
		redis_link_doom(l, REDIS_LOST, fault, strlen(fault));
	else
		redis_link_watch(l, redis_search_fd(&l->search), EPOLLIN);
}

static void redis_link_begin(struct redis_link *l, uint64_t now_ns)
{
	l->until_ns = now_ns + l->shared->timeout_ns;
	redis_search_begin(&l->search, &l->place);
	redis_link_try(l, now_ns);
}

static void redis_link_named(struct redis_link *l, uint64_t now_ns)
{
	redis_link_unwatch(l);
	redis_link_try(l, now_ns);
}

static void redis_link_arrived(struct redis_link *l, uint64_t now_ns)
{
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error && redis_search_more(&l->search)) {
		redis_link_hang_up(l);
		redis_search_failed(&l->search);
		redis_link_try(l, now_ns);
	} else if (error) {
		redis_link_fail(l, error);
	} else {
		redis_link_connected(l, now_ns);
	}
}

/* What goes now: greetings, and once the link is ready the rest. */
static size_t redis_link_gather(const struct redis_link *l, struct iovec *out)
{
	size_t n = 0;

	for (struct redis_call *c = l->unsent.first; c && n < REDIS_LINK_WORDS; c = c->next) {
		if (!c->greeting && l->state != REDIS_LINK_READY)
			break;
		out[n].iov_base = c->question + c->written;
		out[n++].iov_len = c->length - c->written;
	}
	return n;
}

/* So many bytes went: whole questions wait for their answers now. */
static void redis_link_went(struct redis_link *l, size_t bytes)
{
	struct redis_call *c;

	while ((c = l->unsent.first) && bytes >= c->length - c->written) {
		bytes -= c->length - c->written;
		c->written = c->length;
		redis_queue_put(&l->sent, redis_queue_take(&l->unsent));
		if (!bytes)
			return;
	}
	if (c)
		c->written += bytes;
}

static void redis_link_write(struct redis_link *l)
{
	struct iovec words[REDIS_LINK_WORDS];
	struct msghdr message = { .msg_iov = words };

	while ((message.msg_iovlen = redis_link_gather(l, words))) {
		ssize_t n = sendmsg(l->fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			redis_link_fail(l, errno);
			return;
		}
		redis_link_went(l, (size_t)n);
	}
	redis_link_watch(l, l->fd, message.msg_iovlen ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static bool redis_link_is_push(const struct redis_link *l, const struct redis_value *v)
{
	return l->channel && v->type == REDIS_ARRAY && v->count == 3 &&
	       v->items[0]->type == REDIS_STRING && !strcmp(v->items[0]->text, "message") &&
	       v->items[2]->type == REDIS_STRING;
}

/* c is whole, and v the last of its answers: it is told, or goes on to where it was sent to. */
static void redis_link_conclude(struct redis_link *l, struct redis_call *c,
				const struct redis_value *v)
{
	const struct redis_links *s = l->shared;
	const struct redis_value *refusal = redis_call_refusal(c, v);
	struct redis_value *kept = c->refusal; /* which c may not outlive */
	enum redis_fault fault = REDIS_FINE;

	if (refusal) {
		fault = redis_fault_of(refusal->text, refusal->length);
		v = refusal;
	}
	c->refusal = NULL;
	if (fault == REDIS_FINE || c->own || !s->refused(s->ctx, l, c, fault, v))
		redis_call_answer(c, fault, v);
	redis_value_free(kept);
}

/* Takes v over. */
static void redis_link_answer(struct redis_link *l, struct redis_value *v, uint64_t now_ns)
{
	static const char odd[] = "an answer that is none to what was asked";
	const struct redis_links *s = l->shared;
	struct redis_call *c = l->sent.first;
	bool greeting = c && c->greeting;

	l->heard_ns = now_ns;
	if (redis_link_is_push(l, v)) {
		s->pushed(s->ctx, v->items[2]);
	} else if (!c || !redis_call_takes(c, v)) {
		redis_link_doom(l, REDIS_ODD, odd, sizeof(odd) - 1);
	} else if (redis_call_part(c, v)) {
		return;
	} else {
		redis_queue_take(&l->sent);
		if (!greeting)
			s->answered(s->ctx, now_ns - c->asked_ns);
		redis_link_conclude(l, c, v);
		/* a server that greets, and then is silent, is not what closed means */
		if (l->doom == REDIS_FINE && l->state == REDIS_LINK_READY &&
		    (!greeting || l->breaker.state == BREAKER_HALF_OPEN))
			breaker_answered(&l->breaker, now_ns);
	}
	redis_value_free(v);
}

/* Those that are whole by now. */
static void redis_link_answers(struct redis_link *l, uint64_t now_ns)
{
	static const char too_long[] = "an answer longer than any that we keep";
	static const char odd[] = "what came is not RESP";
	struct redis_value *v;
	int ret = 0;

	while (l->doom == REDIS_FINE && (ret = redis_wire_next(l->wire, &v)) > 0)
		redis_link_answer(l, v, now_ns);
	if (ret == -EMSGSIZE)
		redis_link_doom(l, REDIS_TOO_LONG, too_long, sizeof(too_long) - 1);
	else if (ret < 0)
		redis_link_doom(l, REDIS_ODD, odd, sizeof(odd) - 1);
}

/* How much came; 0: nothing for now, or nothing ever more. */
static size_t redis_link_receive(struct redis_link *l, char *bytes, size_t size)
{
	ssize_t n = recv(l->fd, bytes, size, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0 && !redis_wire_feed(l->wire, bytes, (size_t)n))
		return (size_t)n;
	redis_link_fail(l, n < 0 ? errno : n ? ENOMEM : ECONNRESET);
	return 0;
}

static void redis_link_read(struct redis_link *l, uint64_t now_ns)
{
	char bytes[16384];
	size_t n = sizeof(bytes);

	for (int i = 0; i < REDIS_LINK_READS && n == sizeof(bytes) && l->doom == REDIS_FINE; i++) {
		n = redis_link_receive(l, bytes, sizeof(bytes));
		if (n)
			redis_link_answers(l, now_ns);
	}
}

void redis_link_event(struct redis_link *l, uint32_t events, uint64_t now_ns)
{
	if (l->state == REDIS_LINK_NAMING)
		redis_link_named(l, now_ns);
	else if (l->state == REDIS_LINK_CONNECTING)
		redis_link_arrived(l, now_ns);
	else if (l->state != REDIS_LINK_DOWN && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		redis_link_read(l, now_ns);
}

static void redis_link_ping(struct redis_link *l, uint64_t now_ns)
{
	const struct redis_text ping[] = { REDIS_TEXT("PING") };
	struct redis_call *c;

	if (redis_call_open(&c, ping, 1))
		return; /* the next time */
	c->own = true;
	c->taken = REDIS_BIT(REDIS_STATUS) | REDIS_BIT(REDIS_ARRAY);
	c->asked_ns = now_ns;
	c->deadline_ns = now_ns + l->shared->timeout_ns;
	redis_link_ask(l, c);
}

/* Those that were not sent go one by one; one that was takes the connection with it. */
static void redis_link_late(struct redis_link *l, uint64_t now_ns)
{
	static const char late[] = "no answer in time";
	struct redis_call **at = &l->unsent.first;
	struct redis_queue gone;
	uint64_t sent_ns = redis_queue_deadline_ns(&l->sent), unsent_ns;
	bool cut = l->unsent.first && l->unsent.first->written;

	/* one of which a part went, or that holds the next up, is as one that was sent */
	if (sent_ns <= now_ns || (cut && l->unsent.first->deadline_ns <= now_ns)) {
		redis_link_doom(l, REDIS_TIMEOUT, late, sizeof(late) - 1);
		return;
	}
	redis_queue_init(&gone);
	while (*at)
		if ((*at)->deadline_ns <= now_ns)
			redis_queue_put(&gone, redis_queue_take_at(&l->unsent, at));
		else
			at = &(*at)->next;
	unsent_ns = redis_queue_deadline_ns(&l->unsent);
	l->late_ns = sent_ns < unsent_ns ? sent_ns : unsent_ns;
	redis_link_tell(&gone, REDIS_TIMEOUT, now_ns);
}

void redis_link_step(struct redis_link *l, uint64_t now_ns)
{
	static const char late[] = "no connection in time";

	if (l->state == REDIS_LINK_DOWN && l->doom == REDIS_FINE && now_ns >= l->due_ns &&
	    breaker_allows(&l->breaker, now_ns))
		redis_link_begin(l, now_ns);
	if (l->state != REDIS_LINK_DOWN && l->state != REDIS_LINK_READY && now_ns >= l->until_ns &&
	    l->doom == REDIS_FINE)
		redis_link_doom(l, REDIS_TIMEOUT, late, sizeof(late) - 1);
	if (l->state == REDIS_LINK_READY && !l->sent.first && !l->unsent.first &&
	    now_ns >= l->heard_ns + REDIS_LINK_IDLE_NS)
		redis_link_ping(l, now_ns);
	if (now_ns >= l->late_ns && l->doom == REDIS_FINE)
		redis_link_late(l, now_ns);
	if (l->state >= REDIS_LINK_GREETING && l->doom == REDIS_FINE)
		redis_link_write(l);
	if (l->doom != REDIS_FINE)
		redis_link_lose(l, now_ns);
}

uint64_t redis_link_due_ns(const struct redis_link *l)
{
	uint64_t due_ns = l->late_ns;

	if (l->doom != REDIS_FINE ||
	    (l->state == REDIS_LINK_READY && l->unsent.first && !(l->events & EPOLLOUT)))
		return 0;
	if (l->state == REDIS_LINK_DOWN)
		return l->due_ns < due_ns ? l->due_ns : due_ns;
	if (l->state != REDIS_LINK_READY)
		return l->until_ns < due_ns ? l->until_ns : due_ns;
	if (!l->sent.first && !l->unsent.first && l->heard_ns + REDIS_LINK_IDLE_NS < due_ns)
		due_ns = l->heard_ns + REDIS_LINK_IDLE_NS;
	return due_ns;
}
