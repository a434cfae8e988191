#include "places.h"

#include "binary.h"
#include "child.h"
#include "jail.h"
#include "symbolize.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void places_openssl_add(void *ctx, uint32_t which, uint64_t offset, uint64_t size)
{
	(void)size;
	places_add(ctx, offset, places_openssl[which].kind, TLS_C);
}

static void places_look(struct places_found *f, int file)
{
	const char *names[PLACES_OPENSSL];

	for (uint32_t i = 0; i < PLACES_OPENSSL; i++)
		names[i] = places_openssl[i].name;
	/* none, or no ELF file at all: there are no places */
	binary_look_up(file, names, PLACES_OPENSSL, places_openssl_add, f);
}

int places_main(void)
{
	static struct places_found found;
	int file, result = symbolize_take(&file, sizeof(file));

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
