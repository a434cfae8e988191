#include "file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_HERE UINT64_MAX /* where it stands: pipes have no place */

static ssize_t file_fill(int fd, char *out, size_t size, uint64_t from)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = from == FILE_HERE
				    ? read(fd, out + done, size - done)
				    : pread(fd, out + done, size - done, (off_t)(from + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t file_read(int fd, void *out, size_t size)
{
	return file_fill(fd, out, size, FILE_HERE);
}

ssize_t file_read_at(int fd, void *out, size_t size, uint64_t from)
{
	return from > INT64_MAX - size ? -EINVAL : file_fill(fd, out, size, from);
}

bool file_has(int fd, void *out, size_t size, uint64_t from)
{
	return file_read_at(fd, out, size, from) == (ssize_t)size;
}

bool file_is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int file_write(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}
