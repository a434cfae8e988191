#include "secret.h"

#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What somebody else may write he may choose, and know. */
static int secret_check(int fd, const char *path)
{
	struct stat st;

	if (!file_is_ours(fd))
		return -EPERM;
	if (!fstat(fd, &st) && st.st_mode & S_IROTH)
		log_warning("%s is a secret, and can be read by everybody", path);
	return 0;
}

int secret_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), ret;
	ssize_t n = 0;

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	ret = secret_check(fd, path);
	if (!ret)
		n = file_read(fd, out, size);
	close(fd);
	if (n < 0)
		ret = (int)n;
	else if (n == (ssize_t)size)
		ret = -EFBIG;
	out[n > 0 && !ret ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return ret || *out ? ret : -ENODATA;
}

const char *secret_error_text(int error)
{
	return error == -EPERM ? "others than root may write it" : strerrordesc_np(-error);
}

void secret_load(struct secret *out, const char *key, const char *path)
{
	int ret;

	memset(out, 0, sizeof(*out));
	if (!*path || !strcmp(path, "none"))
		return;
	ret = secret_read(path, out->text, sizeof(out->text));
	if (ret)
		snprintf(out->fault, sizeof(out->fault), "%s: %.120s: %.80s", key, path,
			 secret_error_text(ret));
}
