/*
 * tls_kind - the functions of TLS libraries that are looked at, as the cookie of a probe names
 *            them.
 *
 * Includers: bpf/thread.bpf.h, agent/capture/http.c and tls.c, agent/profile/cleartext.c and
 *            sites.c.
 */
#ifndef BPF_TLS_KIND_H
#define BPF_TLS_KIND_H

#define TLS_SECURE_MAP "secure"

enum tls_kind {
	TLS_READ = 1,  /* (session, text, bytes): the result says how many */
	TLS_READ_EX,   /* (session, text, bytes, *moved): result 1 */
	TLS_WRITE,     /* as TLS_READ */
	TLS_WRITE_EX,  /* as TLS_READ_EX */
	TLS_SENDFILE,  /* (session, …): the result says how many, nobody has them */
	TLS_HANDSHAKE, /* (session) */
	TLS_FREE,      /* (session); of this one and those below the call alone */
	TLS_ACCEPTS,   /* (session): it is a server's */
	TLS_CONNECTS,  /* (session): a client's */
	TLS_KINDS,
};

enum tls_role {
	TLS_C,         /* a function of C: its call and its return … */
	TLS_C_CALL,    /* … or, where its first instruction costs more, a later one … */
	TLS_C_RETURN,  /* … and one on each way out */
	TLS_GO,        /* behind the prologue of one of Go's, whose stack may move: for it … */
	TLS_GO_RETURN, /* … each instruction by which it returns */
	TLS_ROLES,
};

/* Bits of the value that the map has. */
enum tls_secure {
	TLS_SECURE_THREADS = 1,
	TLS_SECURE_GOROUTINES = 2,
};

#endif
