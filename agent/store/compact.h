/*
 * compact - a file that is complete is written anew: its many small blocks become few large ones.
 *
 * Threads:  the writer's.
 * Memory:   the whole file and a block of it, freed again.
 * Errors:   0 or -errno: the file is as it was. -EFBIG: it is far larger than ours are.
 *
 * What happened is written each few seconds, and five minutes each by itself, so that little is
 * ever lost; but the longer a run, the less its numbers cost. The new file takes the old one's name
 * when it is on the disk as a whole: who is killed before leaves the old one, and a part that the
 * next compaction or archive_open throws away.
 */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "archive.h"

/* bytes: what it has then. */
int compact_file(int folder, enum series_step step, const struct archive_file *file,
		 uint64_t *bytes);

#endif
