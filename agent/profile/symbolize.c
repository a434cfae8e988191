#include "symbolize.h"

#include "binary.h"
#include "file.h"
#include "inlined.h"
#include "jail.h"
#include "symtab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYMBOLIZE_MAP_BYTES (64u << 20) /* of a perf map, and of kallsyms */
#define SYMBOLIZE_KERNEL (UINT64_C(1) << 63)

struct symbolize {
	struct symbolize_head head;
	struct symbolize_file *files;
	uint64_t *addresses;
	struct binary *binaries; /* of each file */
	struct inlined *inlined; /* of file inlined_of: addresses come in order of their files */
	uint32_t inlined_of;     /* plus 1; 0: none was looked into yet */
	struct symtab kernel, perf;
	FILE *out;
};

/* The whole of a file whose size nobody believes, by pread. */
static char *symbolize_text(int fd, size_t *length)
{
	size_t room = 1 << 20;
	char *text = malloc(room), *grown;
	ssize_t n = text ? 1 : 0;

	*length = 0;
	while (n > 0) {
		n = pread(fd, text + *length, room - *length, (off_t)*length);
		*length += n > 0 ? (size_t)n : 0;
		if (*length < room)
			continue;
		grown = room < SYMBOLIZE_MAP_BYTES ? realloc(text, room * 2) : NULL;
		if (!grown)
			break;
		text = grown;
		room *= 2;
	}
	return text;
}

static void symbolize_map(int fd, struct symtab *out,
			  int (*take)(struct symtab *t, const char *text, size_t length))
{
	size_t length;
	char *text = symbolize_text(fd, &length);

	if (text)
		take(out, text, length);
	free(text);
	symtab_sort(out);
}

static void symbolize_file_read(struct symbolize *s, uint32_t i)
{
	const struct symbolize_file *f = &s->files[i];
	struct binary *e = &s->binaries[i];
	int result = -ENOENT;

	if (f->fd >= 0 && !f->end)
		symbolize_map(f->fd, &s->perf, symtab_perf);
	else if (f->fd >= 0)
		result = binary_read(e, f->fd);
	if (f->debug >= 0 && f->end && e->segment_count)
		binary_debug_read(e, f->debug);
	if (result && !e->build_id[0])
		fputs("none\n", s->out);
	else
		fprintf(s->out, "%s %s\n", e->whole ? "whole" : "part",
			e->build_id[0] ? e->build_id : "-");
}

static const char *symbolize_user(const struct symbolize *s, uint64_t address)
{
	for (uint32_t i = 0; i < s->head.file_count; i++) {
		const struct symbolize_file *f = &s->files[i];

		if (f->fd >= 0 && address >= f->start && address < f->end)
			return binary_find(&s->binaries[i], address - f->start + f->offset);
	}
	return symtab_find(&s->perf, address);
}

static void symbolize_text_put(struct symbolize *s, const char *name)
{
	for (uint32_t i = 0; name && name[i] && i < SYMBOLIZE_NAME - 1; i++)
		fputc((unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i], s->out);
}

static void symbolize_name(struct symbolize *s, const char *name)
{
	symbolize_text_put(s, name);
	fputc('\n', s->out);
}

static void symbolize_inlined_name(void *ctx, const char *name)
{
	struct symbolize *s = ctx;

	fputc('\t', s->out);
	symbolize_text_put(s, name);
}

/* What was put into the function there. */
static void symbolize_inlined(struct symbolize *s, uint32_t address, uint32_t file)
{
	const struct symbolize_file *f = &s->files[file];
	uint64_t at =
		binary_address(&s->binaries[file], s->addresses[address] - f->start + f->offset);

	if (s->inlined_of != file + 1) {
		inlined_close(s->inlined);
		inlined_open(&s->inlined, f->debug >= 0 ? f->debug : f->fd);
		s->inlined_of = file + 1;
	}
	if (!s->inlined || at == BINARY_NOWHERE)
		return;
	fprintf(s->out, "%u", address);
	inlined_each(s->inlined, at, symbolize_inlined_name, s);
	fputc('\n', s->out);
}

static void symbolize_inlines(struct symbolize *s)
{
	for (uint32_t i = 0; i < s->head.address_count; i++)
		for (uint32_t k = 0; k < s->head.file_count; k++) {
			const struct symbolize_file *f = &s->files[k];

			if (f->fd < 0 || s->addresses[i] < f->start || s->addresses[i] >= f->end)
				continue;
			symbolize_inlined(s, i, k);
			break;
		}
	inlined_close(s->inlined);
}

int symbolize_take(void *at, size_t bytes)
{
	return file_read(STDIN_FILENO, at, bytes) == (ssize_t)bytes ? 0 : -EPIPE;
}

static int symbolize_question(struct symbolize *s)
{
	int result = symbolize_take(&s->head, sizeof(s->head));

	if (result)
		return result;
	if (s->head.file_count > SYMBOLIZE_FILES || s->head.address_count > SYMBOLIZE_ADDRESSES)
		return -EINVAL;
	s->files = calloc(s->head.file_count + 1, sizeof(*s->files));
	s->binaries = calloc(s->head.file_count + 1, sizeof(*s->binaries));
	s->addresses = calloc(s->head.address_count + 1, sizeof(*s->addresses));
	if (!s->files || !s->binaries || !s->addresses)
		return -ENOMEM;
	result = symbolize_take(s->files, s->head.file_count * sizeof(*s->files));
	return result ? result
		      : symbolize_take(s->addresses, s->head.address_count * sizeof(*s->addresses));
}

static void symbolize_answer(struct symbolize *s)
{
	bool kernel =
		s->head.address_count && s->addresses[s->head.address_count - 1] & SYMBOLIZE_KERNEL;

	for (uint32_t i = 0; i < s->head.file_count; i++)
		symbolize_file_read(s, i);
	if (kernel && s->head.kallsyms >= 0)
		symbolize_map(s->head.kallsyms, &s->kernel, symtab_kernel);
	for (uint32_t i = 0; i < s->head.address_count; i++) {
		uint64_t address = s->addresses[i];

		symbolize_name(s, address & SYMBOLIZE_KERNEL ? symtab_find(&s->kernel, address)
							     : symbolize_user(s, address));
	}
}

int symbolize_main(void)
{
	static struct symbolize s;
	int result = symbolize_question(&s);

	s.out = result ? NULL : fdopen(STDOUT_FILENO, "w");
	inlined_load(); /* without it there are none */
	if (!s.out || jail_enter(SYMBOLIZE_CPU_S))
		return 1;
	symbolize_answer(&s);
	fflush(s.out); /* with this much it may end: what follows can take long, and is hostile */
	symbolize_inlines(&s);
	return fflush(s.out) || ferror(s.out) ? 1 : 0;
}
