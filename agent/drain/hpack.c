#include "hpack.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

/* Ours is nghttp2's own object under another name. */
static nghttp2_hd_inflater *hpack_inflater(struct hpack *h)
{
	return (nghttp2_hd_inflater *)(void *)h;
}

int hpack_open(struct hpack **out)
{
	nghttp2_hd_inflater *inflater;

	*out = NULL;
	if (nghttp2_hd_inflate_new(&inflater))
		return -ENOMEM;
	/* A bound only: how much of it is used the sender says. */
	if (nghttp2_hd_inflate_change_table_size(inflater, HPACK_TABLE)) {
		nghttp2_hd_inflate_del(inflater);
		return -ENOMEM;
	}
	*out = (struct hpack *)(void *)inflater;
	return 0;
}

void hpack_close(struct hpack *h)
{
	if (h)
		nghttp2_hd_inflate_del(hpack_inflater(h));
}

int hpack_read(struct hpack *h, const struct hpack_piece *piece, hpack_field_fn fn, void *ctx)
{
	const uint8_t *bytes = piece->bytes;
	size_t n = piece->n;

	for (;;) {
		nghttp2_nv from;
		int flags = 0;
		ssize_t done = nghttp2_hd_inflate_hd2(hpack_inflater(h), &from, &flags, bytes, n,
						      piece->last);

		if (done < 0)
			return -EBADMSG;
		bytes += done;
		n -= (size_t)done;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			const struct hpack_field field = { .name = from.name,
							   .value = from.value,
							   .name_bytes = from.namelen,
							   .value_bytes = from.valuelen };

			fn(ctx, &field);
		} else if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(hpack_inflater(h));
			return n ? -EBADMSG : 0;
		} else if (!n) {
			return piece->last ? -EBADMSG : 0;
		}
	}
}
