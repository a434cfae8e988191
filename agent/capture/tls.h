/*
 * tls - the probes in the TLS libraries of targets that run without the shim: plain text for drain
 *       to read, from the ring of http.
 *
 * Threads:  the broker's only one.
 * Memory:   tls_open allocates, tls_close frees and detaches; filter and http are borrowed.
 * Errors:   0 or -errno. Nothing rests on it.
 */
#ifndef CAPTURE_TLS_H
#define CAPTURE_TLS_H

#include "http.h"
#include "probe_site.h"

struct tls;

/* Nothing is attached yet. *state is filled on errors too. */
int tls_open(struct tls **out, const struct probe_filter *filter, struct http *http,
	     struct probe_state *state);
void tls_close(struct tls *t); /* NULL is fine */

/*
 * All of these sites or none; file: a descriptor of where they are. -EOPNOTSUPP: some are return
 * probes, which could harm on this kernel. -ETIMEDOUT: not now (uprobes.h).
 */
int tls_attach(struct tls *t, int32_t pid, int file, const struct sites *sites);
void tls_forget(struct tls *t, int32_t pid); /* whatever is attached to it goes */
bool tls_any(const struct tls *t);           /* is anything attached? */

/* Loaded is what is attached somewhere. */
void tls_look(const struct tls *t, struct probe_state *state);

#endif
