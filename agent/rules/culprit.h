/*
 * culprit - what explains most of an alert about a service: one of its routes, requests, processes.
 *
 * Threads:  one owner, that of the source.
 * Memory:   rows that the source keeps, or freed again.
 * Errors:   none: what is not known stays unknown.
 */
#ifndef RULES_CULPRIT_H
#define RULES_CULPRIT_H

#include "notice.h"

struct spec;

/* An engine_explain_fn: source is a struct source between source_begin and source_end. */
void culprit_find(void *source, const struct spec *spec, const struct notice_labels *labels,
		  struct notice_cause *out);

/* A sentence without its dot; "": nothing is known. */
void culprit_text(const struct notice_cause *cause, char *out, size_t size);

const char *
culprit_kind(const struct notice_cause *cause); /* "route", "request", "process"; NULL */

#endif
