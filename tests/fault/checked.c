#include "checked.h"

#include "decode.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_LETTERS 8u
#define FILLER_MOST 110u /* with the number below RS_PATH_BYTES: one to four slots */

static const struct {
	const char *method;
	uint8_t code;
} methods[] = { { "GET", RS_METHOD_GET }, { "POST", RS_METHOD_POST }, { "PUT", RS_METHOD_PUT } };

static const uint16_t statuses[] = { 200, 201, 302, 404, 500, 503, 418 };

void checked_make(struct checked *c, uint32_t number)
{
	size_t filler = number * 7 % FILLER_MOST;
	const char *method = methods[number % 3].method;
	unsigned int body = number % 91;

	/* No letters of ours are hexadecimal digits: the path is its own shape. */
	c->path[0] = '/';
	for (uint32_t i = 0; i < NUMBER_LETTERS; i++)
		c->path[1 + i] = (char)('g' + (number >> i * 4 & 15));
	memset(c->path + 1 + NUMBER_LETTERS, 'z', filler);
	c->path[1 + NUMBER_LETTERS + filler] = 0;
	c->method = methods[number % 3].code;
	c->status = statuses[number % 7];
	c->request_bytes = (size_t)snprintf(
		c->request, sizeof(c->request),
		"%s %s HTTP/1.1\r\nX: %0*u\r\nContent-Length: %u\r\n\r\n%0*u", method, c->path,
		(int)(number % 61 + 1), 0u, body + 1, (int)body + 1, 0u);
	body = number % 97;
	c->response_bytes = (size_t)snprintf(c->response, sizeof(c->response),
					     "HTTP/1.1 %u x\r\nContent-Length: %u\r\n\r\n%0*u",
					     c->status, body + 1, (int)body + 1, 0u);
}

static uint32_t number_of(const uint8_t *path)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < NUMBER_LETTERS; i++)
		number |= (uint32_t)((path[1 + i] - 'g') & 15) << i * 4;
	return number;
}

const char *checked_fault(const struct lane_record *record)
{
	struct drain_request got;
	struct decode_raw raw;
	struct checked c;

	if (record->head.kind != RS_KIND_REQUEST)
		return "it is no request";
	if (decode_request(record, &calibrate_monotonic, UINT64_MAX / 2, &got, &raw))
		return "it cannot be decoded";
	if (!raw.path || raw.path_bytes < 1 + NUMBER_LETTERS)
		return "it has no path";
	checked_make(&c, number_of(raw.path));
	if (raw.path_bytes != strlen(c.path) || memcmp(raw.path, c.path, raw.path_bytes) != 0)
		return "its path is in pieces";
	if (got.bytes_in != c.request_bytes || got.bytes_out != c.response_bytes)
		return "its sizes are another's";
	if (got.status != c.status || got.method != c.method || got.protocol != RS_PROTOCOL_HTTP1)
		return "its status or method is another's";
	if (!got.id || !got.connection || !got.span_ns || got.flags)
		return "its id, time or flags are none";
	return NULL;
}
