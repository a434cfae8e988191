#include "line.h"

#include "hot.h"

RARE void line_keep(struct http1 *p, const uint8_t *at, size_t n)
{
	size_t room = p->line < HTTP1_KEPT ? HTTP1_KEPT - p->line : 0;

	memcpy(p->text + (HTTP1_KEPT - room), at, n < room ? n : room);
	if (n >= HTTP1_TAIL) {
		memcpy(p->tail, at + n - HTTP1_TAIL, HTTP1_TAIL);
	} else {
		memmove(p->tail, p->tail + n, HTTP1_TAIL - n);
		memcpy(p->tail + HTTP1_TAIL - n, at, n);
	}
	p->line += (uint32_t)(n < HTTP1_HEAD_MOST ? n : HTTP1_HEAD_MOST);
}
