#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int folders_fail(struct config_error *error, const char *path, const char *what, int result)
{
	snprintf(error->text, sizeof(error->text), "%s: %s: %s", path, what,
		 strerror(-result)); /* NOLINT(concurrency-mt-unsafe): one thread */
	return result;
}

/* Like mkdir -p; parents are for everybody to pass. */
static int folders_make(const char *path)
{
	char part[FOLDERS_PATH];
	size_t length = strlen(path);

	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int folders_worker(int fd, const char *path, uid_t uid, gid_t gid,
			  struct config_error *error)
{
	static const char what[] = "cannot make " FOLDERS_WORKER " in it";

	if (mkdirat(fd, FOLDERS_WORKER, 0750) && errno != EEXIST)
		return folders_fail(error, path, what, -errno);
	if (geteuid() == 0 && fchownat(fd, FOLDERS_WORKER, uid, gid, AT_SYMLINK_NOFOLLOW))
		return folders_fail(error, path, what, -errno);
	return 0;
}

static int folders_one(const char *path, char out[FOLDERS_PATH], int *fd,
		       struct config_error *error)
{
	int result;

	*fd = -1;
	if (snprintf(out, FOLDERS_PATH, "%s", path) >= FOLDERS_PATH - 16)
		return folders_fail(error, path, "too long for a socket in it", -ENAMETOOLONG);
	result = folders_make(out);
	if (result)
		return folders_fail(error, out, "cannot be made", result);
	*fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return folders_fail(error, out, "cannot be opened", -errno);
	if (flock(*fd, LOCK_EX | LOCK_NB)) {
		snprintf(error->text, sizeof(error->text),
			 "another agent runs in %s; give this one its own --run-dir and "
			 "--state-dir",
			 out);
		return -EBUSY;
	}
	return 0;
}

int folders_open(struct folders *f, const struct config *c, uid_t uid, gid_t gid,
		 struct config_error *error)
{
	int result = folders_one(config_text(c, CONFIG_RUN_DIR), f->run, &f->run_fd, error);

	f->state_fd = -1;
	if (result == 0)
		result = folders_worker(f->run_fd, f->run, uid, gid, error);
	if (result == 0)
		result = folders_one(config_text(c, CONFIG_STATE_DIR), f->state, &f->state_fd,
				     error);
	if (result == 0)
		result = folders_worker(f->state_fd, f->state, uid, gid, error);
	if (result)
		folders_close(f);
	return result;
}

void folders_close(struct folders *f)
{
	if (f->run_fd >= 0)
		close(f->run_fd);
	if (f->state_fd >= 0)
		close(f->state_fd);
	f->run_fd = -1;
	f->state_fd = -1;
}
