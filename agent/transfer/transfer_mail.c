/*
 * transfer_mail - a mail, and what its server says of each who is to get it.
 */
#include "transfer_curl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int transfer_mail(struct transfer *one, const struct transfer_request *r)
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
