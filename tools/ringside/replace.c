#include "replace.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLACE_MODE 0644

static int replace_folders(const char *path)
{
	char folder[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* As the old one is, where there is one. */
static int replace_rights(int fd, const char *path)
{
	struct stat old;

	if (stat(path, &old))
		return fchmod(fd, REPLACE_MODE) ? -errno : 0;
	if ((old.st_uid != geteuid() || old.st_gid != getegid()) &&
	    fchown(fd, old.st_uid, old.st_gid))
		return -errno;
	return fchmod(fd, old.st_mode & 07777) ? -errno : 0;
}

/* The entry itself has to last too. */
static void replace_sync_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return;
	slash[1] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int replace_file(const char *path, const char *text)
{
	char real[PATH_MAX], fresh[PATH_MAX + 16];
	int result = replace_folders(path);
	int fd;

	if (result)
		return result;
	if (!realpath(path, real) && snprintf(real, sizeof(real), "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(fresh, sizeof(fresh), "%s.XXXXXX", real);
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = file_write(fd, text, strlen(text));
	if (result == 0 && fsync(fd))
		result = -errno;
	if (result == 0)
		result = replace_rights(fd, real);
	close(fd);
	if (result == 0 && rename(fresh, real))
		result = -errno;
	if (result)
		unlink(fresh);
	else
		replace_sync_folder(real);
	return result;
}

/* So that the folder's owner may come after root. */
static int replace_lend(int fd, const char *lock)
{
	char folder[PATH_MAX];
	struct stat owner;

	snprintf(folder, sizeof(folder), "%s", lock);
	*strrchr(folder, '/') = '\0';
	if (geteuid() || stat(folder, &owner) || owner.st_uid == 0)
		return 0;
	return fchown(fd, owner.st_uid, owner.st_gid) ? -errno : 0;
}

int replace_hold(const char *path)
{
	char lock[PATH_MAX];
	int fd, result = replace_folders(path);

	if (result == 0 && (!strchr(path, '/') ||
			    snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock)))
		result = -ENAMETOOLONG;
	if (result)
		return result;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	result = replace_lend(fd, lock);
	if (result == 0 && TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)))
		result = -errno;
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

void replace_release(int hold)
{
	if (hold >= 0)
		close(hold);
}

static int replace_take(int fd, char **out)
{
	struct stat s;
	ssize_t n;

	if (fstat(fd, &s))
		return -errno;
	if (!S_ISREG(s.st_mode))
		return -EINVAL;
	if (s.st_size > REPLACE_READ_MAX)
		return -EFBIG;
	*out = calloc(1, (size_t)s.st_size + 1);
	if (!*out)
		return -ENOMEM;
	n = file_read(fd, *out, (size_t)s.st_size);
	if (n == s.st_size)
		return 0;
	free(*out);
	*out = NULL;
	return n < 0 ? (int)n : -EAGAIN;
}

int replace_read(const char *path, char **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result;

	*out = NULL;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	result = replace_take(fd, out);
	close(fd);
	return result;
}

int replace_remove(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	if (unlink(path))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash > folder) {
		*slash = '\0';
		rmdir(folder); /* not empty, as a rule */
	}
	return 0;
}
