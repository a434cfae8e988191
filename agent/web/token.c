#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_NEW TOKEN_FILE ".new"

/* Written beside and renamed: a reader finds the old one or the new one, never a half. */
static int token_store(int dir_fd, gid_t group, const char *text)
{
	size_t length = strlen(text);
	int fd, ret = 0;

	unlinkat(dir_fd, TOKEN_NEW, 0);
	fd = openat(dir_fd, TOKEN_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if ((group != (gid_t)-1 && fchown(fd, (uid_t)-1, group)) || fchmod(fd, 0640))
		ret = -errno;
	else if (write(fd, text, length) != (ssize_t)length)
		ret = -EIO;
	close(fd);
	if (!ret && renameat(dir_fd, TOKEN_NEW, dir_fd, TOKEN_FILE))
		ret = -errno;
	if (ret)
		unlinkat(dir_fd, TOKEN_NEW, 0);
	return ret;
}

int token_make(int dir_fd, gid_t group, char out[TOKEN_TEXT])
{
	unsigned char secret[32];
	char line[TOKEN_TEXT + 1];
	int ret;

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(out + 2 * i, 3, "%02x", secret[i]);
	snprintf(line, sizeof(line), "%s\n", out);
	ret = token_store(dir_fd, group, line);
	if (ret)
		out[0] = '\0';
	return ret;
}

bool token_matches(const char *expected, const char *given)
{
	size_t n = strlen(expected), m = strlen(given), k = 0;
	volatile unsigned char differs = n != m;

	if (!n)
		return false;
	/* Every byte given is looked at, whatever was right before it. */
	for (size_t i = 0; i < m; i++) {
		differs = differs | (unsigned char)(given[i] ^ expected[k]);
		k = k + 1 < n ? k + 1 : 0;
	}
	return !differs;
}
