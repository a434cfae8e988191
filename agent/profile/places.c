#include "places.h"

#include "child.h"
#include "cleartext.h"
#include "code.h"
#include "file.h"
#include "jail.h"
#include "sites.h"
#include "symbolize.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES_SECOND_NS UINT64_C(1000000000)

struct places_question {
	int32_t file; /* its descriptor */
	uint32_t of;  /* enum runtime */
};

int places_main(void)
{
	static struct image image;
	static struct sites sites;
	struct places_question q;
	int result = symbolize_take(&q, sizeof(q));

	if (!result && q.of == PLACES_TLS)
		code_open(); /* without it there is less to be found */
	if (result || jail_enter(PLACES_CPU_S))
		return 1;
	if (image_open(&image, q.file))
		sites.why = RUNTIME_UNREADABLE;
	else if (q.of == PLACES_TLS)
		cleartext_read(&image, &sites);
	else
		sites_read(&image, q.of, &sites);
	return file_write(STDOUT_FILENO, &sites, sizeof(sites)) ? 1 : 0;
}

static int places_ask(struct places *p, int question, int file)
{
	const struct places_question q = { .file = file, .of = p->of };
	const struct child_start start = { .program = PLACES_PROGRAM,
					   .word = CHILD_PLACES,
					   .question = question,
					   .answer = p->answer,
					   .passed = &file,
					   .passed_count = 1 };
	int result = file_write(question, &q, sizeof(q));

	if (!result && lseek(question, 0, SEEK_SET))
		result = -errno;
	return result ? result : child_start(&start, &p->pid);
}

int places_begin(struct places *p, int file, enum runtime of, uint64_t now_ns)
{
	int question = memfd_create("question", MFD_CLOEXEC), result = 0;

	*p = (struct places){ .answer = memfd_create("answer", MFD_CLOEXEC), .of = of };
	p->until_ns = now_ns + PLACES_S * PLACES_SECOND_NS;
	if (question < 0 || p->answer < 0)
		result = -errno;
	if (!result)
		result = places_ask(p, question, file);
	if (question >= 0)
		close(question);
	if (result) {
		if (p->answer >= 0)
			close(p->answer);
		p->pid = 0;
	}
	return result;
}

int places_take(struct places *p, uint64_t now_ns, struct sites *out)
{
	int result = child_wait(p->pid, 0);
	struct sites sites;

	if (result == -EAGAIN && now_ns < p->until_ns)
		return result;
	if (result == -EAGAIN)
		result = -ETIMEDOUT;
	else
		p->pid = 0;
	if (!result && (pread(p->answer, &sites, sizeof(sites), 0) != sizeof(sites) ||
			!sites_are_sane(&sites, p->of)))
		result = -EPROTO;
	if (!result)
		*out = sites;
	if (p->pid)
		child_kill(p->pid);
	close(p->answer);
	p->pid = 0;
	return result;
}

void places_end(struct places *p)
{
	if (!p->pid)
		return;
	child_kill(p->pid);
	close(p->answer);
	p->pid = 0;
}
