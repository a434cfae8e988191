#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int list_read(struct list *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	l->bytes = 0;
	l->odd = true;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOENT : 0;
	n = read(fd, l->text, sizeof(l->text));
	close(fd);
	if (n < 0 || (size_t)n > RS_LIST_BYTES)
		return 0;
	l->bytes = (size_t)n;
	l->odd = false;
	return 0;
}

bool list_silences(const struct list *l, const char *service, const char *exe)
{
	return l->odd || rs_list_empty(l->text, l->bytes) ||
	       rs_list_names(l->text, l->bytes, service, exe);
}
