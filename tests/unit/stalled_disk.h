/*
 * stalled_disk - a disk that takes nothing more from a scribe until a test lets it: the thread
 *                opens a pipe that nobody reads, which the kernel has it wait for.
 */
#ifndef STALLED_DISK_H
#define STALLED_DISK_H

#include "rs_test.h"
#include "scribe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALLED_FILE "stalls"

static inline void stalled_path(const struct scribe *s, char path[128])
{
	snprintf(path, 128, "%s/" STALLED_FILE ".next", scribe_folder(s));
}

/* The scribe runs: what is given to it from here on waits. */
static inline void disk_stalls(struct scribe *s)
{
	const struct scribe_page page = {
		.file = STALLED_FILE, .how = SCRIBE_WHOLE, .bytes = malloc(1), .length = 0
	};
	char path[128];

	stalled_path(s, path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(scribe_give(s, &page), 0);
}

/* It takes all that waits. */
static inline void disk_goes_on(struct scribe *s)
{
	char path[128];
	int fd;

	stalled_path(s, path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(scribe_wait(s, scribe_given(s), 20000));
	close(fd);
}

#endif
