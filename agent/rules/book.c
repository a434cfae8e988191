#include "book.h"

#include "defaults.h"
#include "reader.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BOOK_NEAR 4

struct book_filling {
	struct book *book;
	struct findings *findings;
	bool failed; /* no memory */
};

static struct spec *book_at(const struct book *b, const char *name)
{
	for (size_t i = 0; i < b->count; i++)
		if (!strcmp(b->specs[i].name, name))
			return &b->specs[i];
	return NULL;
}

const struct spec *book_find(const struct book *b, const char *name)
{
	return book_at(b, name);
}

const char *book_nearest(const struct book *b, const char *name)
{
	const char *nearest = NULL;
	size_t least = BOOK_NEAR;

	for (size_t i = 0; i < b->count; i++) {
		size_t distance = text_distance(b->specs[i].name, name);

		if (distance < least) {
			least = distance;
			nearest = b->specs[i].name;
		}
	}
	return nearest;
}

bool book_is_shipped(const struct spec *s)
{
	return !strncmp(s->where, DEFAULTS_NAME ":", sizeof(DEFAULTS_NAME));
}

static bool book_grow(struct book *b)
{
	size_t room = b->room ? 2 * b->room : 64;
	struct spec *more;

	if (b->count < b->room)
		return true;
	more = realloc(b->specs, room * sizeof(*more));
	if (!more)
		return false;
	b->specs = more;
	b->room = room;
	return true;
}

static void book_switch(const struct book_filling *f, const struct spec *spec)
{
	struct spec *there = book_at(f->book, spec->name);
	const char *near = there ? NULL : book_nearest(f->book, spec->name);

	if (there)
		there->enabled = spec->enabled;
	else
		findings_add(f->findings, "%s: %s: there is no such rule to switch%s%s%s",
			     spec->where, spec->name, near ? "; did you mean " : "",
			     near ? near : "", near ? "?" : "");
}

static void book_put(void *ctx, const struct spec *spec, bool switched)
{
	struct book_filling *f = ctx;
	struct spec *there = book_at(f->book, spec->name);

	if (switched) {
		book_switch(f, spec);
		return;
	}
	if (there && !book_is_shipped(there)) {
		findings_add(f->findings, "%s: %s: this name stands at %s already", spec->where,
			     spec->name, there->where);
		return;
	}
	if (there) {
		*there = *spec;
		return;
	}
	if (f->book->count == BOOK_RULES) {
		findings_add(f->findings, "%s: %s: more than %d rules", spec->where, spec->name,
			     BOOK_RULES);
		return;
	}
	if (book_grow(f->book))
		f->book->specs[f->book->count++] = *spec;
	else
		f->failed = true;
}

static void book_files(const struct reader_sink *sink, const struct spec_defaults *defaults,
		       struct bundle *bundle, struct findings *findings)
{
	struct bundle_file file;

	while (bundle_next(bundle, &file)) {
		const struct config_text text = { file.name, file.bytes, file.length };

		if (file.error)
			findings_add(findings, "%s: cannot be read: %s", file.name,
				     strerrordesc_np(-file.error));
		else
			reader_read(&text, defaults, sink, findings);
	}
}

int book_read_all(struct book **out, const struct spec_defaults *defaults,
		  const struct book_sources *sources, struct findings *findings)
{
	struct config_text shipped = defaults_text();
	struct book_filling f = { .findings = findings };
	const struct reader_sink sink = { &f, book_put };

	*out = NULL;
	f.book = calloc(1, sizeof(*f.book));
	if (!f.book)
		return -ENOMEM;
	reader_read(&shipped, defaults, &sink, findings);
	if (sources->bundle)
		book_files(&sink, defaults, sources->bundle, findings);
	if (sources->list)
		reader_read_list(sources->list, defaults, &sink, findings);
	if (f.failed || findings->count) {
		book_close(f.book);
		return f.failed ? -ENOMEM : -EINVAL;
	}
	*out = f.book;
	return 0;
}

int book_read(struct book **out, const struct spec_defaults *defaults, struct bundle *bundle,
	      struct findings *findings)
{
	const struct book_sources sources = { bundle, NULL };

	return book_read_all(out, defaults, &sources, findings);
}

void book_close(struct book *b)
{
	if (!b)
		return;
	free(b->specs);
	free(b);
}
