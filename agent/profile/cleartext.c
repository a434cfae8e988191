#include "cleartext.h"

#include "code.h"
#include "gotable.h"
#include "runtime.h"
#include "tls_kind.h"

#include <errno.h>
#include <string.h>

#define CLEARTEXT_CODE 65536 /* bytes of a function: the largest has 4 KB */

static const struct image_name cleartext_openssl[] = {
	{ "SSL_read", false, TLS_READ },
	{ "SSL_read_ex", false, TLS_READ_EX },
	{ "SSL_write", false, TLS_WRITE },
	{ "SSL_write_ex", false, TLS_WRITE_EX },
	{ "SSL_sendfile", false, TLS_SENDFILE },
	{ "SSL_do_handshake", false, TLS_HANDSHAKE },
	{ "SSL_free", false, TLS_FREE },
	{ "SSL_set_accept_state", false, TLS_ACCEPTS },
	{ "SSL_set_connect_state", false, TLS_CONNECTS },
};

/* Of all of them: without its returns a call tells nothing. */
static const struct image_name cleartext_go[] = {
	{ "crypto/tls.(*Conn).Read", false, TLS_READ },
	{ "crypto/tls.(*Conn).Write", false, TLS_WRITE },
	{ "crypto/tls.(*Conn).Close", false, TLS_FREE },
	/* since 1.17, as arguments in registers are */
	{ "crypto/tls.(*Conn).handshakeContext", false, TLS_HANDSHAKE },
};

#define CLEARTEXT_OPENSSL (sizeof(cleartext_openssl) / sizeof(cleartext_openssl[0]))
#define CLEARTEXT_GO (sizeof(cleartext_go) / sizeof(cleartext_go[0]))

struct cleartext {
	struct image *file;
	struct sites *out;
	uint32_t whole; /* functions whose stops are known */
	bool plain;     /* by their first instructions alone */
};

static void cleartext_add(struct sites *out, uint64_t offset, uint32_t kind, enum tls_role role)
{
	for (uint32_t i = 0; i < out->count;
	     i++) /* a name of each version of a symbol, or two names */
		if (out->at[i].offset == offset)
			return;
	if (out->count < SITES)
		out->at[out->count++] =
			(struct site){ .offset = offset, .cookie = kind, .role = role };
}

static bool cleartext_code(const struct image *file, uint64_t offset, uint64_t size,
			   int (*find)(const uint8_t *code, size_t bytes, struct code_stops *out),
			   struct code_stops *out)
{
	static uint8_t code[CLEARTEXT_CODE];

	if (!size || size > sizeof(code) || image_read(file, code, size, offset))
		return false;
	return find(code, size, out) == 0;
}

static void cleartext_openssl_add(void *ctx, const struct image_name *name, uint64_t offset,
				  uint64_t size)
{
	const struct cleartext *c = ctx;
	struct code_stops stops;

	if (c->plain || name->kind >= TLS_FREE ||
	    !cleartext_code(c->file, offset, size, code_cheap_find, &stops)) {
		cleartext_add(c->out, offset, name->kind, TLS_C);
		return;
	}
	cleartext_add(c->out, offset + stops.begin, name->kind, TLS_C_CALL);
	for (uint32_t i = 0; i < stops.count; i++)
		cleartext_add(c->out, offset + stops.returns[i], name->kind, TLS_C_RETURN);
}

static void cleartext_go_add(void *ctx, const struct image_name *name, uint64_t offset,
			     uint64_t size)
{
	struct cleartext *c = ctx;
	struct code_stops stops;

	if (!cleartext_code(c->file, offset, size, code_stops_find, &stops))
		return;
	c->whole++;
	cleartext_add(c->out, offset + stops.begin, name->kind, TLS_GO);
	for (uint32_t i = 0; name->kind != TLS_FREE && i < stops.count; i++)
		cleartext_add(c->out, offset + stops.returns[i], name->kind, TLS_GO_RETURN);
}

static void cleartext_go_read(struct image *file, struct sites *out)
{
	struct cleartext c = { .file = file, .out = out };
	static struct gotable table;

	/* where its symbols were stripped, by the table that its runtime needs */
	if (image_look_up(file, cleartext_go, CLEARTEXT_GO, cleartext_go_add, &c) &&
	    !gotable_open(&table, file))
		gotable_look_up(&table, cleartext_go, CLEARTEXT_GO, cleartext_go_add, &c);
	if (c.whole != CLEARTEXT_GO || out->count == SITES)
		out->count = 0;
}

static int cleartext_openssl_read(struct image *file, struct sites *out, bool plain)
{
	struct cleartext c = { .file = file, .out = out, .plain = plain };

	out->count = 0;
	return image_look_up(file, cleartext_openssl, CLEARTEXT_OPENSSL, cleartext_openssl_add, &c);
}

void cleartext_read(struct image *file, struct sites *out)
{
	memset(out, 0, sizeof(*out));
	if (cleartext_openssl_read(file, out, false) == -ENODATA)
		cleartext_go_read(file, out);
	else if (out->count == SITES) /* a way out may be among those that found no room */
		cleartext_openssl_read(file, out, true);
	out->why = out->count ? RUNTIME_ATTACHED : RUNTIME_BARE;
}
