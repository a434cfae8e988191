#include "transfer.h"

#include "library.h"
#include "own.h"

#define CURL_DISABLE_TYPECHECK /* they are called by pointer */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#define TRANSFER_LIBRARY "libcurl.so.4"
#define TRANSFER_ADDRESS 256
#define TRANSFER_TOLD (CURL_ERROR_SIZE + 2 * TRANSFER_TEXT)

static struct {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *set;
	__typeof__(curl_easy_getinfo) *get;
	__typeof__(curl_easy_strerror) *error;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_add_handle) *add;
	__typeof__(curl_multi_remove_handle) *take;
	__typeof__(curl_multi_perform) *perform;
	__typeof__(curl_multi_poll) *poll;
	__typeof__(curl_multi_info_read) *read;
} transfer_curl;

struct transfer {
	void *who;
	CURL *easy;
	struct curl_slist *list; /* headers, or who gets a mail */
	char *body;
	size_t length, sent;      /* of a mail */
	char said[TRANSFER_TEXT]; /* of what the receiver answered */
	size_t said_length;
	char error[CURL_ERROR_SIZE];
	const struct own *own;
	bool ours; /* an address that it has is one of these */
	/* of a mail: */
	char asked[TRANSFER_ADDRESS]; /* whom the server was asked for just now; "": nobody */
	char refused[TRANSFER_TEXT];  /* whom it does not take, and why; the last of them */
	char later[TRANSFER_LIST];    /* whom it may take another time */
};

struct transfers {
	CURLM *multi;
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
		{ "curl_multi_add_handle", &transfer_curl.add },
		{ "curl_multi_remove_handle", &transfer_curl.take },
		{ "curl_multi_perform", &transfer_curl.perform },
		{ "curl_multi_poll", &transfer_curl.poll },
		{ "curl_multi_info_read", &transfer_curl.read },
	};

	return library_open(TRANSFER_LIBRARY, functions, sizeof(functions) / sizeof(functions[0]));
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
	if (*out)
		(*out)->multi = transfer_curl.multi_init();
	if (*out && (*out)->multi)
		return 0;
	free(*out);
	*out = NULL;
	return -ENOMEM;
}

void transfers_close(struct transfers *t)
{
	if (!t)
		return;
	transfer_curl.multi_cleanup(t->multi); /* those under way end with the process */
	free(t);
}

static void transfer_free(struct transfer *one)
{
	if (one->easy)
		transfer_curl.easy_cleanup(one->easy);
	transfer_curl.free_all(one->list);
	free(one->body);
	free(one);
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

static size_t transfer_say(char *out, size_t size, size_t count, void *ctx)
{
	struct transfer *one = ctx;
	size_t left = one->length - one->sent, n = size * count;

	n = n < left ? n : left;
	memcpy(out, one->body + one->sent, n);
	one->sent += n;
	return n;
}

/* The last line that a mail server says is its word on the mail, or on why it does not take it. */
static size_t transfer_hear_mail(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *one = ctx;
	size_t n = size * count;

	one->said_length = n < sizeof(one->said) - 1 ? n : sizeof(one->said) - 1;
	memcpy(one->said, bytes, one->said_length);
	return n;
}

static int transfer_list(struct transfer *one, const char *text)
{
	struct curl_slist *more = transfer_curl.append(one->list, text);

	if (more)
		one->list = more;
	return more ? 0 : -ENOMEM;
}

static int transfer_http(struct transfer *one, const struct transfer_request *r)
{
	for (size_t i = 0; i < TRANSFER_HEADERS && r->headers[i]; i++)
		if (transfer_list(one, r->headers[i]))
			return -ENOMEM;
	transfer_curl.set(one->easy, CURLOPT_HTTPHEADER, one->list);
	transfer_curl.set(one->easy, CURLOPT_POST, 1L);
	transfer_curl.set(one->easy, CURLOPT_POSTFIELDS, one->body);
	transfer_curl.set(one->easy, CURLOPT_POSTFIELDSIZE, (long)r->length);
	transfer_curl.set(one->easy, CURLOPT_FOLLOWLOCATION, 0L);
	transfer_curl.set(one->easy, CURLOPT_WRITEFUNCTION, transfer_hear);
	transfer_curl.set(one->easy, CURLOPT_WRITEDATA, one);
	return 0;
}

static void transfer_asks(struct transfer *one, const char *bytes, size_t size)
{
	static const char ask[] = "RCPT TO:<";
	bool asks = size > sizeof(ask) - 1 && !memcmp(bytes, ask, sizeof(ask) - 1);
	const char *end = asks ? memchr(bytes, '>', size) : NULL;

	bytes += sizeof(ask) - 1;
	snprintf(one->asked, sizeof(one->asked), "%.*s", end ? (int)(end - bytes) : 0,
		 end ? bytes : "");
}

static void transfer_answered(struct transfer *one, const char *bytes, size_t size)
{
	size_t used = strlen(one->later), length = size < 96 ? size : 96;

	if (*bytes == '4' || *bytes == '5')
		snprintf(one->refused, sizeof(one->refused), "%.*s: %.*s", 60, one->asked,
			 (int)length, bytes);
	if (*bytes == '4')
		snprintf(one->later + used, sizeof(one->later) - used, "%s%s", used ? "," : "",
			 one->asked);
	one->asked[0] = '\0';
}

/*
 * What a server says of each address stands between its lines alone: a command that asks for one,
 * then a reply. One that it may take later is to be asked for again, and the others not.
 */
static int transfer_watch(CURL *easy, curl_infotype type, char *bytes, size_t size, void *ctx)
{
	struct transfer *one = ctx;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		transfer_asks(one, bytes, size);
	else if (type == CURLINFO_HEADER_IN && *one->asked && size > 3 && bytes[3] != '-')
		transfer_answered(one, bytes, size);
	return 0;
}

static int transfer_receivers(struct transfer *one, const char *to)
{
	char address[520];

	while (*to) {
		size_t length = strcspn(to, ",");

		snprintf(address, sizeof(address), "<%.*s>", (int)length, to);
		if (transfer_list(one, address))
			return -ENOMEM;
		to += length + (to[length] == ',');
	}
	return 0;
}

static int transfer_mail(struct transfer *one, const struct transfer_request *r)
{
	long tls = r->tls_needed ? CURLUSESSL_ALL : r->tls_tried ? CURLUSESSL_TRY : CURLUSESSL_NONE;
	char from[520], url[700];

	snprintf(from, sizeof(from), "<%.510s>", r->from);
	snprintf(url, sizeof(url), "%.520s%s%.64s", r->url,
		 r->url[strlen(r->url) - 1] == '/' ? "" : "/", r->host);
	if (transfer_receivers(one, r->to))
		return -ENOMEM;
	transfer_curl.set(one->easy, CURLOPT_URL, url); /* its path is what EHLO says */
	transfer_curl.set(one->easy, CURLOPT_MAIL_FROM, from);
	transfer_curl.set(one->easy, CURLOPT_MAIL_RCPT, one->list);
	/* one address that is no more must not keep it from the others */
	transfer_curl.set(one->easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	transfer_curl.set(one->easy, CURLOPT_VERBOSE, 1L); /* to transfer_watch */
	transfer_curl.set(one->easy, CURLOPT_DEBUGFUNCTION, transfer_watch);
	transfer_curl.set(one->easy, CURLOPT_DEBUGDATA, one);
	transfer_curl.set(one->easy, CURLOPT_USE_SSL, tls);
	transfer_curl.set(one->easy, CURLOPT_UPLOAD, 1L);
	transfer_curl.set(one->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->length);
	transfer_curl.set(one->easy, CURLOPT_READFUNCTION, transfer_say);
	transfer_curl.set(one->easy, CURLOPT_READDATA, one);
	transfer_curl.set(one->easy, CURLOPT_HEADERFUNCTION, transfer_hear_mail);
	transfer_curl.set(one->easy, CURLOPT_HEADERDATA, one);
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
	if (*r->username) {
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
	if (ret)
		transfer_free(one);
	return ret;
}

void transfers_step(struct transfers *t, int fd, int wait_ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running;

	transfer_curl.poll(t->multi, &extra, 1, wait_ms, NULL);
	transfer_curl.perform(t->multi, &running);
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

static void transfer_tell(const struct transfer *one, CURLcode code, long status, const char *said,
			  char text[TRANSFER_TOLD])
{
	if (code != CURLE_OK && one->ours)
		snprintf(text, TRANSFER_TOLD, "not sent: that is an address of this agent itself");
	else if (code != CURLE_OK)
		snprintf(text, TRANSFER_TOLD, "%s%s%s",
			 *one->error ? one->error : transfer_curl.error(code), *said ? ": " : "",
			 said);
	else if (*one->refused)
		snprintf(text, TRANSFER_TOLD, "%s; but %s", said, one->refused);
	else
		snprintf(text, TRANSFER_TOLD, "%ld%s%s%s", status,
			 status / 100 == 3 ? ", a redirect, which is not followed" : "",
			 *said ? ": " : "", said);
}

static void transfer_judge(struct transfer *one, CURLcode code, struct transfer_result *out)
{
	char said[TRANSFER_TEXT], text[TRANSFER_TOLD];
	curl_off_t retry_s = 0;
	long status = 0;

	transfer_curl.get(one->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_curl.get(one->easy, CURLINFO_RETRY_AFTER, &retry_s);
	out->status = (uint32_t)status;
	out->retry_ms = retry_s > 0 && retry_s < 86400 ? (uint32_t)retry_s * 1000 : 0;
	out->arrived = code == CURLE_OK && status >= 200 && status < 300;
	one->said[one->said_length] = '\0';
	transfer_line(said, sizeof(said), one->said);
	transfer_tell(one, code, status, said, text);
	transfer_line(out->text, sizeof(out->text), text);
	memcpy(out->later, one->later, sizeof(out->later));
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
	transfer_curl.take(t->multi, one->easy);
	transfer_free(one);
	return true;
}
