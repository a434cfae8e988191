/*
 * capture_fixture - segments as the shim makes them, and files that only look like one.
 */
#ifndef CAPTURE_FIXTURE_H
#define CAPTURE_FIXTURE_H

#include "rs_test.h"

#include <ringside/segment.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPTURE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static inline int capture_memfd_named(const char *name, size_t bytes, int seals)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static inline struct rs_header capture_header(const char *run_dir, uint32_t pid)
{
	struct rs_header h;

	memset(&h, 0, sizeof(h));
	h.magic = RS_MAGIC;
	h.abi = RS_ABI_VERSION;
	h.bytes = RS_SEGMENT_BYTES;
	h.pid = pid;
	h.clock = RS_CLOCK_MONOTONIC;
	h.allocator = RS_ALLOCATOR_SEEN;
	snprintf(h.run_dir, sizeof(h.run_dir), "%s", run_dir);
	return h;
}

static inline void capture_write(int fd, const struct rs_header *h)
{
	assert_int_equal(pwrite(fd, h, sizeof(*h), 0), sizeof(*h));
}

static inline int capture_memfd(size_t bytes, int seals)
{
	return capture_memfd_named(RS_SEGMENT_NAME, bytes, seals);
}

/* A good one; the caller closes it. */
static inline int capture_segment(const char *run_dir, uint32_t pid)
{
	struct rs_header h = capture_header(run_dir, pid);
	int fd = capture_memfd(RS_SEGMENT_BYTES, CAPTURE_SEALS);

	capture_write(fd, &h);
	return fd;
}

#endif
