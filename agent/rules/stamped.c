#include "stamped.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMPED_HEAD "ringside %s 1 %016" PRIx64 " %zu\n"

uint64_t stamped_sum(const char *bytes, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

int stamped_give(struct scribe *scribe, const struct scribe_page *page)
{
	struct scribe_page stamped = *page;
	char head[96];
	int n = snprintf(head, sizeof(head), STAMPED_HEAD, page->file,
			 stamped_sum(page->bytes, page->length), page->length);

	stamped.length = (size_t)n + page->length;
	stamped.bytes = malloc(stamped.length);
	if (!stamped.bytes)
		return -ENOMEM;
	memcpy(stamped.bytes, head, (size_t)n);
	memcpy(stamped.bytes + n, page->bytes, page->length);
	return scribe_give(scribe, &stamped);
}

static int stamped_read_file(int fd, struct stamped *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STAMPED_BYTES)
		return -EBADMSG;
	out->file = malloc((size_t)st.st_size + 1);
	if (!out->file)
		return -ENOMEM;
	n = file_read(fd, out->file, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	out->file[n] = '\0';
	out->length = (size_t)n;
	return 0;
}

/* Is the first line true of what is behind it? */
static int stamped_check(const char *name, struct stamped *s, char why[STAMPED_WHY])
{
	char *end = memchr(s->file, '\n', s->length), wanted[96];
	size_t at = end ? (size_t)(end + 1 - s->file) : 0, left = s->length - at, told;
	uint64_t sum = stamped_sum(s->file + at, left);

	snprintf(why, STAMPED_WHY, "byte 0 begins no such file");
	/* NOLINTNEXTLINE(cert-err34-c): a number too large fails the comparison behind it */
	if (!end || sscanf(s->file, "ringside %*s 1 %*x %zu", &told) != 1)
		return -EBADMSG;
	snprintf(why, STAMPED_WHY, "cut off at byte %zu of %zu", s->length, at + told);
	if (left < told)
		return -EBADMSG;
	snprintf(why, STAMPED_WHY, "from byte %zu on it is not what was written", at);
	snprintf(wanted, sizeof(wanted), STAMPED_HEAD, name, sum, left);
	if (strlen(wanted) != at || memcmp(wanted, s->file, at) != 0)
		return -EBADMSG;
	s->body = s->file + at;
	s->length = left;
	return 0;
}

int stamped_read(const struct scribe *scribe, const char *name, struct stamped *out,
		 char why[STAMPED_WHY])
{
	char path[512];
	int fd, ret;

	*out = (struct stamped){ .length = 0 };
	snprintf(path, sizeof(path), "%.400s/%s", scribe_folder(scribe), name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ret = fd < 0 ? -errno : stamped_read_file(fd, out);
	if (fd >= 0)
		close(fd);
	snprintf(why, STAMPED_WHY, "%s",
		 ret == -EBADMSG ? "no file of 64 MiB at most" : strerrordesc_np(-ret));
	if (!ret)
		ret = stamped_check(name, out, why);
	if (ret)
		stamped_free(out);
	return ret;
}

void stamped_free(struct stamped *s)
{
	free(s->file);
	*s = (struct stamped){ .length = 0 };
}
