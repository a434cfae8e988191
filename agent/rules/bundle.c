#include "bundle.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUNDLE_BYTES ((size_t)(BUNDLE_FILE_BYTES + 512) * BUNDLE_FILES)
#define BUNDLE_HEAD "%d %zu %s\n" /* error, length, name; the bytes follow */

static ssize_t bundle_read_file(const char *path, char *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		n = -errno;
	else if (!S_ISREG(st.st_mode))
		n = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		n = file_read_at(fd, bytes, BUNDLE_FILE_BYTES + 1, 0);
	close(fd);
	return n > (ssize_t)BUNDLE_FILE_BYTES ? -EFBIG : n;
}

static int bundle_put(int fd, const char *path, ssize_t length, const char *bytes)
{
	char head[BUNDLE_NAME + 64];
	int n = snprintf(head, sizeof(head), BUNDLE_HEAD, length < 0 ? (int)length : 0,
			 length < 0 ? (size_t)0 : (size_t)length, path);
	int ret = file_write(fd, head, (size_t)n);

	return ret || length <= 0 ? ret : file_write(fd, bytes, (size_t)length);
}

static int bundle_fill(int fd, char *const *paths)
{
	char *bytes = malloc(BUNDLE_FILE_BYTES + 1);
	int ret = bytes ? 0 : -ENOMEM;

	for (size_t i = 0; paths[i] && !ret; i++) {
		bool room = i < BUNDLE_FILES && strlen(paths[i]) < BUNDLE_NAME &&
			    !strchr(paths[i], '\n');
		ssize_t length = room ? bundle_read_file(paths[i], bytes) : -E2BIG;

		if (i <= BUNDLE_FILES) /* the first beyond tells that there are more */
			ret = bundle_put(fd, room ? paths[i] : "too many files, or such a name",
					 length, bytes);
	}
	free(bytes);
	return ret;
}

int bundle_make_of(char *const *paths, int *fd)
{
	int ret;

	*fd = memfd_create("ringside-rules", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	ret = bundle_fill(*fd, paths);
	if (ret) {
		close(*fd);
		*fd = -1;
	}
	return ret;
}

static int bundle_is_rules(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

/* The paths in order of their names, NULL behind them; the caller's with bundle_list_free. */
static int bundle_list(const char *folder, char ***out)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, bundle_is_rules, alphasort);
	char **paths = calloc(n > 0 ? (size_t)n + 1 : 2, sizeof(*paths));
	int ret = paths ? 0 : -ENOMEM;

	*out = paths;
	/* An unreadable folder is like a file that is: its error is told by reading it. */
	if (n < 0)
		return paths && errno != ENOENT && !(paths[0] = strdup(folder)) ? -ENOMEM : ret;
	for (int i = 0; i < n; i++) {
		if (paths && asprintf(&paths[i], "%s/%s", folder, entries[i]->d_name) < 0) {
			paths[i] = NULL;
			ret = -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static void bundle_list_free(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

int bundle_make(const char *folder, int *fd)
{
	char **paths;
	int ret = bundle_list(folder, &paths);

	*fd = -1;
	if (!ret)
		ret = bundle_make_of(paths, fd);
	bundle_list_free(paths);
	return ret;
}

static uint64_t bundle_mix(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return hash;
}

uint64_t bundle_mark(const char *folder)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	char **paths;

	if (bundle_list(folder, &paths)) {
		bundle_list_free(paths);
		return 0;
	}
	for (size_t i = 0; paths[i]; i++) {
		struct stat st;

		memset(&st, 0, sizeof(st));
		if (stat(paths[i], &st))
			st.st_size = -1;
		hash = bundle_mix(hash, paths[i], strlen(paths[i]) + 1);
		hash = bundle_mix(hash, &st.st_size, sizeof(st.st_size));
		hash = bundle_mix(hash, &st.st_ino, sizeof(st.st_ino));
		hash = bundle_mix(hash, &st.st_mode, sizeof(st.st_mode));
		hash = bundle_mix(hash, &st.st_mtim, sizeof(st.st_mtim));
	}
	bundle_list_free(paths);
	return hash ? hash : 1;
}

int bundle_open(struct bundle *b, int fd)
{
	struct stat st;
	ssize_t n;

	memset(b, 0, sizeof(*b));
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < 0 || (size_t)st.st_size > BUNDLE_BYTES)
		return -EBADMSG;
	b->bytes = malloc((size_t)st.st_size + 1);
	if (!b->bytes)
		return -ENOMEM;
	n = file_read_at(fd, b->bytes, (size_t)st.st_size, 0);
	if (n < 0) {
		bundle_close(b);
		return (int)n;
	}
	b->length = (size_t)n;
	b->bytes[n] = '\0';
	return 0;
}

void bundle_close(struct bundle *b)
{
	free(b->bytes);
	memset(b, 0, sizeof(*b));
}

bool bundle_next(struct bundle *b, struct bundle_file *out)
{
	const char *head = b->bytes + b->at;
	const char *end = b->at < b->length ? memchr(head, '\n', b->length - b->at) : NULL;
	int name = 0;

	memset(out, 0, sizeof(*out));
	if (b->at == b->length)
		return false;
	/* NOLINTNEXTLINE(cert-err34-c): a number that is too large fails the check behind it */
	if (!end || sscanf(head, "%d %zu %n", &out->error, &out->length, &name) != 2 || !name ||
	    out->length > b->length - (size_t)(end + 1 - b->bytes)) {
		out->error = -EBADMSG; /* cut off: told like a file that cannot be read */
		out->length = 0;
		b->at = b->length;
		snprintf(out->name, sizeof(out->name), "bundle");
		return true;
	}
	snprintf(out->name, sizeof(out->name), "%.*s", (int)(end - head - name), head + name);
	out->bytes = end + 1;
	b->at = (size_t)(end + 1 - b->bytes) + out->length;
	return true;
}
