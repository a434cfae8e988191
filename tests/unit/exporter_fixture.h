/*
 * exporter_fixture - the text of /metrics, or of a part of it, for a site made by hand.
 */
#ifndef EXPORTER_FIXTURE_H
#define EXPORTER_FIXTURE_H

#include "document_fixture.h"
#include "exporter.h"

#include <stdio.h>

static inline char *exporter_text(struct document_fixture *d, bool open)
{
	size_t length;
	char *bytes, *text;

	assert_int_equal(exporter_render(&d->site, &d->request, open, &bytes, &length), 0);
	text = strndup(bytes, length);
	assert_non_null(text);
	free(bytes);
	return text;
}

/* The number behind a sample; -1: there is none. */
static inline double exporter_sample(const char *text, const char *sample)
{
	char wanted[512];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\n%s ", sample);
	at = strstr(text, wanted);
	return at ? strtod(at + strlen(wanted), NULL) : -1;
}

#endif
