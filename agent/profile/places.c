#include "places.h"

#include "binary.h"
#include "child.h"
#include "code.h"
#include "jail.h"
#include "symbolize.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES_CODE 65536 /* bytes of a function: the largest has 4 KB */

/* Of the functions of one file. */
struct places_found {
	struct tls_place places[TLS_PLACES];
	uint32_t count;
};

static const struct places_name {
	const char *name;
	enum tls_kind kind;
} places_openssl[] = {
	{ "SSL_read", TLS_READ },
	{ "SSL_read_ex", TLS_READ_EX },
	{ "SSL_write", TLS_WRITE },
	{ "SSL_write_ex", TLS_WRITE_EX },
	{ "SSL_sendfile", TLS_SENDFILE },
	{ "SSL_do_handshake", TLS_HANDSHAKE },
	{ "SSL_free", TLS_FREE },
	{ "SSL_set_accept_state", TLS_ACCEPTS },
	{ "SSL_set_connect_state", TLS_CONNECTS },
};

#define PLACES_OPENSSL (sizeof(places_openssl) / sizeof(places_openssl[0]))

static void places_add(struct places_found *f, uint64_t offset, uint32_t kind, enum tls_role role)
{
	for (uint32_t i = 0; i < f->count;
	     i++) /* a name of each version of a symbol, or two names */
		if (f->places[i].offset == offset)
			return;
	if (f->count < TLS_PLACES)
		f->places[f->count++] = (struct tls_place){ offset, kind, role };
}

/* Of all of them: without its returns a call tells nothing. */
static const struct places_name places_go[] = {
	{ "crypto/tls.(*Conn).Read", TLS_READ },
	{ "crypto/tls.(*Conn).Write", TLS_WRITE },
	{ "crypto/tls.(*Conn).Close", TLS_FREE },
	/* since 1.17, as arguments in registers are */
	{ "crypto/tls.(*Conn).handshakeContext", TLS_HANDSHAKE },
};

#define PLACES_GO (sizeof(places_go) / sizeof(places_go[0]))

struct places_walk {
	struct places_found *found;
	int file;
	uint32_t whole; /* functions whose stops are known */
	bool plain;     /* by their first instructions alone */
};

static bool places_code(int file, uint64_t offset, uint64_t size,
			int (*find)(const uint8_t *code, size_t bytes, struct code_stops *out),
			struct code_stops *out)
{
	static uint8_t code[PLACES_CODE];

	if (!size || size > sizeof(code) || pread(file, code, size, (off_t)offset) != (ssize_t)size)
		return false;
	return find(code, size, out) == 0;
}

static void places_openssl_add(void *ctx, uint32_t which, uint64_t offset, uint64_t size)
{
	const struct places_walk *w = ctx;
	enum tls_kind kind = places_openssl[which].kind;
	struct code_stops stops;

	if (w->plain || kind >= TLS_FREE ||
	    !places_code(w->file, offset, size, code_cheap_find, &stops)) {
		places_add(w->found, offset, kind, TLS_C);
		return;
	}
	places_add(w->found, offset + stops.begin, kind, TLS_C_CALL);
	for (uint32_t i = 0; i < stops.count; i++)
		places_add(w->found, offset + stops.returns[i], kind, TLS_C_RETURN);
}

static void places_go_add(void *ctx, uint32_t which, uint64_t offset, uint64_t size)
{
	struct places_walk *w = ctx;
	struct code_stops stops;
	enum tls_kind kind = places_go[which].kind;

	if (!places_code(w->file, offset, size, code_stops_find, &stops))
		return;
	w->whole++;
	places_add(w->found, offset + stops.begin, kind, TLS_GO);
	for (uint32_t i = 0; kind != TLS_FREE && i < stops.count; i++)
		places_add(w->found, offset + stops.returns[i], kind, TLS_GO_RETURN);
}

static void places_look_go(struct places_found *f, int file)
{
	struct places_walk walk = { .found = f, .file = file };
	const char *names[PLACES_GO];

	for (uint32_t i = 0; i < PLACES_GO; i++)
		names[i] = places_go[i].name;
	binary_look_up(file, names, PLACES_GO, places_go_add, &walk);
	if (walk.whole != PLACES_GO || f->count == TLS_PLACES)
		f->count = 0;
}

static int places_look_openssl(struct places_found *f, int file, bool plain)
{
	struct places_walk walk = { .found = f, .file = file, .plain = plain };
	const char *names[PLACES_OPENSSL];

	f->count = 0;
	for (uint32_t i = 0; i < PLACES_OPENSSL; i++)
		names[i] = places_openssl[i].name;
	return binary_look_up(file, names, PLACES_OPENSSL, places_openssl_add, &walk);
}

/* None, or no ELF file at all: there are no places. */
static void places_look(struct places_found *f, int file)
{
	if (places_look_openssl(f, file, false) == -ENODATA)
		places_look_go(f, file);
	else if (f->count == TLS_PLACES) /* a way out may be among those that found no room */
		places_look_openssl(f, file, true);
}

int places_main(void)
{
	static struct places_found found;
	int file, result = symbolize_take(&file, sizeof(file));

	code_open(); /* without it there are no places in what Go made */
	if (result || jail_enter(PLACES_CPU_S))
		return 1;
	places_look(&found, file);
	return child_write(STDOUT_FILENO, found.places, found.count * sizeof(found.places[0])) ? 1
											       : 0;
}

int places_begin(struct places *p, const char *program, int file)
{
	struct child_start start = {
		.program = program, .word = CHILD_PLACES, .passed = &file, .passed_count = 1
	};
	int result = 0;

	p->answer = memfd_create("answer", MFD_CLOEXEC);
	start.answer = p->answer;
	start.question = memfd_create("question", MFD_CLOEXEC);
	if (start.answer < 0 || start.question < 0)
		result = -errno;
	if (!result)
		result = child_write(start.question, &file, sizeof(file));
	if (!result && lseek(start.question, 0, SEEK_SET))
		result = -errno;
	if (!result)
		result = child_start(&start, &p->pid);
	if (start.question >= 0)
		close(start.question);
	if (result) {
		p->pid = 0;
		places_end(p);
	}
	return result;
}

int places_take(struct places *p, struct tls_place out[TLS_PLACES])
{
	int result = child_wait(p->pid, 0);
	ssize_t n;

	if (result == -EAGAIN)
		return result;
	p->pid = 0;
	n = pread(p->answer, out, TLS_PLACES * sizeof(*out), 0);
	if (!result)
		result = n < 0 ? -errno : (int)((size_t)n / sizeof(*out));
	places_end(p);
	return result;
}

void places_end(struct places *p)
{
	if (p->pid)
		child_kill(p->pid);
	if (p->answer >= 0)
		close(p->answer);
	*p = (struct places){ .answer = -1 };
}
