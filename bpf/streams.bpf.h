/*
 * streams - the streams of HTTP/2 that are asked for by what found no room.
 *
 * Includers: http.bpf.c, tls.bpf.c. Clients count them: the last one says how many there were.
 */
#ifndef BPF_STREAMS_BPF_H
#define BPF_STREAMS_BPF_H

#define STREAMS_FRAMES 64 /* of one packet, or read, that are looked at */
#define STREAMS_HEAD 9
#define STREAMS_PREFACE 24
#define STREAMS_FRAME_MOST 65536 /* as in the agent: longer ones exist, others are no frames */
#define STREAMS_TYPES 10
#define STREAMS_HEADERS 1

/* The head of a frame, or the preface. 0: it is neither, or begins within a frame. */
static __always_inline __u32 streams_step(const __u8 *head, __u32 *last)
{
	__u32 length = (__u32)head[0] << 16 | (__u32)head[1] << 8 | head[2];
	__u32 stream = (__u32)head[5] << 24 | (__u32)head[6] << 16 | (__u32)head[7] << 8 | head[8];

	if (head[0] == 'P' && head[1] == 'R' && head[2] == 'I')
		return STREAMS_PREFACE;
	if (length > STREAMS_FRAME_MOST || head[3] >= STREAMS_TYPES)
		return 0;
	if (head[3] == STREAMS_HEADERS && stream & 1 && (__s32)(stream - *last) > 0)
		*last = stream;
	return STREAMS_HEAD + length;
}

#endif
