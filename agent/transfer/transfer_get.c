/*
 * transfer_get - a GET, whose answer is kept up to so many bytes.
 */
#include "transfer_curl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRANSFER_GET_HEAD 16384u /* bytes of heads: twice what servers let others send */
#define TRANSFER_GET_ROOM 4096u  /* of the first piece */

/*
 * Lines as they come, of an answer that is one: what stood before it (1xx) and behind it (trailers)
 * is not about the content. A line that goes on with the one before may hide what that one says.
 */
static size_t transfer_get_head(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer_kept *k = &((struct transfer *)ctx)->kept;
	size_t n = size * count, length = n;

	k->heard += n;
	if (k->heard > TRANSFER_GET_HEAD || memchr(bytes, '\0', n))
		return 0;
	if (n > 5 && !memcmp(bytes, "HTTP/", 5)) {
		k->head_length = 0;
		k->head_over = false;
		return n;
	}
	while (length && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	if (k->head_over)
		return n;
	k->head_over = !length;
	if (*bytes == ' ' || *bytes == '\t' || length == n)
		return 0;
	if (length) {
		memcpy(k->head + k->head_length, bytes, length);
		k->head_length += length;
		k->head[k->head_length++] = '\n';
	}
	return n;
}

static size_t transfer_get_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer_kept *k = &((struct transfer *)ctx)->kept;
	size_t n = size * count, room = k->room ? k->room : TRANSFER_GET_ROOM;
	char *more;

	k->large = n > k->most - k->length;
	if (k->large)
		return 0;
	while (room < k->length + n)
		room *= 2;
	if (room != k->room) {
		more = realloc(k->bytes, room);
		if (!more)
			return 0;
		k->bytes = more;
		k->room = room;
	}
	memcpy(k->bytes + k->length, bytes, n);
	k->length += n;
	return n;
}

int transfer_get(struct transfer *one, const struct transfer_request *r)
{
	one->kept.most = r->most;
	one->kept.head = malloc(TRANSFER_GET_HEAD + 1); /* no line is longer here than it came */
	if (!one->kept.head)
		return -ENOMEM;
	transfer_curl.set(one->easy, CURLOPT_HTTPGET, 1L);
	/* as it was written: what a dot may mean was judged by who wrote it */
	transfer_curl.set(one->easy, CURLOPT_PATH_AS_IS, 1L);
	/* one at a time on a connection: none is held up by another */
	transfer_curl.set(one->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* the library takes what comes behind an answer for the next one's (7.88 does) */
	transfer_curl.set(one->easy, CURLOPT_FORBID_REUSE, 1L);
	transfer_curl.set(one->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->most);
	transfer_curl.set(one->easy, CURLOPT_HEADERFUNCTION, transfer_get_head);
	transfer_curl.set(one->easy, CURLOPT_HEADERDATA, one);
	transfer_curl.set(one->easy, CURLOPT_WRITEFUNCTION, transfer_get_body);
	transfer_curl.set(one->easy, CURLOPT_WRITEDATA, one);
	return 0;
}
