/*
 * http_event - what moved on a connection of a process that runs without the shim, by TCP's own
 *              positions: what no event has bytes of was lost, or moved unseen.
 *
 * Includers: bpf/http.bpf.c, bpf/calls.bpf.c, bpf/tls.bpf.c, agent/probes.c and agent/drain/wire.c.
 */
#ifndef BPF_HTTP_EVENT_H
#define BPF_HTTP_EVENT_H

#define HTTP_RING_BYTES (8u << 20) /* two seconds of 5,000 requests, of 0.7 KB of events each */
#define HTTP_KEPT 16384            /* bytes of one event: what is longer has a head before it */
#define HTTP_LOST_MAP "lost"
#define HTTP_ENDS_MAP "ends_left" /* how many wait to be told: each walk tells some */
#define HTTP_SESSION (1ull << 63) /* in the number of each session, and of no connection */
#define HTTP_CLASSES 5            /* of a status: 1xx … 5xx */
#define HTTP_SMALL 256
#define HTTP_MIDDLE 2048

enum http_kind {
	HTTP_ACCEPTED = 1, /* seq, other: where reading and writing begin. length 1: in a gap */
	HTTP_FOUND,        /* as above, of a connection that was there before */
	HTTP_ARRIVED,      /* length bytes from seq on, the first kept of them here: not read yet */
	HTTP_READ,         /* length bytes were, up to seq */
	HTTP_WRITING,      /* as HTTP_ARRIVED: handed over, to be written */
	HTTP_WROTE,        /* length bytes were, up to seq; those kept are from other on */
	HTTP_CLIENT_GONE,  /* length 1: by a reset */
	HTTP_CLOSED, /* the process writes no more. length 1: in a gap, as HTTP_RESUMED has it */
	/* Of a session of TLS, a connection of its own, by positions in its plain text. */
	HTTP_TLS_CARRIER, /* seq, other: low and high half of the connection that carries it */
	HTTP_TLS_READ,    /* length bytes up to seq were read, the first kept of them here */
	HTTP_TLS_WROTE,   /* as HTTP_TLS_READ: written */
	HTTP_TLS_OVER,    /* as HTTP_CLOSED: it was freed, or turned out to be none of ours */
	/*
	 * Of both. Events found no room, and length answers that they were of are in the map. Here
	 * a request begins; seq, other as of HTTP_ACCEPTED. HTTP_CLOSED: seq is how many answers,
	 * other the last stream of HTTP/2 that was asked for there; length 2: no event was told.
	 */
	HTTP_RESUMED,
	/* Of the end of a system call, by TCP's positions: all else is the same. */
	HTTP_CALL_READ = HTTP_TLS_READ,
	HTTP_CALL_WROTE = HTTP_TLS_WROTE,
};

struct http_event {
	unsigned long long connection;
	unsigned long long at_ns;
	unsigned int kind; /* enum http_kind */
	unsigned int pid;  /* of who reads or writes; 0: not known */
	unsigned int seq, other;
	unsigned int length, kept;
};

/* By process: answers whose event found no room. A request is one that was answered, at least. */
struct http_lost {
	unsigned long long status[HTTP_CLASSES];
};

#endif
