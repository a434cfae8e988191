/*
 * call - the memory that a call writes from, kept on its connection while it is under way: what of
 *        it was taken is known at the end, and told then, in one event with that.
 *
 * Includers: bpf/http.bpf.c, behind socket.bpf.h.
 */
#ifndef BPF_CALL_BPF_H
#define BPF_CALL_BPF_H

#define CALL_PIECES 64 /* of one writev */

struct call {
	const void
		*from; /* of the process; or, in the kernel, an iovec of each of several pieces */
	__u64 skip;    /* of the first */
	__u32 pieces;  /* 0: what is written lies elsewhere, in a file's pages */
	__u32 listed;  /* from is a list of iovecs */
};

struct call_piece {
	const void *from;
	__u64 bytes;
};

static __always_inline void call_keep(struct call *c, const struct iov_iter *from)
{
	__u8 type = from->iter_type;

	c->listed = type == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
	c->skip = from->iov_offset;
	c->pieces = 0;
	if (c->listed) {
		c->from = from->__iov;
		c->pieces = from->nr_segs;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		c->from = from->ubuf;
		c->pieces = 1;
	}
}

/* Its next piece, of so many bytes that were taken; false: there is none, or none that we see. */
static __always_inline bool call_next(const struct call *c, __u32 i, __u64 left,
				      struct call_piece *out)
{
	__u64 skip = i ? 0 : c->skip;
	struct iovec piece;

	if (i >= c->pieces || !left)
		return false;
	out->from = (const char *)c->from + skip;
	out->bytes = left;
	if (!c->listed)
		return true;
	if (bpf_probe_read_kernel(&piece, sizeof(piece), (const struct iovec *)c->from + i))
		return false;
	out->from = (const char *)piece.iov_base + skip;
	out->bytes = piece.iov_len > skip ? piece.iov_len - skip : 0;
	out->bytes = out->bytes < left ? out->bytes : left;
	return true;
}

#endif
