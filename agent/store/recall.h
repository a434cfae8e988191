/*
 * recall - what the files of one step have of a scope, added to a timeline, or of a gauge to cells.
 *
 * Threads:  a value; its owner's. Files may be appended to and deleted meanwhile.
 * Memory:   borrows; what it reads is freed again.
 * Errors:   0 or -errno of the last file that could not be read; the others are added all the same.
 */
#ifndef STORE_RECALL_H
#define STORE_RECALL_H

#include "archive.h"
#include "cells.h"

struct recall {
	const struct metrics_scope *scope;
	struct timeline *t;  /* as metrics_timeline or metrics_gauges filled it */
	struct cells *cells; /* NULL: no gauge is asked for */
	enum series_step step;
	int folder;
	const char *boot;
	/* set by recall_files */
	int64_t shift_s;  /* of the file's seconds to those of the timeline */
	int64_t before_s; /* of the file's own */
	struct slot *scratch;
	uint32_t block; /* counts them */
	bool is_mended; /* that block */
};

int recall_files(struct recall *r, const struct archive_file *files, uint32_t count);

#endif
