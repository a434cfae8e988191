#include "backlog.h"

#include "mem.h"

struct backlog_head {
	uint32_t stream;
	uint16_t length;
	uint8_t last;
	uint8_t reserved;
};

bool backlog_put(struct backlog *b, const struct emit_piece *piece)
{
	const struct backlog_head head = {
		.stream = piece->stream,
		.length = piece->length,
		.last = piece->last,
	};

	if (sizeof(head) + piece->length > BACKLOG_BYTES - b->used)
		return false;
	memcpy(b->bytes + b->used, &head, sizeof(head));
	memcpy(b->bytes + b->used + sizeof(head), piece->bytes, piece->length);
	b->used += (uint32_t)sizeof(head) + piece->length;
	return true;
}

void backlog_send(struct backlog *b, uint32_t connection, uint32_t *number)
{
	uint32_t sent = 0;

	while (sent < b->used) {
		struct backlog_head head;
		struct emit_piece piece = { .connection = connection, .number = *number };

		memcpy(&head, b->bytes + sent, sizeof(head));
		piece.bytes = b->bytes + sent + sizeof(head);
		piece.stream = head.stream;
		piece.length = head.length;
		piece.last = head.last;
		if (!emit_piece(&piece))
			break;
		(*number)++;
		sent += (uint32_t)sizeof(head) + head.length;
	}
	if (!sent)
		return;
	b->used -= sent;
	memmove(b->bytes, b->bytes + sent, b->used);
}
