#include "symbols.h"

#include "child.h"
#include "file.h"
#include "symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOLS_ANSWER_BYTES (80 << 20)
#define SYMBOLS_DEBUG "/usr/lib/debug/.build-id"
#define SYMBOLS_ID 72

static uint32_t symbols_file_count(const struct symbols_question *q)
{
	return q->file_count < SYMBOLIZE_FILES ? q->file_count : SYMBOLIZE_FILES;
}

static uint32_t symbols_address_count(const struct symbols_question *q)
{
	return q->address_count < SYMBOLIZE_ADDRESSES ? q->address_count : SYMBOLIZE_ADDRESSES;
}

static int symbols_write_question(const struct symbols_question *q, const int *debug, int fd)
{
	const struct symbolize_head head = { .file_count = symbols_file_count(q),
					     .address_count = symbols_address_count(q),
					     .kallsyms = q->kallsyms };
	int result = file_write(fd, &head, sizeof(head));

	for (uint32_t i = 0; i < head.file_count && !result; i++) {
		const struct symbolize_file file = { .start = q->files[i].start,
						     .end = q->files[i].end,
						     .offset = q->files[i].offset,
						     .fd = q->files[i].fd,
						     .debug = debug[i] };

		result = file_write(fd, &file, sizeof(file));
	}
	if (!result)
		result = file_write(fd, q->addresses, head.address_count * sizeof(q->addresses[0]));
	return result || lseek(fd, 0, SEEK_SET) ? (result ? result : -errno) : 0;
}

static int symbols_start(const struct symbols_question *q, const int *debug, const int ends[2],
			 pid_t *out)
{
	int passed[2 * SYMBOLIZE_FILES + 1] = { q->kallsyms };
	struct child_start start = { .program = q->program,
				     .word = CHILD_SYMBOLIZE,
				     .question = ends[0],
				     .answer = ends[1],
				     .passed = passed,
				     .passed_count = 1 };

	for (uint32_t i = 0; i < symbols_file_count(q); i++) {
		passed[start.passed_count++] = q->files[i].fd;
		passed[start.passed_count++] = debug[i];
	}
	return child_start(&start, out);
}

static int symbols_wait(pid_t pid)
{
	int result = child_wait(pid, SYMBOLS_WAIT_MS);

	if (result != -EAGAIN)
		return result;
	child_kill(pid);
	return -ETIMEDOUT;
}

static char *symbols_read(int fd)
{
	struct stat s;
	char *text;
	ssize_t n;

	if (fstat(fd, &s) || s.st_size > SYMBOLS_ANSWER_BYTES)
		return NULL;
	text = malloc((size_t)s.st_size + 1);
	n = text ? pread(fd, text, (size_t)s.st_size, 0) : -1;
	if (n >= 0)
		text[n] = '\0';
	return text;
}

/* Has it all names? Then it does not matter what ended it behind them. */
static bool symbols_has_names(const struct symbols_question *q, const char *text)
{
	uint32_t lines = symbols_file_count(q) + symbols_address_count(q);

	for (; text && lines; lines--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text && !lines;
}

/* Its whole answer, and how it ended. */
static int symbols_once(const struct symbols_question *q, const int *debug, char **out)
{
	int ends[2] = { memfd_create("question", MFD_CLOEXEC),
			memfd_create("answer", MFD_CLOEXEC) };
	int result = ends[0] < 0 || ends[1] < 0 ? -errno : 0;
	pid_t pid = -1;

	*out = NULL;
	if (!result)
		result = symbols_write_question(q, debug, ends[0]);
	if (!result)
		result = symbols_start(q, debug, ends, &pid);
	if (!result) {
		result = symbols_wait(pid);
		*out = symbols_read(ends[1]);
		if (!*out)
			result = -ENOMEM;
		else if (symbols_has_names(q, *out))
			result = 0;
	}
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return result;
}

/* The next line, without its end; NULL: none that is whole. */
static char *symbols_line(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

/* The debug file that Debian's packages and others put there for such a build. */
static int symbols_debug_open(const char *id)
{
	char path[sizeof(SYMBOLS_DEBUG) + SYMBOLS_ID + 16];
	size_t length = strlen(id);
	struct stat s;
	int fd;

	if (length < 6 || length >= SYMBOLS_ID || strspn(id, "0123456789abcdef") != length)
		return -1;
	snprintf(path, sizeof(path), SYMBOLS_DEBUG "/%.2s/%s.debug", id, id + 2);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && (fstat(fd, &s) || !S_ISREG(s.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What it says of the files. Returns how many debug files were opened for another question. */
static uint32_t symbols_files(const struct symbols_question *q, char **at, int *debug)
{
	uint32_t opened = 0;

	for (uint32_t i = 0; i < symbols_file_count(q); i++) {
		const char *line = symbols_line(at);
		const char *blank = line ? strchr(line, ' ') : NULL;

		if (!blank)
			continue;
		q->files[i].whole = strncmp(line, "whole ", 6) == 0;
		if (q->files[i].whole || debug[i] >= 0)
			continue;
		debug[i] = symbols_debug_open(blank + 1);
		opened += debug[i] >= 0;
	}
	return opened;
}

static void symbols_inlined(const struct symbols_question *q, char *at, struct symbols *out)
{
	const char *line;

	while ((line = symbols_line(&at)) != NULL) {
		char *names;
		unsigned long i = strtoul(line, &names, 10);

		if (i < symbols_address_count(q) && *names == '\t')
			out->inlined[i] = names + 1;
	}
}

static void symbols_names(const struct symbols_question *q, char *at, struct symbols *out)
{
	for (uint32_t i = 0; i < symbols_address_count(q); i++) {
		const char *line = symbols_line(&at);

		if (!line)
			return;
		out->names[i] = *line ? line : NULL;
	}
	symbols_inlined(q, at, out);
}

int symbols_ask(const struct symbols_question *q, struct symbols *out)
{
	int debug[SYMBOLIZE_FILES], result;
	char *at, *again = NULL;

	memset(out, 0, sizeof(*out));
	memset(debug, -1, sizeof(debug));
	out->names = calloc((size_t)q->address_count + 1, sizeof(*out->names));
	out->inlined = calloc((size_t)q->address_count + 1, sizeof(*out->inlined));
	if (!out->names || !out->inlined)
		return -ENOMEM;
	out->asked = symbols_address_count(q);
	result = symbols_once(q, debug, &out->text);
	at = out->text;
	if (!result && symbols_files(q, &at, debug) && !symbols_once(q, debug, &again)) {
		free(out->text);
		at = out->text = again;
		again = NULL;
		symbols_files(q, &at, debug);
	}
	free(again);
	if (!result)
		symbols_names(q, at, out);
	for (uint32_t i = 0; i < SYMBOLIZE_FILES; i++)
		if (debug[i] >= 0)
			close(debug[i]);
	return result;
}

void symbols_fini(struct symbols *s)
{
	free(s->names);
	free(s->inlined);
	free(s->text);
	memset(s, 0, sizeof(*s));
}
