/*
 * layout - the numbers of ABI version 3, written down once more: whoever changes a layout without
 * raising RS_ABI_VERSION does not get past the compiler here.
 */
#include <ringside/ring.h>
#include <ringside/segment.h>

#include <stddef.h>

#define AT(type, field, offset)                                                                    \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)

_Static_assert(RS_ABI_VERSION == 3, "a new version: new numbers here");
_Static_assert(RS_SEGMENT_BYTES == 6111232 && RS_START_BYTES == 1949696, "segment");
_Static_assert(RS_BLOCKS_AT == 4096 && RS_SHAPES_AT == 270336 && RS_OPEN_AT == 532480, "regions");
_Static_assert(RS_CELLS_AT == 663552 && RS_LANES_AT == 1753088, "regions");

AT(rs_head, t0, 8);
AT(rs_head, span, 16);
AT(rs_head, request, 24);
AT(rs_head, connection, 32);
AT(rs_head, shape, 36);
AT(rs_head, kind, 38);
AT(rs_head, flags, 39);
AT(rs_head, served, 40);
AT(rs_head, served.bytes_in, 48);
AT(rs_head, served.first_byte, 52);
AT(rs_head, served.thread, 56);
AT(rs_head, served.status, 60);
AT(rs_head, served.method, 62);
AT(rs_head, served.protocol, 63);
AT(rs_head, closed.requests, 56);
AT(rs_head, headers.place, 48);
AT(rs_head, stack.frames, 60);

AT(rs_block, requests, 8);
AT(rs_block, aborted, 56);
AT(rs_block, span, 96);
AT(rs_block, opened, 136);
AT(rs_block, allocations, 152);
AT(rs_block, cost_ticks, 184);
AT(rs_block, handshakes, 208);
AT(rs_block, counted, 256);
AT(rs_block, unparsed, 512);
AT(rs_block, lost, 640);
AT(rs_block, thread, 704);
AT(rs_block, tail, 960);

AT(rs_header, agent, 320);
AT(rs_header, agent.ns_per_tick, 352);
AT(rs_header, state, 384);
AT(rs_header, lanes, 396);
AT(rs_header, folded, 416);
AT(rs_header, cells, 424);
AT(rs_header, unseen, 460);
AT(rs_header, arguments, 1024);
_Static_assert(RS_ARGUMENTS_BYTES == 2048 && RS_ARGUMENT_BYTES == 128 && RS_OPTION_BYTES == 40,
	       "arguments");

AT(rs_cell, span, 88);
AT(rs_cell, buckets, 128);
AT(rs_cell, methods, 4192);
AT(rs_open, t0, 8);
AT(rs_shape, bytes, 8);

int main(void)
{
	return ring_word_position(ring_word(41, 3, 5)) == 41 &&
			       ring_word_k(ring_word(41, 3, 5)) == 3 &&
			       ring_word_n(ring_word(41, 3, 5)) == 5
		       ? 0
		       : 1;
}
