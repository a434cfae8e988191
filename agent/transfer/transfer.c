#include "library.h"
#include "moment.h"
#include "own.h"
#include "transfer_curl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TRANSFER_LIBRARY "libcurl.so.4"
#define TRANSFER_EVENTS 64

struct transfer_functions transfer_curl;

struct transfers {
	CURLM *multi;
	int epoll; /* what the library waits for */
	uint64_t due_ns;
	struct transfer *first; /* under way */
};

static int transfer_library(void)
{
	static const struct library_function functions[] = {
		{ "curl_global_init", &transfer_curl.global_init },
		{ "curl_easy_init", &transfer_curl.easy_init },
		{ "curl_easy_cleanup", &transfer_curl.easy_cleanup },
		{ "curl_easy_setopt", &transfer_curl.set },
		{ "curl_easy_getinfo", &transfer_curl.get },
		{ "curl_easy_strerror", &transfer_curl.error },
		{ "curl_slist_append", &transfer_curl.append },
		{ "curl_slist_free_all", &transfer_curl.free_all },
		{ "curl_multi_init", &transfer_curl.multi_init },
		{ "curl_multi_cleanup", &transfer_curl.multi_cleanup },
		{ "curl_multi_setopt", &transfer_curl.multi_set },
		{ "curl_multi_add_handle", &transfer_curl.add },
		{ "curl_multi_remove_handle", &transfer_curl.take },
		{ "curl_multi_socket_action", &transfer_curl.action },
		{ "curl_multi_info_read", &transfer_curl.read },
	};

	return library_open(TRANSFER_LIBRARY, functions, sizeof(functions) / sizeof(functions[0]));
}

/* What the library wants to know of a descriptor. One that it closed is out of the set already. */
static int transfer_wants(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	static const uint32_t wanted[] = { [CURL_POLL_NONE] = 0,
					   [CURL_POLL_IN] = EPOLLIN,
					   [CURL_POLL_OUT] = EPOLLOUT,
					   [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT };
	struct epoll_event event = { .data.fd = fd };
	struct transfers *t = ctx;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(t->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = wanted[what];
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &event) && errno == EEXIST)
		epoll_ctl(t->epoll, EPOLL_CTL_MOD, fd, &event);
	return 0; /* all would end for good if it were told of one that fails: that one is late */
}

static int transfer_waits(CURLM *multi, long wait_ms, void *ctx)
{
	struct transfers *t = ctx;

	(void)multi;
	t->due_ns = wait_ms < 0 ? UINT64_MAX
				: moment_monotonic_ns() + (uint64_t)wait_ms * UINT64_C(1000000);
	return 0;
}

static int transfers_begin(struct transfers *t)
{
	t->due_ns = UINT64_MAX;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return -errno;
	t->multi = transfer_curl.multi_init();
	if (!t->multi) {
		close(t->epoll);
		return -ENOMEM;
	}
	transfer_curl.multi_set(t->multi, CURLMOPT_SOCKETFUNCTION, transfer_wants);
	transfer_curl.multi_set(t->multi, CURLMOPT_SOCKETDATA, t);
	transfer_curl.multi_set(t->multi, CURLMOPT_TIMERFUNCTION, transfer_waits);
	transfer_curl.multi_set(t->multi, CURLMOPT_TIMERDATA, t);
	return 0;
}

int transfers_open(struct transfers **out)
{
	int ret = transfer_library();

	*out = NULL;
	if (ret)
		return ret;
	if (transfer_curl.global_init(CURL_GLOBAL_DEFAULT))
		return -ELIBACC;
	*out = calloc(1, sizeof(**out));
	ret = *out ? transfers_begin(*out) : -ENOMEM;
	if (ret) {
		free(*out);
		*out = NULL;
	}
	return ret;
}

/* Out of those under way, and gone. */
static void transfer_free(struct transfer *one)
{
	if (one->link)
		*one->link = one->next;
	if (one->link && one->next)
		one->next->link = one->link;
	if (one->easy)
		transfer_curl.easy_cleanup(one->easy);
	transfer_curl.free_all(one->list);
	free(one->kept.head);
	free(one->kept.bytes);
	free(one->body);
	free(one);
}

void transfers_close(struct transfers *t)
{
	if (!t)
		return;
	for (struct transfer *one = t->first, *next; one; one = next) {
		next = one->next;
		transfer_curl.take(t->multi, one->easy);
		transfer_free(one);
	}
	transfer_curl.multi_cleanup(t->multi);
	close(t->epoll);
	free(t);
}

/* What the receiver answers, as far as it is shown. */
static size_t transfer_hear(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *one = ctx;
	size_t room = sizeof(one->said) - 1 - one->said_length, n = size * count;

	memcpy(one->said + one->said_length, bytes, n < room ? n : room);
	one->said_length += n < room ? n : room;
	return n;
}

int transfer_list(struct transfer *one, const char *text)
{
	struct curl_slist *more = transfer_curl.append(one->list, text);

	if (more)
		one->list = more;
	return more ? 0 : -ENOMEM;
}

static void transfer_post(struct transfer *one, const struct transfer_request *r)
{
	transfer_curl.set(one->easy, CURLOPT_POST, 1L);
	transfer_curl.set(one->easy, CURLOPT_POSTFIELDS, one->body);
	transfer_curl.set(one->easy, CURLOPT_POSTFIELDSIZE, (long)r->length);
	transfer_curl.set(one->easy, CURLOPT_WRITEFUNCTION, transfer_hear);
	transfer_curl.set(one->easy, CURLOPT_WRITEDATA, one);
}

static int transfer_http(struct transfer *one, const struct transfer_request *r)
{
	for (size_t i = 0; i < TRANSFER_HEADERS && r->headers[i]; i++)
		if (transfer_list(one, r->headers[i]))
			return -ENOMEM;
	transfer_curl.set(one->easy, CURLOPT_HTTPHEADER, one->list);
	transfer_curl.set(one->easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (!r->body)
		return transfer_get(one, r);
	transfer_post(one, r);
	return 0;
}

/* Behind the name: what it says is known only now. */
static curl_socket_t transfer_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *one = ctx;

	(void)purpose;
	if (one->own && own_is(one->own, &to->addr)) {
		one->ours = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int transfer_prepare(struct transfer *one, const struct transfer_request *r)
{
	one->easy = transfer_curl.easy_init();
	one->body = malloc(r->length + 1);
	if (!one->easy || !one->body)
		return -ENOMEM;
	if (r->body)
		memcpy(one->body, r->body, r->length);
	one->length = r->length;
	one->own = r->own;
	transfer_curl.set(one->easy, CURLOPT_URL, r->url);
	transfer_curl.set(one->easy, CURLOPT_PRIVATE, one);
	transfer_curl.set(one->easy, CURLOPT_ERRORBUFFER, one->error);
	transfer_curl.set(one->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	transfer_curl.set(one->easy, CURLOPT_NOSIGNAL, 1L);
	transfer_curl.set(one->easy, CURLOPT_PROXY, "");
	transfer_curl.set(one->easy, CURLOPT_OPENSOCKETFUNCTION, transfer_socket);
	transfer_curl.set(one->easy, CURLOPT_OPENSOCKETDATA, one);
#if LIBCURL_VERSION_NUM >= 0x075500
	transfer_curl.set(one->easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a name that is not resolved in time must not hold up the others */
	transfer_curl.set(one->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (*r->ca_file)
		transfer_curl.set(one->easy, CURLOPT_CAINFO, r->ca_file);
	if (r->username && *r->username) {
		transfer_curl.set(one->easy, CURLOPT_USERNAME, r->username);
		transfer_curl.set(one->easy, CURLOPT_PASSWORD, r->password);
	}
	return r->from ? transfer_mail(one, r) : transfer_http(one, r);
}

int transfers_add(struct transfers *t, const struct transfer_request *request, void *who)
{
	struct transfer *one = calloc(1, sizeof(*one));
	int ret;

	if (!one)
		return -ENOMEM;
	one->who = who;
	ret = transfer_prepare(one, request);
	if (!ret && transfer_curl.add(t->multi, one->easy))
		ret = -ENOMEM;
	if (ret) {
		transfer_free(one);
		return ret;
	}
	one->next = t->first;
	one->link = &t->first;
	if (one->next)
		one->next->link = &one->next;
	t->first = one;
	return 0;
}

int transfers_fd(const struct transfers *t)
{
	return t->epoll;
}

uint64_t transfers_due_ns(const struct transfers *t)
{
	return t->due_ns;
}

static int transfer_happened(uint32_t events)
{
	return (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
	       (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
	       (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

void transfers_run(struct transfers *t)
{
	struct epoll_event events[TRANSFER_EVENTS];
	int n = epoll_wait(t->epoll, events, TRANSFER_EVENTS, 0), running;

	for (int i = 0; i < n; i++)
		transfer_curl.action(t->multi, events[i].data.fd,
				     transfer_happened(events[i].events), &running);
	t->due_ns = UINT64_MAX; /* it says anew what is due, whether anything was or not */
	transfer_curl.action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void transfers_step(struct transfers *t, int fd, int wait_ms)
{
	struct pollfd fds[] = { { .fd = t->epoll, .events = POLLIN },
				{ .fd = fd, .events = POLLIN } };
	uint64_t now_ns = moment_monotonic_ns();

	if (t->due_ns <= now_ns)
		wait_ms = 0;
	else if ((t->due_ns - now_ns) / 1000000 < (uint64_t)wait_ms)
		wait_ms = (int)((t->due_ns - now_ns) / 1000000) + 1;
	poll(fds, 2, wait_ms);
	transfers_run(t);
}

/* One line, without what a terminal would obey. */
static void transfer_line(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n < size - 1; text++)
		if ((unsigned char)*text >= ' ' && *text != 0x7f)
			out[n++] = *text;
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static enum transfer_end transfer_ended(const struct transfer *one, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return TRANSFER_WHOLE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_PEER_FAILED_VERIFICATION:
		return one->ours ? TRANSFER_OURS : TRANSFER_AWAY;
	case CURLE_OPERATION_TIMEDOUT:
		return TRANSFER_LATE;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return TRANSFER_CUT;
	case CURLE_FILESIZE_EXCEEDED:
		return TRANSFER_LARGE;
	case CURLE_WRITE_ERROR:
		return one->kept.large ? TRANSFER_LARGE : TRANSFER_ODD;
	default:
		return TRANSFER_ODD;
	}
}

static void transfer_tell(const struct transfer *one, CURLcode code, struct transfer_result *out)
{
	char said[TRANSFER_TEXT], text[CURL_ERROR_SIZE + 2 * TRANSFER_TEXT];

	transfer_line(said, sizeof(said), one->said);
	if (code != CURLE_OK && one->ours)
		snprintf(text, sizeof(text), "not sent: that is an address of this agent itself");
	else if (out->end == TRANSFER_LARGE)
		snprintf(text, sizeof(text), "the answer is longer than %zu bytes", one->kept.most);
	else if (code != CURLE_OK)
		snprintf(text, sizeof(text), "%s%s%s",
			 *one->error ? one->error : transfer_curl.error(code), *said ? ": " : "",
			 said);
	else if (*one->refused)
		snprintf(text, sizeof(text), "%s; but %s", said, one->refused);
	else
		snprintf(text, sizeof(text), "%u%s%s%s", out->status,
			 out->status / 100 == 3 ? ", a redirect, which is not followed" : "",
			 *said ? ": " : "", said);
	transfer_line(out->text, sizeof(out->text), text);
}

static void transfer_judge(struct transfer *one, CURLcode code, struct transfer_result *out)
{
	curl_off_t retry_s = 0;
	long status = 0;

	transfer_curl.get(one->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_curl.get(one->easy, CURLINFO_RETRY_AFTER, &retry_s);
	out->end = transfer_ended(one, code);
	out->status = (uint32_t)status;
	out->retry_ms = retry_s > 0 && retry_s < 86400 ? (uint32_t)retry_s * 1000 : 0;
	out->arrived = code == CURLE_OK && status >= 200 && status < 300;
	one->said[one->said_length] = '\0';
	transfer_tell(one, code, out);
	memcpy(out->later, one->later, sizeof(out->later));
}

/* A GET's answer goes to who asked. */
static void transfer_hand_over(struct transfer_kept *k, struct transfer_result *out)
{
	if (!k->head || out->end != TRANSFER_WHOLE)
		return;
	k->head[k->head_length] = '\0';
	out->head = k->head;
	out->content = k->bytes;
	out->content_length = k->length;
	k->head = k->bytes = NULL;
}

void transfer_result_fini(struct transfer_result *r)
{
	free(r->head);
	free(r->content);
	r->head = r->content = NULL;
}

bool transfers_done(struct transfers *t, struct transfer_result *out)
{
	struct transfer *one;
	CURLMsg *message;
	char *private;
	int left;

	do
		message = transfer_curl.read(t->multi, &left);
	while (message && message->msg != CURLMSG_DONE);
	if (!message)
		return false;
	transfer_curl.get(message->easy_handle, CURLINFO_PRIVATE, &private);
	one = (struct transfer *)private;
	memset(out, 0, sizeof(*out));
	out->who = one->who;
	transfer_judge(one, message->data.result, out);
	transfer_hand_over(&one->kept, out);
	transfer_curl.take(t->multi, one->easy);
	transfer_free(one);
	return true;
}
