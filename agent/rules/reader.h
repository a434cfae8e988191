/*
 * reader - rules out of a JSON document, with everything that is wrong in it.
 *
 * Threads:  one.
 * Memory:   rules are written into the caller's; the document is borrowed.
 * Errors:   findings: "file:line: rule: key: reason"; those of the document are not to be used
 *           while there is one.
 */
#ifndef RULES_READER_H
#define RULES_READER_H

#include "config_file.h"
#include "findings.h"
#include "spec.h"
#include "tree.h"

struct reader_sink {
	void *ctx;
	/* A rule that is good by itself. switched: it says nothing but whether it is enabled. */
	void (*put)(void *ctx, const struct spec *spec, bool switched);
};

/* A list of rules, of a document that has more than them. */
struct reader_list {
	const struct config_text *text;
	const struct tree *rules;
	const char *path; /* of the list in it; "": it is the document itself */
};

void reader_read_list(const struct reader_list *list, const struct spec_defaults *defaults,
		      const struct reader_sink *sink, struct findings *findings);
void reader_read(const struct config_text *text, const struct spec_defaults *defaults,
		 const struct reader_sink *sink, struct findings *findings);

#endif
